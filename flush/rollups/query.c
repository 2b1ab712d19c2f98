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
    const struct question *question = query->question;
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

static struct query_plan distribution_plan(const struct query *query)
{
    enum aggregate aggregate = query->question->aggregate;
    struct query_plan plan = { .column = WINDOW_SUM, .factor = 1, .weight = 1 };

    if (aggregate == AGGREGATE_OVER_MIN)
        plan.column = WINDOW_MIN;
    else if (aggregate == AGGREGATE_OVER_MAX)
        plan.column = WINDOW_MAX;
    else if (aggregate == AGGREGATE_OVER_COUNT && query->question->shape == SHAPE_RATE)
        plan.weight = 1 / (double)query->step_s;
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
            *plan = gauge_plan(query->question->method);
            break;
        case SHOWN_SKETCH:
            *plan = distribution_plan(query);
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

static int64_t longer(int64_t a_s, int64_t b_s)
{
    return a_s > b_s ? a_s : b_s;
}

static int64_t standard_step(const struct rollup *rollup, const struct query_span *span)
{
    static const int64_t steps[] = { 1,     2,     5,     10,    20,     30,    60,
                                     120,   300,   600,   1200,  1800,   3600,  7200,
                                     14400, 21600, 43200, 86400, 172800, 345600 };
    size_t last = sizeof steps / sizeof steps[0] - 1, i = 0;

    while (i < last && (steps[i] < rollup_interval(rollup) ||
                        (span->to_s - span->from_s) / steps[i] > POINTS_STANDARD))
        i++;
    return longer(span->step_s > 0 ? span->step_s : steps[i], span->least_step_s);
}

/* The shortest windows that reach back to the beginning; without any the coarsest. */
static int64_t shortest_windows(const struct rollup *rollup, int64_t from_s)
{
    size_t levels = rollup_levels(rollup), level = 0;

    while (level + 1 < levels && !rollup_reaches(rollup, level, from_s))
        level++;
    return rollup_step(rollup, level);
}

/* The same, which reach further back where there are such. */
static int64_t far_windows(const struct rollup *rollup, const struct query_span *span)
{
    int64_t from_s = span->from_s - span->shift_s, far_s = from_s - span->reach_s;

    for (size_t level = 0; level < rollup_levels(rollup); level++)
        if (rollup_reaches(rollup, level, far_s))
            return rollup_step(rollup, level);
    return shortest_windows(rollup, from_s);
}

/* How well the windows of a level are made for these steps: they are aligned to them and reach
 * back to the beginning; they reach, and each is put into the step that it begins in; they are
 * aligned; none of it. */
enum fit { FIT_NOT, FIT_ALIGNED, FIT_REACHING, FIT_WHOLE };

static enum fit fit_of(const struct rollup *rollup, size_t level,
                       const struct query_range *range, int64_t from_s)
{
    int64_t window_s = rollup_step(rollup, level);
    bool aligned = range->step_s % window_s == 0 && range->first_s % window_s == 0;

    if (!rollup_reaches(rollup, level, from_s))
        return aligned ? FIT_ALIGNED : FIT_NOT;
    return aligned ? FIT_WHOLE : window_s <= range->step_s ? FIT_REACHING : FIT_NOT;
}

/* The level that fits best. Of equal ones the coarsest, for its windows are the fewest; the
 * finest of those that are not aligned. */
static size_t choose_level(const struct rollup *rollup, const struct query_range *range,
                           int64_t from_s)
{
    enum fit best_fit = FIT_NOT;
    size_t best = 0;

    for (size_t level = 0; level < rollup_levels(rollup); level++) {
        enum fit fit = fit_of(rollup, level, range, from_s);
        if (fit < best_fit || fit == FIT_NOT || (fit == best_fit && fit == FIT_REACHING))
            continue;
        best_fit = fit;
        best = level;
    }
    return best;
}

/* A step as the windows allow it, which reach back to the beginning. */
static int64_t fit_step(const struct rollup *rollup, const struct query_span *span,
                        int64_t step_s)
{
    int64_t windows_s = far_windows(rollup, span);

    if (step_s > rollup_interval(rollup) && windows_s == rollup_interval(rollup))
        return step_s; /* points are put where they fall */
    return (step_s + windows_s - 1) / windows_s * windows_s;
}

bool query_span_fits(int64_t from_s, int64_t to_s, char *problem, size_t problem_size)
{
    if (from_s >= 0 && from_s < to_s && to_s <= UINT32_MAX &&
        to_s - from_s <= QUERY_RANGE_MAX_S)
        return true;
    snprintf(problem, problem_size,
             "from and to are seconds since 1970, from before to, no more than %d days apart",
             QUERY_RANGE_MAX_S / 86400);
    return false;
}

/* One step, of whole windows. */
static void choose_whole(const struct rollup *rollup, const struct query_span *span,
                         struct query_range *out)
{
    int64_t windows_s = far_windows(rollup, span);
    int64_t first_s = floor_to(span->from_s, windows_s);

    *out = (struct query_range){ .first_s = first_s - span->shift_s,
                                 .step_s =
                                     floor_to(span->to_s - first_s + windows_s - 1, windows_s),
                                 .steps = 1 };
    out->level = choose_level(rollup, out, out->first_s - span->reach_s);
}

/* Steps that the range touches. */
static int64_t points_of(const struct query_span *span, int64_t step_s)
{
    return (span->to_s - floor_to(span->from_s, step_s) + step_s - 1) / step_s;
}

bool query_choose(const struct rollup *rollup, const struct question *question,
                  const struct query_span *span, struct query_range *out, char *problem,
                  size_t problem_size)
{
    if (span->whole && question->seconds == 0) {
        choose_whole(rollup, span, out);
        return true;
    }
    int64_t standard_s = standard_step(rollup, span);
    int64_t wanted_s = question->seconds > 0 ? question->seconds : standard_s;
    int64_t step_s = fit_step(rollup, span, wanted_s), points = points_of(span, step_s);
    bool coarser = span->may_be_coarser && points > QUERY_POINTS_MAX && wanted_s < standard_s;

    if (coarser) {
        step_s = fit_step(rollup, span, standard_s);
        points = points_of(span, step_s);
    }
    *out = (struct query_range){ .first_s = floor_to(span->from_s, step_s) - span->shift_s,
                                 .step_s = step_s,
                                 .steps = (uint32_t)points,
                                 .coarser = coarser };
    out->level = choose_level(rollup, out, out->first_s - span->reach_s);
    if (points <= QUERY_POINTS_MAX)
        return true;
    snprintf(problem, problem_size,
             "the range has %lld points of %lld seconds: no more than %d are allowed",
             (long long)points, (long long)step_s, QUERY_POINTS_MAX);
    return false;
}

void query_range_lead(struct query_range *range, int64_t lead)
{
    int64_t most = range->first_s / range->step_s;

    lead = lead < most ? lead : most > 0 ? most : 0;
    range->first_s -= lead * range->step_s;
    range->steps += (uint32_t)lead;
    range->lead = (uint32_t)lead;
}

/* ---- making ------------------------------------------------------------ */

/* Bytes of all tags, those of IN with their key. */
static size_t tag_bytes(const struct scope *scope)
{
    size_t n = 1;

    for (size_t i = 0; i < scope->n_terms; i++)
        n += scope->terms[i].key.len + 1 + scope->terms[i].tag.len;
    return n;
}

/* "key:value" of IN, or the tag, at that place. */
static struct slice write_tag(const struct scope_term *term, char *at)
{
    size_t len = term->key.len;

    memcpy(at, term->key.at, len);
    if (len > 0)
        at[len++] = ':';
    memcpy(at + len, term->tag.at, term->tag.len);
    return (struct slice){ at, len + term->tag.len };
}

static bool compile_terms(struct query *query)
{
    const struct identities *identities = rollup_identities(query->rollup);
    const struct scope *scope = &query->question->scope;
    char *at = query->tags = malloc(tag_bytes(scope));

    for (size_t i = 0; at != NULL && i < scope->n_terms; i++) {
        struct query_term *term = &query->terms[i];
        struct slice tag = write_tag(&scope->terms[i], at);
        at += tag.len;
        *term = (struct query_term){
            .tag = tag,
            .tag_id = identities_find_tag(identities, tag),
            .host_id = STRINGS_NONE,
            .host = slice_starts(tag, SLICE("host:")),
            .pattern = scope->terms[i].pattern,
        };
        term->prefix = slice_cut(&tag, '*');
        if (term->host)
            term->host_id = identities_find_text(identities, slice_skip(term->tag, 5));
    }
    return query->tags != NULL;
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

bool query_begin_match(struct query *query)
{
    struct matched *matched = rollup_matched(query->rollup);

    query->end = rollup_end(query->rollup);
    query->births_before = matched->births;
    query->candidates = matched_recall(matched, query_key(query), &query->n_candidates);
    return take_memory(query) && compile_terms(query);
}

/* Where the range reaches beyond memory, it is recalled first who was there. */
static bool begin(struct query *query)
{
    make_plans(query);
    query->phase = query_needs_past(query) ? PHASE_RECALL : PHASE_MATCH;
    return query->phase == PHASE_RECALL ? query_begin_past(query) : query_begin_match(query);
}

struct query *query_new(struct rollup *rollup, const struct question *question,
                        const struct query_range *range, struct query_room room)
{
    struct query *query = calloc(1, sizeof *query);

    if (query == NULL)
        return NULL;
    query->rollup = rollup;
    rollup_pin(rollup);
    query->question = question;
    query->first_s = range->first_s;
    query->step_s = range->step_s;
    query->steps = range->steps;
    query->lead = range->lead;
    query->level = range->level;
    query->room = room;
    query->past = rollup_past(rollup);
    arena_budget_init(&query->budget, MERGE_MEMORY);
    arena_init(&query->arena, &query->budget);
    arena_init(&query->scratch, &query->budget);
    if (!begin(query)) {
        query_free(query);
        return NULL;
    }
    return query;
}

void query_free(struct query *given)
{
    if (given == NULL)
        return;
    query_end_past(given);
    rollup_unpin(given->rollup);
    for (uint32_t i = 0; i < given->n_groups; i++)
        free(given->groups[i].text);
    arena_free(&given->arena);
    arena_free(&given->scratch);
    free(given->tags);
    free(given->candidates);
    free(given->group_of);
    free(given->sums);
    free(given->last);
    free(given->gaps);
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

void query_begin_step(struct query *query, uint32_t step)
{
    bool quantile = query->question->aggregate == AGGREGATE_OVER_QUANTILE;

    query->step = step;
    query->window_s = query->first_s + step * query->step_s;
    query->late = false;
    query->next = 0;
    if (step == query->steps)
        query->phase = query->gaps != NULL ? PHASE_SETTLE : PHASE_DONE;
    else
        query->phase = quantile ? PHASE_BLOBS : PHASE_SCAN;
}

enum query_state query_step(struct query *query)
{
    switch (query->phase) {
    case PHASE_RECALL:
        return query_recall(query);
    case PHASE_MATCH:
        return query_match(query);
    case PHASE_CLEAR:
        return query_clear(query);
    case PHASE_SCAN:
        return query_scan(query);
    case PHASE_FOLD:
        return query_fold(query);
    case PHASE_BLOBS:
        return query_merge(query);
    case PHASE_SETTLE:
        return query_settle(query);
    case PHASE_DONE:
        break;
    }
    return QUERY_DONE;
}

struct grid query_take(struct query *query)
{
    struct grid grid = {
        .first_s = query->first_s,
        .step_s = query->step_s,
        .steps = query->steps,
        .lead = query->lead,
        .n_by = query->question->n_by,
        .groups = query->groups,
        .n_groups = query->n_groups,
        .rows = 1,
        .of_series = query->last != NULL,
        .values = query->values,
    };

    memcpy(grid.by, query->question->by, sizeof grid.by);
    query->groups = NULL;
    query->n_groups = 0;
    query->values = NULL;
    return grid;
}

enum metric_unit query_unit(const struct query *query)
{
    return query->units_differ ? UNIT_NONE : (enum metric_unit)query->unit;
}

bool query_is_too_fine(const struct query *query)
{
    return query->too_fine;
}

const char *query_problem(const struct query *query)
{
    return query->problem;
}
