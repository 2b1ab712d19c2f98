/* flush/history/packed.h: what some series did in one window, as the blobs of a row.
 *
 *   ids       by 64: how far each is from the one before (flush/history/narrow.h)
 *   columns   cells by 64, in the order of the ids (flush/history/squeeze.h)
 *   objects   of sets and distributions: place among the ids, length, bytes
 *
 * A row has up to 1024 series, so what a question does not ask for is skipped, and what it asks
 * for lies together.
 *
 * A file may be damaged and SQLite has no checksums, so what is read is looked at: bytes can
 * give wrong numbers, but none that are not finite, and lead nobody astray. Numbers are as this
 * machine has them. Pure. */
#ifndef FLUSH_HISTORY_PACKED_H
#define FLUSH_HISTORY_PACKED_H

#include "config/must_check.h"
#include "flush/rollups/window.h"
#include "protocol/slice.h"

enum { PACKED_SERIES_MAX = 1024 };

/* ---- writing ----------------------------------------------------------- */

struct packed_cell {
    uint32_t id;
    struct window_cell cell;
    struct slice object; /* empty: it has none */
};

/* Ascending by id. */
void packed_sort(struct packed_cell *cells, size_t n);

/* { 0 } is an empty one; used again and again, it keeps its memory. */
struct packed {
    uint32_t n, low, high;
    struct bytes ids, columns[WINDOW_COLUMNS], objects;
};

/* Of 1 to PACKED_SERIES_MAX cells, ascending by id, each with a count above 0. False without
 * memory. */
MUST_CHECK bool packed_make(struct packed *packed, const struct packed_cell *cells, size_t n);
void packed_free(struct packed *given);

/* ---- reading ----------------------------------------------------------- */

/* Each false: the bytes are damaged, and what is in out means nothing. */

MUST_CHECK bool packed_ids(struct slice ids, uint32_t n,
                           uint32_t out[static PACKED_SERIES_MAX]);

/* Of another column than the sums: sums, as they were read. */
MUST_CHECK bool packed_column(struct slice packed, enum window_column column, uint32_t n,
                              const double *sums, double out[static PACKED_SERIES_MAX]);

struct packed_object {
    uint32_t place; /* among the ids */
    struct slice bytes;
};

/* The first object of *rest, which then begins behind it; *next_place is 0 before the first. At
 * the end rest is empty. */
MUST_CHECK bool packed_next_object(struct slice *rest, uint32_t *next_place, uint32_t n,
                                   struct packed_object *out);

#endif
