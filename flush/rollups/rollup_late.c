/* What comes with a time of its own: into an open window, or beside the windows.
 *
 *   point -> open window of the level     its own is open
 *         -> late window, by its start    otherwise, unless it is too old
 *   late window -> open window            when it begins
 *               -> its place              when it is over: rollup_late_put.c */
#include "flush/rollups/rollup_internal.h"

#include <stdlib.h>

/* ---- who --------------------------------------------------------------- */

bool rollup_hold(struct rollup *rollup, struct slice name, struct slice host,
                 const struct slice *tags, size_t n_tags, struct identity *out)
{
    return identities_intern(rollup->identities, name, host, tags, n_tags, out);
}

void rollup_release(struct rollup *rollup, struct identity given)
{
    identities_release(rollup->identities, given);
}

/* ---- where ------------------------------------------------------------- */

/* Whether the level holds nothing of that time, and nobody else does for it. */
static bool is_given_up(const struct rollup *rollup, size_t index, int64_t start_s)
{
    return rollup_is_let_go(rollup, index, start_s) && !rollup_is_given(rollup, index);
}

static bool is_open(const struct rollup_level *level, int64_t start_s)
{
    bool packing = level->building != NULL || level->next_block > 0;

    return start_s == level->open_s && !packing;
}

/* The place that a point of that time has in the level. */
static enum timed_place place_of(const struct rollup *rollup, size_t index, int64_t time_s,
                                 int64_t now_s)
{
    const struct rollup_level *level = &rollup->levels[index];
    int64_t start_s = rollup_start(time_s, level->step_s);
    int64_t next_s = level->open_s != ROLLUP_NO_START ? level->open_s + level->step_s
                                                      : rollup_start(now_s, level->step_s);

    if (is_open(level, start_s) || start_s >= next_s)
        return TIMED_OPEN;
    if (time_s < now_s - rollup->config.late_max_s ||
        rollup_is_complete(rollup, index, start_s) || is_given_up(rollup, index, start_s))
        return TIMED_OLD;
    return TIMED_LATE;
}

static bool is_wanted(const struct rollup *rollup, int64_t time_s, int64_t now_s)
{
    for (size_t i = 0; i < rollup->n_levels; i++)
        if (place_of(rollup, i, time_s, now_s) != TIMED_OLD)
            return true;
    return false;
}

/* ---- adding ------------------------------------------------------------ */

/* What is added to windows, with its time. */
struct arrival {
    enum cell_kind kind;
    int64_t time_s;
    struct window_cell cell;
    void *object; /* or NULL */
};

/* The last value is that of the newest time. */
static void add_cell(struct window_cell *into, const struct window_cell *more, bool newer)
{
    bool keeps = !newer && into->column[WINDOW_COUNT] != 0;
    double last = into->column[WINDOW_LAST];

    window_cell_add(into, more);
    if (keeps)
        into->column[WINDOW_LAST] = last;
}

static bool add_open(struct rollup *rollup, size_t index, uint32_t number,
                     const struct arrival *arrival)
{
    int64_t ms = arrival->time_s * 1000;

    if (arrival->object != NULL &&
        !rollup_merge_open_blob(rollup, number, index, arrival->kind, arrival->object))
        return false;
    add_cell(&rollup->levels[index].open[number], &arrival->cell,
             arrival->time_s >= rollup->entries[number].last_s);
    if (rollup->newest_ms != NULL)
        rollup->at_ms = ms > rollup->newest_ms[number] ? ms : rollup->newest_ms[number];
    rollup_note_new(rollup, number, index);
    return true;
}

/* Members and bins count against the same bound as cells. */
static bool merge_late(struct rollup *rollup, struct rollup_blob *blob,
                       const struct arrival *arrival)
{
    size_t before = rollup->blobs;
    bool fits = rollup->late.bytes + rollup->late_blobs < rollup->late.max_bytes;
    bool merged = fits && rollup_merge_blob(rollup, blob, arrival->kind, arrival->object);

    rollup->late_blobs += rollup->blobs - before;
    return merged;
}

/* The late window of that point; NULL: there is no room. */
static struct late_window *window_for(struct rollup *rollup, size_t index, int64_t time_s)
{
    int64_t start_s = rollup_start(time_s, rollup->levels[index].step_s);
    struct late_window *window = late_window(&rollup->late, index, start_s);

    int64_t stamp_s = rollup_start(time_s, rollup->config.interval_s);

    if (stamp_s < start_s)
        stamp_s = start_s;
    if (window != NULL && stamp_s < window->first_s)
        window->first_s = stamp_s;
    if (window != NULL && stamp_s > window->last_s)
        window->last_s = stamp_s;
    return window;
}

static bool add_late(struct rollup *rollup, size_t index, uint32_t number,
                     const struct arrival *arrival)
{
    struct late_window *window = window_for(rollup, index, arrival->time_s);
    struct late_cell *late = window != NULL ? late_cell(&rollup->late, window, number) : NULL;

    if (late == NULL)
        return false;
    if (arrival->object != NULL) {
        struct rollup_blob *blob = late_object(&rollup->late, window, number);

        if (blob == NULL || !merge_late(rollup, blob, arrival))
            return false;
    }
    add_cell(&late->cell, &arrival->cell, arrival->time_s >= late->newest_s);
    if (arrival->time_s > late->newest_s)
        late->newest_s = arrival->time_s;
    return true;
}

static enum timed_place add_to_level(struct rollup *rollup, size_t index, uint32_t number,
                                     const struct arrival *arrival, int64_t now_s)
{
    const struct rollup_level *level = &rollup->levels[index];
    enum timed_place place = place_of(rollup, index, arrival->time_s, now_s);
    bool added = place == TIMED_OLD;

    if (is_open(level, rollup_start(arrival->time_s, level->step_s)))
        added = add_open(rollup, index, number, arrival);
    else if (place != TIMED_OLD)
        added = add_late(rollup, index, number, arrival);
    return added ? place : TIMED_FULL;
}

/* To all levels. Returns the place in the finest that took it; or that one had no room. */
static enum timed_place add_to_levels(struct rollup *rollup, uint32_t number,
                                      const struct arrival *arrival, int64_t now_s)
{
    struct rollup_series *entry = &rollup->entries[number];
    enum timed_place best = TIMED_OLD;

    for (size_t i = 0; i < rollup->n_levels; i++) {
        enum timed_place place = add_to_level(rollup, i, number, arrival, now_s);

        if (best == TIMED_OLD || place == TIMED_FULL)
            best = place;
    }
    if (arrival->time_s > entry->last_s && arrival->time_s <= UINT32_MAX)
        entry->last_s = (uint32_t)arrival->time_s;
    return best;
}

static enum timed_place add(struct rollup *rollup, const struct rollup_timed *timed,
                            const struct arrival *arrival, int64_t now_s)
{
    enum timed_place place = TIMED_FULL;

    if (!is_wanted(rollup, arrival->time_s, now_s))
        return TIMED_OLD;
    rollup_pin(rollup); /* no window names it yet, and room is made for it */
    identities_hold(rollup->identities, timed->id);
    uint32_t number = rollup_number_recalled(rollup, timed->id, (uint8_t)timed->kind);

    if (number != ROLLUP_NO_SERIES && rollup_make_room(rollup, 0))
        place = add_to_levels(rollup, number, arrival, now_s);
    rollup_unpin(rollup);
    return place;
}

void rollup_add_timed(struct rollup *rollup, const struct rollup_timed *timed,
                      const struct point *points, size_t n, int64_t now_s)
{
    double count = timed->kind == CELL_COUNT ? timed->intervals : 1;

    for (size_t i = 0; i < n; i++) {
        double each = points[i].value / count;
        struct arrival arrival = { .kind = timed->kind,
                                   .time_s = points[i].time_s,
                                   .cell = { { points[i].value, count, each, each, each } } };

        counter_add(&rollup->ledger->timed[add(rollup, timed, &arrival, now_s)], 1);
    }
}

void rollup_add_timed_object(struct rollup *rollup, const struct rollup_timed *timed,
                             int64_t time_s, void *object, uint64_t values, int64_t now_s)
{
    struct object_summary summary = cell_kinds[timed->kind].object->summary(object);
    struct arrival arrival = {
        .kind = timed->kind,
        .time_s = time_s,
        .cell = { { summary.sum, summary.count, summary.min, summary.max, summary.last } },
        .object = object,
    };

    if (summary.count != 0)
        counter_add(&rollup->ledger->timed[add(rollup, timed, &arrival, now_s)], values);
}

/* ---- forgetting -------------------------------------------------------- */

void rollup_drop_late(struct rollup *rollup, struct late_window *given)
{
    size_t before = rollup->blobs;

    for (uint32_t i = 0; i < given->n_objects; i++)
        rollup_clear_blob(rollup, &given->objects[i].blob);
    rollup->late_blobs -= before - rollup->blobs;
    late_drop(&rollup->late, given);
}

void rollup_drop_loose(struct rollup *rollup, size_t at)
{
    rollup->loose_bytes -= window_bytes(rollup->loose[at].window);
    window_free(rollup->loose[at].window);
    rollup->n_loose--;
    memmove(rollup->loose + at, rollup->loose + at + 1,
            (rollup->n_loose - at) * sizeof *rollup->loose);
}

void rollup_forget_late(struct rollup *rollup)
{
    while (rollup->late.n > 0)
        rollup_drop_late(rollup, rollup->late.windows[0]);
    while (rollup->n_loose > 0)
        rollup_drop_loose(rollup, rollup->n_loose - 1);
    free(rollup->loose);
    rollup->loose = NULL;
    rollup->loose_capacity = 0;
}

size_t rollup_late_bytes(const struct rollup *rollup)
{
    return rollup->late.bytes + rollup->loose_bytes +
           rollup->loose_capacity * sizeof *rollup->loose;
}

int64_t rollup_oldest_late(const struct rollup *rollup, size_t level)
{
    const struct late_window *late =
        rollup->late.n > 0 ? late_find(&rollup->late, level, INT64_MIN) : NULL;
    int64_t oldest_s = late != NULL ? late->start_s : INT64_MAX;

    for (size_t i = 0; i < rollup->n_loose; i++)
        if (rollup->loose[i].level == level && rollup->loose[i].window->start_s < oldest_s)
            oldest_s = rollup->loose[i].window->start_s;
    return oldest_s;
}

/* ---- into the open window ---------------------------------------------- */

static void take_cell(struct rollup *rollup, size_t level, uint32_t number,
                      const struct late_cell *late)
{
    struct arrival arrival = { .time_s = late->newest_s, .cell = late->cell };

    if (late->cell.column[WINDOW_COUNT] != 0)
        (void)add_open(rollup, level, number, &arrival); /* without an object it cannot fail */
}

static void take_block(struct rollup *rollup, size_t level, const struct late_block *block)
{
    uint64_t mask = block->mask;

    for (size_t i = 0; mask != 0; mask &= mask - 1, i++)
        take_cell(rollup, level,
                  block->number * COLUMN_VALUES + (uint32_t)__builtin_ctzll(mask),
                  &block->cells[i]);
}

void rollup_take_early(struct rollup *rollup, size_t index)
{
    int64_t start_s = rollup->levels[index].open_s;
    struct late_window *late =
        rollup->late.n > 0 ? late_find(&rollup->late, index, start_s) : NULL;

    if (late == NULL || late->start_s != start_s)
        return;
    for (uint32_t i = 0; i < late->n_blocks; i++)
        take_block(rollup, index, late->blocks[i]);
    for (uint32_t i = 0; i < late->n_objects; i++) {
        const struct late_object *object = &late->objects[i];
        struct slice blob = { (const char *)object->blob.at, object->blob.len };

        if (blob.at != NULL && !rollup_set_open_blob(rollup, object->series, index, blob))
            counter_add(&rollup->ledger->rollup_refused, 1);
    }
    rollup_drop_late(rollup, late);
}

/* ---- from a state ------------------------------------------------------ */

void rollup_restore_late_cells(struct rollup *rollup, struct late_window *window,
                               uint32_t block,
                               const struct window_cell cells[static COLUMN_VALUES])
{
    for (uint32_t i = 0; i < COLUMN_VALUES; i++) {
        if (cells[i].column[WINDOW_COUNT] == 0)
            continue;
        struct late_cell *late = late_cell(&rollup->late, window, block * COLUMN_VALUES + i);

        if (late != NULL)
            *late = (struct late_cell){ cells[i], window->start_s };
        else
            counter_add(&rollup->ledger->rollup_dropped, 1);
    }
}

void rollup_restore_late_blob(struct rollup *rollup, struct late_window *window,
                              uint32_t number, struct slice blob)
{
    struct rollup_blob *at = late_object(&rollup->late, window, number);
    size_t before = rollup->blobs;

    if (at == NULL || !rollup_copy_blob(rollup, at, blob))
        counter_add(&rollup->ledger->rollup_refused, 1);
    rollup->late_blobs += rollup->blobs - before;
}
