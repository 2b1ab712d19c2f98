#include "server/http/snapshot_request.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/memory/json_out.h"
#include "protocol/number.h"

static bool refuse(char problem[SNAPSHOT_PROBLEM_SIZE], const char *name, const char *sentence)
{
    snprintf(problem, SNAPSHOT_PROBLEM_SIZE, "%s: %s", name, sentence);
    return false;
}

/* ---- what came --------------------------------------------------------- */

static const char *const members[] = { "metric_query", "graph_def", "event_query",
                                       "start",        "end",       "title",
                                       "width",        "height",    "theme" };
enum { MEMBERS = sizeof members / sizeof members[0] };

/* NULL: one is no text, or there is no memory. Parameters of other names are nobody's. */
static json_t *of_query(struct slice query)
{
    json_t *given = json_object();
    char *room = malloc(query.len + 1);
    struct slice text;
    bool good = given != NULL && room != NULL;

    for (size_t i = 0; good && i < MEMBERS; i++)
        if (http_parameter(query, members[i], room, &text) && text.len > 0)
            good = memchr(text.at, '\0', text.len) == NULL &&
                   json_object_set_new(given, members[i], json_stringn(text.at, text.len)) == 0;
    free(room);
    if (good)
        return given;
    json_decref(given);
    return NULL;
}

static json_t *take(const struct http_request *request, char problem[SNAPSHOT_PROBLEM_SIZE])
{
    json_t *given =
        request->method == HTTP_POST
            ? json_loadb(request->body.at, request->body.len, JSON_REJECT_DUPLICATES, NULL)
            : of_query(request->query);

    if (json_is_object(given))
        return given;
    json_decref(given);
    refuse(problem, request->method == HTTP_POST ? "the body" : "the parameters",
           request->method == HTTP_POST ? "expected a JSON object"
                                        : "expected UTF-8 without a NUL");
    return NULL;
}

/* ---- its members ------------------------------------------------------- */

/* A number, or a text that is one. True as well where there is none, or null. */
static bool read_number(const json_t *object, const char *name, double *out,
                        char problem[SNAPSHOT_PROBLEM_SIZE])
{
    const json_t *member = json_object_get(object, name);

    if (member == NULL || json_is_null(member))
        return true;
    if (json_is_number(member)) {
        *out = json_number_value(member);
        return true;
    }
    return (json_is_string(member) &&
            number_double(
                (struct slice){ json_string_value(member), json_string_length(member) }, out) &&
            isfinite(*out)) ||
           refuse(problem, name, "expected a number");
}

static bool read_text(const json_t *object, const char *name, const char **out,
                      char problem[SNAPSHOT_PROBLEM_SIZE])
{
    const json_t *member = json_object_get(object, name);

    if (member == NULL || json_is_null(member))
        return true;
    *out = json_string_value(member);
    return *out != NULL || refuse(problem, name, "expected a text");
}

static bool read_times(struct snapshot_request *out, char problem[SNAPSHOT_PROBLEM_SIZE])
{
    double start = NAN, end = NAN;

    if (!read_number(out->given, "start", &start, problem) ||
        !read_number(out->given, "end", &end, problem))
        return false;
    if (!(start >= 0 && end >= start + 1 && end < 1e12))
        return refuse(problem, "start and end",
                      "expected seconds since 1970, the former before the latter");
    out->picture.from_s = (int64_t)start;
    out->picture.to_s = (int64_t)end;
    return true;
}

static bool read_looks(struct snapshot_request *out, char problem[SNAPSHOT_PROBLEM_SIZE])
{
    const char *events = "";

    if (!read_text(out->given, "event_query", &events, problem))
        return false;
    if (events[0] != '\0')
        return refuse(problem, "event_query", "pictures do not show events");
    return read_text(out->given, "title", &out->picture.title, problem) &&
           read_text(out->given, "theme", &out->picture.theme, problem) &&
           read_number(out->given, "width", &out->picture.width, problem) &&
           read_number(out->given, "height", &out->picture.height, problem);
}

/* ---- the graph --------------------------------------------------------- */

/* A metric_query is a graph of one request. */
static bool take_graph(struct snapshot_request *out, char problem[SNAPSHOT_PROBLEM_SIZE])
{
    json_t *graph = json_object_get(out->given, "graph_def");
    json_t *query = json_object_get(out->given, "metric_query");

    if ((graph == NULL) == (query == NULL))
        return refuse(problem, "metric_query and graph_def", "expected one of them");
    if (query != NULL)
        out->graph = json_pack("{s:[{s:O}]}", "requests", "q", query);
    else if (json_is_string(graph))
        out->graph = json_loadb(json_string_value(graph), json_string_length(graph),
                                JSON_REJECT_DUPLICATES, NULL);
    else
        out->graph = json_incref(graph);
    return json_is_object(out->graph) || refuse(problem, "graph_def", "expected a JSON object");
}

/* The query of a request in the form that has formulas. NULL: it is no single metric query, or
 * formulas make something else of it. */
static const char *query_of(const json_t *request)
{
    const json_t *queries = json_object_get(request, "queries");
    const json_t *formulas = json_object_get(request, "formulas");
    const json_t *query = json_array_get(queries, 0);
    const char *source = json_string_value(json_object_get(query, "data_source"));
    const char *name = json_string_value(json_object_get(query, "name"));
    const char *formula =
        json_string_value(json_object_get(json_array_get(formulas, 0), "formula"));

    if (json_array_size(queries) != 1 || source == NULL || strcmp(source, "metrics") != 0 ||
        json_array_size(formulas) > 1)
        return NULL;
    if (json_array_size(formulas) == 1 &&
        (formula == NULL || name == NULL || strcmp(formula, name) != 0))
        return NULL;
    return json_string_value(json_object_get(query, "query"));
}

/* "line" and the like; what dashboards call overlay is lines. */
static const char *type_of(const json_t *request)
{
    const char *type = json_string_value(json_object_get(request, "display_type"));

    if (type == NULL)
        type = json_string_value(json_object_get(request, "type"));
    return type != NULL && strcmp(type, "overlay") == 0 ? "line" : type;
}

static bool add_request(struct snapshot_request *out, const json_t *request,
                        char problem[SNAPSHOT_PROBLEM_SIZE])
{
    const char *query = json_string_value(json_object_get(request, "q"));
    size_t i = out->picture.n_requests;

    if (query == NULL)
        query = query_of(request);
    if (query == NULL)
        return refuse(problem, "requests",
                      "each needs a \"q\", or one metric query without a formula: write "
                      "arithmetic as one query");
    if (json_is_true(json_object_get(request, "on_right_yaxis")))
        return refuse(problem, "on_right_yaxis", "pictures have one axis");
    out->queries[i] = query;
    out->picture.requests[i].type = type_of(request);
    out->picture.n_requests++;
    return true;
}

static bool read_requests(struct snapshot_request *out, char problem[SNAPSHOT_PROBLEM_SIZE])
{
    const json_t *list = json_object_get(out->graph, "requests");
    size_t n = json_array_size(list);

    if (!json_is_array(list) || n == 0 || n > PICTURE_REQUESTS_MAX)
        return refuse(problem, "requests", "expected a list of 1 to 16");
    for (size_t i = 0; i < n; i++)
        if (!add_request(out, json_array_get(list, i), problem))
            return false;
    return true;
}

/* In the form that heeler-chart takes, which checks the rest. */
static bool read_markers(struct snapshot_request *out, char problem[SNAPSHOT_PROBLEM_SIZE])
{
    const json_t *list = json_object_get(out->graph, "markers");
    json_t *markers = json_array(), *marker;
    size_t i;

    json_array_foreach(list, i, marker)
    {
        json_t *type = json_object_get(marker, "display_type");
        if (type == NULL)
            type = json_object_get(marker, "type");
        json_array_append_new(markers, json_pack("{s:O*, s:O*, s:O*}", "value",
                                                 json_object_get(marker, "value"), "type", type,
                                                 "label", json_object_get(marker, "label")));
    }
    out->markers = json_dumps(markers, JSON_COMPACT);
    json_decref(markers);
    if (out->markers == NULL)
        return refuse(problem, "markers", "not enough memory");
    out->picture.markers = slice_of(out->markers);
    return true;
}

/* "auto" is as if it were not there. */
static bool read_limit(const json_t *axis, const char *name, double *room, const double **out,
                       char problem[SNAPSHOT_PROBLEM_SIZE])
{
    const char *word = json_string_value(json_object_get(axis, name));

    if (json_object_get(axis, name) == NULL || (word != NULL && strcmp(word, "auto") == 0))
        return true;
    *out = room;
    return read_number(axis, name, room, problem);
}

static bool read_axis(struct snapshot_request *out, char problem[SNAPSHOT_PROBLEM_SIZE])
{
    const json_t *axis = json_object_get(out->graph, "yaxis");
    const char *scale = json_string_value(json_object_get(axis, "scale"));

    if (scale != NULL && strcmp(scale, "linear") != 0)
        return refuse(problem, "yaxis", "pictures have a linear scale only");
    return read_limit(axis, "min", &out->min, &out->picture.min, problem) &&
           read_limit(axis, "max", &out->max, &out->picture.max, problem);
}

/* That of the definition, as widgets have one, unless another is asked for. */
static void take_title(struct snapshot_request *out)
{
    const char *title = json_string_value(json_object_get(out->graph, "title"));

    if (title != NULL && (out->picture.title == NULL || out->picture.title[0] == '\0'))
        out->picture.title = title;
}

static bool read_graph(struct snapshot_request *out, char problem[SNAPSHOT_PROBLEM_SIZE])
{
    const char *kind = json_string_value(json_object_get(out->graph, "viz"));

    if (kind == NULL)
        kind = json_string_value(json_object_get(out->graph, "type"));
    if (kind != NULL && strcmp(kind, "timeseries") != 0)
        return refuse(problem, "graph_def", "only a timeseries is drawn as a picture");
    if (json_array_size(json_object_get(out->graph, "events")) > 0)
        return refuse(problem, "events", "pictures do not show events");
    take_title(out);
    return read_requests(out, problem) && read_markers(out, problem) && read_axis(out, problem);
}

/* ---- the whole --------------------------------------------------------- */

bool snapshot_request_read(struct snapshot_request *out, const struct http_request *request,
                           char problem[SNAPSHOT_PROBLEM_SIZE])
{
    *out = (struct snapshot_request){ .given = take(request, problem) };
    return out->given != NULL && read_times(out, problem) && read_looks(out, problem) &&
           take_graph(out, problem) && read_graph(out, problem);
}

void snapshot_request_free(struct snapshot_request *given)
{
    json_decref(given->given);
    json_decref(given->graph);
    free(given->markers);
    *given = (struct snapshot_request){ 0 };
}

void snapshot_request_echo(const struct snapshot_request *request, struct json_out *out)
{
    const json_t *query = json_object_get(request->given, "metric_query");
    const json_t *given = json_object_get(request->given, "graph_def");
    char *made = json_is_string(given) ? NULL : json_dumps(request->graph, 0);
    const char *graph = json_is_string(given) ? json_string_value(given) : made;

    json_out_text(out, "graph_def", graph != NULL ? graph : "");
    if (query != NULL)
        json_out_text(out, "metric_query", json_string_value(query));
    free(made);
}
