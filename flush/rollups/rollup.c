#include "flush/rollups/rollup_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "config/sane.h"
#include "flush/memory/pages.h"
#include "protocol/number.h"

enum {
    BLOCKS_A_STEP = 1024, /* of a window, packed in a step that takes some milliseconds */
    SWEEP_A_STEP = 16384,
    STEP_MAX_S = 366 * 86400,
    SCRATCH_BYTES = 64 << 20, /* for two sets or sketches that are merged */
    GIVING_S = 60,            /* single intervals that are given to somebody stay so long */
    LATE_SHARE = 8, /* of the memory: what came late and is not put in its place yet */
};

/* ---- making ------------------------------------------------------------ */

static bool has_step(const struct rollup *rollup, int64_t step_s)
{
    for (size_t i = 0; i < rollup->n_levels; i++)
        if (rollup->levels[i].step_s == step_s)
            return true;
    return false;
}

static void add_level(struct rollup *rollup, int64_t step_s)
{
    size_t at = rollup->n_levels++;

    for (; at > 0 && rollup->levels[at - 1].step_s > step_s; at--)
        rollup->levels[at] = rollup->levels[at - 1];
    rollup->levels[at] = (struct rollup_level){ .step_s = step_s,
                                                .open_s = ROLLUP_NO_START,
                                                .whole_s = ROLLUP_NO_START,
                                                .ungiven_s = INT64_MAX };
}

static bool read_steps(struct rollup *rollup, char *problem, size_t problem_size)
{
    const struct string_list *steps = rollup->config.steps;

    add_level(rollup, rollup->config.interval_s);
    for (size_t i = 0; i < steps->n; i++) {
        int64_t step_s;
        if (!number_int64(slice_of(steps->at[i]), &step_s) || step_s < 1 ||
            step_s > STEP_MAX_S) {
            snprintf(problem, problem_size,
                     "heeler_rollups: \"%s\" is no number of seconds from 1 to %d",
                     steps->at[i], STEP_MAX_S);
            return false;
        }
        if (step_s <= rollup->config.interval_s || has_step(rollup, step_s))
            continue;
        if (rollup->n_levels == ROLLUP_LEVELS_MAX) {
            snprintf(problem, problem_size, "heeler_rollups: more than %d windows",
                     ROLLUP_LEVELS_MAX - 1);
            return false;
        }
        add_level(rollup, step_s);
    }
    return true;
}

bool rollup_steps_are_fit(const struct string_list *steps, int64_t interval_s, char *problem,
                          size_t problem_size)
{
    struct rollup trial = { .config = { .interval_s = interval_s, .steps = steps } };

    return read_steps(&trial, problem, problem_size);
}

static size_t map_bytes(const struct rollup *rollup)
{
    return rollup->config.max_series * sizeof *rollup->map;
}

static bool map_pages(struct rollup *rollup)
{
    size_t most = rollup->config.max_bytes / rollup_series_size(rollup) + 1;

    most = (most + COLUMN_VALUES - 1) / COLUMN_VALUES * COLUMN_VALUES;
    rollup->max_ids = most > UINT32_MAX / 2 ? UINT32_MAX / 2 + 1 : (uint32_t)most;
    rollup->entries = pages_map(rollup->max_ids * sizeof *rollup->entries);
    rollup->map = pages_map(map_bytes(rollup));
    for (size_t i = 0; i < rollup->n_levels; i++) {
        rollup->levels[i].open = pages_map(rollup->max_ids * sizeof(struct window_cell));
        if (rollup->levels[i].open == NULL)
            return false;
    }
    return rollup->entries != NULL && rollup->map != NULL;
}

struct rollup *rollup_new(const struct rollup_config *config, struct identities *identities,
                          struct flusher_ledger *ledger, char *problem, size_t problem_size)
{
    struct rollup *rollup = calloc(1, sizeof *rollup);

    snprintf(problem, problem_size, "not enough memory for the rollups");
    if (rollup == NULL)
        return NULL;
    rollup->config = *config;
    rollup->identities = identities;
    rollup->ledger = ledger;
    rollup->now_s = ROLLUP_NO_START;
    rollup->free_extra = ROLLUP_NO_SERIES;
    arena_budget_init(&rollup->scratch_budget, SCRATCH_BYTES);
    arena_init(&rollup->scratch, &rollup->scratch_budget);
    rollup->late.max_bytes = config->max_bytes / LATE_SHARE;
    if (!read_steps(rollup, problem, problem_size) || !map_pages(rollup)) {
        rollup_free(rollup);
        return NULL;
    }
    return rollup;
}

static void free_level(struct rollup_level *level, uint32_t max_ids)
{
    for (size_t i = 0; i < level->n; i++)
        window_free(level->closed[i]);
    window_free(level->building);
    free(level->closed);
    pages_unmap(level->open, max_ids * sizeof *level->open);
}

void rollup_free(struct rollup *given)
{
    if (given == NULL)
        return;
    rollup_forget_late(given);
    for (size_t i = 0; i < given->n_levels; i++)
        free_level(&given->levels[i], given->max_ids);
    for (uint32_t series = 0; series < given->end; series++)
        for (size_t i = 0; given->entries[series].extra != 0 && i < given->n_levels; i++)
            free(given->extras[(given->entries[series].extra - 1) * given->n_levels + i].at);
    pages_unmap(given->entries, given->max_ids * sizeof *given->entries);
    pages_unmap(given->map, map_bytes(given));
    pages_unmap(given->newest_ms, given->max_ids * sizeof *given->newest_ms);
    arena_free(&given->scratch);
    bytes_free(&given->packed);
    free(given->extras);
    index_free(&given->index);
    matched_free(&given->matched);
    free(given);
}

/* ---- memory ------------------------------------------------------------ */

size_t rollup_series_bytes(const struct rollup *rollup)
{
    return rollup->end * rollup_series_size(rollup) + rollup->map_end * sizeof *rollup->map +
           index_bytes(&rollup->index) + rollup->strings;
}

/* A series was counted with its share of the strings at a time when two held them, the
 * catalogue and we, so the share was one half. The catalogue may have let them go since. */
size_t rollup_held_bytes(const struct rollup *rollup)
{
    return 2 * rollup->strings;
}

size_t rollup_bytes(const struct rollup *rollup)
{
    size_t sum = rollup_series_bytes(rollup) + rollup->blobs + rollup_late_bytes(rollup) +
                 rollup->extras_capacity * rollup->n_levels * sizeof *rollup->extras;

    for (size_t i = 0; i < rollup->n_levels; i++) {
        sum += rollup->levels[i].bytes + rollup->levels[i].capacity * sizeof(struct window *);
        if (rollup->levels[i].building != NULL)
            sum += window_bytes(rollup->levels[i].building);
    }
    return sum;
}

/* It is given up: of who keeps windows longer, perhaps before he got it. */
static void count_ungiven(struct rollup *rollup, const struct rollup_level *level,
                          const struct window *window)
{
    if (window->start_s >= level->ungiven_s || window->changed)
        counter_add(&rollup->ledger->rollup_ungiven, window->n_cells);
}

/* Gives up the oldest window of the level. */
static void drop_oldest(struct rollup *rollup, struct rollup_level *level)
{
    struct window *oldest = level->closed[0];

    count_ungiven(rollup, level, oldest);
    rollup->n_changed -= oldest->changed;
    level->whole_s = oldest->start_s + level->step_s;
    level->bytes -= window_bytes(oldest);
    level->n--;
    memmove(level->closed, level->closed + 1, level->n * sizeof(struct window *));
    window_free(oldest);
}

/* The level whose oldest window is given up first; NULL: there is no window. */
static struct rollup_level *choose_victim(struct rollup *rollup)
{
    struct rollup_level *coarsest = &rollup->levels[rollup->n_levels - 1], *victim = NULL;

    if (coarsest->n > 0 && coarsest->bytes > rollup->config.max_bytes / 2)
        return coarsest;
    for (struct rollup_level *level = rollup->levels; level < coarsest; level++)
        if (level->n > 0 &&
            (victim == NULL || level->closed[0]->start_s < victim->closed[0]->start_s))
            victim = level;
    return victim != NULL || coarsest->n == 0 ? victim : coarsest;
}

static bool fits(const struct rollup *rollup, size_t more)
{
    return rollup_bytes(rollup) + more <= rollup->config.max_bytes;
}

bool rollup_make_room(struct rollup *rollup, size_t more)
{
    while (!fits(rollup, more)) {
        struct rollup_level *victim = choose_victim(rollup);
        if (victim != NULL) {
            counter_add(&rollup->ledger->rollup_dropped, victim->closed[0]->n_cells);
            drop_oldest(rollup, victim);
        } else if (!rollup->swept) {
            rollup_sweep_all(rollup);
        } else {
            return false;
        }
    }
    return true;
}

/* ---- closing windows --------------------------------------------------- */

static bool keep_window(struct rollup_level *level, struct window *window)
{
    if (level->n == level->capacity) {
        size_t capacity = level->capacity * 2 + 16;
        struct window **grown = realloc(level->closed, capacity * sizeof(struct window *));
        if (grown == NULL)
            return false;
        level->closed = grown;
        level->capacity = capacity;
    }
    level->closed[level->n++] = window;
    level->bytes += window_bytes(window);
    return true;
}

bool rollup_put_closed(struct rollup_level *level, struct window *given)
{
    return (level->n == 0 || level->closed[level->n - 1]->start_s < given->start_s) &&
           keep_window(level, given);
}

bool rollup_insert_closed(struct rollup_level *level, size_t at, struct window *given)
{
    if (!keep_window(level, given))
        return false;
    memmove(level->closed + at + 1, level->closed + at,
            (level->n - 1 - at) * sizeof(struct window *));
    level->closed[at] = given;
    return true;
}

static void lose_window(struct rollup *rollup, struct rollup_level *level)
{
    if (level->building == NULL)
        return;
    counter_add(&rollup->ledger->rollup_dropped, level->building->n_cells);
    window_free(level->building);
    level->building = NULL;
    level->whole_s = level->open_s + level->step_s;
}

/* Moves the blobs of a block's series into the window, behind those of the blocks before. */
static bool pack_blobs(struct rollup *rollup, size_t level, struct window *window,
                       uint32_t first)
{
    bool packed = true;

    for (uint32_t number = first; number < first + COLUMN_VALUES && number < rollup->end;
         number++) {
        struct rollup_blob *blob = rollup_open_blob(rollup, number, level);
        if (blob == NULL || blob->at == NULL)
            continue;
        packed = packed &&
                 (window == NULL || (rollup_make_room(rollup, 2 * blob->len) &&
                                     window_add_blob(window, number, blob->at, blob->len)));
        rollup_clear_blob(rollup, blob);
    }
    return packed;
}

static void pack_block(struct rollup *rollup, size_t index)
{
    struct rollup_level *level = &rollup->levels[index];
    uint32_t first = level->next_block++ * COLUMN_VALUES;
    struct window_cell *cells = &level->open[first];
    struct window *window = level->building;
    bool packed = pack_blobs(rollup, index, window, first);

    if (window != NULL &&
        (!packed || !rollup_make_room(rollup, 0) || !window_add_block(window, cells)))
        lose_window(rollup, level);
}

/* The open window, which is packed, leaves the level: sealed, or NULL if it holds nothing. */
static struct window *seal_window(struct rollup_level *level)
{
    struct window *window = level->building;

    if (window != NULL && window->n_cells == 0) {
        window_free(window);
        window = NULL;
    } else if (window != NULL) {
        window->first_s = level->first_s;
        window->last_s = level->last_s;
        window_close(window);
    }
    pages_clear(level->open, level->next_block * COLUMN_VALUES * sizeof *level->open);
    level->building = NULL;
    level->next_block = 0;
    level->open_s = ROLLUP_NO_START;
    return window;
}

static void finish_window(struct rollup *rollup, struct rollup_level *level)
{
    struct window *window = seal_window(level);

    if (window != NULL && !keep_window(level, window)) {
        counter_add(&rollup->ledger->rollup_dropped, window->n_cells);
        level->whole_s = window->start_s + level->step_s;
        window_free(window);
    }
    (void)rollup_make_room(rollup, 0);
}

/* Packs a piece of the open window; true: all of it is. */
static bool pack_some(struct rollup *rollup, size_t index)
{
    struct rollup_level *level = &rollup->levels[index];
    uint32_t blocks = (rollup->end + COLUMN_VALUES - 1) / COLUMN_VALUES;

    if (level->next_block == 0 && level->building == NULL)
        level->building = window_new(
            level->open_s); /* NULL without memory: the values of the window are lost */
    for (int i = 0; i < BLOCKS_A_STEP && level->next_block < blocks; i++)
        pack_block(rollup, index);
    return level->next_block >= blocks;
}

/* Closes the open window of the level, a bounded piece at a call, if its time is over. True:
 * the open window is that of now. */
static bool turn_level(struct rollup *rollup, size_t index)
{
    struct rollup_level *level = &rollup->levels[index];
    int64_t start_s = rollup_start(rollup->now_s, level->step_s);

    if (level->open_s == ROLLUP_NO_START) {
        level->open_s = start_s;
        level->first_s = rollup->now_s;
        rollup_take_early(rollup, index);
    }
    if (level->open_s == start_s)
        return true;
    if (pack_some(rollup, index))
        finish_window(rollup, level);
    return false;
}

/* ---- a snapshot -------------------------------------------------------- */

void rollup_begin_anew(struct rollup *rollup)
{
    rollup_forget_late(rollup);
    for (size_t i = 0; i < rollup->n_levels; i++) {
        struct rollup_level *level = &rollup->levels[i];
        for (size_t w = 0; w < level->n; w++) {
            counter_add(&rollup->ledger->rollup_dropped, level->closed[w]->n_cells);
            count_ungiven(rollup, level, level->closed[w]);
            window_free(level->closed[w]);
        }
        level->n = level->bytes = 0;
        rollup->n_changed = 0;
        level->open_s = level->whole_s = ROLLUP_NO_START;
        pages_clear(level->open, rollup->max_ids * sizeof *level->open);
    }
    for (uint32_t number = 0; number < rollup->end; number++)
        if (rollup->entries[number].live)
            rollup_forget(rollup, number);
    rollup->sweep_next = 0;
    rollup->now_s = ROLLUP_NO_START;
    rollup_trim(rollup);
}

bool rollup_goes_back(const struct rollup *rollup, int64_t stamp_s)
{
    return rollup->pins == 0 && rollup->now_s != ROLLUP_NO_START &&
           stamp_s < rollup->now_s - CLOCK_AHEAD_MAX_S;
}

static void begin_opening(struct rollup *rollup, int64_t stamp_s)
{
    rollup->opening = true;
    rollup->swept = false;
    if (rollup_goes_back(rollup, stamp_s))
        rollup_begin_anew(rollup);
    if (stamp_s > rollup->now_s)
        rollup->now_s = stamp_s;
}

static void forget_fine(struct rollup *rollup)
{
    struct rollup_level *fine = &rollup->levels[0];
    int64_t keep_s = rollup->config.lookback_s;

    if (fine->ungiven_s != INT64_MAX && keep_s < GIVING_S)
        keep_s = GIVING_S;
    int64_t oldest_s = rollup->now_s - keep_s;

    while (fine->n > 0 && fine->closed[0]->start_s + fine->step_s <= oldest_s)
        drop_oldest(rollup, fine);
}

bool rollup_open(struct rollup *rollup, int64_t stamp_s)
{
    if (!rollup->opening)
        begin_opening(rollup, stamp_s);
    for (size_t i = 0; i < rollup->n_levels; i++)
        if (!turn_level(rollup, i))
            return false;
    forget_fine(rollup);
    rollup_sweep(rollup, SWEEP_A_STEP);
    for (size_t i = 0; i < rollup->n_levels; i++) {
        rollup->levels[i].last_s = rollup->now_s;
        if (rollup->live == 0) /* no window begins before there is anything in it */
            rollup->levels[i].first_s = rollup->now_s;
    }
    rollup->opening = false;
    rollup->adding = true;
    return true;
}

#ifdef HEELER_CHECKS
/* changed: of its windows, those that were made anew are counted off. */
static bool level_is_sane(const struct rollup_level *level, size_t *changed)
{
    size_t bytes = 0;

    for (size_t i = 0; i < level->n; i++) {
        if (i > 0 && level->closed[i]->start_s <= level->closed[i - 1]->start_s)
            return false;
        bytes += window_bytes(level->closed[i]);
        *changed -= level->closed[i]->changed;
    }
    return bytes == level->bytes && level->n <= level->capacity;
}

bool rollup_sane(const struct rollup *rollup)
{
    uint32_t live = 0;
    size_t changed = rollup->n_changed;

    for (uint32_t number = 0; number < rollup->end; number++)
        live += rollup->entries[number].live;
    for (size_t i = 0; i < rollup->n_levels; i++)
        if (!level_is_sane(&rollup->levels[i], &changed))
            return false;
    return changed == 0 && rollup->end <= rollup->max_ids && live == rollup->live &&
           live == rollup->index.live;
}
#endif

void rollup_close(struct rollup *rollup)
{
    SANE(rollup_sane(rollup));
    rollup->adding = false;
    counter_set(&rollup->ledger->rollup_bytes, rollup_bytes(rollup));
    counter_set(&rollup->ledger->rollup_series, rollup->live);
    counter_set(&rollup->ledger->late_bytes, rollup->late.bytes + rollup->late_blobs);
}
