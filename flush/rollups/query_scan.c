/* Scans one step: points become one value a series, and series one value a group. */
#include "flush/rollups/query_internal.h"

#include <math.h>

enum { UNITS_A_BLOB = 16, FILLED_A_UNIT = 16 };

/* ---- scan: the points of each series ----------------------------------- */

void query_add_point(struct query_sum *sum, enum window_column column, double value,
                     double count)
{
    if (column == WINDOW_SUM || column == WINDOW_COUNT)
        sum->value += value;
    else if (sum->count == 0 || column == WINDOW_LAST ||
             (column == WINDOW_MIN ? value < sum->value : value > sum->value))
        sum->value = value;
    sum->count += count;
}

/* Columns of one block are read as kinds ask for them. */
struct block_columns {
    double values[WINDOW_COLUMNS][COLUMN_VALUES];
    bool read[WINDOW_COLUMNS];
};

static const double *column_values(const struct query *query, struct rollup_span span,
                                   uint32_t block, enum window_column column,
                                   struct block_columns *columns)
{
    if (!columns->read[column])
        rollup_read(query->rollup, span, block, column, columns->values[column]);
    columns->read[column] = true;
    return columns->values[column];
}

static void scan_block(struct query *query, struct rollup_span span, uint32_t block)
{
    struct block_columns columns;
    uint32_t first = block * COLUMN_VALUES;
    size_t i = 0;

    memset(columns.read, 0, sizeof columns.read);
    uint64_t mask =
        rollup_read(query->rollup, span, block, WINDOW_COUNT, columns.values[WINDOW_COUNT]);
    columns.read[WINDOW_COUNT] = true;
    for (; mask != 0; mask &= mask - 1, i++) {
        uint32_t number = first + (uint32_t)__builtin_ctzll(mask);
        uint32_t group = number < query->end ? query->group_of[number] : 0;
        if (group == 0)
            continue;
        enum window_column column = query->plans[query_kind(group)].column;
        query_add_point(&query->sums[number], column,
                        column_values(query, span, block, column, &columns)[i],
                        columns.values[WINDOW_COUNT][i]);
    }
}

static void begin_fold(struct query *query)
{
    query->phase = PHASE_FOLD;
    query->next = 0;
}

/* The window that begins first, from the place on where the query is; behind each comes what is
 * late for it. False: there is none. */
static bool next_in_order(const struct query *query, int64_t *start_s, struct rollup_span *span)
{
    int64_t window_s = query->window_s + query->late, late_s = query->window_s;
    struct rollup_span late;
    bool found = rollup_find(query->rollup, query->level, &window_s, span);

    *start_s = window_s;
    if (!rollup_find_late(query->rollup, query->level, &late_s, &late) ||
        (found && window_s <= late_s))
        return found;
    *start_s = late_s;
    *span = late;
    return true;
}

/* Finds the window that is being read or, if it is gone, the next one that begins in this
 * step. */
static bool current_window(struct query *query, struct rollup_span *span)
{
    int64_t end_s = query->first_s + (query->step + 1) * query->step_s, start_s;

    if (!next_in_order(query, &start_s, span) || start_s >= end_s)
        return false;
    if (start_s != query->window_s ||
        (span->late != NULL) != query->late) /* there is a gap, or the window is gone */
        query->next = 0;
    query->window_s = start_s;
    query->late = span->late != NULL;
    return true;
}

static void next_window(struct query *query)
{
    if (query->late)
        query->window_s += rollup_step(query->rollup, query->level);
    query->late = !query->late;
    query->next = 0;
}

enum query_state query_scan(struct query *query)
{
    struct rollup_span span;
    enum query_state past = query_scan_past(query);

    if (past != QUERY_DONE)
        return past;
    for (int64_t left = QUERY_UNITS; left > 0; left--) {
        if (!current_window(query, &span)) {
            begin_fold(query);
            return QUERY_MORE;
        }
        for (; left > 0 && query->next < query->n_blocks; left--)
            scan_block(query, span, query->blocks[query->next++]);
        if (query->next < query->n_blocks)
            return QUERY_MORE;
        next_window(query);
    }
    return QUERY_MORE;
}

/* ---- fold: the series of each group ------------------------------------ */

/* Whether values of this kind are merged from their blobs: sizes of sets cannot be added up. */
static bool comes_from_blobs(const struct query *query, uint32_t kind)
{
    return query->question->aggregate == AGGREGATE_OVER_COUNT && kind == CELL_SET;
}

bool query_merges_blobs(const struct query *query)
{
    return query->question->aggregate == AGGREGATE_OVER_QUANTILE ||
           (query->seen[CELL_SET] && comes_from_blobs(query, CELL_SET));
}

static void fold_series(struct query *query, uint32_t number)
{
    const struct query_sum *sum = &query->sums[number];
    const struct query_plan *plan = &query->plans[query_kind(query->group_of[number])];
    double value = (plan->divide ? sum->value / sum->count : sum->value) * plan->factor;

    query_fold_point(query, number, value, plan->weight > 0 ? sum->count * plan->weight : 1);
}

static void fold_block(struct query *query, uint32_t block)
{
    uint32_t first = block * COLUMN_VALUES;

    for (uint32_t number = first; number < first + COLUMN_VALUES && number < query->end;
         number++) {
        if (query->group_of[number] == 0)
            continue;
        if (query->sums[number].count == 0)
            query_fold_gap(query, number);
        else if (!comes_from_blobs(query, query_kind(query->group_of[number])))
            fold_series(query, number);
        query->sums[number] = (struct query_sum){ 0 };
    }
}

/* Where gaps are filled by lines more may come to the step later. */
static void note_total(struct query *query, size_t place, const struct query_sum *total)
{
    double value = query_total(query, total);

    if (total->count == 0)
        return;
    if (query->gaps != NULL)
        query_add_total(query, &query->gaps[place], total->value, total->count);
    else if (isfinite(value))
        query->values[place] = value;
}

static void note_totals(struct query *query)
{
    for (uint32_t group = 0; group < query->n_groups; group++) {
        note_total(query, (size_t)group * query->steps + query->step, &query->totals[group]);
        query->totals[group] = (struct query_sum){ 0 };
    }
}

enum query_state query_fold(struct query *query)
{
    for (int64_t left = QUERY_UNITS; left > 0 && query->next < query->n_blocks; left--) {
        size_t before = query->filled;
        fold_block(query, query->blocks[query->next++]);
        left -= (int64_t)((query->filled - before) / FILLED_A_UNIT);
    }
    if (query->next < query->n_blocks)
        return QUERY_MORE;
    note_totals(query);
    if (!query_merges_blobs(query)) {
        query_begin_step(query, query->step + 1);
        return QUERY_MORE;
    }
    query->phase = PHASE_BLOBS;
    query->window_s = query->first_s + query->step * query->step_s;
    query->late = false;
    query->next = 0;
    return QUERY_MORE;
}

/* ---- blobs: members and bins of each group ----------------------------- */

static bool merge_blob(struct query *query, uint32_t group, const struct object_ops *ops,
                       const uint8_t *at, size_t len)
{
    void **merged = &query->merged[group];
    void *more = ops->unpack(at, len, &query->scratch);

    if (*merged == NULL)
        *merged = ops->make(&query->arena);
    bool fine =
        more != NULL && *merged != NULL && ops->merge(*merged, &query->arena, more, NULL);
    arena_free(&query->scratch);
    return fine;
}

bool query_take_blob(struct query *query, uint32_t number, const uint8_t *at, size_t len)
{
    uint32_t group = number < query->end ? query->group_of[number] : 0;
    uint32_t kind = query_kind(group);
    bool wanted = query->question->aggregate == AGGREGATE_OVER_COUNT
                      ? kind == CELL_SET
                      : kind == CELL_DISTRIBUTION;

    return group == 0 || !wanted ||
           merge_blob(query, query_group(group), cell_kinds[kind].object, at, len);
}

static void note_merged(struct query *query)
{
    for (uint32_t group = 0; group < query->n_groups; group++) {
        double *value = &query->values[(size_t)group * query->steps + query->step];
        void *merged = query->merged[group];
        if (merged == NULL)
            continue;
        *value = query->question->aggregate == AGGREGATE_OVER_COUNT
                     ? (double)distinct_count(merged)
                     : sketch_quantile(merged, &query->arena, query->question->quantile);
        query->merged[group] = NULL;
    }
    arena_free(&query->arena);
}

enum query_state query_merge(struct query *query)
{
    struct rollup_span span;
    uint32_t number;
    const uint8_t *at;
    size_t len;
    enum query_state past = query_scan_past(query);

    if (past != QUERY_DONE)
        return past;
    for (int64_t left = QUERY_UNITS; left > 0; left -= UNITS_A_BLOB) {
        if (!current_window(query, &span)) {
            note_merged(query);
            query_begin_step(query, query->step + 1);
            return QUERY_MORE;
        }
        if (!rollup_next_blob(query->rollup, span, &query->next, &number, &at, &len)) {
            next_window(query);
        } else if (!query_take_blob(query, number, at, len)) {
            return query_fail(query, "the answer needs too much memory: ask for fewer groups");
        }
    }
    return QUERY_MORE;
}
