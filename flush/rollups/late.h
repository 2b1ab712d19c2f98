/* flush/rollups/late.h: what came by its own time, beside the windows that it belongs to.
 *
 *   level, start -> blocks of 64 series, ascending -> the cells of those that have a value
 *                -> members or bins, ascending by series
 *
 * A sealed window is never written again, and one that has not begun has no place yet. What
 * belongs to either waits here: few series in few windows, so only they take memory. Who puts
 * it where it belongs, and when, stands in rollup_late.c.
 *
 * Series are the numbers of the rollups. Bounded in bytes. One thread, that of the rollups. */
#ifndef FLUSH_ROLLUPS_LATE_H
#define FLUSH_ROLLUPS_LATE_H

#include "config/must_check.h"
#include "flush/rollups/window.h"

struct late_cell {
    struct window_cell cell;
    int64_t newest_s; /* of its points */
};

struct late_block {
    uint32_t number;
    uint32_t capacity;
    uint64_t mask;
    struct late_cell cells[]; /* of those in the mask, without gaps */
};

struct late_object {
    uint32_t series;
    struct rollup_blob blob; /* the rollups' */
};

struct late_window {
    size_t level;
    int64_t start_s;
    int64_t first_s, last_s; /* stamps that snapshots with its points would have */
    struct late_block **blocks;
    uint32_t n_blocks, blocks_capacity;
    struct late_object *objects;
    uint32_t n_objects, objects_capacity;
};

/* All zeros but max_bytes: an empty one, which takes no memory. */
struct late {
    struct late_window **windows; /* by level, then by start */
    size_t n, capacity;
    size_t bytes, max_bytes; /* without objects */
};

/* The first window of the level that starts at that time or later; NULL: there is none. */
struct late_window *late_find(const struct late *late, size_t level, int64_t start_s);

/* The window that starts then, perhaps a new one. NULL: there is no room. */
struct late_window *late_window(struct late *late, size_t level, int64_t start_s);

/* The cell of a series, perhaps an empty one: a view until the next call. NULL: there is no
 * room. */
struct late_cell *late_cell(struct late *late, struct late_window *window, uint32_t series);

/* The place of its members or bins, perhaps an empty one: as above. */
struct rollup_blob *late_object(struct late *late, struct late_window *window, uint32_t series);

bool late_has(const struct late_window *window, uint32_t series);

/* As window_read(). */
uint64_t late_read(const struct late_window *window, uint32_t block, enum window_column column,
                   double values[static COLUMN_VALUES]);

/* Forgets a window, whose objects are freed already. */
void late_drop(struct late *late, struct late_window *given);

/* The cells of a block, those without a value empty. False: it has none. */
bool late_block_cells(const struct late_window *window, uint32_t block,
                      struct window_cell cells[static COLUMN_VALUES]);

#endif
