/* server/api/api_form.h: answers and bodies that are made of others: members that are kept as
 * they came, beside those that the server says itself.
 *
 * Lists of names are static and end in NULL. Pure. */
#ifndef SERVER_API_API_FORM_H
#define SERVER_API_API_FORM_H

#include <stdbool.h>

#include "flush/memory/json_out.h"

/* It is not there, or null. */
bool api_form_absent(struct slice value);

/* The member, or what stands for it when it is absent. */
void api_form_or(struct json_out *out, struct slice object, const char *name,
                 const char *instead);

/* All members but those of these names. */
void api_form_rest(struct json_out *out, struct slice object, const char *const *names);

/* The same of two: of a name that both have, that of `over`. */
void api_form_merge(struct json_out *out, struct slice base, struct slice over,
                    const char *const *names);

/* A moment in milliseconds since 1970, as text; 0: null. */
void api_form_time(struct json_out *out, const char *name, int64_t time_ms);

/* Seconds since 1970, or null for 0 or less. */
void api_form_seconds(struct json_out *out, const char *name, int64_t time_s);

#endif
