/* flush/rollups/window.h: what all series did in one span of time, packed.
 *
 * Series are small numbers. They stand in blocks of 64; a block is a mask of who
 * has a value and five packed columns of those who do. Sets and distributions have
 * a blob besides: their members or bins (flush/values/blob.h), ascending by series.
 *
 *   block   mask   sum | count | min | max | last      (flush/memory/column.h)
 *   blobs   series, offset -> bytes
 *
 * Written block after block by one owner, then sealed: from window_close() on it is only read,
 * and others, on any thread, may hold it too. It is freed when the last one lets go. */
#ifndef FLUSH_ROLLUPS_WINDOW_H
#define FLUSH_ROLLUPS_WINDOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "flush/memory/bytes.h"
#include "flush/memory/column.h"

enum window_column {
    WINDOW_SUM,
    WINDOW_COUNT,
    WINDOW_MIN,
    WINDOW_MAX,
    WINDOW_LAST,
    WINDOW_COLUMNS
};

/* One series in one span. count: points, or the values of a distribution; 0: none. */
struct window_cell {
    double column[WINDOW_COLUMNS];
};

/* Adds what came later. */
static inline void window_cell_add(struct window_cell *cell, const struct window_cell *more)
{
    double *column = cell->column;
    bool first = column[WINDOW_COUNT] == 0;

    column[WINDOW_SUM] += more->column[WINDOW_SUM];
    column[WINDOW_COUNT] += more->column[WINDOW_COUNT];
    if (first || more->column[WINDOW_MIN] < column[WINDOW_MIN])
        column[WINDOW_MIN] = more->column[WINDOW_MIN];
    if (first || more->column[WINDOW_MAX] > column[WINDOW_MAX])
        column[WINDOW_MAX] = more->column[WINDOW_MAX];
    column[WINDOW_LAST] = more->column[WINDOW_LAST];
}

/* Members or bins in a window that is not sealed yet; owned. */
struct rollup_blob {
    uint8_t *at; /* NULL: none, and len is the index of the next free extra */
    uint32_t len;
};

struct window_blob {
    uint32_t series;
    uint32_t len;
    size_t offset;
};

struct window {
    _Atomic(uint32_t) holders;
    int64_t start_s;
    int64_t first_s, last_s; /* stamps of the first and the last snapshot in it */
    uint32_t n_blocks;
    uint64_t n_cells; /* with a value */
    bool changed;     /* its owner's: since it was given to who keeps windows */
    struct bytes masks, offsets, data, blobs, blob_data;
};

/* With one holder; NULL without memory. */
struct window *window_new(int64_t start_s);

/* One holder less; NULL is fine. */
void window_free(struct window *given);

/* One more of a sealed one. */
struct window *window_hold(struct window *window);

/* How many bytes of the memory bound it takes. */
size_t window_bytes(const struct window *window);

/* Adds the cells of the next block; some may be empty. False without memory: the window is as
 * it was. */
bool window_add_block(struct window *window,
                      const struct window_cell cells[static COLUMN_VALUES]);

/* Adds copies of the blocks behind the last up to that one, as they are in another window,
 * which has fewer perhaps. False without memory: what was added is whole blocks. */
bool window_add_blocks_of(struct window *window, const struct window *from, uint32_t end);

/* Adds the blob of a series, which must have a higher number than those before it. False
 * without memory. */
bool window_add_blob(struct window *window, uint32_t series, const uint8_t *at, size_t len);

/* Seals it, and gives back what was reserved for more. */
void window_close(struct window *window);

/* One bit for each series of the block: whether it has a value. */
uint64_t window_mask(const struct window *window, uint32_t block);

/* Reads a column of those that have a value, without gaps. Returns that mask. */
uint64_t window_read(const struct window *window, uint32_t block, enum window_column column,
                     double values[static COLUMN_VALUES]);

/* The blobs, ascending by series; *n of them. */
const struct window_blob *window_blobs(const struct window *window, size_t *n);
const uint8_t *window_blob_at(const struct window *window, const struct window_blob *blob);

#endif
