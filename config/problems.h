/* config/problems.h: everything that is wrong with a configuration, collected.
 *
 * Each is a sentence for the operator; all are found in one run, not only the
 * first. Errors refuse the start, warnings do not. Notes are about settings that others
 * read, and ignored names are keys that nobody knows. The lists are bounded; { 0 } is
 * empty. */
#ifndef CONFIG_PROBLEMS_H
#define CONFIG_PROBLEMS_H

#include "config/string_list.h"

enum { PROBLEMS_MAX = 1000 }; /* of each kind; the rest is only counted */

struct problems {
    struct string_list errors;
    struct string_list warnings;
    struct string_list notes;
    struct string_list ignored; /* "logs_enabled", "DD_APM_ENABLED" */
    size_t n_unlisted;
    bool out_of_memory; /* an error too, for which there was no sentence */
};

void problems_error(struct problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void problems_warn(struct problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void problems_note(struct problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void problems_ignore(struct problems *problems, const char *name);

/* No error so far. */
bool problems_none(const struct problems *problems);

void problems_free(struct problems *given);

#endif
