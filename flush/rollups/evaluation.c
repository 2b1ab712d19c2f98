#include "flush/rollups/evaluation_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- plan -------------------------------------------------------------- */

/* Puts into out what functions above each node add up to. */
static void add_down(const struct expression *expression, int64_t out[],
                     int64_t (*of)(const struct call *call, const void *argument),
                     const void *argument)
{
    memset(out, 0, expression->n_nodes * sizeof *out);
    for (size_t i = expression->n_nodes; i-- > 0;) {
        const struct node *node = &expression->nodes[i];
        int64_t own = node->kind == NODE_FUNCTION ? of(&node->call, argument) : 0;
        if (node->kind != NODE_NUMBER && node->kind != NODE_QUERY)
            out[node->left] = out[i] + own;
        if (node->kind == NODE_OPERATOR)
            out[node->right] = out[i];
    }
}

static int64_t shift_of(const struct call *call, const void *argument)
{
    (void)argument;
    return call->function->shift_s != NULL ? call->function->shift_s(call) : 0;
}

static int64_t lead_of(const struct call *call, const void *argument)
{
    const struct query_range *range = argument;

    return call->function->lead != NULL ? call->function->lead(call, range->step_s) : 0;
}

/* Of functions that must see so far, in seconds. */
static int64_t reach_of(const struct call *call, const void *argument)
{
    const struct query_range *range = argument;

    return call->function->far ? lead_of(call, argument) * range->step_s : 0;
}

static bool plan_shifts(struct evaluation *evaluation, char *problem, size_t problem_size)
{
    const struct expression *expression = &evaluation->expression;
    int64_t shifts[EXPRESSION_NODES_MAX];

    add_down(expression, shifts, shift_of, NULL);
    for (size_t i = 0; i < expression->n_nodes; i++) {
        if (expression->nodes[i].kind != NODE_QUERY)
            continue;
        evaluation->shift_s[expression->nodes[i].query] = shifts[i];
        if (shifts[i] <= evaluation->from_s)
            continue;
        snprintf(problem, problem_size, "the question reaches back to before 1970");
        return false;
    }
    return true;
}

static bool plan_leads(struct evaluation *evaluation, char *problem, size_t problem_size)
{
    const struct expression *expression = &evaluation->expression;
    int64_t leads[EXPRESSION_NODES_MAX];

    for (size_t i = 0; i < expression->n_nodes; i++) {
        const struct node *node = &expression->nodes[i];
        if (node->kind != NODE_QUERY)
            continue;
        struct query_range *range = &evaluation->ranges[node->query];
        add_down(expression, leads, lead_of, range);
        if (leads[i] > QUERY_LEAD_MAX) {
            snprintf(problem, problem_size,
                     "column %zu: functions look back %lld steps of %lld seconds from here: no "
                     "more than %d are allowed",
                     expression_column(expression, node->at), (long long)leads[i],
                     (long long)range->step_s, QUERY_LEAD_MAX);
            return false;
        }
        query_range_lead(range, leads[i]);
    }
    return true;
}

static bool choose(struct evaluation *evaluation, size_t query, int64_t least_step_s,
                   char *problem, size_t problem_size)
{
    struct query_span span = { .from_s = evaluation->from_s,
                               .to_s = evaluation->to_s,
                               .shift_s = evaluation->shift_s[query],
                               .reach_s = evaluation->reach_s[query],
                               .least_step_s = least_step_s,
                               .step_s = evaluation->manner.step_s,
                               .whole = evaluation->manner.whole,
                               .may_be_coarser = evaluation->manner.may_be_coarser };

    return query_choose(evaluation->rollup, &evaluation->expression.queries[query], &span,
                        &evaluation->ranges[query], problem, problem_size);
}

/* How far back it must reach depends on its steps, and these on the windows that do. */
static void plan_reaches(struct evaluation *evaluation, char *problem, size_t problem_size)
{
    const struct expression *expression = &evaluation->expression;
    int64_t reaches_s[EXPRESSION_NODES_MAX];

    for (size_t i = 0; i < expression->n_nodes; i++) {
        const struct node *node = &expression->nodes[i];
        if (node->kind != NODE_QUERY)
            continue;
        (void)choose(evaluation, node->query, 0, problem, problem_size);
        add_down(expression, reaches_s, reach_of, &evaluation->ranges[node->query]);
        evaluation->reach_s[node->query] = reaches_s[i];
    }
}

/* The queries of a part: first each by itself, then all with the longest step. */
static bool plan_steps(struct evaluation *evaluation, const struct expression_part *part,
                       char *problem, size_t problem_size)
{
    size_t end = part->first_query + part->n_queries;
    int64_t longest_s = 0;

    for (size_t i = part->first_query; i < end; i++) {
        (void)choose(evaluation, i, 0, problem, problem_size);
        if (evaluation->ranges[i].step_s > longest_s)
            longest_s = evaluation->ranges[i].step_s;
    }
    for (size_t i = part->first_query; i < end; i++)
        if (!choose(evaluation, i, longest_s, problem, problem_size))
            return false;
    return true;
}

static bool plan(struct evaluation *evaluation, char *problem, size_t problem_size)
{
    const struct expression *expression = &evaluation->expression;

    if (!plan_shifts(evaluation, problem, problem_size))
        return false;
    plan_reaches(evaluation, problem, problem_size);
    for (size_t i = 0; i < expression->n_parts; i++)
        if (!plan_steps(evaluation, &expression->parts[i], problem, problem_size))
            return false;
    return plan_leads(evaluation, problem, problem_size);
}

/* ---- making ------------------------------------------------------------ */

/* Copies a NUL in the text, too, so that the parser sees and refuses it. */
static char *copy_text(struct slice text)
{
    char *copy = malloc(text.len + 1);

    if (copy != NULL && text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}

static bool parse(struct evaluation *evaluation, size_t len, char *problem, size_t problem_size)
{
    const struct evaluation_manner *manner = &evaluation->manner;

    struct slice text = { evaluation->text, len };

    return (evaluation->gives_grid ? expression_parse : expression_parse_list)(
               text, &evaluation->expression, problem, problem_size) &&
           (manner->before_s == 0 ||
            expression_make_change(&evaluation->expression, manner->before_s, manner->relative,
                                   problem, problem_size));
}

static struct evaluation *make(struct rollup *rollup, struct slice text, int64_t from_s,
                               int64_t to_s, const struct evaluation_manner *manner,
                               bool gives_grid, char *problem, size_t problem_size)
{
    struct evaluation *evaluation = calloc(1, sizeof *evaluation);

    snprintf(problem, problem_size, "not enough memory for the question");
    if (evaluation == NULL)
        return NULL;
    evaluation->rollup = rollup;
    evaluation->manner = *manner;
    evaluation->gives_grid = gives_grid;
    evaluation->from_s = from_s;
    evaluation->to_s = to_s;
    evaluation->text = copy_text(text);
    bool fine = evaluation->text != NULL &&
                parse(evaluation, text.len, problem, problem_size) &&
                query_span_fits(from_s, to_s, problem, problem_size) &&
                plan(evaluation, problem, problem_size);
    if (!fine) {
        evaluation_free(evaluation);
        return NULL;
    }
    return evaluation;
}

struct evaluation *evaluation_new_grid(struct rollup *rollup, struct slice text, int64_t from_s,
                                       int64_t to_s, const struct evaluation_manner *manner,
                                       char *problem, size_t problem_size)
{
    return make(rollup, text, from_s, to_s, manner, true, problem, problem_size);
}

struct evaluation *evaluation_new(struct rollup *rollup, struct slice text, int64_t from_s,
                                  int64_t to_s, char *problem, size_t problem_size)
{
    static const struct evaluation_manner plain = { .may_be_coarser = true };

    return make(rollup, text, from_s, to_s, &plain, false, problem, problem_size);
}

struct evaluation *evaluation_new_whole(struct rollup *rollup, struct slice text,
                                        int64_t from_s, int64_t to_s, char *problem,
                                        size_t problem_size)
{
    static const struct evaluation_manner whole = { .whole = true, .may_be_coarser = true };

    return make(rollup, text, from_s, to_s, &whole, false, problem, problem_size);
}

void evaluation_free(struct evaluation *given)
{
    if (given == NULL)
        return;
    query_free(given->query);
    join_free(&given->join);
    for (size_t i = 0; i < given->expression.n_nodes; i++)
        grid_free(&given->grids[i]);
    free(given->scratch);
    free(given->widened);
    bytes_free(&given->answer);
    bytes_free(&given->unit);
    free(given->text);
    free(given);
}

enum query_state evaluation_fail(struct evaluation *evaluation, const char *sentence)
{
    snprintf(evaluation->problem, sizeof evaluation->problem, "%s", sentence);
    return QUERY_FAILED;
}

/* ---- queries ----------------------------------------------------------- */

/* Less what the grids take that are still to be used. */
static struct query_room room_left(const struct evaluation *evaluation)
{
    struct query_room used = { 0, 0 };

    for (size_t i = 0; i < evaluation->node; i++) {
        used.values += grid_values(&evaluation->grids[i]);
        used.text += grid_text_bytes(&evaluation->grids[i]);
    }
    return (struct query_room){
        .values = used.values < QUERY_VALUES_MAX ? QUERY_VALUES_MAX - used.values : 0,
        .text = used.text < QUERY_TEXT_MAX ? QUERY_TEXT_MAX - used.text : 0,
    };
}

/* A query that is moved into the past is drawn now. */
static void take_grid(struct evaluation *evaluation, size_t query)
{
    struct grid *grid = &evaluation->grids[evaluation->node];

    *grid = query_take(evaluation->query);
    grid->first_s += evaluation->shift_s[query];
    evaluation->own[query] = query_unit(evaluation->query);
    query_free(evaluation->query);
    evaluation->query = NULL;
}

static enum query_state step_query(struct evaluation *evaluation, size_t query)
{
    if (evaluation->query == NULL)
        evaluation->query =
            query_new(evaluation->rollup, &evaluation->expression.queries[query],
                      &evaluation->ranges[query], room_left(evaluation));
    if (evaluation->query == NULL)
        return evaluation_fail(evaluation, "not enough memory for the question");
    enum query_state state = query_step(evaluation->query);
    if (state == QUERY_FAILED) {
        evaluation->too_fine = query_is_too_fine(evaluation->query);
        return evaluation_fail(evaluation, query_problem(evaluation->query));
    }
    if (state == QUERY_DONE)
        take_grid(evaluation, query);
    return state;
}

/* ---- the outside ------------------------------------------------------- */

void evaluation_tell_open(struct evaluation *evaluation, int64_t from_s, int64_t to_s)
{
    evaluation->open_from_s = from_s;
    evaluation->open_to_s = to_s;
}

void evaluation_tell_units(struct evaluation *evaluation, struct units *units)
{
    evaluation->units = units;
}

static enum query_state compute(struct evaluation *evaluation)
{
    const struct node *node = &evaluation->expression.nodes[evaluation->node];

    return node->kind == NODE_QUERY ? step_query(evaluation, node->query)
                                    : evaluation_apply(evaluation, evaluation->node);
}

/* The node that is made of that one, if it is an operator or has a band; NULL: it is not. */
static const struct node *shown_to(const struct expression *expression, size_t operand)
{
    for (size_t i = operand + 1; i < expression->n_nodes; i++) {
        const struct node *node = &expression->nodes[i];

        if (node->kind == NODE_OPERATOR ? node->left == operand || node->right == operand
                                        : node->kind == NODE_FUNCTION && node->left == operand)
            return node->kind == NODE_OPERATOR || node->call.function->band ? node : NULL;
    }
    return NULL;
}

/* The node is computed: who wants to sees it before others are made of it. */
static enum query_state show(struct evaluation *evaluation)
{
    const struct expression *expression = &evaluation->expression;
    struct grid *grid = &evaluation->grids[evaluation->node];
    const struct node *of = evaluation->manner.show != NULL && !grid->is_number
                                ? shown_to(expression, evaluation->node)
                                : NULL;

    if (of == NULL)
        return QUERY_DONE;
    enum query_state state = evaluation->manner.show(evaluation->manner.self, expression,
                                                     (size_t)(of - expression->nodes), grid);

    return state != QUERY_FAILED
               ? state
               : evaluation_fail(evaluation, "not enough memory for the answer");
}

enum query_state evaluation_step(struct evaluation *evaluation)
{
    if (evaluation->node == evaluation->expression.n_nodes)
        return evaluation->gives_grid ? QUERY_DONE : evaluation_write(evaluation);
    enum query_state state = evaluation->computed ? QUERY_DONE : compute(evaluation);

    if (state == QUERY_DONE) {
        evaluation->computed = true;
        state = show(evaluation);
    }
    if (state != QUERY_DONE)
        return state;
    evaluation->node++;
    evaluation->begun = evaluation->computed = false;
    evaluation->group = 0;
    return QUERY_MORE;
}

const struct expression *evaluation_expression(const struct evaluation *evaluation)
{
    return &evaluation->expression;
}

struct grid *evaluation_grid(struct evaluation *evaluation)
{
    return &evaluation->grids[evaluation->expression.n_nodes - 1];
}

struct slice evaluation_answer(const struct evaluation *evaluation)
{
    return bytes_view(&evaluation->answer);
}

struct bytes evaluation_take_answer(struct evaluation *evaluation)
{
    struct bytes answer = evaluation->answer;

    evaluation->answer = (struct bytes){ 0 };
    return answer;
}

const char *evaluation_problem(const struct evaluation *evaluation)
{
    return evaluation->problem;
}

bool evaluation_is_too_fine(const struct evaluation *evaluation)
{
    return evaluation->too_fine;
}

/* ---- one query at a time ----------------------------------------------- */

bool evaluation_needs(const struct evaluation *evaluation, const struct question **question,
                      struct query_range *range)
{
    const struct expression *expression = &evaluation->expression;

    if (evaluation->node == expression->n_nodes || evaluation->query != NULL ||
        expression->nodes[evaluation->node].kind != NODE_QUERY)
        return false;
    size_t query = expression->nodes[evaluation->node].query;
    *question = &expression->queries[query];
    *range = evaluation->ranges[query];
    return true;
}

enum query_state evaluation_run(struct evaluation *evaluation, struct rollup *rollup)
{
    const struct question *question;
    struct query_range range;
    enum query_state state;

    evaluation->rollup = rollup;
    do
        state = evaluation_step(evaluation);
    while (state == QUERY_MORE && !evaluation_needs(evaluation, &question, &range));
    return state;
}
