#include "tests/support/vectors_aggregation.h"

#include <stdlib.h>

#include "tests/support/pipeline.h"
#include "tests/support/vectors.h"
#include "tests/support/with_settings.h"

/* Series of one flush in a form that two servers can be compared in: a list of
 * [identity and timestamp, value], sorted. How points are grouped into series, and
 * series into payloads, is the sender's own choice. */

struct run {
    json_t *vector;
    struct pipeline *pipeline;
    json_t *expected, *actual; /* lists of flattened points, one a flush */
    struct vector_report report;
};

static bool is_agent_flush(const json_t *vector)
{
    const char *shape = json_string_value(json_object_get(vector, "shape"));

    return shape != NULL && strcmp(shape, "agent_flush") == 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void append(char *key, size_t size, const char *text)
{
    snprintf(key + strlen(key), size - strlen(key), "|%s", text);
}

static void append_tags(char *key, size_t size, const json_t *tags)
{
    const char *sorted[64] = { NULL };
    size_t n = 0;

    for (; n < json_array_size(tags) && n < 64; n++)
        sorted[n] = json_string_value(json_array_get(tags, n));
    qsort(sorted, n, sizeof sorted[0], compare_texts);
    for (size_t i = 0; i < n; i++)
        append(key, size, sorted[i]);
}

/* value: a new reference, taken. */
static void flatten_point(json_t *out, const char *name, const char *type, const json_t *series,
                          json_int_t time_s, json_t *value)
{
    char key[1024];

    snprintf(key, sizeof key, "%s|%s|%s", name, type,
             json_string_value(json_object_get(series, "host")));
    append_tags(key, sizeof key, json_object_get(series, "tags"));
    append(key, sizeof key, "");
    snprintf(key + strlen(key), sizeof key - strlen(key), "%lld", (long long)time_s);
    json_array_append_new(out, json_pack("[s,o]", key, value));
}

/* As a vector says it: points are [timestamp, value]. */
static void flatten_expected(json_t *out, const json_t *list)
{
    size_t i, j;
    json_t *series, *point;

    json_array_foreach(list, i, series)
    {
        json_array_foreach(json_object_get(series, "points"), j, point)
        {
            flatten_point(out, json_string_value(json_object_get(series, "name")),
                          json_string_value(json_object_get(series, "type")), series,
                          json_integer_value(json_array_get(point, 0)),
                          json_incref(json_array_get(point, 1)));
        }
    }
}

static void flatten_series(struct run *run, json_t *out, const json_t *list)
{
    size_t i, j;
    json_t *series, *point;

    json_array_foreach(list, i, series)
    {
        if (json_integer_value(json_object_get(series, "interval")) != 10)
            vector_fail(&run->report, "a series without its interval");
        json_array_foreach(json_object_get(series, "points"), j, point)
        {
            flatten_point(out, json_string_value(json_object_get(series, "metric")),
                          json_string_value(json_object_get(series, "type")), series,
                          json_integer_value(json_array_get(point, 0)),
                          json_incref(json_array_get(point, 1)));
        }
    }
}

static void flatten_sketches(json_t *out, const json_t *list)
{
    size_t i, j;
    json_t *series, *point;

    json_array_foreach(list, i, series)
    {
        json_array_foreach(json_object_get(series, "points"), j, point)
        {
            json_t *value = json_copy(point);
            json_object_del(value, "ts");
            flatten_point(out, json_string_value(json_object_get(series, "metric")), "sketch",
                          series, json_integer_value(json_object_get(point, "ts")), value);
        }
    }
}

static int compare_points(const void *a, const void *b)
{
    const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
    int order = strcmp(json_string_value(json_array_get(left, 0)),
                       json_string_value(json_array_get(right, 0)));
    double x = json_number_value(json_array_get(left, 1));
    double y = json_number_value(json_array_get(right, 1));

    return order != 0 ? order : (x > y) - (x < y);
}

static json_t *sorted_points(json_t *given)
{
    size_t n = json_array_size(given);
    json_t **points = calloc(n + 1, sizeof(json_t *)), *sorted = json_array();

    for (size_t i = 0; i < n; i++)
        points[i] = json_array_get(given, i);
    qsort(points, n, sizeof(json_t *), compare_points);
    for (size_t i = 0; i < n; i++)
        json_array_append(sorted, points[i]);
    free(points);
    json_decref(given);
    return sorted;
}

static void collect_actual(struct run *run)
{
    json_t *taken = pipeline_take(run->pipeline), *points = json_array();

    flatten_series(run, points, json_object_get(taken, "series"));
    flatten_sketches(points, json_object_get(taken, "sketches"));
    json_array_append_new(run->actual, points);
    json_decref(taken);
}

static void collect_expected(struct run *run)
{
    size_t i;
    json_t *flush;

    json_array_foreach(json_object_get(run->vector, "expect"), i, flush)
    {
        json_t *points = json_array();
        flatten_expected(points, json_object_get(flush, "series"));
        json_array_append_new(run->expected, points);
    }
}

static double time_of(const json_t *step)
{
    return json_number_value(json_object_get(step, "t"));
}

static bool is_forced(const json_t *step)
{
    return json_is_true(json_object_get(step, "force"));
}

static void run_line(struct pipeline *pipeline, double t_s, const char *line)
{
    double now_s = pipeline_now(pipeline);

    if (t_s < now_s) /* received earlier than what came before: the clock went back */
        pipeline_step_clock(pipeline, t_s - now_s);
    pipeline_line(pipeline, 0, t_s, line);
}

static void run_flush(struct run *run, const json_t *step)
{
    double now_s = pipeline_now(run->pipeline);

    pipeline_flush(run->pipeline, time_of(step) > now_s ? time_of(step) : now_s);
    if (is_forced(step))
        pipeline_finish(run->pipeline);
    collect_actual(run);
}

static void run_step(struct run *run, const json_t *step)
{
    const char *line = json_string_value(json_object_get(step, "line"));

    if (line != NULL)
        run_line(run->pipeline, time_of(step), line);
    else
        run_flush(run, step);
}

/* The flushes of these vectors take lines of the future too: here each comes in its
 * time, and the end last. */
static int compare_steps(const void *a, const void *b)
{
    const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;

    if (is_forced(left) != is_forced(right))
        return is_forced(left) - is_forced(right);
    return (time_of(left) > time_of(right)) - (time_of(left) < time_of(right));
}

static struct pipeline *open_pipeline(struct run *run, double start_s)
{
    json_t *config = json_copy(json_object_get(run->vector, "config"));
    struct settings settings;

    json_object_set_new(config, "heeler_max_contexts", json_integer(1000));
    json_object_set_new(config, "serializer_compressor_kind", json_string("none"));
    if (!with_settings_of(&settings, config))
        vector_fail(&run->report, "the settings are refused");
    json_decref(config);
    return run->report.failed ? NULL : pipeline_with(1, start_s, &settings);
}

static bool run_steps(struct run *run)
{
    enum { MOST_STEPS = 64 };
    json_t *list = json_object_get(run->vector, "steps"), *steps[MOST_STEPS];
    size_t n = json_array_size(list) < MOST_STEPS ? json_array_size(list) : MOST_STEPS;

    for (size_t i = 0; i < n; i++)
        steps[i] = json_array_get(list, i);
    if (is_agent_flush(run->vector))
        qsort(steps, n, sizeof steps[0], compare_steps);
    run->pipeline = open_pipeline(run, n > 0 ? time_of(steps[0]) : 0);
    if (run->pipeline == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        run_step(run, steps[i]);
    pipeline_free(run->pipeline);
    return true;
}

/* All flushes of a list as one. */
static json_t *join(json_t *given)
{
    json_t *all = json_array(), *one, *points;
    size_t i;

    json_array_foreach(given, i, points)
    {
        json_array_extend(all, points);
    }
    one = json_pack("[o]", all);
    json_decref(given);
    return one;
}

static void compare(struct run *run)
{
    if (is_agent_flush(run->vector)) {
        run->expected = join(run->expected);
        run->actual = join(run->actual);
    }
    for (size_t i = 0; i < json_array_size(run->expected); i++) {
        json_t *expected = sorted_points(json_incref(json_array_get(run->expected, i)));
        json_t *actual = sorted_points(json_incref(json_array_get(run->actual, i)));
        vector_compare(expected, actual, &run->report);
        json_decref(expected);
        json_decref(actual);
    }
}

bool vector_aggregation(json_t *vector, char *why, size_t why_size)
{
    struct run run = { .vector = vector, .expected = json_array(), .actual = json_array() };

    if (run_steps(&run)) {
        collect_expected(&run);
        compare(&run);
    }
    snprintf(why, why_size, "%s", run.report.why);
    json_decref(run.expected);
    json_decref(run.actual);
    return !run.report.failed;
}
