/* What the series did, in a state: a successor answers as this process would have.
 *
 *   head      newest stamp, interval
 *   series    how many numbers; each 0: free | kind + 1, unit, name, host, how many tags, tag
 *             ...
 *   levels    how many; each its step, since when it is whole, how many windows
 *   window    start, first and last stamp, 0: sealed | 1: open | 2: late; blocks, blobs
 *   block     distance from the block before, mask, five columns of its cells | 0: the end
 *   blob      distance from the series before, bytes | 0: the end
 *
 * Series come back under the numbers that they had, so rollups are empty when they are read. */
#include "flush/rollups/rollup_internal.h"

#include <math.h>
#include <string.h>

#include "flush/memory/state.h"

enum { TAGS_MAX = 256 };

enum window_state { WINDOW_SEALED, WINDOW_OPEN, WINDOW_LATE, WINDOW_STATES };

/* ---- writing ----------------------------------------------------------- */

static void put_series(const struct rollup *rollup, struct state_writer *out, uint32_t number)
{
    const struct rollup_series *entry = &rollup->entries[number];
    size_t n;

    state_put_number(out, entry->live ? entry->kind + 1u : 0);
    if (!entry->live)
        return;
    state_put_number(out, entry->unit);
    state_put_number(out, entry->last_s);
    state_put_text(out, identities_text(rollup->identities, entry->id.name));
    state_put_text(out, identities_text(rollup->identities, entry->id.host));
    const struct slice *tags = identities_tags(rollup->identities, entry->id.tags, &n);

    state_put_number(out, n);
    for (size_t i = 0; i < n; i++)
        state_put_text(out, tags[i]);
}

static void put_block(const struct rollup *rollup, struct state_writer *out,
                      struct rollup_span span, uint32_t block, int64_t *before)
{
    double values[WINDOW_COLUMNS][COLUMN_VALUES];
    uint8_t packed[COLUMN_BYTES_MAX];
    uint64_t mask = 0;

    for (int column = 0; column < WINDOW_COLUMNS; column++)
        mask = rollup_read(rollup, span, block, (enum window_column)column, values[column]);
    size_t n = (size_t)__builtin_popcountll(mask);

    if (n == 0)
        return;
    state_put_number(out, (uint64_t)(block - *before));
    state_put_number(out, mask);
    for (int column = 0; column < WINDOW_COLUMNS; column++)
        state_put(out, packed,
                  column_pack(values[column], column > 0 ? values[0] : NULL, n, packed));
    *before = block;
}

static void put_window(const struct rollup *rollup, struct state_writer *out,
                       struct rollup_span span, const int64_t stamps[3],
                       enum window_state state)
{
    uint32_t blocks = (rollup->end + COLUMN_VALUES - 1) / COLUMN_VALUES, next = 0, series;
    int64_t block_before = -1, series_before = -1;
    const uint8_t *at;
    size_t len;

    for (int i = 0; i < 3; i++)
        state_put_signed(out, stamps[i]);
    state_put_number(out, state);
    for (uint32_t block = 0; block < blocks; block++)
        put_block(rollup, out, span, block, &block_before);
    state_put_number(out, 0);
    while (rollup_next_blob(rollup, span, &next, &series, &at, &len)) {
        state_put_number(out, (uint64_t)(series - series_before));
        state_put_text(out, (struct slice){ (const char *)at, len });
        series_before = series;
    }
    state_put_number(out, 0);
}

static bool is_early(const struct rollup *rollup, const struct late_window *late)
{
    return late->start_s >= rollup->levels[late->level].open_s;
}

/* The late windows of a level, or those that are early alone; returns how many they are. NULL:
 * they are only counted. */
static size_t put_late(const struct rollup *rollup, struct state_writer *out, size_t index,
                       bool early)
{
    size_t n = 0;

    for (size_t i = 0; i < rollup->late.n; i++) {
        const struct late_window *late = rollup->late.windows[i];

        if (late->level != index || (early && !is_early(rollup, late)))
            continue;
        n++;
        if (out != NULL)
            put_window(rollup, out, (struct rollup_span){ .late = late, .level = index },
                       (int64_t[]){ late->start_s, late->first_s, late->last_s }, WINDOW_LATE);
    }
    return n;
}

static void put_sealed(const struct rollup *rollup, struct state_writer *out, size_t index,
                       const struct window *window, enum window_state state)
{
    put_window(rollup, out, (struct rollup_span){ .window = window, .level = index },
               (int64_t[]){ window->start_s, window->first_s, window->last_s }, state);
}

/* What came late for windows that were given; as put_late(). */
static size_t put_loose(const struct rollup *rollup, struct state_writer *out, size_t index)
{
    size_t n = 0;

    for (size_t i = 0; i < rollup->n_loose; i++) {
        if (rollup->loose[i].level != index)
            continue;
        n++;
        if (out != NULL)
            put_sealed(rollup, out, index, rollup->loose[i].window, WINDOW_LATE);
    }
    return n;
}

/* The place of the first closed window that was not given. */
static size_t first_ungiven(const struct rollup_level *level)
{
    size_t first = 0;

    while (level->ungiven_s != INT64_MAX && first < level->n &&
           level->closed[first]->start_s < level->ungiven_s)
        first++;
    return first;
}

static void put_level(const struct rollup *rollup, struct state_writer *out, size_t index)
{
    const struct rollup_level *level = &rollup->levels[index];
    bool open = level->open_s != ROLLUP_NO_START;
    size_t first = first_ungiven(level);

    state_put_signed(out, level->step_s);
    state_put_signed(out, first > 0 ? level->closed[first - 1]->start_s + level->step_s
                                    : level->whole_s);
    state_put_number(out, level->n - first + open + put_late(rollup, NULL, index, false) +
                              put_loose(rollup, NULL, index));
    for (size_t i = first; i < level->n; i++)
        put_sealed(rollup, out, index, level->closed[i], WINDOW_SEALED);
    if (open)
        put_window(rollup, out, (struct rollup_span){ .level = index },
                   (int64_t[]){ level->open_s, level->first_s, level->last_s }, WINDOW_OPEN);
    (void)put_late(rollup, out, index, false);
    (void)put_loose(rollup, out, index);
}

void rollup_write(const struct rollup *rollup, struct state_writer *out)
{
    state_put_signed(out, rollup->now_s);
    state_put_signed(out, rollup->config.interval_s);
    state_put_number(out, rollup->end);
    for (uint32_t number = 0; number < rollup->end; number++)
        put_series(rollup, out, number);
    state_put_number(out, rollup->n_levels);
    for (size_t i = 0; i < rollup->n_levels; i++)
        put_level(rollup, out, i);
}

static bool is_early_in_any(const struct rollup *rollup, uint32_t number)
{
    for (size_t i = 0; i < rollup->late.n; i++)
        if (is_early(rollup, rollup->late.windows[i]) &&
            late_has(rollup->late.windows[i], number))
            return true;
    return false;
}

void rollup_write_early(const struct rollup *rollup, struct state_writer *out)
{
    state_put_signed(out, ROLLUP_NO_START);
    state_put_signed(out, rollup->config.interval_s);
    state_put_number(out, rollup->end);
    for (uint32_t number = 0; number < rollup->end; number++)
        if (is_early_in_any(rollup, number))
            put_series(rollup, out, number);
        else
            state_put_number(out, 0);
    state_put_number(out, rollup->n_levels);
    for (size_t i = 0; i < rollup->n_levels; i++) {
        state_put_signed(out, rollup->levels[i].step_s);
        state_put_signed(out, ROLLUP_NO_START);
        state_put_number(out, put_late(rollup, NULL, i, true));
        (void)put_late(rollup, out, i, true);
    }
}

/* ---- reading ----------------------------------------------------------- */

/* Series that there is no room for are none: what windows have of them is left out. */
static void get_series(struct rollup *rollup, struct state_reader *in, uint32_t number)
{
    struct slice tags[TAGS_MAX];
    uint64_t kind = state_get_number(in), unit, last_s;
    struct rollup_outside series = { .tags = tags };

    if (kind == 0 || in->failed)
        return;
    unit = state_get_number(in);
    last_s = state_get_number(in);
    series.name = state_get_text(in);
    series.host = state_get_text(in);
    series.n_tags = state_get_count(in, 1);
    in->failed = in->failed || kind > CELL_KIND_COUNT || cell_kinds[kind - 1].letter == 0 ||
                 unit >= METRIC_UNIT_COUNT || series.n_tags > TAGS_MAX || last_s > UINT32_MAX;
    for (size_t i = 0; i < series.n_tags && !in->failed; i++)
        tags[i] = state_get_text(in);
    if (in->failed)
        return;
    series.kind = (enum cell_kind)(kind - 1);
    if (rollup_number_restored(rollup, &series, number, (uint32_t)last_s))
        rollup->entries[number].unit = (uint8_t)unit;
}

/* Five columns of a block's cells; false: damaged. */
static bool get_columns(struct state_reader *in, size_t n,
                        double out[WINDOW_COLUMNS][COLUMN_VALUES])
{
    for (int column = 0; column < WINDOW_COLUMNS; column++) {
        size_t size = column_size_within(in->at, (size_t)(in->end - in->at), n);

        if (size == 0 || (column_is_like(in->at) && column == 0))
            return false;
        if (column_is_like(in->at))
            memcpy(out[column], out[0], n * sizeof(double));
        else
            column_unpack(in->at, n, out[column]);
        for (size_t i = 0; i < n; i++)
            if (!isfinite(out[column][i]) || (column == WINDOW_COUNT && out[column][i] <= 0))
                return false;
        in->at += size;
    }
    return true;
}

/* The cells of a block, those of series that are known. False: damaged. */
static bool get_cells(const struct rollup *rollup, struct state_reader *in, uint32_t block,
                      struct window_cell cells[static COLUMN_VALUES])
{
    double columns[WINDOW_COLUMNS][COLUMN_VALUES];
    uint64_t mask = state_get_number(in);
    size_t n = (size_t)__builtin_popcountll(mask);

    memset(cells, 0, COLUMN_VALUES * sizeof *cells);
    if (in->failed || n == 0 || !get_columns(in, n, columns))
        return false;
    for (size_t i = 0; mask != 0; mask &= mask - 1, i++) {
        unsigned bit = (unsigned)__builtin_ctzll(mask);
        uint32_t number = block * COLUMN_VALUES + bit;

        if (number < rollup->end && rollup->entries[number].live)
            for (int column = 0; column < WINDOW_COLUMNS; column++)
                cells[bit].column[column] = columns[column][i];
    }
    return true;
}

/* Into a window that is read, a late one, or the open one of a level (both NULL). */
struct target {
    struct rollup *rollup;
    struct rollup_level *level;
    size_t index;
    struct window *window;
    struct late_window *late;
    bool skipped; /* the level is not there any more */
};

static bool add_cells(const struct target *to, uint32_t block,
                      const struct window_cell cells[static COLUMN_VALUES])
{
    if (to->skipped)
        return true;
    if (to->late != NULL) {
        rollup_restore_late_cells(to->rollup, to->late, block, cells);
        return true;
    }
    if (to->window == NULL) {
        memcpy(&to->level->open[block * COLUMN_VALUES], cells, COLUMN_VALUES * sizeof *cells);
        return true;
    }
    static const struct window_cell none[COLUMN_VALUES];

    while (to->window->n_blocks < block)
        if (!window_add_block(to->window, none))
            return false;
    return window_add_block(to->window, cells);
}

static bool get_blocks(const struct target *to, struct state_reader *in)
{
    uint32_t blocks = (to->rollup->end + COLUMN_VALUES - 1) / COLUMN_VALUES;
    struct window_cell cells[COLUMN_VALUES];
    uint64_t distance, next = 0; /* the block behind the last */

    while ((distance = state_get_number(in)) != 0) {
        if (distance > blocks || next + distance > blocks)
            return false;
        next += distance;
        if (!get_cells(to->rollup, in, (uint32_t)next - 1, cells) ||
            !add_cells(to, (uint32_t)next - 1, cells))
            return false;
    }
    return !in->failed;
}

static bool add_blob(const struct target *to, uint32_t number, struct slice blob)
{
    struct rollup *rollup = to->rollup;
    const struct rollup_series *entry = &rollup->entries[number];

    if (to->skipped || !entry->live || cell_kinds[entry->kind].object == NULL)
        return true;
    if (to->late != NULL) {
        rollup_restore_late_blob(rollup, to->late, number, blob);
        return true;
    }
    if (to->window != NULL)
        return window_add_blob(to->window, number, (const uint8_t *)blob.at, blob.len);
    return rollup_set_open_blob(rollup, number, to->index, blob);
}

static bool get_blobs(const struct target *to, struct state_reader *in)
{
    uint64_t distance, next = 0;

    while ((distance = state_get_number(in)) != 0) {
        struct slice blob = state_get_text(in);

        if (in->failed || distance > to->rollup->end || next + distance > to->rollup->end)
            return false;
        next += distance;
        if (blob.len > 0 && !add_blob(to, (uint32_t)next - 1, blob))
            return false;
    }
    return !in->failed;
}

/* Nothing is added to a time that this does not hold. */
static bool is_time(int64_t time_s)
{
    return time_s >= 0 && time_s <= UINT32_MAX;
}

/* Start, first and last stamp; false: damaged. */
static bool get_stamps(struct state_reader *in, int64_t out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = state_get_signed(in);
    return !in->failed && is_time(out[0]) && out[0] <= out[1] && out[1] <= out[2] &&
           is_time(out[2]);
}

static bool get_closed(struct target *to, struct state_reader *in, const int64_t stamps[3])
{
    struct window *window = to->window = window_new(stamps[0]);

    if (window == NULL || !get_blocks(to, in) || !get_blobs(to, in)) {
        window_free(window);
        return false;
    }
    window->first_s = stamps[1];
    window->last_s = stamps[2];
    window_close(window);
    if (window->n_cells > 0 && rollup_put_closed(to->level, window))
        return true;
    bool empty = window->n_cells == 0;

    window_free(window);
    return empty;
}

static bool get_open(struct target *to, struct state_reader *in, const int64_t stamps[3])
{
    struct rollup_level *level = to->level;

    to->window = NULL;
    if (level->n > 0 && level->closed[level->n - 1]->start_s >= stamps[0])
        return false;
    level->open_s = stamps[0];
    level->first_s = stamps[1];
    level->last_s = stamps[2];
    return get_blocks(to, in) && get_blobs(to, in);
}

/* Reads over a window. */
static bool skip_window(struct target *to, struct state_reader *in)
{
    bool level_skipped = to->skipped;

    to->skipped = true;
    bool good = get_blocks(to, in) && get_blobs(to, in);

    to->skipped = level_skipped;
    return good;
}

/* What there is no room for is counted. */
static bool get_late(struct target *to, struct state_reader *in, const int64_t stamps[3])
{
    to->window = NULL;
    to->late = late_window(&to->rollup->late, to->index, stamps[0]);
    if (to->late == NULL) {
        counter_add(&to->rollup->ledger->rollup_dropped, 1);
        return skip_window(to, in);
    }
    to->late->first_s = stamps[1];
    to->late->last_s = stamps[2];
    bool good = get_blocks(to, in) && get_blobs(to, in);

    to->late = NULL;
    return good;
}

/* False: damaged, or no memory. */
static bool get_window(struct target *to, struct state_reader *in)
{
    int64_t stamps[3];

    if (!get_stamps(in, stamps))
        return false;
    uint64_t state = state_get_number(in);

    if (state >= WINDOW_STATES)
        return false;
    if (to->skipped)
        return skip_window(to, in);
    if (state == WINDOW_LATE)
        return get_late(to, in, stamps);
    if (state == WINDOW_SEALED)
        return get_closed(to, in, stamps);
    return get_open(to, in, stamps);
}

static bool get_level(struct rollup *rollup, struct state_reader *in)
{
    int64_t step_s = state_get_signed(in), whole_s = state_get_signed(in);
    size_t n = state_get_count(in, 4);
    struct target to = { .rollup = rollup, .skipped = true };

    for (size_t i = 0; i < rollup->n_levels; i++)
        if (rollup->levels[i].step_s == step_s) {
            to.skipped = false;
            to.index = i;
            to.level = &rollup->levels[i];
            to.level->whole_s = whole_s;
        }
    for (size_t i = 0; i < n; i++)
        if (!get_window(&to, in))
            return false;
    return !in->failed;
}

static bool get_all(struct rollup *rollup, struct state_reader *in)
{
    int64_t now_s = state_get_signed(in);

    (void)state_get_signed(in);
    size_t n = state_get_count(in, 1);

    if (in->failed || n > rollup->max_ids || (now_s != ROLLUP_NO_START && !is_time(now_s)))
        return false;
    for (uint32_t number = 0; number < n && !in->failed; number++)
        get_series(rollup, in, number);
    rollup->end = in->failed ? rollup->end : (uint32_t)n;
    size_t levels = state_get_count(in, 3);

    for (size_t i = 0; i < levels && !in->failed; i++)
        if (!get_level(rollup, in))
            return false;
    rollup->now_s = now_s;
    return !in->failed;
}

bool rollup_restore(struct rollup *rollup, struct state_reader *in)
{
    bool good = get_all(rollup, in);

    if (!good)
        rollup_begin_anew(rollup);
    (void)rollup_make_room(rollup, 0);
    return good;
}
