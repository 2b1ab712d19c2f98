/* Monitors' queries over random series with gaps, against a computation that is as simple as
 * the rules: a table of values by series and interval, and loops over it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "flush/rollups/answer_ops.h"
#include "tests/support/inquire.h"

enum {
    START = 1700006400, /* a full hour */
    INTERVAL_S = 10,
    INTERVALS = 780, /* two hours and ten minutes */
    HOSTS = 4,       /* a and b are prod, c and d are dev */
    METRICS = 3
};

enum metric { LOAD, HITS, ERRORS };

static const char *const metrics[METRICS] = { "load", "hits", "errors" };
static const char *const environments[HOSTS] = { "prod", "prod", "dev", "dev" };

/* What came out of the flusher: values of a gauge, sums of a counter. */
static double table[METRICS][HOSTS][INTERVALS];

/* ---- what is fed ------------------------------------------------------- */

static uint32_t random_below(uint32_t n)
{
    static uint64_t seed = 18;

    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % n;
}

/* Runs of intervals in which a series says something, and of others. */
static bool is_silent(int metric, int host)
{
    static int left[METRICS][HOSTS];
    static bool silent[METRICS][HOSTS];

    if (left[metric][host]-- > 0)
        return silent[metric][host];
    silent[metric][host] = random_below(3) == 0;
    left[metric][host] = (int)random_below(silent[metric][host] ? 40 : 90);
    return silent[metric][host];
}

static void feed(struct pipeline *p)
{
    char line[128];

    for (int i = 0; i < INTERVALS; i++)
        for (int metric = 0; metric < METRICS; metric++)
            for (int host = 0; host < HOSTS; host++) {
                if (is_silent(metric, host))
                    continue;
                snprintf(line, sizeof line, "%s:%u|%s|#env:%s,host:%c", metrics[metric],
                         random_below(1000), metric == LOAD ? "g" : "c", environments[host],
                         'a' + host);
                pipeline_line(p, 0, START + i * INTERVAL_S + 1, line);
            }
    pipeline_flush(p, START + INTERVALS * INTERVAL_S + 1);
}

static void fill_table(const struct pipeline *p)
{
    for (size_t i = 0; i < METRICS * HOSTS * INTERVALS; i++)
        (&table[0][0][0])[i] = (double)NAN;
    for (size_t i = 0; i < p->n_points; i++) {
        const struct pipeline_point *point = &p->points[i];

        for (int metric = 0; metric < METRICS; metric++)
            if (strcmp(point->name, metrics[metric]) == 0)
                table[metric][point->host[0] - 'a'][(point->time_s - START) / INTERVAL_S] =
                    metric == LOAD ? point->value : point->value * INTERVAL_S;
    }
}

static int set_up(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "dogstatsd_expiry_seconds=30",
                                  "heeler_lookback=10800", "heeler_rollup_max_bytes=16777216");

    feed(p);
    fill_table(p);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    pipeline_free(*state);
    return 0;
}

/* ---- the rules --------------------------------------------------------- */

enum shape {
    ONE,
    QUOTIENT, /* of first and second, point by point */
    RATIO,    /* of both .as_count(), reduced before */
    CHANGE,
    PERCENT
};

enum by { ALL, ENVIRONMENT, HOST };

struct rule {
    const char *text;
    enum shape shape;
    enum metric first, second;
    bool counts;    /* .as_count() */
    char of_series; /* how series of a group become one: avg sum min max, by its 2nd letter */
    char of_points; /* the same of points */
    enum by by;
    int window_s, step_s, part_s, shift_s;
};

/* v u i a: avg, sum, min, max. NAN of none. */
static double combine(char how, const double *values, size_t n)
{
    double result = (double)NAN;
    size_t found = 0;

    for (size_t i = 0; i < n; i++) {
        if (isnan(values[i]))
            continue;
        if (found++ == 0)
            result = values[i];
        else if (how == 'v' || how == 'u')
            result += values[i];
        else if (how == 'i' ? values[i] < result : values[i] > result)
            result = values[i];
    }
    return how == 'v' && found > 0 ? result / (double)found : result;
}

static bool is_in(enum by by, int group, int host)
{
    return by == ALL || (by == HOST ? host == group : host / 2 == group);
}

/* The point of a group in a step. */
static double point_of(const struct rule *rule, enum metric metric, int group, int64_t from_s)
{
    double series[HOSTS];

    for (int host = 0; host < HOSTS; host++) {
        int64_t first = (from_s - START) / INTERVAL_S;

        series[host] = (double)NAN;
        if (from_s < START || !is_in(rule->by, group, host))
            continue;
        series[host] = combine(rule->counts ? 'u' : 'v', &table[metric][host][first],
                               (size_t)(rule->step_s / INTERVAL_S));
        if (metric != LOAD && !rule->counts)
            series[host] /= INTERVAL_S;
    }
    return combine(rule->of_series, series, HOSTS);
}

/* What is known of a group in a window. */
struct expected {
    double value;
    int points, parts;
    bool first;
    int64_t last_s;
};

static void note(struct expected *expected, const struct rule *rule, int64_t from_s,
                 const double *points, const double *others)
{
    int n = rule->window_s / rule->step_s, seen[2] = { 0, 0 };
    bool parts[256] = { false };

    for (int i = 0; i < n; i++) {
        seen[0] += !isnan(points[i]);
        seen[1] += !isnan(others[i]);
        if (isnan(points[i]) && isnan(others[i]))
            continue;
        parts[i * rule->step_s / rule->part_s] = true;
        expected->last_s = from_s + (i + 1) * rule->step_s;
    }
    expected->points = seen[0] > seen[1] ? seen[0] : seen[1];
    expected->first = parts[0];
    for (int i = 0; i < 256; i++)
        expected->parts += parts[i];
}

static double divide(double a, double b)
{
    return isfinite(a / b) ? a / b : (double)NAN;
}

static struct expected expect(const struct rule *rule, int group, int64_t to_s)
{
    int64_t from_s = to_s - rule->window_s;
    size_t n = (size_t)(rule->window_s / rule->step_s);
    double first[1500], second[1500];
    struct expected expected = { .value = (double)NAN };

    for (size_t i = 0; i < n; i++) {
        int64_t at_s = from_s + (int64_t)i * rule->step_s;
        double a = point_of(rule, rule->first, group, at_s), b = (double)NAN;

        if (rule->shape == CHANGE || rule->shape == PERCENT)
            b = point_of(rule, rule->first, group, at_s - rule->shift_s);
        else if (rule->shape != ONE)
            b = point_of(rule, rule->second, group, at_s);
        first[i] = rule->shape == QUOTIENT  ? divide(a, b)
                   : rule->shape == CHANGE  ? a - b
                   : rule->shape == PERCENT ? divide((a - b) * 100, b)
                                            : a;
        second[i] = rule->shape == RATIO ? b : (double)NAN;
    }
    note(&expected, rule, from_s, first, second);
    expected.value = combine(rule->of_points, first, n);
    if (rule->shape == RATIO)
        expected.value = divide(expected.value, combine(rule->of_points, second, n));
    return expected;
}

/* ---- both -------------------------------------------------------------- */

static const char *name_of(enum by by, int group)
{
    static char name[16];

    snprintf(name, sizeof name, "host:%c", 'a' + group);
    if (by == ENVIRONMENT)
        snprintf(name, sizeof name, "env:%s", environments[2 * group]);
    return by == ALL ? "*" : name;
}

static const json_t *find_group(const json_t *answer, const char *name)
{
    const json_t *groups = json_object_get(answer, "groups");

    for (size_t i = 0; i < json_array_size(groups); i++)
        if (strcmp(json_string_value(json_object_get(json_array_get(groups, i), "group")),
                   name) == 0)
            return json_array_get(groups, i);
    return NULL;
}

static int64_t whole(const json_t *group, const char *name)
{
    return json_integer_value(json_object_get(group, name));
}

static void compare(const struct rule *rule, int64_t to_s, int group, const json_t *answer)
{
    struct expected expected = expect(rule, group, to_s);
    const json_t *found = find_group(answer, name_of(rule->by, group));
    const json_t *value = json_object_get(found, "value");

    if (expected.points == 0 && found == NULL)
        return;
    if (found == NULL || whole(found, "points") != expected.points ||
        whole(found, "last_s") != expected.last_s ||
        whole(found, "buckets") != expected.parts ||
        json_is_true(json_object_get(found, "first")) != expected.first ||
        json_is_null(value) != isnan(expected.value) ||
        fabs(json_number_value(value) - expected.value) > 1e-9 * (1 + fabs(expected.value)))
        fail_msg("%s to %lld, %s: expected %.17g of %d points in %d parts (%d), the last at "
                 "%lld; got %s",
                 rule->text, (long long)to_s, name_of(rule->by, group), expected.value,
                 expected.points, expected.parts, expected.first, (long long)expected.last_s,
                 found != NULL ? json_dumps(found, 0) : "none");
}

static void evaluate(struct pipeline *p, const struct rule *rule, int64_t to_s)
{
    static const int groups[] = { [ALL] = 1, [ENVIRONMENT] = 2, [HOST] = 4 };
    struct inquiry inquiry = { .kind = INQUIRY_MONITOR,
                               .text = slice_of(rule->text),
                               .from_s = to_s - rule->window_s,
                               .to_s = to_s };
    json_t *answer = inquire_of(p, &answer_monitor, inquiry);

    for (int group = 0; group < groups[rule->by]; group++)
        compare(rule, to_s, group, answer);
    json_decref(answer);
}

static void values_are_those_of_the_rules(void **state)
{
    static const struct rule rules[] = {
        { "avg(last_5m):avg:load{*} > 1", ONE, LOAD, LOAD, false, 'v', 'v', ALL, 300, 10, 60,
          0 },
        { "max(last_5m):sum:load{*} by {env} > 1", ONE, LOAD, LOAD, false, 'u', 'a',
          ENVIRONMENT, 300, 10, 60, 0 },
        { "min(last_10m):max:load{*} by {host} > 1", ONE, LOAD, LOAD, false, 'a', 'i', HOST,
          600, 10, 60, 0 },
        { "sum(last_5m):sum:hits{*} by {host}.as_count() > 1", ONE, HITS, HITS, true, 'u', 'u',
          HOST, 300, 10, 60, 0 },
        { "avg(last_15m):sum:hits{*} by {env} > 1", ONE, HITS, HITS, false, 'u', 'v',
          ENVIRONMENT, 900, 10, 60, 0 },
        { "avg(last_1h):min:load{*} by {host} > 1", ONE, LOAD, LOAD, false, 'i', 'v', HOST,
          3600, 20, 600, 0 },
        { "avg(last_2h):avg:load{*} by {host} > 1", ONE, LOAD, LOAD, false, 'v', 'v', HOST,
          7200, 30, 600, 0 },
        { "avg(last_5m):sum:errors{*} / sum:hits{*} > 1", QUOTIENT, ERRORS, HITS, false, 'u',
          'v', ALL, 300, 10, 60, 0 },
        { "max(last_5m):avg:load{*} by {env} / avg:hits{*} by {env} > 1", QUOTIENT, LOAD, HITS,
          false, 'v', 'a', ENVIRONMENT, 300, 10, 60, 0 },
        { "sum(last_5m):sum:errors{*} by {host}.as_count() / sum:hits{*} by {host}.as_count() "
          "> 1",
          RATIO, ERRORS, HITS, true, 'u', 'u', HOST, 300, 10, 60, 0 },
        { "sum(last_1h):sum:errors{*} by {env}.as_count() / sum:hits{*} by {env}.as_count() > "
          "1",
          RATIO, ERRORS, HITS, true, 'u', 'u', ENVIRONMENT, 3600, 20, 600, 0 },
        { "change(avg(last_5m),30m_ago):avg:load{*} by {host} > 1", CHANGE, LOAD, LOAD, false,
          'v', 'v', HOST, 300, 10, 60, 1800 },
        { "change(max(last_10m),last_1h):sum:hits{*}.as_count() > 1", CHANGE, HITS, HITS, true,
          'u', 'a', ALL, 600, 10, 60, 3600 },
        { "pct_change(avg(last_5m),5m_ago):avg:load{*} by {env} > 1", PERCENT, LOAD, LOAD,
          false, 'v', 'v', ENVIRONMENT, 300, 10, 60, 300 },
        { "pct_change(min(last_1h),1h_ago):avg:load{*} by {host} > 1", PERCENT, LOAD, LOAD,
          false, 'v', 'i', HOST, 3600, 20, 600, 3600 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        for (int64_t to_s = START + rules[i].window_s + rules[i].shift_s;
             to_s <= START + INTERVALS * INTERVAL_S; to_s += 180)
            evaluate(*state, &rules[i], to_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_the_rules),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
