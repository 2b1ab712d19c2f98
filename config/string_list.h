/* config/string_list.h: an owned list of owned strings. { 0 } is an empty one. */
#ifndef CONFIG_STRING_LIST_H
#define CONFIG_STRING_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct string_list {
    char **at;
    size_t n;
};

/* Adds a copy of the len bytes; false when there is no memory. */
bool string_list_add(struct string_list *list, const char *at, size_t len);

/* Leaves an empty list. */
void string_list_free(struct string_list *given);

#endif
