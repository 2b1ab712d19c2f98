/* protocol/tags.h: walking the raw tag section of a line.
 *
 * "a,,b" has three tags, "," has two (both empty), "" has none. Nothing is
 * trimmed, lowered, sorted or unescaped here. */
#ifndef PROTOCOL_TAGS_H
#define PROTOCOL_TAGS_H

#include "protocol/slice.h"

struct tags {
    struct slice rest;
    bool more;
};

static inline struct tags tags_of(struct slice section)
{
    return (struct tags){ section, section.len > 0 };
}

/* False when there is no further tag. */
static inline bool tags_next(struct tags *tags, struct slice *tag)
{
    if (!tags->more)
        return false;
    const char *comma = tags->rest.len > 0 ? memchr(tags->rest.at, ',', tags->rest.len) : NULL;

    tags->more = comma != NULL;
    *tag = slice_cut(&tags->rest, ',');
    return true;
}

#endif
