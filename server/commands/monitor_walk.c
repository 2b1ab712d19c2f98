/* The states of a monitor's groups, window by window, as the evaluator has them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flush/rollups/coverage.h"
#include "server/commands/monitor_past.h"
#include "server/commands/times.h"

/* One group on its way. */
struct walk {
    const struct monitor_past *past;
    struct past_group *group;
    size_t first; /* of its points that may be in a window yet */
    bool is_there;
    int64_t seen_s;
    struct group_state state;
};

/* ---- a window ---------------------------------------------------------- */

static int64_t end_of(const struct past_point *point)
{
    return point->begin_s + point->step_s;
}

/* A point that is longer than the window is in it when it ends there. */
static bool is_before(const struct past_point *point, int64_t from_s, int64_t to_s)
{
    return end_of(point) <= (to_s - point->step_s < from_s ? to_s - point->step_s : from_s);
}

/* One without a band is not. */
static bool is_outside(enum direction direction, const struct past_point *point)
{
    return (direction != DIRECTION_BELOW && point->value > point->upper) ||
           (direction != DIRECTION_ABOVE && point->value < point->lower);
}

/* The share of points outside of the band, of those that begin then or later. */
static double share_outside(const struct walk *walk, size_t from, size_t to, int64_t from_s)
{
    size_t n = 0, outside = 0;

    for (size_t i = from; i < to; i++) {
        const struct past_point *point = &walk->group->points[i];

        if (isnan(point->value) || point->begin_s < from_s)
            continue;
        n++;
        outside += is_outside(walk->past->direction, point);
    }
    return n > 0 ? (double)outside / (double)n : (double)NAN;
}

static double reduce(enum condition_reduce how, const struct past_point *points, size_t n)
{
    double value = points[0].value;

    for (size_t i = 1; i < n; i++)
        value = condition_pick(how, value, points[i].value);
    return how == REDUCE_AVG ? value / (double)n : value;
}

/* NAN: there is none. */
static double value_of(const struct walk *walk, size_t from, size_t to, int64_t to_s)
{
    const struct past_point *points = walk->group->points, *last = &points[to - 1];

    if (walk->past->trigger_s > 0)
        return share_outside(walk, from, to, to_s - walk->past->trigger_s);
    if (walk->past->reduces_operands) /* the last point is of the whole window */
        return end_of(last) > to_s - last->step_s ? last->value : (double)NAN;
    return reduce(walk->past->monitor->condition.reduce, points + from, to - from);
}

/* What the group was worth in the window that ends there; its state where that is nothing. */
static struct observation look(struct walk *walk, int64_t at_s)
{
    const struct monitor *monitor = walk->past->monitor;
    const struct past_group *group = walk->group;
    struct observation out = { .what = OBSERVED_NOTHING, .at_s = at_s };
    int64_t to_s = at_s - monitor->evaluation_delay_s;
    int64_t from_s = to_s - monitor->condition.window_s;
    struct coverage_window window = { from_s, to_s, condition_bucket_s(&monitor->condition) };
    struct coverage coverage = { { 0 }, 0, 0 };
    size_t end;

    while (walk->first < group->n_points &&
           is_before(&group->points[walk->first], from_s, to_s))
        walk->first++;
    for (end = walk->first; end < group->n_points && end_of(&group->points[end]) <= to_s; end++)
        coverage_add_point(&coverage, &window, group->points[end].begin_s,
                           end_of(&group->points[end]));
    if (end == walk->first)
        return out;
    out.value = value_of(walk, walk->first, end, to_s);
    if (walk->past->trigger_s > 0)
        out.recovery =
            share_outside(walk, walk->first, end,
                          to_s - (monitor->recovery_window_s > 0 ? monitor->recovery_window_s
                                                                 : walk->past->trigger_s));
    out.is_share = walk->past->trigger_s > 0 && !isnan(out.recovery);
    if (isnan(out.value))
        return out;
    out.data_s = coverage.last_s;
    out.what = monitor->require_full_window && !walk->past->reduces_operands &&
                       !condition_is_full(&monitor->condition, coverage_has_first(&coverage),
                                          coverage_count_parts(&coverage))
                   ? OBSERVED_TOO_LITTLE
                   : OBSERVED_VALUE;
    return out;
}

/* ---- from state to state ----------------------------------------------- */

/* False without memory. */
static bool note_change(struct past_group *group, const struct transition *transition,
                        const struct observation *observation)
{
    if (group->n_changes == MONITOR_PAST_CHANGES_MAX) {
        group->changes_beyond++;
        return true;
    }
    if (group->n_changes == group->changes_room) {
        size_t room = group->changes_room * 2 + 8;
        struct past_change *more = realloc(group->changes, room * sizeof *more);

        if (more == NULL)
            return false;
        group->changes = more;
        group->changes_room = room;
    }
    group->changes[group->n_changes++] = (struct past_change){
        .at_s = transition->at_s,
        .from = transition->from,
        .to = transition->to,
        .value = observation->what == OBSERVED_VALUE ? observation->value : (double)NAN,
        .is_told = transition->is_told,
    };
    return true;
}

static void meet(struct walk *walk, int64_t at_s)
{
    walk->is_there = true;
    walk->state = (struct group_state){ .state = MONITOR_OK,
                                        .first_seen_s = at_s > walk->past->from_s ? at_s : 0 };
}

/* A group that was not there at the first evaluation has time to begin. */
static bool is_new(const struct walk *walk, int64_t at_s)
{
    const struct monitor *monitor = walk->past->monitor;

    return monitor->condition.n_by > 0 && walk->state.first_seen_s > 0 &&
           at_s - walk->state.first_seen_s < monitor->new_group_delay_s;
}

/* False without memory. */
static bool step(struct walk *walk, int64_t at_s)
{
    const struct monitor *monitor = walk->past->monitor;
    struct observation observation = look(walk, at_s);
    struct transition transition;

    if (observation.what != OBSERVED_NOTHING) {
        if (!walk->is_there)
            meet(walk, at_s);
        walk->seen_s = at_s;
        if (is_new(walk, at_s))
            return true;
    }
    if (!walk->is_there)
        return true;
    if (group_state_step(&walk->state, &monitor->rules, &observation, &transition)) {
        walk->group->told += transition.is_told;
        if (transition.from != transition.to &&
            !note_change(walk->group, &transition, &observation))
            return false;
    }
    if (monitor->condition.n_by > 0 && at_s - walk->seen_s >= monitor->group_retention_s)
        walk->is_there = false; /* it is forgotten */
    return true;
}

static void mark(const struct walk *walk, int64_t at_s)
{
    size_t place = (size_t)((at_s - walk->past->from_s) / walk->past->place_s);
    uint8_t state = (uint8_t)(walk->state.state + 1);

    if (walk->is_there && walk->state.last_data_s > 0 && walk->group->line[place] < state)
        walk->group->line[place] = state;
}

static bool walk_all(struct monitor_past *past, struct past_group *group)
{
    struct walk walk = { .past = past, .group = group };

    for (int64_t at_s = past->from_s; at_s <= past->to_s; at_s += past->period_s) {
        if (!step(&walk, at_s))
            return false;
        mark(&walk, at_s);
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    const struct past_group *const *left = a, *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

bool monitor_past_evaluate(struct monitor_past *past)
{
    int64_t known_s = past->open_s + past->monitor->evaluation_delay_s;

    if (past->open_s > 0 && past->to_s > known_s)
        past->to_s = known_s - known_s % past->period_s;
    if (past->n_groups > 1)
        qsort(past->groups, past->n_groups, sizeof *past->groups, compare_names);
    for (size_t i = 0; i < past->n_groups; i++)
        if (!walk_all(past, past->groups[i]))
            return false;
    return true;
}

/* ---- what is not as the server has it ---------------------------------- */

static void note_points(const struct monitor_past *past, struct problems *problems)
{
    const struct monitor *monitor = past->monitor;
    int64_t window_s = monitor->condition.window_s;
    char step[32], window[32];

    times_write_span(past->step_s, step, sizeof step);
    times_write_span(window_s, window, sizeof window);
    if (past->step_s > window_s)
        problems_note(problems,
                      "where only points of %s are kept, one stands for a window of %s", step,
                      window);
    else if (past->step_s * 10 > window_s)
        problems_note(problems,
                      "points are up to %s long: a window of %s is seen in %lld parts, and the "
                      "server may see more",
                      step, window, (long long)(window_s / past->step_s));
}

void monitor_past_note(const struct monitor_past *past, struct problems *problems)
{
    const struct monitor *monitor = past->monitor;

    note_points(past, problems);
    if (past->reduces_operands)
        problems_note(problems,
                      "each operand is reduced before it is computed with; when the "
                      "last value came is known to a window alone%s",
                      monitor->require_full_window ? ", and whether it is full is not" : "");
    if (past->trigger_s > 0)
        problems_note(problems, "anomalies are those of the points that /api/v1/query shows, "
                                "and not of the interval that the monitor names");
    if (past->groups_beyond > 0)
        problems_note(problems, "more than %d groups are there; the others are not shown",
                      MONITOR_PAST_GROUPS_MAX);
    problems_note(problems, "downtimes, mutes and what was lost are not looked at");
}
