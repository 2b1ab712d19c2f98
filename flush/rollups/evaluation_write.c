/* The answer of a question as JSON. */
#include <math.h>
#include <stdio.h>

#include "flush/memory/json.h"
#include "flush/rollups/evaluation_internal.h"
#include "protocol/number.h"

enum { BYTES_A_SLICE = 256 << 10, ANSWER_MAX = 256 << 20 };

enum { POINT_TEXT_MAX = 2 * NUMBER_TEXT_MAX + 8 };

static void put_int(struct bytes *out, int64_t value)
{
    char text[NUMBER_TEXT_MAX];

    bytes_add(out, text, number_format_whole(value, text));
}

const struct expression_part *evaluation_part(const struct evaluation *evaluation)
{
    return &evaluation->expression.parts[evaluation->part];
}

/* The grid that is written. */
static const struct grid *answer_of(const struct evaluation *evaluation)
{
    return &evaluation->grids[evaluation_part(evaluation)->node];
}

/* ---- the head ---------------------------------------------------------- */

static void put_open(struct evaluation *evaluation)
{
    struct bytes *out = &evaluation->answer;

    if (evaluation->open_from_s >= evaluation->open_to_s ||
        evaluation->to_s <= evaluation->open_from_s)
        return;
    bytes_add_text(out, ",\"open_from_date\":");
    put_int(out, evaluation->open_from_s * 1000);
    bytes_add_text(out, ",\"open_to_date\":");
    put_int(out, evaluation->open_to_s * 1000);
}

static void put_keys(struct bytes *out, const struct grid *grid)
{
    bytes_add_text(out, "[");
    for (size_t i = 0; i < grid->n_by; i++) {
        bytes_add_text(out, i > 0 ? "," : "");
        json_add_string(out, grid->by[i]);
    }
    bytes_add_text(out, "]");
}

static bool has_coarser_steps(const struct evaluation *evaluation)
{
    bool has = false;

    for (size_t i = 0; i < evaluation->expression.n_queries; i++)
        has = has || evaluation->ranges[i].coarser;
    return has;
}

static void put_message(struct evaluation *evaluation)
{
    struct bytes *out = &evaluation->answer;
    bool is_coarser = has_coarser_steps(evaluation);

    bytes_add_text(out, ",\"message\":\"");
    if (is_coarser)
        bytes_add_text(out, "the seconds of .rollup( ) make too many steps: they are longer");
    if (is_coarser && evaluation->lacks_band)
        bytes_add_text(out, "; ");
    if (evaluation->lacks_band)
        bytes_add_text(out,
                       "where fewer than 15 points or 30 minutes came before a point there "
                       "is no band");
    bytes_add_text(out, "\"");
}

static void put_head(struct evaluation *evaluation)
{
    struct bytes *out = &evaluation->answer;

    bytes_add_text(
        out, "{\"status\":\"ok\",\"res_type\":\"time_series\",\"resp_version\":1,\"query\":");
    json_add_string(out, evaluation->expression.text);
    bytes_add_text(out, ",\"from_date\":");
    put_int(out, evaluation->from_s * 1000);
    bytes_add_text(out, ",\"to_date\":");
    put_int(out, evaluation->to_s * 1000);
    put_open(evaluation);
    put_message(evaluation);
    bytes_add_text(out, ",\"group_by\":");
    put_keys(out, answer_of(evaluation));
    bytes_add_text(out, ",\"series\":[");
}

/* ---- what a series is called ------------------------------------------- */

/* "env:a,host:b,team:x": the group, then the scope; "*": neither. */
static void put_scope(struct bytes *out, const struct grid_group *group, struct slice scope)
{
    bytes_add_slice(out, (struct slice){ group->text, group->len });
    if (group->len > 0 && slice_equal(scope, SLICE("*")))
        return;
    bytes_add_text(out, group->len > 0 ? "," : "");
    bytes_add_slice(out, scope);
}

/* The queries of the part that is written. */
static const struct question *queries_of(const struct evaluation *evaluation)
{
    return &evaluation->expression.queries[evaluation_part(evaluation)->first_query];
}

/* The scope of all of these, or "*" when they have several. */
static struct slice common_scope(const struct evaluation *evaluation)
{
    const struct question *queries = queries_of(evaluation);
    struct slice scope = queries[0].scope.text;

    for (size_t i = 1; i < evaluation_part(evaluation)->n_queries; i++)
        if (!slice_equal(queries[i].scope.text, scope))
            return SLICE("*");
    return scope;
}

static struct slice between(const char *begin, const char *end)
{
    return (struct slice){ begin, (size_t)(end - begin) };
}

/* The query with the tags of the group in place of its keys. */
static void put_query(struct bytes *out, const struct question *query,
                      const struct grid_group *group)
{
    const char *begin = query->text.at, *end = begin + query->text.len;

    if (query->n_by > 0) {
        const struct slice scope = query->scope.text;
        bytes_add_slice(out, between(begin, scope.at));
        put_scope(out, group, scope);
        bytes_add_slice(out, between(scope.at + scope.len, query->by_text.at));
        begin = query->by_text.at + query->by_text.len;
    }
    bytes_add_slice(out, between(begin, end));
}

/* The text of the part as JSON, each query in it written for the group, or as its metric
 * alone. */
static void put_text(struct evaluation *evaluation, const struct grid_group *group,
                     bool metrics)
{
    const struct expression_part *part = evaluation_part(evaluation);
    const char *at = part->text.at;
    struct bytes text = { 0 };

    for (size_t i = 0; i < part->n_queries; i++) {
        const struct question *query = &queries_of(evaluation)[i];
        bytes_add_slice(&text, between(at, query->text.at));
        if (metrics)
            bytes_add_slice(&text, query->metric);
        else
            put_query(&text, query, group);
        at = query->text.at + query->text.len;
    }
    bytes_add_slice(&text, between(at, part->text.at + part->text.len));
    json_add_string(&evaluation->answer, bytes_view(&text));
    evaluation->answer.failed = evaluation->answer.failed || text.failed;
    bytes_free(&text);
}

static void put_tags(struct bytes *out, const struct grid *grid, const struct grid_group *group)
{
    bytes_add_text(out, "[");
    for (size_t i = 0; i < grid->n_by; i++) {
        bytes_add_text(out, i > 0 ? "," : "");
        json_add_string(out, grid_part(group, i));
    }
    bytes_add_text(out, "]");
}

static void put_names(struct evaluation *evaluation, const struct grid_group *group)
{
    struct bytes *out = &evaluation->answer, scope = { 0 };
    struct slice aggregate = queries_of(evaluation)->aggregate_word;

    bytes_add_text(out, "{\"metric\":");
    put_text(evaluation, group, true);
    bytes_add_text(out, ",\"display_name\":");
    put_text(evaluation, group, true);
    bytes_add_text(out, ",\"expression\":");
    put_text(evaluation, group, false);
    bytes_add_text(out, ",\"scope\":");
    put_scope(&scope, group, common_scope(evaluation));
    json_add_string(out, bytes_view(&scope));
    out->failed = out->failed || scope.failed;
    bytes_free(&scope);
    bytes_add_text(out, ",\"tag_set\":");
    put_tags(out, answer_of(evaluation), group);
    bytes_add_text(out, ",\"aggr\":");
    if (evaluation_part(evaluation)->n_queries == 1 && aggregate.len > 0)
        json_add_string(out, aggregate);
    else
        bytes_add_text(out, "null");
}

/* ---- points ------------------------------------------------------------ */

/* Returns how many points are shown from *first on; *last: the step of the last one. */
static int64_t count_points(const struct grid *grid, const double *row, uint32_t *first,
                            uint32_t *last)
{
    int64_t n = 0;

    for (uint32_t i = grid->lead; i < grid->steps; i++) {
        if (!isfinite(row[i]))
            continue;
        *first = n++ == 0 ? i : *first;
        *last = i;
    }
    return n;
}

static int64_t step_ms(const struct grid *grid, uint32_t step)
{
    return (grid->first_s + step * grid->step_s) * 1000;
}

/* "[1700000000000.0,1.5]" into room for POINT_TEXT_MAX; returns what is behind it. */
static char *put_point(char *to, int64_t time_ms, double value)
{
    *to++ = '[';
    to += number_format_whole(time_ms, to);
    memcpy(to, ".0,", 3);
    to += 3;
    to += number_format(value, to);
    *to++ = ']';
    return to;
}

/* n of them are shown. */
static void put_points(struct bytes *out, const struct grid *grid, const double *row, int64_t n)
{
    char *begin = (char *)bytes_room(out, (size_t)n * POINT_TEXT_MAX + 2), *to = begin;

    if (begin == NULL)
        return;
    for (uint32_t i = grid->lead; i < grid->steps; i++) {
        if (!isfinite(row[i]))
            continue;
        *to = to == begin ? '[' : ',';
        to = put_point(to + 1, step_ms(grid, i), row[i]);
    }
    *to++ = ']';
    out->len += (size_t)(to - begin);
}

/* "above" or "below", where points beyond the other bound are not outside. */
static const char *direction_of(const struct evaluation *evaluation)
{
    static const char *const words[] = {
        [DIRECTION_ABOVE] = "above", [DIRECTION_BELOW] = "below", [DIRECTION_BOTH] = NULL
    };
    const struct call *call =
        &evaluation->expression.nodes[evaluation_part(evaluation)->node].call;

    return words[(size_t)call->arguments[ANOMALIES_DIRECTION]];
}

static void put_attributes(struct evaluation *evaluation, uint32_t row)
{
    static const char *const roles[GRID_BAND_ROWS] = { "value", "lower", "upper" };
    struct bytes *out = &evaluation->answer;

    bytes_add_text(out, "{");
    if (answer_of(evaluation)->rows == GRID_BAND_ROWS) {
        const char *direction = direction_of(evaluation);
        bytes_add_text(out, "\"role\":\"");
        bytes_add_text(out, roles[row]);
        if (direction != NULL)
            bytes_add_text(out, "\",\"direction\":\"");
        bytes_add_text(out, direction != NULL ? direction : "");
        bytes_add_text(out, "\"");
    }
    bytes_add_text(out, "}");
}

/* A row without points is left out, as Datadog does. */
static void put_row(struct evaluation *evaluation, uint32_t group, uint32_t row)
{
    const struct grid *grid = answer_of(evaluation);
    const double *values = grid_row(grid, group, row);
    struct bytes *out = &evaluation->answer;
    uint32_t first = 0, last = 0;
    int64_t n = count_points(grid, values, &first, &last);

    if (n == 0)
        return;
    if (out->len > 0 && out->at[out->len - 1] == '}')
        bytes_add_text(out, ",");
    put_names(evaluation, &grid->groups[group]);
    bytes_add_text(out, ",\"interval\":");
    put_int(out, grid->step_s);
    bytes_add_text(out, ",\"length\":");
    put_int(out, n);
    bytes_add_text(out, ",\"start\":");
    put_int(out, step_ms(grid, first));
    bytes_add_text(out, ",\"end\":");
    put_int(out, step_ms(grid, last) + (grid->step_s - 1) * 1000);
    bytes_add_text(out, ",\"query_index\":");
    put_int(out, (int64_t)evaluation->part);
    bytes_add_text(out, ",\"unit\":");
    bytes_add(out, evaluation->unit.at, evaluation->unit.len);
    bytes_add_text(out, ",\"attributes\":");
    put_attributes(evaluation, row);
    bytes_add_text(out, ",\"pointlist\":");
    put_points(out, grid, values, n);
    bytes_add_text(out, "}");
}

/* What the groups will take together, if the others are like those that are written: an answer
 * that moved as it grew would be copied, and more of it each time. */
static void make_room(struct evaluation *evaluation)
{
    struct bytes *out = &evaluation->answer;
    uint64_t groups = answer_of(evaluation)->n_groups, done = evaluation->group;
    uint64_t all = done > 0 ? out->len * groups / done : 0, more = all / 8 + 4096;

    if (all > out->len && all + more < ANSWER_MAX)
        (void)bytes_room(out, (size_t)(all + more) - out->len);
}

/* Writes groups of a part, while there is enough of the slice left. */
static void put_groups(struct evaluation *evaluation, size_t enough)
{
    const struct grid *grid = answer_of(evaluation);
    struct bytes *out = &evaluation->answer;

    if (evaluation->group == 0)
        evaluation_find_unit(evaluation);
    for (; evaluation->group < grid->n_groups && out->len < enough && !out->failed;
         evaluation->group++)
        for (uint32_t row = 0; row < grid->rows; row++)
            put_row(evaluation, evaluation->group, row);
}

enum query_state evaluation_write(struct evaluation *evaluation)
{
    struct bytes *out = &evaluation->answer;
    size_t enough = out->len + BYTES_A_SLICE;
    bool is_first = out->len == 0;

    if (is_first)
        put_head(evaluation);
    put_groups(evaluation, enough);
    if (is_first && evaluation->group < answer_of(evaluation)->n_groups)
        make_room(evaluation);
    if (out->len > ANSWER_MAX)
        return evaluation_fail(evaluation, "the answer is too long: ask for fewer series");
    if (out->failed || evaluation->unit.failed)
        return evaluation_fail(evaluation, "not enough memory for the answer");
    if (evaluation->group < answer_of(evaluation)->n_groups)
        return QUERY_MORE;
    if (evaluation->part + 1 < evaluation->expression.n_parts) {
        evaluation->part++;
        evaluation->group = 0;
        return QUERY_MORE;
    }
    bytes_add_text(out, "]}\n");
    return out->failed ? evaluation_fail(evaluation, "not enough memory for the answer")
                       : QUERY_DONE;
}
