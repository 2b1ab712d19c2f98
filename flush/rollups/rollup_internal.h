/* flush/rollups/rollup_internal.h: the rollups' parts, which stand in files of their own:
 * rollup.c (memory, windows, reading), rollup_series.c (who is known), rollup_add.c
 * (values into open windows), rollup_late.c and rollup_late_put.c (values with a time of their
 * own, and how they come to their place), rollup_read.c
 * (what others read), rollup_watch.c (what is new, and who was given what), rollup_past.c (what
 * was before), rollup_state.c (a successor). */
#ifndef FLUSH_ROLLUPS_ROLLUP_INTERNAL_H
#define FLUSH_ROLLUPS_ROLLUP_INTERNAL_H

#include "flush/memory/arena.h"
#include "flush/memory/index.h"
#include "flush/rollups/late.h"
#include "flush/rollups/matched.h"
#include "flush/rollups/rollup.h"
#include "flush/snapshots/snapshot.h"

enum { ROLLUP_MALLOC_HEAD = 16 };

#define ROLLUP_NO_START  INT64_MIN
#define ROLLUP_NO_SERIES UINT32_MAX

struct rollup_level {
    int64_t step_s;
    int64_t open_s;           /* start of the open window, or ROLLUP_NO_START */
    int64_t first_s, last_s;  /* stamps of the first and the last snapshot in it */
    struct window_cell *open; /* pages, by series */
    struct window *building;  /* the open window while it is being packed; or NULL */
    uint32_t next_block;      /* of it */
    uint32_t unwritten;     /* how many series have a value that rollup_take() has not given */
    struct window **closed; /* n of capacity, oldest first */
    size_t n, capacity;
    size_t bytes;      /* of the closed ones */
    int64_t whole_s;   /* from this time on nothing was dropped */
    int64_t ungiven_s; /* windows from there on are not given yet; INT64_MAX: nobody asks */
};

/* A window of a level that has none from then on in memory, on its way to who keeps windows. */
struct rollup_loose {
    size_t level;
    struct window *window;
};

struct rollup {
    struct rollup_config config;
    struct identities *identities;
    struct flusher_ledger *ledger;
    struct rollup_level levels[ROLLUP_LEVELS_MAX];
    size_t n_levels;

    struct rollup_series *entries; /* pages, max_ids of them */
    uint32_t max_ids, end, live;
    int64_t *newest_ms;   /* pages, by series; NULL: not watched */
    int64_t at_ms;        /* wall clock of what is being added */
    uint32_t lowest_free; /* no free number below */
    struct index index;
    struct matched matched; /* what was asked about them */
    uint32_t *map; /* pages, by series of the catalogue: our number + 1; it may be stale, so its
                      identity is compared */
    uint32_t map_end;

    struct rollup_blob *extras; /* n_levels of them a series that has blobs */
    uint32_t n_extras, extras_capacity, free_extra;

    struct late late;
    struct rollup_loose *loose; /* n_loose of them, oldest first */
    size_t n_loose, loose_capacity, loose_bytes;
    size_t n_changed; /* closed windows that were made anew since they were given */

    size_t strings, blobs; /* bytes */
    size_t late_blobs;     /* of these, what is late */
    int64_t now_s;         /* the newest stamp */
    bool opening, adding, swept;
    uint32_t sweep_next;
    unsigned pins;

    const struct past *past; /* or NULL */
    struct arena_budget scratch_budget;
    struct arena scratch;
    struct bytes packed;
};

/* Where the window of that time starts. */
static inline int64_t rollup_start(int64_t time_s, int64_t step_s)
{
    return time_s - ((time_s % step_s) + step_s) % step_s;
}

/* Of one series, without its strings. */
static inline size_t rollup_series_size(const struct rollup *rollup)
{
    return sizeof(struct rollup_series) + rollup->n_levels * sizeof(struct window_cell) +
           (rollup->newest_ms != NULL ? sizeof *rollup->newest_ms : 0);
}

/* Gives up windows until there is room for so many bytes; false: there is none. This may forget
 * series that no window names and that have no value in an open one. */
bool rollup_make_room(struct rollup *rollup, size_t more);

/* How many bytes the series take, without their windows. */
size_t rollup_series_bytes(const struct rollup *rollup);

/* Our number of a series of the catalogue that has a value now, under that name unless
 * it is empty; ROLLUP_NO_SERIES without memory. */
uint32_t rollup_number(struct rollup *rollup, const struct snapshot_series *series,
                       struct slice name, uint8_t kind);

/* The same of an identity that is held. */
uint32_t rollup_number_held(struct rollup *rollup, struct identity given, uint8_t kind);

/* The same of one that no window in memory may name. */
uint32_t rollup_number_recalled(struct rollup *rollup, struct identity given, uint8_t kind);

/* A series under that number, which is above all others; false: there is no room for it. */
bool rollup_number_restored(struct rollup *rollup, const struct rollup_outside *outside,
                            uint32_t number, uint32_t last_s);

/* Copies a blob in place of another. False without memory. */
bool rollup_copy_blob(struct rollup *rollup, struct rollup_blob *blob, struct slice from);

/* Copies a blob into an open window. False without memory. */
bool rollup_set_open_blob(struct rollup *rollup, uint32_t number, size_t level,
                          struct slice blob);

/* Behind the closed windows of the level; false: it is not later than these, or no memory. */
bool rollup_put_closed(struct rollup_level *level, struct window *given);

/* Before the closed window at that place; false without memory. */
bool rollup_insert_closed(struct rollup_level *level, size_t at, struct window *given);

/* Merges an object into members or bins. False without memory. */
bool rollup_merge_blob(struct rollup *rollup, struct rollup_blob *blob, enum cell_kind kind,
                       void *object);

/* The same into those of an open window. */
bool rollup_merge_open_blob(struct rollup *rollup, uint32_t number, size_t level,
                            enum cell_kind kind, void *object);

/* If watched: the series has a value in the open window of the level that is new. */
void rollup_note_new(struct rollup *rollup, uint32_t number, size_t level);

/* ---- late: rollup_late.c ----------------------------------------------- */

/* What came before its window was open goes into it, which is open and empty. */
void rollup_take_early(struct rollup *rollup, size_t level);

/* Nothing is added any more to a late window of which this is true, so it is put in its place
 * once. Only stamps decide, which never go back. */
bool rollup_is_complete(const struct rollup *rollup, size_t level, int64_t start_s);

/* Whether the level holds nothing of that time, for its memory or by its settings; and whether
 * its windows are given to somebody who keeps them. */
bool rollup_is_let_go(const struct rollup *rollup, size_t level, int64_t start_s);
bool rollup_is_given(const struct rollup *rollup, size_t level);

void rollup_drop_late(struct rollup *rollup, struct late_window *given);
void rollup_drop_loose(struct rollup *rollup, size_t at);

/* Forgets all that is late. */
void rollup_forget_late(struct rollup *rollup);
size_t rollup_late_bytes(const struct rollup *rollup);

/* Start of the oldest window of the level that is beside the others; INT64_MAX: there is none.
 */
int64_t rollup_oldest_late(const struct rollup *rollup, size_t level);

/* Cells and an object of a late window, from a state. What there is no room for is counted. */
void rollup_restore_late_cells(struct rollup *rollup, struct late_window *window,
                               uint32_t block,
                               const struct window_cell cells[static COLUMN_VALUES]);
void rollup_restore_late_blob(struct rollup *rollup, struct late_window *window,
                              uint32_t number, struct slice blob);

/* Forgets everything. */
void rollup_begin_anew(struct rollup *rollup);

/* Looks at the next n series, or at all of them, and forgets those that no window
 * names. */
void rollup_sweep(struct rollup *rollup, uint32_t n);
void rollup_sweep_all(struct rollup *rollup);
void rollup_forget(struct rollup *rollup, uint32_t number);

/* Nothing of this series is to be written any more. */
void rollup_unwatch(struct rollup *rollup, uint32_t number);

/* Gives back what lies behind the last live number. */
void rollup_trim(struct rollup *rollup);

/* The blob of its open window, or NULL. */
struct rollup_blob *rollup_open_blob(const struct rollup *rollup, uint32_t number,
                                     size_t level);
void rollup_clear_blob(struct rollup *rollup, struct rollup_blob *blob);

/* All blobs of this series are gone: frees the place of them. */
void rollup_take_extra(struct rollup *rollup, uint32_t number);

#endif
