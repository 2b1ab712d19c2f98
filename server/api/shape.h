/* server/api/shape.h: what a JSON object of others may say, as a table of its members.
 *
 *   object ──► shape_fits(): each member is of its kind, or a sentence names it
 *          ──► shape_write(): the same, of bounded length, and nothing that the table lacks
 *
 * For what is kept as it came and told to others: what is too long is cut, with "…" at its end,
 * what is missing or null is written as null. Pure; the object was checked (json_view.h). */
#ifndef SERVER_API_SHAPE_H
#define SERVER_API_SHAPE_H

#include "config/must_check.h"
#include "flush/memory/json_out.h"
#include "flush/memory/json_view.h"

enum {
    SHAPE_TEXT_MAX = 4096,
    SHAPE_ITEM_MAX = 512,
    SHAPE_NAME_MAX = 64,
    SHAPE_PROBLEM_MAX = 200
};

enum { SHAPE_MEMBERS_MAX = 32 }; /* of one table */

enum shape_kind {
    SHAPE_TEXT,   /* most: bytes, SHAPE_TEXT_MAX at most */
    SHAPE_WHOLE,  /* a whole number that is not negative */
    SHAPE_REAL,   /* a number that is not negative */
    SHAPE_FLAG,   /* true or false */
    SHAPE_TEXTS,  /* most: how many, of SHAPE_ITEM_MAX bytes each */
    SHAPE_COUNTS, /* an object of whole numbers; most: how many */
    SHAPE_OBJECT, /* of the shape inside */
};

/* A member; static, with a name of NULL behind the last of a table. */
struct shape {
    const char *name;
    enum shape_kind kind;
    size_t most;
    const struct shape *inside;
};

/* False, with the end of a sentence that begins where the object stands: "output.lines:
 * expected a whole number of 0 or more". */
MUST_CHECK bool shape_fits(const struct shape *shape, struct slice object,
                           char problem[SHAPE_PROBLEM_MAX]);

/* All of its members. It fits, and is an object or nothing. */
void shape_write(struct json_out *out, const struct shape *shape, struct slice object);

/* The text of a member in so many bytes, with "…" where it was cut; what is no text is empty.
 * room: for most and 4 more bytes; most: SHAPE_TEXT_MAX at most. A view of it. */
struct slice shape_text(struct slice string, size_t most, char *room);

#endif
