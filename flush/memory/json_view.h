/* flush/memory/json_view.h: a JSON text, checked once and then read in place.
 *
 *   text -> json_view_check() -> a value, which is a view of the text
 *   value -> its kind, its members or items, its text or number
 *
 * Pure: nothing is allocated or copied, and a value is given back byte by byte as it came. Only
 * a text that was found valid may be read; what is asked of a value of another kind is answered
 * as if it were empty. The grammar is that of RFC 8259, and text is UTF-8. */
#ifndef FLUSH_MEMORY_JSON_VIEW_H
#define FLUSH_MEMORY_JSON_VIEW_H

#include <stdint.h>

#include "config/must_check.h"
#include "protocol/slice.h"

enum { JSON_DEPTH_MAX = 64 };

enum json_kind {
    JSON_KIND_NONE, /* an empty view: there is no such value */
    JSON_KIND_NULL,
    JSON_KIND_FALSE,
    JSON_KIND_TRUE,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

/* What is wrong, and at which byte. */
struct json_fault {
    const char *sentence; /* static */
    size_t at;
};

/* Checks the whole text, which is one value with space around it, no deeper than JSON_DEPTH_MAX
 * and with keys_max names of members at most, all objects together. *value: a view without that
 * space. */
MUST_CHECK bool json_view_check(struct slice text, size_t keys_max, struct slice *value,
                                struct json_fault *fault);

enum json_kind json_view_kind(struct slice value);

/* It is not there, or null. */
static inline bool json_view_is_absent(struct slice value)
{
    return json_view_kind(value) <= JSON_KIND_NULL;
}

/* ---- arrays and objects ------------------------------------------------ */

/* What stands between the brackets, for the two below; empty for any other kind. */
struct slice json_view_inside(struct slice value);

/* Cuts off the first item of an array. False: there is none left. */
bool json_view_next_item(struct slice *inside, struct slice *value);

/* The same for an object; the name is a string, with its quotes. */
bool json_view_next_member(struct slice *inside, struct slice *name, struct slice *value);

/* The first member of that name; an empty view: there is none. */
struct slice json_view_member(struct slice object, const char *name);

/* Whether it has a member of that name, which is a string with its quotes, written alike. */
bool json_view_has(struct slice object, struct slice name);

/* ---- strings and numbers ----------------------------------------------- */

/* Whether the string, with its quotes, says that. */
bool json_view_says(struct slice string, const char *text);

/* What the string says, decoded into room of as many bytes as the string has; its length. Half
 * of a surrogate pair becomes U+FFFD. Any other kind is empty. */
size_t json_view_text(struct slice string, char *room);

/* The same to *room, which moves behind it. */
static inline struct slice json_view_decode(struct slice string, char **room)
{
    struct slice text = { *room, json_view_text(string, *room) };

    *room += text.len;
    return text;
}

/* False: it is no number, or beyond a double. */
bool json_view_number(struct slice value, double *out);

/* False: it is no whole number, or beyond 64 bits. */
bool json_view_whole(struct slice value, int64_t *out);

#endif
