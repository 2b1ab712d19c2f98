/* What is made of the points of each series before these become one a group: gaps are filled,
 * or what was added is computed.
 *
 * Steps come in the order of time. A gap that a line fills is known when it is over, so that
 * what fills it is added to steps that were folded before: these are kept as sums until the
 * end. */
#include <math.h>
#include <stdlib.h>

#include "flush/rollups/query_internal.h"

enum { SETTLED_A_SLICE = 1 << 18 };

/* ---- groups ------------------------------------------------------------ */

void query_add_total(const struct query *query, struct query_sum *total, double value,
                     double count)
{
    switch (query->question->aggregate) {
    case AGGREGATE_OVER_MIN:
        total->value = total->count == 0 || value < total->value ? value : total->value;
        break;
    case AGGREGATE_OVER_MAX:
        total->value = total->count == 0 || value > total->value ? value : total->value;
        break;
    case AGGREGATE_OVER_AVG:
    case AGGREGATE_OVER_SUM:
    case AGGREGATE_OVER_COUNT:
    case AGGREGATE_OVER_QUANTILE:
        total->value += value;
        break;
    }
    total->count += count;
}

double query_total(const struct query *query, const struct query_sum *total)
{
    if (query->question->aggregate == AGGREGATE_OVER_AVG)
        return total->value / total->count;
    return query->question->aggregate == AGGREGATE_OVER_COUNT ? total->count : total->value;
}

/* ---- beginning --------------------------------------------------------- */

bool query_begin_series(struct query *query)
{
    const struct question *question = query->question;
    size_t values = (size_t)query->n_groups * query->steps;

    if ((question->fill == FILL_NULL && !question->differs) || query->seen[CELL_DISTRIBUTION] ||
        query_merges_blobs(query))
        return true;
    query->last = malloc((query->end + 1u) * sizeof *query->last);
    for (uint32_t i = 0; query->last != NULL && i < query->end; i++)
        query->last[i] = (struct query_last){ .step = QUERY_NO_STEP };
    if (question->fill == FILL_LINEAR)
        query->gaps = malloc((values + 1) * sizeof *query->gaps); /* cleared with the values */
    return query->last != NULL && (question->fill != FILL_LINEAR || query->gaps != NULL);
}

/* ---- points and gaps --------------------------------------------------- */

static uint32_t group_of(const struct query *query, uint32_t number)
{
    return query_group(query->group_of[number]);
}

/* As many steps as are filled, one at least. */
static uint32_t most_filled(const struct query *query)
{
    int64_t most = query->question->fill_s / query->step_s;

    return most > 1 ? (uint32_t)most : 1;
}

static void fill_line(struct query *query, uint32_t number, double value)
{
    const struct query_last *last = &query->last[number];
    uint32_t apart = query->step - last->step, most = most_filled(query);
    struct query_sum *to =
        &query->gaps[(size_t)group_of(query, number) * query->steps + last->step];
    double slope = (value - last->value) / apart;

    for (uint32_t i = 1; i < apart && i <= most; i++) {
        query_add_total(query, &to[i], last->value + slope * i, 1);
        query->filled++;
    }
}

void query_fold_point(struct query *query, uint32_t number, double value, double count)
{
    struct query_sum *total = &query->totals[group_of(query, number)];
    struct query_last *last = query->last != NULL ? &query->last[number] : NULL;
    bool is_first = last == NULL || last->step == QUERY_NO_STEP;
    double before = is_first ? (double)NAN : last->value;

    if (!is_first && query->gaps != NULL)
        fill_line(query, number, value);
    if (last != NULL)
        *last = (struct query_last){ value, query->step };
    if (last == NULL || !query->question->differs)
        query_add_total(query, total, value, count);
    else if (!is_first)
        query_add_total(query, total, value - before, count);
}

void query_fold_gap(struct query *query, uint32_t number)
{
    enum fill fill = query->question->fill;

    if (query->last == NULL || (fill != FILL_LAST && fill != FILL_ZERO) ||
        query->last[number].step == QUERY_NO_STEP ||
        query->step - query->last[number].step > most_filled(query))
        return;
    query_add_total(query, &query->totals[group_of(query, number)],
                    fill == FILL_LAST ? query->last[number].value : 0, 1);
}

/* ---- the end ----------------------------------------------------------- */

enum query_state query_settle(struct query *query)
{
    size_t values = (size_t)query->n_groups * query->steps;

    for (size_t n = 0; n < SETTLED_A_SLICE && query->settled < values; n++) {
        const struct query_sum *total = &query->gaps[query->settled];
        double value = query_total(query, total);
        if (total->count != 0 && isfinite(value))
            query->values[query->settled] = value;
        query->settled++;
    }
    if (query->settled == values)
        query->phase = PHASE_DONE;
    return QUERY_MORE;
}
