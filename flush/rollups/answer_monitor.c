/* What the query of a monitor is worth in a window, for each group.
 *
 *   evaluate   its expression, as points of the window (flush/rollups/evaluation.h); if these
 *              are too many, then with longer steps
 *   reduce     the points of each group to one value, and see in which parts of the window some
 *              came (flush/rollups/coverage.h)
 *   sort       by the names of the groups
 *   write
 *
 * A change is computed point by point before it is reduced. Where the expression computes with
 * something .as_count(), each operand is reduced first: the sum of all errors by the sum of all
 * hits is no average of quotients. Of anomalies( ) the value is the share of the points outside
 * the band, 0 to 1, in the end of the window that is looked at. Rules of Datadog's monitors
 * (guide/as-count-in-monitor-evaluations, types/change-alert, types/anomaly). */
#include <math.h>
#include <stdlib.h>

#include "flush/memory/best.h"
#include "flush/memory/json_out.h"
#include "flush/monitors/monitor.h"
#include "flush/rollups/answer_ops.h"
#include "flush/rollups/coverage.h"
#include "flush/rollups/evaluation.h"
#include "flush/rollups/monitor_step.h"

enum {
    POINTS_A_SLICE = 200000,
    POINTS_A_GROUP = 16, /* what a group takes besides its points */
    SORTED_A_SLICE = 2000,
    BYTES_A_SLICE = 256 << 10
};

enum phase { PHASE_EVALUATE, PHASE_REDUCE, PHASE_SORT, PHASE_WRITE };

struct reduced_group {
    double value;    /* NAN: there is none */
    double recovery; /* of anomalies( ) */
    struct coverage coverage;
    size_t n_tags; /* in its name; where each ends stands in the grid */
};

struct monitor_answer {
    struct rollup *rollup;
    struct slice text;          /* the inquiry's */
    struct condition condition; /* of it */
    struct evaluation *evaluation;
    struct coverage_window window;
    int64_t step_s;     /* of a point */
    int64_t trigger_s;  /* before the end, what anomalies( ) looks at */
    int64_t recovery_s; /* ... and at what to see that it is over */

    bool reduces_operands;
    struct coverages seen; /* in what is changed before it becomes a value */
    uint32_t operand_next; /* group of the operand that is shown */

    enum phase phase;
    uint32_t next;
    struct reduced_group *groups; /* as the grid's; owned */
    struct best order;
    struct json_out out;
};

/* ---- reducing ---------------------------------------------------------- */

static double reduce_row(enum condition_reduce reduce, const struct grid *grid,
                         const double *row)
{
    double value = 0;
    uint32_t n = 0;

    for (uint32_t i = grid->lead; i < grid->steps; i++)
        if (!isnan(row[i]))
            value = n++ == 0 ? row[i] : condition_pick(reduce, value, row[i]);
    if (n == 0)
        return (double)NAN;
    return reduce == REDUCE_AVG ? value / n : value;
}

/* ---- operands ---------------------------------------------------------- */

static bool is_window(const struct monitor_answer *answer, const struct grid *grid)
{
    return grid->steps == 1 && grid->step_s == answer->window.to_s - answer->window.from_s;
}

/* From now on the grid has one step, which is the window. */
static void make_window(const struct monitor_answer *answer, struct grid *grid)
{
    grid->first_s = answer->window.from_s;
    grid->step_s = answer->window.to_s - answer->window.from_s;
    grid->steps = 1;
    grid->lead = 0;
}

/* What was not counted is 0, from where anything was on. */
static void zero_gaps(const struct grid *grid, double *row)
{
    uint32_t i = 0;

    while (i < grid->steps && isnan(row[i]))
        i++;
    for (; i < grid->steps; i++)
        if (isnan(row[i]))
            row[i] = 0;
}

/* Does that to some groups of the operand; reduced values stand one behind the other. */
static enum query_state change_operand(struct monitor_answer *answer, struct grid *grid)
{
    for (int64_t left = POINTS_A_SLICE; left > 0 && answer->operand_next < grid->n_groups;
         left -= grid->steps + POINTS_A_GROUP, answer->operand_next++) {
        double *row = grid_row(grid, answer->operand_next, 0);

        if (!coverages_add(&answer->seen, &answer->window, grid, answer->operand_next))
            return QUERY_FAILED;
        if (answer->reduces_operands)
            grid->values[answer->operand_next] =
                reduce_row(answer->condition.reduce, grid, row);
        else
            zero_gaps(grid, row);
    }
    if (answer->operand_next < grid->n_groups)
        return QUERY_MORE;
    answer->operand_next = 0;
    if (answer->reduces_operands)
        make_window(answer, grid);
    return QUERY_DONE;
}

static bool has_counts(const struct expression *expression)
{
    for (size_t i = 0; i < expression->n_queries; i++)
        if (expression->queries[i].shape == SHAPE_COUNT)
            return true;
    return false;
}

static bool is_zero_without_counts(const struct expression *expression, const struct node *of)
{
    return of->kind == NODE_FUNCTION && of->call.arguments[ANOMALIES_COUNT_DEFAULT_ZERO] == 1 &&
           has_counts(expression);
}

static enum query_state show(void *self, const struct expression *expression, size_t of,
                             struct grid *operand)
{
    struct monitor_answer *answer = self;

    if (answer->reduces_operands ? is_window(answer, operand)
                                 : !is_zero_without_counts(expression, &expression->nodes[of]))
        return QUERY_DONE;
    return change_operand(answer, operand);
}

/* Whether it computes with something .as_count(). */
static bool computes_with_counts(const struct monitor_answer *answer)
{
    const struct expression *expression = evaluation_expression(answer->evaluation);
    bool is_change = answer->condition.kind == CONDITION_CHANGE;
    size_t own = is_change ? (expression->n_nodes - 2) / 2 : expression->n_nodes;
    bool computes = false;

    for (size_t i = 0; i < own; i++)
        computes = computes || expression->nodes[i].kind == NODE_OPERATOR;
    return computes && has_counts(expression);
}

/* ---- begin and end ----------------------------------------------------- */

/* The anomalies( ) of the condition; NULL: it has none. */
static const struct call *find_anomalies(const struct expression *expression)
{
    const struct node *last = &expression->nodes[expression->n_nodes - 1];

    return last->kind == NODE_FUNCTION && last->call.function->band ? &last->call : NULL;
}

/* What anomalies( ) looks at: as it says, as the monitor says, or all of the window. */
static int64_t trigger_of(const struct inquiry *inquiry, const struct call *anomalies)
{
    if (anomalies != NULL && anomalies->arguments[ANOMALIES_ALERT_WINDOW] > 0)
        return (int64_t)anomalies->arguments[ANOMALIES_ALERT_WINDOW];
    return inquiry->limit > 0 ? inquiry->limit : inquiry->to_s - inquiry->from_s;
}

/* Those of anomalies( ) are as it says. */
static int64_t step_of(const struct monitor_answer *answer, const struct call *anomalies)
{
    int64_t interval_s =
        anomalies != NULL ? (int64_t)anomalies->arguments[ANOMALIES_INTERVAL] : 0;

    if (interval_s > 0)
        return monitor_step_near(&answer->window, interval_s);
    int64_t looked_s =
        anomalies != NULL ? answer->trigger_s : answer->window.to_s - answer->window.from_s;

    return monitor_step(&answer->window, looked_s, condition_period_s(&answer->condition));
}

/* The window and its steps depend on what is asked for. */
static bool plan(struct monitor_answer *answer, const struct inquiry *inquiry,
                 struct answer_problem *problem)
{
    struct expression *expression = malloc(sizeof *expression);
    bool fine =
        expression != NULL && expression_parse(answer->condition.expression, expression,
                                               problem->sentence, sizeof problem->sentence);

    if (fine) {
        const struct call *anomalies = find_anomalies(expression);

        answer->window = (struct coverage_window){ inquiry->from_s, inquiry->to_s,
                                                   condition_bucket_s(&answer->condition) };
        answer->trigger_s = trigger_of(inquiry, anomalies);
        answer->recovery_s = inquiry->offset > 0 ? inquiry->offset : answer->trigger_s;
        answer->step_s = step_of(answer, anomalies);
    }
    free(expression);
    return fine;
}

static bool read_condition(struct condition *condition, struct slice text,
                           struct answer_problem *problem)
{
    if (!condition_parse(text, condition, problem->sentence, sizeof problem->sentence))
        return false;
    if (condition->kind == CONDITION_VALUE || condition->kind == CONDITION_CHANGE)
        return true;
    (void)answer_fail(problem, 400, "expected the query of a metric monitor");
    return false;
}

static bool make_evaluation(struct monitor_answer *answer, struct answer_problem *problem)
{
    struct evaluation_manner manner = { .step_s = answer->step_s,
                                        .before_s = answer->condition.shift_s,
                                        .relative = answer->condition.relative,
                                        .show = show,
                                        .self = answer };

    answer->evaluation = evaluation_new_grid(
        answer->rollup, answer->condition.expression, answer->window.from_s,
        answer->window.to_s, &manner, problem->sentence, sizeof problem->sentence);
    if (answer->evaluation == NULL)
        condition_place_problem(&answer->condition, answer->text, problem->sentence,
                                sizeof problem->sentence);
    return answer->evaluation != NULL;
}

static void free_answer(void *given)
{
    struct monitor_answer *answer = given;

    evaluation_free(answer->evaluation);
    coverages_free(&answer->seen);
    best_free(&answer->order);
    bytes_free(&answer->out.bytes);
    free(answer->groups);
    free(answer);
}

static void *begin(const struct answer_source *source, const struct inquiry *inquiry,
                   struct answer_problem *problem)
{
    struct monitor_answer *answer = calloc(1, sizeof *answer);

    if (answer == NULL)
        return NULL;
    (void)answer_fail(problem, 400, "not enough memory for the question");
    answer->rollup = source->rollup;
    answer->text = inquiry->text;
    if (!query_span_fits(inquiry->from_s, inquiry->to_s, problem->sentence,
                         sizeof problem->sentence) ||
        !read_condition(&answer->condition, inquiry->text, problem) ||
        !plan(answer, inquiry, problem) || !make_evaluation(answer, problem)) {
        free_answer(answer);
        return NULL;
    }
    answer->reduces_operands = computes_with_counts(answer);
    return answer;
}

/* ---- steps ------------------------------------------------------------- */

static enum answer_state no_memory(struct answer_problem *problem)
{
    return answer_fail(problem, 503, "not enough memory for the answer");
}

static bool is_before(const void *argument, uint32_t a, uint32_t b)
{
    const struct grid *grid = argument;
    const struct grid_group *left = &grid->groups[a], *right = &grid->groups[b];

    return slice_compare((struct slice){ left->text, left->len },
                         (struct slice){ right->text, right->len }) < 0;
}

/* Begins anew with longer steps, if it failed for too many points. Otherwise it has failed. */
static enum answer_state coarsen(struct monitor_answer *answer, struct answer_problem *problem)
{
    int64_t step_s = monitor_step_longer(&answer->window, answer->step_s);

    (void)answer_fail(problem, 400, evaluation_problem(answer->evaluation));
    condition_place_problem(&answer->condition, answer->text, problem->sentence,
                            sizeof problem->sentence);
    if (step_s == 0 || !evaluation_is_too_fine(answer->evaluation))
        return ANSWER_FAILED;
    evaluation_free(answer->evaluation);
    coverages_free(&answer->seen);
    answer->operand_next = 0;
    answer->step_s = step_s;
    return make_evaluation(answer, problem) ? ANSWER_MORE : ANSWER_FAILED;
}

static enum answer_state evaluate(struct monitor_answer *answer, struct answer_problem *problem)
{
    switch (evaluation_step(answer->evaluation)) {
    case QUERY_MORE:
        return ANSWER_MORE;
    case QUERY_WAITS:
        return ANSWER_WAITS;
    case QUERY_FAILED:
        return coarsen(answer, problem);
    case QUERY_DONE:
        break;
    }
    struct grid *grid = evaluation_grid(answer->evaluation);

    answer->phase = PHASE_REDUCE;
    answer->groups = calloc(grid->n_groups + 1u, sizeof *answer->groups);
    if (answer->groups == NULL ||
        !best_init(&answer->order, grid->n_groups + 1u, is_before, grid))
        return no_memory(problem);
    return ANSWER_MORE;
}

static bool is_outside(enum direction direction, double value, double lower, double upper)
{
    return (direction != DIRECTION_BELOW && value > upper) ||
           (direction != DIRECTION_ABOVE && value < lower);
}

/* The share of the points outside the band. One without a band is not outside. */
static double reduce_band(const struct monitor_answer *answer, const struct grid *grid,
                          uint32_t group, int64_t looked_s)
{
    const struct call *call = find_anomalies(evaluation_expression(answer->evaluation));
    enum direction direction = (enum direction)call->arguments[ANOMALIES_DIRECTION];
    const double *row = grid_row(grid, group, 0), *lower = grid_row(grid, group, 1);
    const double *upper = grid_row(grid, group, 2);
    uint32_t n = 0, outside = 0;

    for (uint32_t i = grid->lead; i < grid->steps; i++) {
        if (isnan(row[i]) || grid->first_s + i * grid->step_s < answer->window.to_s - looked_s)
            continue;
        n++;
        outside += is_outside(direction, row[i], lower[i], upper[i]);
    }
    return n > 0 ? (double)outside / n : (double)NAN;
}

static void reduce_group(struct monitor_answer *answer, const struct grid *grid, uint32_t group)
{
    struct reduced_group *reduced = &answer->groups[group];

    if (answer->seen.n > 0)
        reduced->coverage = *coverages_find(&answer->seen, &grid->groups[group]);
    else
        coverage_add_row(&reduced->coverage, &answer->window, grid, grid_row(grid, group, 0));
    if (grid->rows == GRID_BAND_ROWS) {
        reduced->value = reduce_band(answer, grid, group, answer->trigger_s);
        reduced->recovery = reduce_band(answer, grid, group, answer->recovery_s);
    } else {
        reduced->value = reduce_row(answer->condition.reduce, grid, grid_row(grid, group, 0));
    }
}

/* Puts the tags of its name in order, each once; one that was cut away is left out. */
static void sort_tags(struct reduced_group *reduced, const struct grid *grid,
                      struct grid_group *group)
{
    struct slice tags[QUESTION_BY_MAX];
    char room[GRID_GROUP_TEXT_MAX];
    size_t n = 0, len = 0;

    for (size_t key = 0; key < grid->n_by; key++) {
        struct slice tag = grid_part(group, key);
        size_t at = n;

        while (at > 0 && slice_compare(tags[at - 1], tag) > 0)
            at--;
        if (tag.len == 0 || (at > 0 && slice_equal(tags[at - 1], tag)))
            continue;
        memmove(tags + at + 1, tags + at, (n++ - at) * sizeof *tags);
        tags[at] = tag;
    }
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            room[len++] = ',';
        memcpy(room + len, tags[i].at, tags[i].len);
        len += tags[i].len;
        group->ends[i] = (uint16_t)len;
    }
    memcpy(group->text, room, len);
    group->len = (uint32_t)len;
    reduced->n_tags = n;
}

/* A group of which no point came is as one that is not there. */
static enum answer_state reduce(struct monitor_answer *answer)
{
    struct grid *grid = evaluation_grid(answer->evaluation);

    for (int64_t left = POINTS_A_SLICE; left > 0 && answer->next < grid->n_groups;
         left -= grid->steps + POINTS_A_GROUP, answer->next++) {
        reduce_group(answer, grid, answer->next);
        sort_tags(&answer->groups[answer->next], grid, &grid->groups[answer->next]);
        if (answer->groups[answer->next].coverage.points > 0)
            best_offer(&answer->order, answer->next);
    }
    if (answer->next == grid->n_groups)
        answer->phase = PHASE_SORT;
    return ANSWER_MORE;
}

static enum answer_state sort(struct monitor_answer *answer)
{
    if (!best_sort(&answer->order, SORTED_A_SLICE))
        return ANSWER_MORE;
    answer->phase = PHASE_WRITE;
    answer->next = 0;
    json_out_begin(&answer->out, NULL, '{');
    json_out_begin(&answer->out, "groups", '[');
    return ANSWER_MORE;
}

/* ---- the answer -------------------------------------------------------- */

static void write_tags(struct json_out *out, const struct grid_group *group, size_t n_tags)
{
    struct slice host = { "", 0 };

    json_out_begin(out, "tags", '[');
    for (size_t i = 0; i < n_tags; i++) {
        struct slice tag = grid_part(group, i);

        json_out_slice(out, NULL, tag);
        if (slice_starts(tag, SLICE("host:")) && !slice_equal(tag, SLICE("host:N/A")))
            host = slice_skip(tag, strlen("host:"));
    }
    json_out_end(out, ']');
    json_out_slice(out, "host", host);
}

static void write_group(struct monitor_answer *answer, uint32_t number)
{
    const struct grid_group *group = &evaluation_grid(answer->evaluation)->groups[number];
    const struct reduced_group *reduced = &answer->groups[number];
    struct json_out *out = &answer->out;

    json_out_begin(out, NULL, '{');
    json_out_slice(out, "group",
                   reduced->n_tags > 0 ? (struct slice){ group->text, group->len }
                                       : SLICE("*"));
    write_tags(out, group, reduced->n_tags);
    json_out_exact(out, "value", reduced->value);
    if (evaluation_grid(answer->evaluation)->rows == GRID_BAND_ROWS)
        json_out_exact(out, "recovery", reduced->recovery);
    json_out_number(out, "points", reduced->coverage.points);
    json_out_signed(out, "last_s", reduced->coverage.last_s);
    json_out_number(out, "buckets", coverage_count_parts(&reduced->coverage));
    json_out_bool(out, "first", coverage_has_first(&reduced->coverage));
    json_out_end(out, '}');
}

static enum answer_state write(struct monitor_answer *answer, struct bytes *to,
                               struct answer_problem *problem)
{
    struct json_out *out = &answer->out;
    size_t enough = out->bytes.len + BYTES_A_SLICE;

    while (answer->next < answer->order.n && out->bytes.len < enough && !out->bytes.failed)
        write_group(answer, answer->order.at[answer->next++]);
    if (answer->next < answer->order.n && !out->bytes.failed)
        return ANSWER_MORE;
    json_out_end(out, ']');
    json_out_end(out, '}');
    return answer_give(out, to, problem);
}

static enum answer_state step(void *self, struct bytes *to, struct answer_problem *problem)
{
    struct monitor_answer *answer = self;

    switch (answer->phase) {
    case PHASE_EVALUATE:
        return evaluate(answer, problem);
    case PHASE_REDUCE:
        return reduce(answer);
    case PHASE_SORT:
        return sort(answer);
    case PHASE_WRITE:
        break;
    }
    return write(answer, to, problem);
}

const struct answer_ops answer_monitor = {
    .of_rollups = true, .begin = begin, .step = step, .free = free_answer
};
