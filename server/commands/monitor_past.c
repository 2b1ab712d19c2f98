#include "server/commands/monitor_past.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flush/language/expression.h"
#include "flush/memory/json_view.h"
#include "server/commands/times.h"

enum {
    ANSWER_KEYS_MAX = 1 << 24,
    NAME_MAX_BYTES = 4096,
    WAIT_S = 2,        /* as the evaluator's */
    PIECE_WINDOWS = 6, /* so many in a piece leave a window fifty points */
    PIECES_MAX = 400
};

/* ---- the question ------------------------------------------------------ */

/* An operand, or what it is in the window that ends at each step. */
static void put_operand(struct bytes *out, const struct condition *condition,
                        struct slice operand)
{
    static const char *const words[] = { "avg", "sum", "min", "max" };
    char end[64];

    snprintf(end, sizeof end, ", %lld, '%s')", (long long)condition->window_s,
             words[condition->reduce]);
    bytes_add_text(out, "moving_rollup(");
    bytes_add_slice(out, operand);
    bytes_add_text(out, end);
}

static void put_expression(struct bytes *out, const struct condition *condition,
                           const struct expression *expression, bool reduces)
{
    struct slice text = expression->text;
    const char *at = text.at;

    for (size_t i = 0; reduces && i < expression->n_queries; i++) {
        struct slice query = expression->queries[i].text;

        bytes_add_slice(out, (struct slice){ at, (size_t)(query.at - at) });
        put_operand(out, condition, query);
        at = query.at + query.len;
    }
    bytes_add_slice(out, (struct slice){ at, (size_t)(text.at + text.len - at) });
}

/* A change is computed point by point, as by the server. */
static void put_question(struct bytes *out, const struct condition *condition,
                         const struct expression *expression, bool reduces)
{
    struct bytes now = { 0 }, before = { 0 };
    char shift[32];

    put_expression(&now, condition, expression, reduces);
    if (condition->kind == CONDITION_CHANGE) {
        snprintf(shift, sizeof shift, ", -%lld)", (long long)condition->shift_s);
        bytes_add_text(&before, "timeshift((");
        bytes_add(&before, now.at, now.len);
        bytes_add_text(&before, ")");
        bytes_add_text(&before, shift);
        bytes_add_text(out, condition->relative ? "((" : "(");
        bytes_add(out, now.at, now.len);
        bytes_add_text(out, ") - ");
        bytes_add(out, before.at, before.len);
        if (condition->relative) {
            bytes_add_text(out, ") / ");
            bytes_add(out, before.at, before.len);
            bytes_add_text(out, " * 100");
        }
    } else {
        bytes_add(out, now.at, now.len);
    }
    out->failed = out->failed || now.failed || before.failed;
    bytes_free(&now);
    bytes_free(&before);
}

/* Where an expression computes with what is counted, each operand is reduced first. */
static bool computes_with_counts(const struct expression *expression)
{
    bool computes = false, counts = false;

    for (size_t i = 0; i < expression->n_nodes; i++)
        computes = computes || expression->nodes[i].kind == NODE_OPERATOR;
    for (size_t i = 0; i < expression->n_queries; i++)
        counts = counts || expression->queries[i].shape == SHAPE_COUNT;
    return computes && counts;
}

/* What anomalies( ) looks at, if it is one. */
static void plan_trigger(struct monitor_past *past, const struct expression *expression)
{
    const struct node *last = &expression->nodes[expression->n_nodes - 1];
    const struct monitor *monitor = past->monitor;

    if (last->kind != NODE_FUNCTION || !last->call.function->band)
        return;
    past->direction = (enum direction)last->call.arguments[ANOMALIES_DIRECTION];
    past->trigger_s = (int64_t)last->call.arguments[ANOMALIES_ALERT_WINDOW];
    if (past->trigger_s == 0)
        past->trigger_s = monitor->trigger_window_s > 0 ? monitor->trigger_window_s
                                                        : monitor->condition.window_s;
}

static bool make_question(struct monitor_past *past, char *problem, size_t problem_size)
{
    const struct condition *condition = &past->monitor->condition;
    struct expression *expression = malloc(sizeof *expression);

    snprintf(problem, problem_size, "not enough memory");
    if (expression == NULL ||
        !expression_parse(condition->expression, expression, problem, problem_size)) {
        free(expression);
        return false;
    }
    past->reduces_operands = computes_with_counts(expression);
    plan_trigger(past, expression);
    put_question(&past->question, condition, expression, past->reduces_operands);
    bytes_add_slice(&past->question, (struct slice){ "", 1 });
    free(expression);
    return !past->question.failed;
}

/* ---- the plan ---------------------------------------------------------- */

static const int64_t nice_s[] = { 60,   120,   300,   600,   900,   1200,  1800,   3600,
                                  7200, 10800, 14400, 21600, 43200, 86400, 172800, 604800 };

enum { NICE = sizeof nice_s / sizeof nice_s[0] };

static int64_t nice_from(int64_t least_s)
{
    size_t i = 0;

    while (i < NICE - 1 && nice_s[i] < least_s)
        i++;
    return nice_s[i];
}

static int64_t floor_to(int64_t time_s, int64_t step_s)
{
    return time_s - time_s % step_s;
}

/* Pieces begin at multiples of their length, so that all have steps of the same length. */
static void plan_pieces(struct monitor_past *past)
{
    const struct monitor *monitor = past->monitor;
    int64_t window_s = monitor->condition.window_s, delay_s = monitor->evaluation_delay_s;
    int64_t from_s = past->from_s - delay_s - window_s;
    int64_t least_s = (past->to_s - from_s) / PIECES_MAX + 1;

    if (least_s < PIECE_WINDOWS * window_s)
        least_s = PIECE_WINDOWS * window_s;
    past->piece_s = nice_from(least_s);
    past->next_s = floor_to(from_s > 0 ? from_s : 0, past->piece_s);
    past->until_s = past->to_s - delay_s;
}

static void plan(struct monitor_past *past, int64_t last_s, int64_t now_s)
{
    past->period_s = condition_period_s(&past->monitor->condition);
    past->to_s = floor_to(now_s - WAIT_S, past->period_s);
    past->from_s = floor_to(past->to_s - last_s, past->period_s) + past->period_s;
    if (past->from_s > past->to_s)
        past->from_s = past->to_s;
    int64_t span_s = past->to_s - past->from_s + past->period_s;

    past->place_s =
        nice_from((span_s + MONITOR_PAST_PLACES - 1) / MONITOR_PAST_PLACES > past->period_s
                      ? (span_s + MONITOR_PAST_PLACES - 1) / MONITOR_PAST_PLACES
                      : past->period_s);
    past->n_places = (size_t)((span_s + past->place_s - 1) / past->place_s);
    plan_pieces(past);
}

bool monitor_past_begin(struct monitor_past *out, const struct monitor *monitor, int64_t last_s,
                        int64_t now_s, char *problem, size_t problem_size)
{
    enum condition_kind kind = monitor->condition.kind;

    *out = (struct monitor_past){ .monitor = monitor };
    if (kind == CONDITION_CHECK || kind == CONDITION_COMPOSITE) {
        snprintf(problem, problem_size,
                 "the past of %s is not kept: it is not evaluated over it",
                 kind == CONDITION_CHECK ? "service checks" : "other monitors");
        return false;
    }
    plan(out, last_s, now_s);
    return make_question(out, problem, problem_size);
}

void monitor_past_free(struct monitor_past *given)
{
    for (size_t i = 0; i < given->n_groups; i++) {
        free(given->groups[i]->name);
        free(given->groups[i]->points);
        free(given->groups[i]->changes);
        free(given->groups[i]);
    }
    free(given->groups);
    bytes_free(&given->question);
    *given = (struct monitor_past){ .monitor = NULL };
}

bool monitor_past_next(struct monitor_past *past, int64_t *from_s, int64_t *to_s)
{
    if (past->next_s >= past->until_s)
        return false;
    *from_s = past->next_s;
    *to_s = past->next_s += past->piece_s;
    return true;
}

/* ---- answers ----------------------------------------------------------- */

/* Room for one more; false without memory. */
static bool make_room(void **items, size_t n, size_t *room, size_t size)
{
    void *more;

    if (n < *room)
        return true;
    more = realloc(*items, (*room * 2 + 16) * size);
    if (more == NULL)
        return false;
    *items = more;
    *room = *room * 2 + 16;
    return true;
}

/* The tags of a series in order, each once; "*": none. False: it is too long. */
static bool name_of(struct slice series, char room[NAME_MAX_BYTES], struct slice *out)
{
    struct slice inside = json_view_inside(json_view_member(series, "tag_set")), item;
    char text[NAME_MAX_BYTES] = "";
    struct slice tags[CONDITION_BY_MAX];
    size_t n = 0, used = 0;

    while (n < CONDITION_BY_MAX && json_view_next_item(&inside, &item)) {
        if (item.len > sizeof text - used)
            return false;
        struct slice tag = { text + used, json_view_text(item, text + used) };
        size_t at = n;

        used += tag.len;
        while (at > 0 && slice_compare(tags[at - 1], tag) > 0)
            at--;
        if (tag.len == 0 || (at > 0 && slice_equal(tags[at - 1], tag)))
            continue;
        memmove(tags + at + 1, tags + at, (n++ - at) * sizeof *tags);
        tags[at] = tag;
    }
    struct bytes name = { 0 };

    for (size_t i = 0; i < n; i++) {
        bytes_add_text(&name, i > 0 ? "," : "");
        bytes_add_slice(&name, tags[i]);
    }
    if (n == 0)
        bytes_add_text(&name, "*");
    bool fits = !name.failed && name.len <= NAME_MAX_BYTES;

    if (fits)
        memcpy(room, name.at, name.len);
    *out = (struct slice){ room, fits ? name.len : 0 };
    bytes_free(&name);
    return fits;
}

static struct past_group *add_group(struct monitor_past *past, struct slice name)
{
    struct past_group *group = calloc(1, sizeof *group);

    if (group == NULL ||
        !make_room((void **)&past->groups, past->n_groups, &past->groups_room,
                   sizeof *past->groups) ||
        (group->name = strndup(name.at, name.len)) == NULL) {
        free(group);
        return NULL;
    }
    past->groups[past->n_groups++] = group;
    return group;
}

/* The groups of an answer mostly come in the order of the answer before. hint: where the last
 * one was. NULL: there are too many, or there is no memory. */
static struct past_group *need_group(struct monitor_past *past, struct slice name, size_t *hint)
{
    for (size_t i = 0; i < past->n_groups; i++) {
        size_t at = (*hint + i) % past->n_groups;

        if (slice_equal(slice_of(past->groups[at]->name), name)) {
            *hint = at;
            return past->groups[at];
        }
    }
    if (past->n_groups == MONITOR_PAST_GROUPS_MAX) {
        past->groups_beyond++;
        return NULL;
    }
    *hint = past->n_groups;
    return add_group(past, name);
}

/* That of the same begin, or a new one behind the last. NULL: it is before the last and new, or
 * there is no memory. */
static struct past_point *need_point(struct past_group *group, int64_t begin_s, int64_t step_s)
{
    size_t low = 0, high = group->n_points;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (group->points[middle].begin_s < begin_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < group->n_points)
        return group->points[low].begin_s == begin_s ? &group->points[low] : NULL;
    if (!make_room((void **)&group->points, group->n_points, &group->points_room,
                   sizeof *group->points))
        return NULL;
    group->points[group->n_points] =
        (struct past_point){ begin_s, step_s, (double)NAN, (double)NAN, (double)NAN };
    return &group->points[group->n_points++];
}

static double *row_of(struct past_point *point, struct slice role)
{
    return json_view_says(role, "lower")   ? &point->lower
           : json_view_says(role, "upper") ? &point->upper
                                           : &point->value;
}

static bool take_points(struct past_group *group, struct slice series, int64_t step_s)
{
    struct slice role = json_view_member(json_view_member(series, "attributes"), "role");
    struct slice inside = json_view_inside(json_view_member(series, "pointlist")), pair;

    while (json_view_next_item(&inside, &pair)) {
        struct slice parts = json_view_inside(pair), time, number;
        double time_ms, value;

        if (!json_view_next_item(&parts, &time) || !json_view_next_item(&parts, &number) ||
            !json_view_number(time, &time_ms) || !(time_ms >= 0 && time_ms < 1e15) ||
            !json_view_number(number, &value))
            return false;
        struct past_point *point = need_point(group, (int64_t)(time_ms / 1000), step_s);

        if (point != NULL)
            *row_of(point, role) = value;
    }
    return true;
}

static bool take_series(struct monitor_past *past, struct slice series, size_t *hint)
{
    char room[NAME_MAX_BYTES];
    struct slice name;
    double step_s;

    if (!json_view_number(json_view_member(series, "interval"), &step_s) ||
        !(step_s >= 1 && step_s < 1e9) || !name_of(series, room, &name))
        return false;
    struct past_group *group = need_group(past, name, hint);

    if ((int64_t)step_s > past->step_s)
        past->step_s = (int64_t)step_s;
    return group == NULL || take_points(group, series, (int64_t)step_s);
}

bool monitor_past_take(struct monitor_past *past, struct slice answer, char *problem,
                       size_t problem_size)
{
    struct json_fault fault;
    struct slice value, inside, series;
    size_t hint = 0;
    double open_ms;

    snprintf(problem, problem_size, "this is no heeler's answer");
    if (!json_view_check(answer, ANSWER_KEYS_MAX, &value, &fault) ||
        json_view_kind(json_view_member(value, "series")) != JSON_KIND_ARRAY)
        return false;
    if (json_view_number(json_view_member(value, "open_from_date"), &open_ms) && open_ms > 0 &&
        open_ms < 1e15)
        past->open_s = (int64_t)(open_ms / 1000);
    inside = json_view_inside(json_view_member(value, "series"));
    while (json_view_next_item(&inside, &series))
        if (!take_series(past, series, &hint))
            return false;
    return true;
}
