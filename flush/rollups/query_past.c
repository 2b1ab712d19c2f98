/* What lies before the memory of the rollups: rows that others read, a step's before those of
 * its windows in memory. */
#include "flush/rollups/query_internal.h"

#include <stdio.h>

enum { CELLS_A_UNIT = 64, UNITS_A_BLOB = 16 };

static enum query_state fail(struct query *query)
{
    snprintf(query->problem, sizeof query->problem, "%s",
             query->past->ops->problem(query->reading));
    return QUERY_FAILED;
}

/* ---- before the scan --------------------------------------------------- */

bool query_needs_past(const struct query *query)
{
    const struct past *past = query->past;

    return past != NULL && query->first_s < rollup_memory_from(query->rollup, query->level) &&
           past->ops->oldest_s(past->self, rollup_step(query->rollup, query->level)) > 0;
}

bool query_begin_past(struct query *query)
{
    query->reading =
        query->past->ops->begin(query->past->self, query->rollup, query->question->metric);
    return query->reading != NULL;
}

enum query_state query_recall(struct query *query)
{
    switch (query->past->ops->recall(query->reading)) {
    case PAST_WAITS:
        return QUERY_WAITS;
    case PAST_MORE:
        return QUERY_MORE;
    case PAST_FAILED:
        return fail(query);
    case PAST_READY:
    case PAST_END:
        break;
    }
    query->phase = PHASE_MATCH;
    return query_begin_match(query) ? QUERY_MORE
                                    : query_fail(query, "not enough memory for the question");
}

/* The columns that the kinds of what matched are made of. */
static unsigned columns_of(const struct query *query)
{
    unsigned columns = 1u << WINDOW_COUNT;

    for (int kind = 0; kind < CELL_KIND_COUNT; kind++)
        if (query->seen[kind])
            columns |= 1u << query->plans[kind].column;
    return columns;
}

bool query_read_past(struct query *query)
{
    struct past_range range = {
        .step_s = rollup_step(query->rollup, query->level),
        .from_s = query->first_s,
        .to_s = query->first_s + query->steps * query->step_s,
        .before_s = rollup_memory_from(query->rollup, query->level),
        .columns = columns_of(query),
        .objects = query_merges_blobs(query),
        .wanted = query->group_of,
        .end = query->end,
    };

    return query->past->ops->read(query->reading, &range);
}

/* ---- the scan ---------------------------------------------------------- */

static void add_number(struct query *query, uint32_t i)
{
    const struct past_row *row = &query->row;
    uint32_t number = row->series[i], group = query->group_of[number];
    enum window_column column = query->plans[query_kind(group)].column;

    query_add_point(&query->sums[number], column, row->columns[column][i],
                    row->columns[WINDOW_COUNT][i]);
}

/* False without memory. */
static bool add_row(struct query *query)
{
    const struct past_row *row = &query->row;
    bool numbers = query->question->aggregate != AGGREGATE_OVER_QUANTILE, fine = true;

    for (uint32_t i = 0; i < row->n && fine; i++) {
        if (numbers)
            add_number(query, i);
        if (row->objects != NULL && row->objects[i].len > 0)
            fine = query_take_blob(query, row->series[i], (const uint8_t *)row->objects[i].at,
                                   row->objects[i].len);
    }
    return fine;
}

static int64_t units_of(const struct past_row *row)
{
    return 1 + row->n / CELLS_A_UNIT + (row->objects != NULL ? row->n * UNITS_A_BLOB : 0);
}

/* The row that comes next; false: there is none now. */
static bool has_row(struct query *query, enum query_state *state)
{
    if (query->has_row)
        return true;
    switch (query->past->ops->next(query->reading, &query->row)) {
    case PAST_READY:
        query->has_row = true;
        return true;
    case PAST_WAITS:
    case PAST_MORE:
        *state = QUERY_WAITS;
        break;
    case PAST_END:
        query->past_is_over = true;
        *state = QUERY_DONE;
        break;
    case PAST_FAILED:
        *state = fail(query);
        break;
    }
    return false;
}

enum query_state query_scan_past(struct query *query)
{
    int64_t end_s = query->first_s + (query->step + 1) * query->step_s, left = QUERY_UNITS;
    enum query_state state = QUERY_FAILED;

    if (query->reading == NULL || query->past_is_over)
        return QUERY_DONE;
    while (left > 0) {
        if (!has_row(query, &state))
            return state;
        if (query->row.start_s >= end_s)
            return QUERY_DONE;
        if (!add_row(query))
            return query_fail(query, "the answer needs too much memory: ask for fewer groups");
        left -= units_of(&query->row);
        query->has_row = false;
    }
    return QUERY_MORE;
}

void query_end_past(struct query *query)
{
    if (query->reading != NULL)
        query->past->ops->free(query->reading);
    query->reading = NULL;
}
