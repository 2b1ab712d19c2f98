/* Functions and operators of an evaluation, in slices. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/rollups/evaluation_internal.h"

enum { POINTS_A_SLICE = 400000, JOINED_A_SLICE = 200000, UNITS_A_GROUP = 64 };

static enum query_state no_memory(struct evaluation *evaluation)
{
    return evaluation_fail(evaluation, "not enough memory for the answer");
}

/* ---- functions that change each group by itself ------------------------ */

/* Takes over the operand, and makes room for what the function needs. */
static enum query_state begin_rows(struct evaluation *evaluation, size_t number, bool band)
{
    const struct node *node = &evaluation->expression.nodes[number];
    struct grid *grid = &evaluation->grids[number];

    *grid = evaluation->grids[node->left];
    evaluation->grids[node->left] = (struct grid){ 0 };
    evaluation->begun = true;
    free(evaluation->scratch);
    evaluation->scratch =
        malloc((FUNCTION_SCRATCH_ROWS * (size_t)grid->steps + 1) * sizeof *evaluation->scratch);
    if (evaluation->scratch == NULL)
        return no_memory(evaluation);
    if (!band)
        return QUERY_MORE;
    if (grid_values(grid) * GRID_BAND_ROWS > QUERY_VALUES_MAX) {
        evaluation->too_fine = true;
        return evaluation_fail(evaluation,
                               "the answer has too many series: with a band each is three");
    }
    evaluation->widened =
        malloc((grid_values(grid) * GRID_BAND_ROWS + 1) * sizeof *evaluation->widened);
    return evaluation->widened != NULL ? QUERY_MORE : no_memory(evaluation);
}

/* The row of the group, or of a band the first of its three rows, where the points are already.
 */
static double *row_of(struct evaluation *evaluation, const struct grid *grid, uint32_t group)
{
    double *row = grid_row(grid, group, 0);

    if (evaluation->widened == NULL)
        return row;
    double *wide = evaluation->widened + (size_t)group * GRID_BAND_ROWS * grid->steps;
    memcpy(wide, row, grid->steps * sizeof *row);
    return wide;
}

static void clean_row(double *row, uint32_t steps)
{
    for (uint32_t i = 0; i < steps; i++)
        if (!isfinite(row[i]))
            row[i] = (double)NAN;
}

/* Bounds come in pairs. */
static void clean_band(struct evaluation *evaluation, const struct grid *grid, double *rows)
{
    double *lower = rows + grid->steps, *upper = lower + grid->steps;

    for (uint32_t i = 0; i < grid->steps; i++) {
        if (!isfinite(lower[i]) || !isfinite(upper[i]))
            lower[i] = upper[i] = (double)NAN;
        if (i >= grid->lead && !isnan(rows[i]) && isnan(lower[i]))
            evaluation->lacks_band = true;
    }
}

static void change_group(struct evaluation *evaluation, const struct node *node,
                         const struct grid *grid, uint32_t group)
{
    double *row = row_of(evaluation, grid, group);
    struct points points = { row, grid->steps, grid->lead, (double)grid->step_s,
                             evaluation->scratch };

    if (node->kind == NODE_FILL) {
        const struct question *question = &evaluation->expression.queries[node->query];
        function_fill(question->fill, (double)question->fill_s, &points);
    } else {
        node->call.function->each(&node->call, &points);
    }
    clean_row(row, grid->steps);
    if (evaluation->widened != NULL)
        clean_band(evaluation, grid, row);
}

static void end_rows(struct evaluation *evaluation, struct grid *grid)
{
    if (evaluation->widened == NULL)
        return;
    free(grid->values);
    grid->values = evaluation->widened;
    grid->rows = GRID_BAND_ROWS;
    evaluation->widened = NULL;
}

static enum query_state step_rows(struct evaluation *evaluation, size_t number)
{
    const struct node *node = &evaluation->expression.nodes[number];
    const struct function *function = node->call.function; /* NULL: a fill */
    struct grid *grid = &evaluation->grids[number];
    uint32_t weight = function != NULL && function->weight > 0 ? function->weight : 1;

    if (!evaluation->begun)
        return begin_rows(evaluation, number, function != NULL && function->band);
    for (int64_t left = POINTS_A_SLICE; left > 0 && evaluation->group < grid->n_groups;
         left -= (int64_t)weight * grid->steps + UNITS_A_GROUP)
        change_group(evaluation, node, grid, evaluation->group++);
    if (evaluation->group < grid->n_groups)
        return QUERY_MORE;
    end_rows(evaluation, grid);
    return QUERY_DONE;
}

/* ---- functions that change all groups, and those of another time ------- */

static enum query_state apply_function(struct evaluation *evaluation, size_t number)
{
    const struct node *node = &evaluation->expression.nodes[number];
    const struct function *function = node->call.function;
    struct grid *grid = &evaluation->grids[number];

    if (function->each != NULL)
        return step_rows(evaluation, number);
    *grid = evaluation->grids[node->left];
    evaluation->grids[node->left] = (struct grid){ 0 };
    if (function->whole != NULL && !function->whole(&node->call, grid))
        return no_memory(evaluation);
    return QUERY_DONE;
}

/* ---- operators --------------------------------------------------------- */

static size_t put_keys(const struct grid *grid, char *text, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < grid->n_by && len < size; i++)
        len += (size_t)snprintf(text + len, size - len, "%s%.*s", i > 0 ? "," : "",
                                (int)(grid->by[i].len < 32 ? grid->by[i].len : 32),
                                grid->by[i].at);
    return len;
}

static enum query_state refuse_keys(struct evaluation *evaluation, const struct node *node)
{
    char left[64] = "", right[64] = "";
    const struct join *join = &evaluation->join;

    put_keys(join->swapped ? &join->coarse : &join->fine, left, sizeof left);
    put_keys(join->swapped ? &join->fine : &join->coarse, right, sizeof right);
    snprintf(
        evaluation->problem, sizeof evaluation->problem,
        "column %zu: expected groups by the same keys on both sides of %c, or fewer of them "
        "on one: here are {%s} and {%s}",
        expression_column(&evaluation->expression, node->at), node->sign, left, right);
    return QUERY_FAILED;
}

static enum query_state begin_join(struct evaluation *evaluation, const struct node *node)
{
    struct grid *left = &evaluation->grids[node->left];
    struct grid *right = &evaluation->grids[node->right];

    evaluation->begun = true;
    switch (join_begin(&evaluation->join, node->sign, left, right)) {
    case JOIN_NO_KEYS:
        return refuse_keys(evaluation, node);
    case JOIN_NO_MEMORY:
        return no_memory(evaluation);
    case JOIN_FINE:
        break;
    }
    return QUERY_MORE;
}

static enum query_state apply_operator(struct evaluation *evaluation, size_t number)
{
    const struct node *node = &evaluation->expression.nodes[number];
    struct grid *grid = &evaluation->grids[number];

    if (node->is_number) {
        *grid = (struct grid){ .is_number = true,
                               .number = join_numbers(node->sign,
                                                      evaluation->grids[node->left].number,
                                                      evaluation->grids[node->right].number) };
        return QUERY_DONE;
    }
    if (!evaluation->begun)
        return begin_join(evaluation, node);
    if (join_step(&evaluation->join, JOINED_A_SLICE))
        return QUERY_MORE;
    *grid = join_take(&evaluation->join);
    join_free(&evaluation->join);
    return QUERY_DONE;
}

/* What is done already, of each series of the query below. */
static enum query_state take_over(struct evaluation *evaluation, size_t number)
{
    struct grid *from = &evaluation->grids[evaluation->expression.nodes[number].left];

    evaluation->grids[number] = *from;
    evaluation->grids[number].of_series = false;
    *from = (struct grid){ 0 };
    return QUERY_DONE;
}

/* Only what is meant for it stands around a query of which that is so. */
static bool is_done(const struct evaluation *evaluation, const struct node *node)
{
    return (node->kind == NODE_FILL || node->kind == NODE_FUNCTION) &&
           evaluation->grids[node->left].of_series;
}

enum query_state evaluation_apply(struct evaluation *evaluation, size_t node)
{
    if (is_done(evaluation, &evaluation->expression.nodes[node]))
        return take_over(evaluation, node);
    switch (evaluation->expression.nodes[node].kind) {
    case NODE_NUMBER:
        evaluation->grids[node] =
            (struct grid){ .is_number = true,
                           .number = evaluation->expression.nodes[node].number };
        return QUERY_DONE;
    case NODE_FILL:
        return step_rows(evaluation, node);
    case NODE_FUNCTION:
        return apply_function(evaluation, node);
    case NODE_OPERATOR:
        return apply_operator(evaluation, node);
    case NODE_QUERY: /* is computed by its own steps */
        break;
    }
    return QUERY_DONE;
}
