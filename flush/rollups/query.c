#include "flush/rollups/query_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { POINTS_STANDARD = 300, MERGE_MEMORY = 64 << 20 };

/* ---- plans ------------------------------------------------------------- */

static enum window_column column_of(enum method method)
{
    switch (method) {
    case METHOD_MIN:
        return WINDOW_MIN;
    case METHOD_MAX:
        return WINDOW_MAX;
    case METHOD_COUNT:
        return WINDOW_COUNT;
    case METHOD_LAST:
        return WINDOW_LAST;
    case METHOD_STANDARD:
    case METHOD_AVG:
    case METHOD_SUM:
        break;
    }
    return WINDOW_SUM;
}

static struct query_plan gauge_plan(enum method method)
{
    return (struct query_plan){ .column = column_of(method),
                                .divide = method == METHOD_AVG || method == METHOD_STANDARD,
                                .factor = 1 };
}

static struct query_plan counter_plan(const struct query *query)
{
    const struct question *question = &query->question;
    enum method method = question->method;
    struct query_plan plan;

    if (method == METHOD_STANDARD && question->shape != SHAPE_STANDARD)
        method = METHOD_SUM;
    plan = gauge_plan(method);
    if (method == METHOD_COUNT || question->shape == SHAPE_COUNT)
        return plan;
    if (method != METHOD_SUM)
        plan.factor = 1 / (double)rollup_interval(query->rollup);
    else if (question->shape == SHAPE_RATE)
        plan.factor = 1 / (double)query->step_s;
    return plan;
}

static struct query_plan distribution_plan(enum aggregate aggregate)
{
    struct query_plan plan = { .column = WINDOW_SUM, .factor = 1, .weighed = true };

    if (aggregate == AGGREGATE_OVER_MIN)
        plan.column = WINDOW_MIN;
    else if (aggregate == AGGREGATE_OVER_MAX)
        plan.column = WINDOW_MAX;
    return plan;
}

static void make_plans(struct query *query)
{
    for (int kind = 0; kind < CELL_KIND_COUNT; kind++) {
        struct query_plan *plan = &query->plans[kind];
        switch (cell_kinds[kind].shown) {
        case SHOWN_RATE:
            *plan = counter_plan(query);
            break;
        case SHOWN_VALUE:
            *plan = gauge_plan(query->question.method);
            break;
        case SHOWN_SKETCH:
            *plan = distribution_plan(query->question.aggregate);
            break;
        case SHOWN_AGGREGATES: /* no series of the rollups is of that kind */
            break;
        }
    }
}

/* ---- the step ---------------------------------------------------------- */

static int64_t floor_to(int64_t time_s, int64_t step_s)
{
    return time_s - ((time_s % step_s) + step_s) % step_s;
}

static int64_t points_of(const struct query *query, int64_t step_s)
{
    int64_t first_s = floor_to(query->from_s, step_s);

    return (query->to_s - first_s + step_s - 1) / step_s;
}

static int64_t standard_step(const struct query *query)
{
    static const int64_t steps[] = { 1,     2,     5,     10,    20,     30,    60,
                                     120,   300,   600,   1200,  1800,   3600,  7200,
                                     14400, 21600, 43200, 86400, 172800, 345600 };
    size_t last = sizeof steps / sizeof steps[0] - 1, i = 0;

    while (i < last && (steps[i] < rollup_interval(query->rollup) ||
                        (query->to_s - query->from_s) / steps[i] > POINTS_STANDARD))
        i++;
    return steps[i];
}

/* The shortest windows that reach back to the beginning; without any the coarsest. */
static int64_t shortest_windows(const struct query *query)
{
    size_t levels = rollup_levels(query->rollup), level = 0;

    while (level + 1 < levels && !rollup_covers(query->rollup, level, query->from_s))
        level++;
    return rollup_step(query->rollup, level);
}

/* The coarsest level whose windows fill whole steps, for they are the fewest; one
 * that reaches back to the beginning goes before one that does not. */
static size_t choose_level(const struct query *query)
{
    size_t best = 0;
    bool covers = false;

    for (size_t level = 0; level < rollup_levels(query->rollup); level++) {
        bool this_covers = rollup_covers(query->rollup, level, query->first_s);
        if (query->step_s % rollup_step(query->rollup, level) != 0 || (covers && !this_covers))
            continue;
        best = level;
        covers = this_covers;
    }
    return best;
}

static bool choose_step(struct query *query, char *problem, size_t problem_size)
{
    int64_t windows_s = shortest_windows(query);
    int64_t step_s =
        query->question.seconds > 0 ? query->question.seconds : standard_step(query);

    query->step_s = (step_s + windows_s - 1) / windows_s * windows_s;
    if (step_s > rollup_interval(query->rollup) && windows_s == rollup_interval(query->rollup))
        query->step_s = step_s; /* points are put where they fall */
    query->first_s = floor_to(query->from_s, query->step_s);
    query->level = choose_level(query);
    int64_t points = points_of(query, query->step_s);
    query->steps = (uint32_t)points;
    if (points <= QUERY_POINTS_MAX)
        return true;
    snprintf(problem, problem_size,
             "the range has %lld points of %lld seconds: no more than %d are allowed",
             (long long)points, (long long)query->step_s, QUERY_POINTS_MAX);
    return false;
}

static bool check_range(const struct query *query, char *problem, size_t problem_size)
{
    if (query->from_s >= 0 && query->from_s < query->to_s && query->to_s <= UINT32_MAX &&
        query->to_s - query->from_s <= QUERY_RANGE_MAX_S)
        return true;
    snprintf(problem, problem_size,
             "from and to are seconds since 1970, from before to, no more than %d days apart",
             QUERY_RANGE_MAX_S / 86400);
    return false;
}

bool query_choose(struct rollup *rollup, const struct question *question, int64_t from_s,
                  int64_t to_s, struct query_range *out, char *problem, size_t problem_size)
{
    struct query query = {
        .rollup = rollup, .question = *question, .from_s = from_s, .to_s = to_s
    };
    bool chosen = check_range(&query, problem, problem_size) &&
                  choose_step(&query, problem, problem_size);

    *out = (struct query_range){ query.first_s, query.step_s, query.steps, query.level };
    return chosen;
}

/* ---- making ------------------------------------------------------------ */

static void compile_terms(struct query *query)
{
    const struct identities *identities = rollup_identities(query->rollup);

    for (size_t i = 0; i < query->question.n_terms; i++) {
        const struct question_term *from = &query->question.terms[i];
        struct query_term *term = &query->terms[i];
        *term = (struct query_term){ from->tag,     identities_find_tag(identities, from->tag),
                                     STRINGS_NONE,  slice_starts(from->tag, SLICE("host:")),
                                     from->negated, from->beginning };
        if (term->host)
            term->host_id = identities_find_text(identities, slice_skip(from->tag, 5));
    }
}

static bool take_memory(struct query *query)
{
    size_t n = query->end + 1u;

    query->group_of = calloc(n, sizeof *query->group_of);
    query->sums = calloc(n, sizeof *query->sums);
    query->blocks = calloc(n / COLUMN_VALUES + 1, sizeof *query->blocks);
    query->n_slots = 64;
    query->slots = calloc(query->n_slots, sizeof *query->slots);
    return query->group_of != NULL && query->sums != NULL && query->blocks != NULL &&
           query->slots != NULL;
}

/* Copies a NUL in the text, too, so that the parser sees and refuses it. */
static char *copy_text(struct slice text)
{
    char *copy = malloc(text.len + 1);

    if (copy != NULL && text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}

struct query *query_new(struct rollup *rollup, struct slice text, int64_t from_s, int64_t to_s,
                        char *problem, size_t problem_size)
{
    struct query *query = calloc(1, sizeof *query);

    snprintf(problem, problem_size, "not enough memory for the question");
    if (query == NULL)
        return NULL;
    query->rollup = rollup;
    rollup_pin(rollup);
    query->from_s = from_s;
    query->to_s = to_s;
    query->end = rollup_end(rollup);
    arena_budget_init(&query->budget, MERGE_MEMORY);
    arena_init(&query->arena, &query->budget);
    arena_init(&query->scratch, &query->budget);
    query->text = copy_text(text);
    bool fine = query->text != NULL && take_memory(query) &&
                question_parse((struct slice){ query->text, text.len }, &query->question,
                               problem, problem_size) &&
                check_range(query, problem, problem_size) &&
                choose_step(query, problem, problem_size);
    if (!fine) {
        query_free(query);
        return NULL;
    }
    compile_terms(query);
    make_plans(query);
    return query;
}

void query_free(struct query *given)
{
    if (given == NULL)
        return;
    rollup_unpin(given->rollup);
    for (uint32_t i = 0; i < given->n_groups; i++)
        free(given->groups[i].text);
    arena_free(&given->arena);
    bytes_free(&given->answer);
    free(given->text);
    free(given->group_of);
    free(given->sums);
    free(given->blocks);
    free(given->groups);
    free(given->slots);
    free(given->totals);
    free(given->merged);
    free(given->values);
    free(given);
}

enum query_state query_fail(struct query *query, const char *sentence)
{
    snprintf(query->problem, sizeof query->problem, "%s", sentence);
    return QUERY_FAILED;
}

/* ---- the outside ------------------------------------------------------- */

void query_tell_open(struct query *query, int64_t from_s, int64_t to_s)
{
    query->open_from_s = from_s;
    query->open_to_s = to_s;
}

void query_begin_step(struct query *query, uint32_t step)
{
    bool quantile = query->question.aggregate == AGGREGATE_OVER_QUANTILE;

    query->step = step;
    query->window_s = query->first_s + step * query->step_s;
    query->next = 0;
    query->phase = step == query->steps ? PHASE_WRITE : quantile ? PHASE_BLOBS : PHASE_SCAN;
}

enum query_state query_step(struct query *query)
{
    switch (query->phase) {
    case PHASE_MATCH:
        return query_match(query);
    case PHASE_SCAN:
        return query_scan(query);
    case PHASE_FOLD:
        return query_fold(query);
    case PHASE_BLOBS:
        return query_merge(query);
    case PHASE_WRITE:
        break;
    }
    return query_write(query);
}

struct slice query_answer(const struct query *query)
{
    return (struct slice){ (const char *)query->answer.at, query->answer.len };
}

const char *query_problem(const struct query *query)
{
    return query->problem;
}
