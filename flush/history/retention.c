#include "flush/history/retention.h"

#include <stdio.h>

#include "flush/snapshots/recent.h"
#include "protocol/number.h"

enum {
    ROWS_A_STEP = 64,
    SERIES_A_STEP = 1000,
    SHRINK_BYTES = 1 << 20, /* given back in a step */
    SPARE_PART = 16,        /* of the bound, stays free in the file for what comes next */
    TOUCHED_S = 86400,      /* how coarse the last time of a series is */
    KEEP_MAX_S = 3660 * 86400,
    EVENTS_MAX = 10000,
    RECORDS_PART = 16, /* of the bound: what events, and what checks may take */
    CHECKS_BYTES = 1 << 20,
};

/* ---- the setting ------------------------------------------------------- */

/* "90s", "5m", "2h", "15d", "400d". */
static bool read_duration(struct slice text, int64_t *out_s)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    int64_t number;

    if (text.len < 2 || text.at[0] < '0' || text.at[0] > '9' ||
        !number_int64((struct slice){ text.at, text.len - 1 }, &number) || number < 1 ||
        number > KEEP_MAX_S)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text.at[text.len - 1] != units[i].letter)
            continue;
        *out_s = number * units[i].seconds;
        return *out_s <= KEEP_MAX_S;
    }
    return false;
}

static bool read_entry(struct slice entry, int64_t interval_s, int64_t *step_s, int64_t *keep_s)
{
    struct slice step = slice_cut(&entry, ':');

    if (slice_equal(step, SLICE("interval")))
        *step_s = interval_s;
    else if (!read_duration(step, step_s))
        return false;
    return read_duration(entry, keep_s);
}

/* An interval may be as long as windows that have an entry, too: the longer time holds. */
static bool lengthen(struct retention *out, int64_t step_s, int64_t keep_s)
{
    for (size_t i = 0; i < out->n; i++)
        if (out->levels[i].step_s == step_s && out->levels[i].keep_s < keep_s)
            out->levels[i].keep_s = keep_s;
    return true;
}

/* False: there is no room, or the step is there already. */
static bool add_level(struct retention *out, int64_t interval_s, int64_t step_s, int64_t keep_s)
{
    size_t at = out->n;

    if (step_s == interval_s && retention_keeps(out, step_s))
        return lengthen(out, step_s, keep_s);
    if (out->n == RETENTION_LEVELS_MAX || retention_keeps(out, step_s))
        return false;
    for (; at > 0 && out->levels[at - 1].step_s > step_s; at--)
        out->levels[at] = out->levels[at - 1];
    out->levels[at].step_s = step_s;
    out->levels[at].keep_s = keep_s;
    out->n++;
    return true;
}

/* Whether an entry before that one begins with the same word. */
static bool is_said_before(const struct string_list *list, size_t at)
{
    struct slice entry = slice_of(list->at[at]), word = slice_cut(&entry, ':');

    for (size_t i = 0; i < at; i++) {
        entry = slice_of(list->at[i]);
        if (slice_equal(slice_cut(&entry, ':'), word))
            return true;
    }
    return false;
}

bool retention_read(struct retention *out, const struct string_list *list, int64_t interval_s,
                    char *problem, size_t problem_size)
{
    *out = (struct retention){ 0 };
    for (size_t i = 0; i < list->n; i++) {
        int64_t step_s, keep_s;

        if (!read_entry(slice_of(list->at[i]), interval_s, &step_s, &keep_s)) {
            snprintf(
                problem, problem_size,
                "heeler_history_retention: \"%s\" is not a window and how long it is kept, "
                "as in \"interval:1d\" or \"60s:15d\"; ten years at most",
                list->at[i]);
            return false;
        }
        if (is_said_before(list, i) || !add_level(out, interval_s, step_s, keep_s)) {
            snprintf(
                problem, problem_size,
                "heeler_history_retention: \"%s\" names a window twice, or is one too many",
                list->at[i]);
            return false;
        }
    }
    return true;
}

bool retention_keeps(const struct retention *retention, int64_t step_s)
{
    for (size_t i = 0; i < retention->n; i++)
        if (retention->levels[i].step_s == step_s)
            return true;
    return false;
}

int64_t retention_finer(const struct retention *retention, size_t level)
{
    int64_t coarse_s = retention->levels[level].step_s;

    while (level-- > 0)
        if (coarse_s % retention->levels[level].step_s == 0)
            return retention->levels[level].step_s;
    return 0;
}

static int64_t keep_of(const struct retention *retention, int64_t step_s)
{
    int64_t keep_s = retention->n > 0 ? retention->levels[0].keep_s : 0;

    for (size_t i = 0; i < retention->n && retention->levels[i].step_s <= step_s; i++)
        keep_s = retention->levels[i].keep_s;
    return keep_s;
}

/* ---- levels in the file ------------------------------------------------ */

struct kept_level {
    int64_t step_s, oldest_s;
};

struct kept_levels {
    struct kept_level at[RETENTION_LEVELS_MAX]; /* ascending by step */
    size_t n;
};

/* The finest ones, if there are more: the others are reached when these are gone. */
static int read_levels(struct store *store, struct kept_levels *out)
{
    int64_t step_s = 0;
    int result = SQLITE_OK;

    out->n = 0;
    while (result == SQLITE_OK && out->n < RETENTION_LEVELS_MAX) {
        result = store_next_step(store, step_s, &step_s);
        if (result != SQLITE_OK || step_s == 0)
            return result;
        out->at[out->n].step_s = step_s;
        result = store_oldest(store, step_s, &out->at[out->n++].oldest_s);
    }
    return result;
}

/* ---- what is too old --------------------------------------------------- */

static int64_t longest_keep(const struct retention *retention)
{
    int64_t longest_s = 0;

    for (size_t i = 0; i < retention->n; i++)
        if (retention->levels[i].keep_s > longest_s)
            longest_s = retention->levels[i].keep_s;
    return longest_s;
}

/* What a coarser level has yet to be made of is not too old: moves *before_s back to that. */
static int spare_unfinished(struct store *store, const struct retention *retention,
                            int64_t step_s, int64_t now_s, int64_t *before_s)
{
    int result = SQLITE_OK;

    for (size_t i = 0; i < retention->n && result == SQLITE_OK; i++) {
        int64_t coarse_s = retention->levels[i].step_s, made_s = 0;
        int64_t least_s = now_s - 2 * coarse_s;

        if (retention_finer(retention, i) != step_s)
            continue;
        result = store_newest(store, coarse_s, &made_s);
        made_s = made_s > least_s && made_s <= now_s ? made_s - made_s % step_s : least_s;
        if (made_s < *before_s)
            *before_s = made_s;
    }
    return result;
}

static int drop_expired(struct store *store, const struct retention *retention,
                        const struct kept_levels *levels, int64_t now_s,
                        struct store_dropped *dropped)
{
    int result = SQLITE_OK;

    for (size_t i = 0; i < levels->n && result == SQLITE_OK; i++) {
        int64_t step_s = levels->at[i].step_s;
        int64_t before_s = now_s - keep_of(retention, step_s) - step_s;

        if (levels->at[i].oldest_s >= before_s)
            continue;
        result = spare_unfinished(store, retention, step_s, now_s, &before_s);
        if (result == SQLITE_OK)
            result = store_drop_windows(store, step_s, before_s, ROWS_A_STEP, dropped);
    }
    return result;
}

/* ---- events and checks ------------------------------------------------- */

static int drop_records(struct store *store, const struct retention_bounds *bounds,
                        int64_t now_s, uint64_t *dropped)
{
    uint64_t part = bounds->max_bytes / RECORDS_PART;
    const struct store_record_bounds events = { now_s - longest_keep(bounds->retention),
                                                EVENTS_MAX, part };
    const struct store_record_bounds checks = { events.before_s, RECENT_CHECKS_MAX,
                                                part < CHECKS_BYTES ? part : CHECKS_BYTES };
    int result = store_drop_records(store, STORE_RECORD_EVENT, &events, dropped);

    return result == SQLITE_OK ? store_drop_records(store, STORE_RECORD_CHECK, &checks, dropped)
                               : result;
}

/* ---- what is too much -------------------------------------------------- */

static int coarsest_has_half(struct store *store, const struct kept_levels *levels, bool *out)
{
    uint64_t all = 0, cells = 0;
    int result = SQLITE_OK;

    for (size_t i = 0; i < levels->n && result == SQLITE_OK; i++) {
        result = store_cells(store, levels->at[i].step_s, &cells);
        all += cells;
    }
    *out = cells > all / 2; /* the last one's */
    return result;
}

static const struct kept_level *oldest_but_coarsest(const struct kept_levels *levels)
{
    const struct kept_level *oldest = &levels->at[0];

    for (size_t i = 1; i + 1 < levels->n; i++)
        if (levels->at[i].oldest_s < oldest->oldest_s)
            oldest = &levels->at[i];
    return oldest;
}

static int drop_oldest(struct store *store, const struct kept_levels *levels,
                       struct store_dropped *dropped)
{
    const struct kept_level *victim = oldest_but_coarsest(levels);
    bool half;
    int result = coarsest_has_half(store, levels, &half);

    if (result != SQLITE_OK)
        return result;
    if (half)
        victim = &levels->at[levels->n - 1];
    /* The rows of the oldest window, and no younger ones. */
    return store_drop_windows(store, victim->step_s, victim->oldest_s + 1, ROWS_A_STEP,
                              dropped);
}

/* ---- the outside ------------------------------------------------------- */

static uint64_t spare(const struct retention_bounds *bounds)
{
    return bounds->max_bytes / SPARE_PART;
}

static int drop(struct store *store, const struct retention_bounds *bounds, int64_t now_s,
                struct retention_losses *losses)
{
    struct kept_levels levels;
    uint64_t used = 0, free;
    int64_t before_s = now_s - longest_keep(bounds->retention) - TOUCHED_S;
    int result = read_levels(store, &levels);

    if (result == SQLITE_OK)
        result = drop_expired(store, bounds->retention, &levels, now_s, &losses->expired);
    if (result == SQLITE_OK)
        result = drop_records(store, bounds, now_s, &losses->records);
    if (result == SQLITE_OK)
        result = store_drop_series(store, before_s, SERIES_A_STEP);
    if (result == SQLITE_OK)
        result = store_size(store, &used, &free);
    if (result == SQLITE_OK && used > bounds->max_bytes - spare(bounds) && levels.n > 0)
        result = drop_oldest(store, &levels, &losses->crowded_out);
    return result;
}

static int shrink(struct store *store, const struct retention_bounds *bounds, bool *more)
{
    uint64_t used, free;
    int result = store_size(store, &used, &free);

    if (result != SQLITE_OK || free <= spare(bounds))
        return result;
    uint64_t bytes = free - spare(bounds);

    if (bytes > SHRINK_BYTES) {
        *more = true;
        bytes = SHRINK_BYTES;
    }
    return store_shrink(store, bytes);
}

int retention_step(struct store *store, const struct retention_bounds *bounds, int64_t now_s,
                   struct retention_losses *losses, bool *more)
{
    uint64_t before = losses->expired.rows + losses->crowded_out.rows + losses->records;
    int result = store_begin(store);

    *more = false;
    if (result == SQLITE_OK)
        result = drop(store, bounds, now_s, losses);
    if (result == SQLITE_OK)
        result = store_commit(store);
    if (result != SQLITE_OK) {
        store_roll_back(store);
        return result;
    }
    *more = losses->expired.rows + losses->crowded_out.rows + losses->records > before;
    return shrink(store, bounds, more);
}
