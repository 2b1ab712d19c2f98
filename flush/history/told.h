/* flush/history/told.h: series that history is told of, as bytes that travel with a window.
 *
 *   number | kind | unit | name | host | how many tags | tag, tag ...
 *
 * A window names series by the rollups' numbers. Before the first window that mentions a number
 * history is told whose it is; and again when the number became another series'. Written by the
 * flusher, read by history in the same process, so they are as they were written. */
#ifndef FLUSH_HISTORY_TOLD_H
#define FLUSH_HISTORY_TOLD_H

#include "flush/history/store.h"
#include "flush/memory/bytes.h"

/* Appends one; as bytes_add() does when there is no memory. */
void told_put(struct bytes *to, uint32_t number, const struct store_series *series);

struct told {
    uint32_t number;
    struct store_series series; /* views of the bytes, and of the tags below */
    struct slice tags[STORE_TAGS_MAX];
};

/* Cuts the first one off; false: there is none. */
bool told_next(struct slice *rest, struct told *out);

#endif
