/* What is late, to its place: with the sealed window of its time into a new one, which takes
 * the place of that, in memory and, where windows are kept longer, there too; or, if its time
 * lies beyond our memory, to them alone. A window is sealed and others may hold it, so it is
 * never changed. */
#include "flush/rollups/rollup_internal.h"

#include <stdlib.h>

/* ---- with a sealed window into a new one ------------------------------- */

/* The old window, or one without blocks. */
static const struct window *base_of(const struct window *old)
{
    static const struct window none;

    return old != NULL ? old : &none;
}

/* Adds what the old window has in the block to the cells. */
static void add_old(const struct window *old, uint32_t block,
                    struct window_cell cells[static COLUMN_VALUES])
{
    double values[WINDOW_COLUMNS][COLUMN_VALUES];
    struct window_cell more, late;
    uint64_t mask = 0;

    for (int column = 0; column < WINDOW_COLUMNS; column++)
        mask = window_read(old, block, (enum window_column)column, values[column]);
    for (size_t i = 0; mask != 0; mask &= mask - 1, i++) {
        struct window_cell *cell = &cells[__builtin_ctzll(mask)];

        for (int column = 0; column < WINDOW_COLUMNS; column++)
            more.column[column] = values[column][i];
        late = *cell;
        *cell = more;
        if (late.column[WINDOW_COUNT] != 0)
            window_cell_add(cell, &late);
    }
}

static bool merge_blocks(struct window *window, const struct window *old,
                         const struct late_window *late)
{
    struct window_cell cells[COLUMN_VALUES];

    for (uint32_t i = 0; i < late->n_blocks; i++) {
        uint32_t block = late->blocks[i]->number;

        (void)late_block_cells(late, block, cells);
        add_old(old, block, cells);
        if (!window_add_blocks_of(window, old, block) || !window_add_block(window, cells))
            return false;
    }
    return window_add_blocks_of(window, old, old->n_blocks);
}

/* Both blobs of a series as one, in rollup->packed. */
static bool join_blobs(struct rollup *rollup, uint32_t series, struct slice old,
                       const struct rollup_blob *late)
{
    const struct object_ops *ops = cell_kinds[rollup->entries[series].kind].object;
    void *all = ops->unpack((const uint8_t *)old.at, old.len, &rollup->scratch);
    void *more = ops->unpack(late->at, late->len, &rollup->scratch);

    bytes_clear(&rollup->packed);
    bool joined = all != NULL && more != NULL &&
                  ops->merge(all, &rollup->scratch, more, NULL) &&
                  ops->pack(&rollup->packed, all, &rollup->scratch) && !rollup->packed.failed;

    arena_free(&rollup->scratch);
    return joined;
}

static bool add_late_blob(struct rollup *rollup, struct window *window,
                          const struct late_object *late, struct slice old)
{
    if (late->blob.at == NULL && old.len == 0)
        return true;
    if (late->blob.at == NULL)
        return window_add_blob(window, late->series, (const uint8_t *)old.at, old.len);
    if (old.len == 0)
        return window_add_blob(window, late->series, late->blob.at, late->blob.len);
    return join_blobs(rollup, late->series, old, &late->blob) &&
           window_add_blob(window, late->series, rollup->packed.at, rollup->packed.len);
}

static bool merge_blobs(struct rollup *rollup, struct window *window, const struct window *old,
                        const struct late_window *late)
{
    size_t n, at = 0;
    const struct window_blob *blobs = window_blobs(old, &n);
    bool fine = true;

    for (uint32_t i = 0; i < late->n_objects && fine; i++) {
        struct slice same = { NULL, 0 };

        for (; at < n && blobs[at].series < late->objects[i].series && fine; at++)
            fine = window_add_blob(window, blobs[at].series, window_blob_at(old, &blobs[at]),
                                   blobs[at].len);
        if (at < n && blobs[at].series == late->objects[i].series) {
            same =
                (struct slice){ (const char *)window_blob_at(old, &blobs[at]), blobs[at].len };
            at++;
        }
        fine = fine && add_late_blob(rollup, window, &late->objects[i], same);
    }
    for (; at < n && fine; at++)
        fine = window_add_blob(window, blobs[at].series, window_blob_at(old, &blobs[at]),
                               blobs[at].len);
    return fine;
}

/* Sealed; NULL without memory. */
static struct window *merge(struct rollup *rollup, const struct window *old,
                            const struct late_window *late)
{
    struct window *window = window_new(late->start_s);

    if (window == NULL)
        return NULL;
    window->first_s = old != NULL ? old->first_s : late->first_s;
    window->last_s = old != NULL ? old->last_s : late->last_s;
    if (!merge_blocks(window, base_of(old), late) ||
        !merge_blobs(rollup, window, base_of(old), late)) {
        window_free(window);
        return NULL;
    }
    window_close(window);
    return window;
}

/* ---- to its place ------------------------------------------------------ */

static size_t closed_place(const struct rollup_level *level, int64_t start_s)
{
    size_t low = 0, high = level->n;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (level->closed[middle]->start_s < start_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The sealed window of that start; NULL: there is none. */
static struct window *find_closed(const struct rollup_level *level, int64_t start_s)
{
    size_t at = closed_place(level, start_s);

    return at < level->n && level->closed[at]->start_s == start_s ? level->closed[at] : NULL;
}

/* Nobody took the oldest for long: they have as much room as what is late. */
static void bound_loose(struct rollup *rollup)
{
    while (rollup->loose_bytes > rollup->late.max_bytes) {
        counter_add(&rollup->ledger->rollup_ungiven, rollup->loose[0].window->n_cells);
        rollup_drop_loose(rollup, 0);
    }
}

static bool keep_loose(struct rollup *rollup, size_t level, struct window *given)
{
    if (rollup->n_loose == rollup->loose_capacity) {
        size_t capacity = rollup->loose_capacity * 2 + 4;
        struct rollup_loose *grown = realloc(rollup->loose, capacity * sizeof *grown);

        if (grown == NULL)
            return false;
        rollup->loose = grown;
        rollup->loose_capacity = capacity;
    }
    rollup->loose[rollup->n_loose++] = (struct rollup_loose){ level, given };
    rollup->loose_bytes += window_bytes(given);
    bound_loose(rollup);
    return true;
}

static void replace(struct rollup *rollup, struct rollup_level *level, size_t at,
                    struct window *given)
{
    rollup->n_changed -= level->closed[at]->changed;
    level->bytes += window_bytes(given) - window_bytes(level->closed[at]);
    window_free(level->closed[at]);
    level->closed[at] = given;
}

/* Whether the window has no place in memory: where others keep the past, what lies before our
 * windows would make it seem that we had what is in between. */
static bool is_homeless(const struct rollup *rollup, size_t index, int64_t start_s)
{
    const struct rollup_level *level = &rollup->levels[index];
    bool before = rollup->past != NULL && closed_place(level, start_s) == 0 &&
                  find_closed(level, start_s) == NULL;

    return before || rollup_is_let_go(rollup, index, start_s);
}

/* False: it has no place, or there is no memory. */
static bool put(struct rollup *rollup, size_t index, struct window *given)
{
    struct rollup_level *level = &rollup->levels[index];
    size_t at = closed_place(level, given->start_s);
    bool asked = level->ungiven_s != INT64_MAX;

    if (is_homeless(rollup, index, given->start_s))
        return asked && keep_loose(rollup, index, given);
    if (at < level->n && level->closed[at]->start_s == given->start_s)
        replace(rollup, level, at, given);
    else if (!rollup_insert_closed(level, at, given))
        return false;
    given->changed = asked && given->start_s < level->ungiven_s;
    rollup->n_changed += given->changed;
    return true;
}

static void lose(struct rollup *rollup, const struct late_window *late)
{
    uint64_t cells = 0;

    for (uint32_t i = 0; i < late->n_blocks; i++)
        cells += (uint64_t)__builtin_popcountll(late->blocks[i]->mask);
    counter_add(&rollup->ledger->rollup_dropped, cells);
}

static void put_window(struct rollup *rollup, struct late_window *given)
{
    const struct rollup_level *level = &rollup->levels[given->level];
    const struct window *old = find_closed(level, given->start_s);

    /* This may give up the old one. Beside it on the disk only what is late belongs. */
    (void)rollup_make_room(rollup, old != NULL ? window_bytes(old) : 0);
    old = is_homeless(rollup, given->level, given->start_s)
              ? NULL
              : find_closed(level, given->start_s);
    struct window *window = merge(rollup, old, given);

    if (window != NULL && window->n_cells == 0) { /* there was no room for its cells */
        window_free(window);
    } else if (window == NULL || !put(rollup, given->level, window)) {
        lose(rollup, given);
        window_free(window);
    }
    rollup_drop_late(rollup, given);
    (void)rollup_make_room(rollup, 0);
}

/* A window that the level let go took along what is late for it, unless somebody keeps it. */
static void put_or_drop(struct rollup *rollup, struct late_window *given)
{
    if (!is_homeless(rollup, given->level, given->start_s) ||
        rollup_is_given(rollup, given->level)) {
        put_window(rollup, given);
        return;
    }
    if (rollup->past != NULL && !rollup_is_let_go(rollup, given->level, given->start_s))
        lose(rollup, given);
    rollup_drop_late(rollup, given);
}

/* ---- when -------------------------------------------------------------- */

bool rollup_is_complete(const struct rollup *rollup, size_t index, int64_t start_s)
{
    return rollup->now_s != ROLLUP_NO_START &&
           start_s + rollup->levels[index].step_s + rollup->config.late_max_s <= rollup->now_s;
}

/* The oldest window of the level that is to be put in its place. What is crowded goes early,
 * but what is written to the disk alone is written once. */
static struct late_window *due(const struct rollup *rollup, size_t level, bool crowded)
{
    struct late_window *oldest = late_find(&rollup->late, level, INT64_MIN);
    int64_t open_s = rollup->levels[level].open_s;

    if (oldest == NULL || oldest->start_s >= open_s)
        return NULL;
    if (rollup_is_complete(rollup, level, oldest->start_s))
        return oldest;
    for (int64_t from_s = INT64_MIN; crowded; from_s = oldest->start_s + 1) {
        oldest = late_find(&rollup->late, level, from_s);
        if (oldest == NULL || oldest->start_s >= open_s)
            return NULL;
        if (!is_homeless(rollup, level, oldest->start_s))
            return oldest;
    }
    return NULL;
}

bool rollup_put_late(struct rollup *rollup)
{
    bool crowded = rollup->late.bytes + rollup->late_blobs > rollup->late.max_bytes / 2;
    struct late_window *next = NULL;

    if (rollup->late.n == 0 || rollup_is_busy(rollup) || rollup->pins > 0)
        return false;
    for (size_t i = 0; i < rollup->n_levels && next == NULL; i++)
        next = due(rollup, i, crowded);
    if (next != NULL)
        put_or_drop(rollup, next);
    return next != NULL;
}

void rollup_put_all_late(struct rollup *rollup)
{
    for (size_t level = 0; level < rollup->n_levels; level++) {
        struct late_window *next = late_find(&rollup->late, level, INT64_MIN);

        while (next != NULL && next->start_s < rollup->levels[level].open_s) {
            put_or_drop(rollup, next);
            next = late_find(&rollup->late, level, INT64_MIN);
        }
    }
}

/* ---- given ------------------------------------------------------------- */

bool rollup_is_let_go(const struct rollup *rollup, size_t index, int64_t start_s)
{
    const struct rollup_level *level = &rollup->levels[index];

    return start_s < level->whole_s ||
           (index == 0 && rollup->now_s != ROLLUP_NO_START &&
            start_s + level->step_s <= rollup->now_s - rollup->config.lookback_s);
}

bool rollup_is_given(const struct rollup *rollup, size_t level)
{
    return rollup->past != NULL && rollup->levels[level].ungiven_s != INT64_MAX;
}

static struct window *find_changed(const struct rollup *rollup, size_t *level)
{
    for (*level = 0; *level < rollup->n_levels; (*level)++)
        for (size_t i = 0; i < rollup->levels[*level].n; i++)
            if (rollup->levels[*level].closed[i]->changed)
                return rollup->levels[*level].closed[i];
    return NULL;
}

struct window *rollup_next_changed(const struct rollup *rollup, size_t *level, bool *loose)
{
    *loose = rollup->n_loose > 0;
    if (!*loose)
        return rollup->n_changed > 0 ? find_changed(rollup, level) : NULL;
    *level = rollup->loose[0].level;
    return rollup->loose[0].window;
}

void rollup_note_given(struct rollup *rollup, size_t level, const struct window *window)
{
    struct rollup_level *of = &rollup->levels[level];
    size_t at = closed_place(of, window->start_s);

    if (at < of->n && of->closed[at] == window && window->changed) {
        of->closed[at]->changed = false;
        rollup->n_changed--;
    }
    if (rollup->n_loose > 0 && rollup->loose[0].window == window)
        rollup_drop_loose(rollup, 0);
}
