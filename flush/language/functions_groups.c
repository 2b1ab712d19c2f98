/* Functions that look at all groups. */
#include <math.h>
#include <stdlib.h>

#include "flush/language/functions_internal.h"

/* ---- which groups ------------------------------------------------------ */

enum rank { RANK_MAX, RANK_MEAN, RANK_MIN, RANK_SUM, RANK_LAST, RANK_L2NORM, RANK_AREA };

struct ranked {
    double value;
    uint32_t group;
};

/* What is shown of a row, as one number; NAN: nothing is. Each by itself, as an answer may have
 * two million points. */

static double last_of(const double *points, uint32_t n)
{
    while (n > 0 && isnan(points[n - 1]))
        n--;
    return n > 0 ? points[n - 1] : (double)NAN;
}

static double most_of(const double *points, uint32_t n, double sign)
{
    double most = (double)NAN;

    for (uint32_t i = 0; i < n; i++)
        if (!(sign * points[i] <= sign * most)) /* nor is it that of none */
            most = isnan(points[i]) ? most : points[i];
    return most;
}

static double sum_of(const double *points, uint32_t n, bool squares, uint32_t *found)
{
    double sum = 0;

    *found = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(points[i]))
            continue;
        sum += squares ? points[i] * points[i] : points[i];
        ++*found;
    }
    return *found > 0 ? sum : (double)NAN;
}

static double rank_of(const struct grid *grid, const double *row, enum rank rank)
{
    const double *points = row + grid->lead;
    uint32_t n = grid->steps - grid->lead, found;

    switch (rank) {
    case RANK_LAST:
        return last_of(points, n);
    case RANK_MAX:
    case RANK_MIN:
        return most_of(points, n, rank == RANK_MAX ? 1 : -1);
    case RANK_L2NORM:
        return sqrt(sum_of(points, n, true, &found));
    case RANK_SUM:
    case RANK_AREA:
        return sum_of(points, n, false, &found) *
               (rank == RANK_AREA ? (double)grid->step_s : 1);
    case RANK_MEAN:
        break;
    }
    double sum = sum_of(points, n, false, &found);
    return sum / found;
}

static int in_order(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;

    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return (a->group > b->group) - (a->group < b->group);
}

/* Keeps the first n groups; those without a point are none. */
static bool keep_top(struct grid *grid, size_t n, enum rank rank, bool descending)
{
    struct ranked *ranked = malloc((grid->n_groups + 1u) * sizeof *ranked);
    uint32_t *order = malloc((grid->n_groups + 1u) * sizeof *order);
    size_t found = 0;

    for (uint32_t i = 0; ranked != NULL && order != NULL && i < grid->n_groups; i++) {
        double value = rank_of(grid, grid_row(grid, i, 0), rank);
        if (!isnan(value))
            ranked[found++] = (struct ranked){ descending ? -value : value, i };
    }
    bool kept = ranked != NULL && order != NULL;
    if (kept && found > 0)
        qsort(ranked, found, sizeof *ranked, in_order);
    n = found < n ? found : n;
    for (size_t i = 0; kept && i < n; i++)
        order[i] = ranked[i].group;
    kept = kept && grid_keep(grid, order, (uint32_t)n);
    free(ranked);
    free(order);
    return kept;
}

bool whole_top(const struct call *call, struct grid *grid)
{
    return keep_top(grid, (size_t)call->arguments[0], (enum rank)call->arguments[1],
                    call->arguments[2] == 1);
}

bool whole_top_short(const struct call *call, struct grid *grid)
{
    static const enum rank ranks[] = { RANK_MEAN, RANK_MEAN, RANK_MIN,   RANK_MAX,
                                       RANK_LAST, RANK_AREA, RANK_L2NORM };

    return keep_top(grid, (size_t)call->chosen[1], ranks[(size_t)call->chosen[2]],
                    call->chosen[0] == 0);
}

static bool lacks_a_tag(const struct grid *grid, uint32_t group)
{
    for (size_t key = 0; key < grid->n_by; key++) {
        struct slice part = grid_part(&grid->groups[group], key);
        size_t len = grid->by[key].len;
        if (part.len > len && slice_equal(slice_skip(part, len), SLICE(":N/A")))
            return true;
    }
    return false;
}

bool whole_exclude_null(const struct call *call, struct grid *grid)
{
    uint32_t kept = 0;

    (void)call;
    for (uint32_t i = 0; i < grid->n_groups; i++)
        if (!lacks_a_tag(grid, i))
            grid_move(grid, i, kept++);
    grid_cut(grid, kept);
    return true;
}

/* ---- one row of all groups --------------------------------------------- */

/* Counts by step the points of all groups, or those that are not 0; steps at which no group has
 * a point have none. NULL without memory. Owned. */
static double *count_points(const struct grid *grid, bool zeros)
{
    double *counts = malloc((grid->steps + 1u) * sizeof *counts);

    for (uint32_t i = 0; counts != NULL && i < grid->steps; i++)
        counts[i] = (double)NAN;
    for (uint32_t group = 0; counts != NULL && group < grid->n_groups; group++) {
        const double *row = grid_row(grid, group, 0);
        for (uint32_t i = 0; i < grid->steps; i++)
            if (!isnan(row[i]))
                counts[i] = (isnan(counts[i]) ? 0 : counts[i]) + (zeros || row[i] != 0);
    }
    return counts;
}

/* No groups at all stay none. */
static bool make_one(struct grid *grid, double *given)
{
    if (given != NULL && (grid->n_groups == 0 || !grid_make_one(grid, given))) {
        free(given);
        grid->n_by = 0;
        return grid->n_groups == 0;
    }
    return given != NULL;
}

bool whole_count_nonzero(const struct call *call, struct grid *grid)
{
    (void)call;
    return make_one(grid, count_points(grid, false));
}

bool whole_count_not_null(const struct call *call, struct grid *grid)
{
    (void)call;
    return make_one(grid, count_points(grid, true));
}

bool whole_dt(const struct call *call, struct grid *grid)
{
    double *row = count_points(grid, true);
    uint32_t at = UINT32_MAX;

    (void)call;
    for (uint32_t i = 0; row != NULL && i < grid->steps; i++) {
        if (isnan(row[i]))
            continue;
        row[i] = at == UINT32_MAX ? (double)NAN : (i - at) * (double)grid->step_s;
        at = i;
    }
    return make_one(grid, row);
}
