/* The series of an answer to a question, as lines. */
#include "chart/definition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "chart/plain.h"

/* ---- points ------------------------------------------------------------ */

/* [time in milliseconds, value], where the value may be null. Its time comes behind *before_s,
 * and becomes that. */
static bool read_point(const json_t *point, double *before_s, struct chart_point *out)
{
    const json_t *time = json_array_get(point, 0), *value = json_array_get(point, 1);

    *out = (struct chart_point){ json_number_value(time) / 1000, json_number_value(value) };
    if (json_array_size(point) != 2 || !json_is_number(time) ||
        !(json_is_number(value) || json_is_null(value)) ||
        !(out->time_s > *before_s && out->time_s < 1e12))
        return false;
    *before_s = out->time_s;
    return true;
}

/* Without those that have no value. */
static bool read_points(const struct definition *reading, const json_t *list, const char *where,
                        struct chart_points *out)
{
    size_t n = json_array_size(list);
    double before_s = -1;

    if (!json_is_array(list))
        return definition_refuse(reading, where, "a series needs a list \"pointlist\"");
    out->at = n > 0 ? malloc(n * sizeof *out->at) : NULL;
    if (n > 0 && out->at == NULL)
        return definition_refuse(reading, where, "not enough memory");
    for (size_t i = 0; i < n; i++) {
        const json_t *point = json_array_get(list, i);
        if (!read_point(point, &before_s, &out->at[out->n]))
            return definition_refuse(
                reading, where, "points are [milliseconds, number or null], and times ascend");
        out->n += json_is_number(json_array_get(point, 1));
    }
    return true;
}

/* ---- series ------------------------------------------------------------ */

static struct slice text_of(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);

    return json_is_string(member)
               ? (struct slice){ json_string_value(member), json_string_length(member) }
               : SLICE("");
}

static bool read_interval(const struct definition *reading, const json_t *series,
                          const char *where, double *out)
{
    *out = json_number_value(json_object_get(series, "interval"));
    return (*out >= 1 && *out < 1e12) ||
           definition_refuse(reading, where, "a series needs an \"interval\" in seconds");
}

/* The unit of the first series. Datadog's form is [unit, per or null], a unit
 * {"name": ...} or null. */
static void read_unit(struct chart *chart, const json_t *series)
{
    const json_t *pair = json_object_get(series, "unit");
    struct slice name = text_of(json_array_get(pair, 0), "name");
    struct slice per = text_of(json_array_get(pair, 1), "name");

    if (chart->n_lines == 0)
        unit_find(name, per, &chart->unit);
}

/* The name of its request, what tells it from the others where there are several, or both. */
static void name_line(struct chart_line *line, const json_t *series, const char *name,
                      const char *told_by)
{
    char request[CHART_TEXT_SIZE / 2], own[CHART_TEXT_SIZE / 2] = "";
    bool named = name[0] != '\0';

    plain_copy(slice_of(name), request, sizeof request);
    if (told_by != NULL)
        plain_copy(text_of(series, told_by), own, sizeof own);
    if (named || told_by != NULL)
        snprintf(line->name, sizeof line->name, "%s%s%s", request,
                 named && told_by != NULL ? " " : "", own);
    else
        plain_copy(text_of(series, "expression"), line->name, sizeof line->name);
}

static struct slice role_of(const json_t *series)
{
    return text_of(json_object_get(series, "attributes"), "role");
}

/* A bound of the band around the series before it. */
static bool is_bound(const json_t *series)
{
    return slice_equal(role_of(series), SLICE("lower")) ||
           slice_equal(role_of(series), SLICE("upper"));
}

static enum chart_outside read_outside(const json_t *series)
{
    struct slice direction = text_of(json_object_get(series, "attributes"), "direction");

    return slice_equal(direction, SLICE("above"))   ? CHART_ABOVE
           : slice_equal(direction, SLICE("below")) ? CHART_BELOW
                                                    : CHART_EITHER;
}

static bool add_bound(const struct definition *reading, const json_t *series, const char *where)
{
    bool upper = slice_equal(role_of(series), SLICE("upper"));
    struct chart *chart = reading->chart;

    if (chart->n_left_out > 0)
        return true;
    if (chart->n_lines == 0)
        return definition_refuse(reading, where, "a band stands behind its series");
    struct chart_line *line = &chart->lines[chart->n_lines - 1];
    struct chart_points *points = upper ? &line->upper : &line->lower;

    return points->at == NULL
               ? read_points(reading, json_object_get(series, "pointlist"), where, points)
               : definition_refuse(reading, where, "a series has two bands");
}

static struct chart_line *new_line(struct chart *chart)
{
    if (chart->lines == NULL)
        chart->lines = calloc(CHART_LINES_MAX, sizeof *chart->lines);
    return chart->lines != NULL ? &chart->lines[chart->n_lines++] : NULL;
}

struct request {
    const char *where;
    enum chart_style style;
    char name[CHART_TEXT_SIZE];
    const char *told_by; /* a member of its series; NULL: there is one */
};

static bool add_series(const struct definition *reading, const json_t *series,
                       const struct request *request)
{
    struct chart *chart = reading->chart;

    if (is_bound(series))
        return add_bound(reading, series, request->where);
    if (chart->n_lines == CHART_LINES_MAX) {
        chart->n_left_out++;
        return true;
    }
    read_unit(chart, series);
    struct chart_line *line = new_line(chart);
    if (line == NULL)
        return definition_refuse(reading, request->where, "not enough memory");
    name_line(line, series, request->name, request->told_by);
    line->style = request->style;
    line->outside = read_outside(series);
    return read_interval(reading, series, request->where, &line->interval_s) &&
           read_points(reading, json_object_get(series, "pointlist"), request->where,
                       &line->points);
}

/* ---- a request --------------------------------------------------------- */

/* By what series are told apart: by their scopes, or by their queries, if there are several in
 * the question. */
static const char *told_by(const json_t *list)
{
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *series = json_array_get(list, i);
        if (json_number_value(json_object_get(series, "query_index")) > 0)
            return "expression";
        n += !is_bound(series);
    }
    return n > 1 ? "scope" : NULL;
}

static bool read_style(const struct definition *reading, const json_t *object,
                       enum chart_style *out)
{
    static const char *const words[] = {
        [CHART_LINE] = "line",
        [CHART_AREA] = "area",
        [CHART_BARS] = "bars",
    };
    char type[16] = "line";

    if (!definition_text(reading, object, "type", type, sizeof type))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(type, words[i]) == 0) {
            *out = (enum chart_style)i;
            return true;
        }
    return definition_refuse(reading, "type", "expected line, area or bars");
}

bool definition_add_request(const struct definition *reading, json_t *object, const char *where)
{
    static const char *const members[] = { "answer", "type", "name", NULL };
    const json_t *answer = json_object_get(object, "answer");
    const json_t *list = json_object_get(answer, "series");
    struct chart *chart = reading->chart;
    struct request request = { .where = where, .name = "", .told_by = told_by(list) };

    if (!definition_knows(reading, object, members) ||
        !read_style(reading, object, &request.style) ||
        !definition_text(reading, object, "name", request.name, sizeof request.name))
        return false;
    if (!json_is_array(list))
        return definition_refuse(reading, where, "its \"answer\" needs a list \"series\"");
    if (chart->message[0] == '\0')
        plain_copy(text_of(answer, "message"), chart->message, sizeof chart->message);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!add_series(reading, json_array_get(list, i), &request))
            return false;
    return true;
}
