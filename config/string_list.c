#include "config/string_list.h"

#include <stdlib.h>
#include <string.h>

/* The room is the next power of two, so it needs no field of its own. */
static bool make_room(struct string_list *list)
{
    if ((list->n & (list->n - 1)) != 0)
        return true;
    size_t room = list->n > 0 ? 2 * list->n : 1;
    char **at = reallocarray(list->at, room, sizeof *at);

    if (at != NULL)
        list->at = at;
    return at != NULL;
}

bool string_list_add(struct string_list *list, const char *at, size_t len)
{
    if (!make_room(list))
        return false;
    char *copy = strndup(at, len);

    if (copy != NULL)
        list->at[list->n++] = copy;
    return copy != NULL;
}

void string_list_free(struct string_list *given)
{
    for (size_t i = 0; i < given->n; i++)
        free(given->at[i]);
    free(given->at);
    *given = (struct string_list){ 0 };
}
