#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/language/functions.h"
#include "flush/rollups/units.h"
#include "tests/support/ask.h"
#include "tests/support/two_minutes.h"

enum { START = TWO_MINUTES_START };

static void computes_what_stands_there(void **state)
{
    static const struct ask_case cases[] = {
        /* numbers */
        { "1 + 2 * avg:load{env:prod}.rollup(60)", NULL, 0, 201 },
        { "(1 + 2) * avg:load{env:prod}.rollup(60)", NULL, 0, 300 },
        { "avg:load{env:prod}.rollup(60) - 1 - 2", NULL, 0, 97 },
        { "1000 / avg:load{env:prod}.rollup(60)", NULL, 0, 10 },
        { "-avg:load{env:prod}.rollup(60)", NULL, 0, -100 },
        { "avg:load{env:prod}.rollup(60) / 0", NULL, 0, NAN },
        { "avg:load{env:prod}.rollup(60) / (1 - 1)", NULL, 0, NAN },
        /* two queries */
        { "sum:hits{env:dev}.as_count().rollup(60) / sum:hits{*}.as_count().rollup(60) * 100",
          NULL, 0, 25 },
        { "sum:hits{*}.rollup(sum,60) / sum:nothing{*}.rollup(60)", NULL, 0, NAN },
        /* groups meet those with the same tags, in any order of keys */
        { "sum:hits{*} by {env}.rollup(sum,60) + avg:load{*} by {env}.rollup(60)", "env:prod",
          0, 280 },
        { "sum:hits{*} by {env,team}.rollup(sum,60) / sum:hits{*} by {team,env}.rollup(sum,60)",
          "env:dev,team:x", 0, 1 },
        /* all meet the only one */
        { "sum:hits{*} by {env}.rollup(sum,60) / sum:hits{*}.rollup(sum,60)", "env:dev", 0,
          0.25 },
        { "sum:hits{*}.rollup(sum,60) / sum:hits{*} by {env}.rollup(sum,60)", "env:dev", 0, 4 },
        /* and those of fewer keys theirs */
        { "sum:hits{*} by {env,team}.rollup(sum,60) / sum:hits{*} by {env}.rollup(sum,60)",
          "env:dev,team:x", 0, 1 },
        { "sum:hits{*} by {env}.rollup(sum,60) / sum:users{*} by {env}.rollup(60)", "env:dev",
          0, NAN }, /* N/A is no env:dev */
        /* times: the longer steps remain, and queries without seconds take the longest */
        { "sum:hits{*}.rollup(sum,60) / sum:hits{*}.rollup(sum,30)", NULL, 60, 2 },
        { "sum:hits{*}.rollup(sum,30) / sum:hits{*}.rollup(sum,60)", NULL, 60, 0.5 },
        { "sum:hits{*}.rollup(sum,30) / sum:hits{*}.rollup(sum,60)", NULL, 30, NAN },
        { "sum:hits{*}.rollup(sum,60) + 0 * sum:load{env:dev}.rollup(sum)", NULL, 60, 240 },
        { "0 * sum:hits{*}.rollup(sum,60) + sum:load{env:dev}.rollup(sum)", NULL, 0, 15 },
        /* functions, one in the other */
        { "abs(avg:load{env:dev}.rollup(60) - 10)", NULL, 0, 7.5 },
        { "abs(avg:load{env:dev}.rollup(60) - 10) * abs(-2 * avg:load{env:prod}.rollup(60))",
          NULL, 0, 1500 },
        { "diff(avg:load{env:dev})", NULL, 50, 1 },
        { "count_not_null(sum:hits{*} by {env})", NULL, 0, 2 },
        { "top(avg:load{*} by {env}.rollup(60), 5, 'max', 'desc') / 2", "env:prod", 0, 50 },
        { "bottom5(avg:load{*} by {env}.rollup(60))", "env:dev", 0, 2.5 },
        /* other times */
        { "timeshift(avg:load{env:dev}.rollup(60), -60)", NULL, 60, 2.5 },
        { "timeshift(timeshift(avg:load{env:dev}.rollup(60), -30), -30)", NULL, 60, 2.5 },
        { "avg:load{env:dev}.rollup(60) - timeshift(avg:load{env:dev}.rollup(60), -60)", NULL,
          60, 6 },
        { "timeshift(avg:load{env:dev}.rollup(60), -10)", NULL, 60, 7.5 }, /* 5 to 10 */
        { "timeshift(avg:load{env:dev}, -7)", NULL, 60, 6 }, /* the point at 60 - 7 .. 63 */
        { "hour_before(avg:load{env:dev})", NULL, 60, NAN },
        /* gaps */
        { "avg:load{env:prod}.rollup(10).fill(last, 30)", NULL, 140, 100 },
        { "avg:load{env:prod}.rollup(10).fill(last, 30)", NULL, 150, NAN },
        { "default_zero(avg:load{env:prod}.rollup(10)) + 1", NULL, 150, 1 },
        { "avg:load{env:prod}.fill(zero) - 1", NULL, 200, -1 },
        /* scopes */
        { "sum:hits{env:dev OR env:prod}.rollup(sum,60)", NULL, 0, 240 },
        { "sum:hits{env IN (dev,test)}.rollup(sum,60)", NULL, 0, 60 },
        { "sum:hits{env NOT IN (dev,test)}.rollup(sum,60)", NULL, 0, 180 },
        { "sum:hits{NOT env:dev AND host:b}.rollup(sum,60)", NULL, 0, 180 },
        { "sum:hits{host IN (b)}.rollup(sum,60)", NULL, 0, 180 },
        { "sum:hits{host:*}.rollup(sum,60)", NULL, 0, 240 },
        { "sum:hits{env:*o*}.rollup(sum,60)", NULL, 0, 180 },
        { "sum:hits{*:dev}.rollup(sum,60)", NULL, 0, 60 },
        { "sum:hits{!(env:dev OR env:prod)}.rollup(sum,60)", NULL, 0, NAN },
    };
    struct pipeline *p = two_minutes();
    (void)state;

    ask_cases(flusher_rollup(p->flusher), cases, sizeof cases / sizeof cases[0], START,
              START + 240);
    pipeline_free(p);
}

static void points_before_the_range_are_seen_and_not_shown(void **state)
{
    struct pipeline *p = two_minutes();
    struct rollup *rollup = flusher_rollup(p->flusher);
    (void)state;

    assert_true(ask_point(rollup, "moving_rollup(sum:load{env:dev}, 60, 'sum')", START + 60,
                          START + 120, NULL, START + 60) == 21); /* 1 to 6 */
    assert_true(isnan(ask_point(rollup, "moving_rollup(sum:load{env:dev}, 60, 'sum')",
                                START + 60, START + 120, NULL, START + 50)));
    assert_true(ask_point(rollup, "cumsum(moving_rollup(sum:load{env:dev}, 60, 'sum'))",
                          START + 60, START + 120, NULL, START + 70) == 21 + 27);
    /* Sums begin at the range, whoever looks back. */
    assert_true(ask_point(rollup, "median_3(cumsum(sum:load{env:dev}))", START + 60,
                          START + 120, NULL, START + 60) == 6);
    assert_true(ask_point(rollup, "median_3(cumsum(sum:load{env:dev}))", START + 60,
                          START + 120, NULL, START + 80) == 13); /* 6, 13, 21 */
    assert_true(ask_point(rollup, "moving_rollup(cumsum(sum:load{env:dev}), 30, 'sum')",
                          START + 60, START + 120, NULL, START + 80) == 40);
    assert_true(ask_point(rollup,
                          "moving_rollup(moving_rollup(sum:load{env:dev}, 20, 'sum'), "
                          "20, 'sum')",
                          START + 60, START + 120, NULL, START + 60) == 4 + 2 * 5 + 6);
    assert_true(ask_point(rollup, "median_3(sum:load{env:dev})", START + 60, START + 120, NULL,
                          START + 60) == 5);
    pipeline_free(p);
}

static void a_series_is_called_after_all_its_queries(void **state)
{
    static const struct {
        const char *text, *metric, *expression, *scope, *aggregate;
    } cases[] = {
        { "sum:hits{env:dev} by {host}.rollup(sum, 60)", "hits",
          "sum:hits{host:h,env:dev}.rollup(sum, 60)", "host:h,env:dev", "sum" },
        { " 100*sum:hits{env:dev} by {team} / sum:hits{env:dev}.rollup(60)", "100*hits / hits",
          "100*sum:hits{team:x,env:dev} / sum:hits{env:dev}.rollup(60)", "team:x,env:dev",
          NULL },
        { "abs( max:hits{env:dev} )", "abs( hits )", "abs( max:hits{env:dev} )", "env:dev",
          "max" },
        { "hits{env:dev} + hits{team:x}", "hits + hits", "hits{env:dev} + hits{team:x}", "*",
          NULL },
    };
    struct pipeline *p = two_minutes();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *answer = ask(flusher_rollup(p->flusher), cases[i].text, START, START + 120);
        const json_t *series = json_array_get(json_object_get(answer, "series"), 0);
        const char *aggregate = json_string_value(json_object_get(series, "aggr"));
        assert_string_equal(json_string_value(json_object_get(series, "metric")),
                            cases[i].metric);
        assert_string_equal(json_string_value(json_object_get(series, "expression")),
                            cases[i].expression);
        assert_string_equal(json_string_value(json_object_get(series, "scope")),
                            cases[i].scope);
        assert_string_equal(aggregate != NULL ? aggregate : "-",
                            cases[i].aggregate != NULL ? cases[i].aggregate : "-");
        json_decref(answer);
    }
    pipeline_free(p);
}

static void refuses_with_a_sentence(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        { "sum:hits{*} by {env} + sum:users{*} by {at}",
          "column 22: expected groups by the same keys on both sides of +, or fewer of them on "
          "one: here are {env} and {at}" },
        { "users{*} by {at,x} / (hits{*} by {env} + 1)",
          "column 20: expected groups by the same keys on both sides of /, or fewer of them on "
          "one: here are {at,x} and {env}" },
        { "1 + p50:load{*}", "percentiles are kept of distributions only, and this is none" },
        { "timeshift(timeshift(hits{*}, -31622400), -31622400)", NULL },
        { "1 + moving_rollup(hits{*}, 86400, 'sum')",
          "column 19: functions look back 8639 steps of 10 seconds from here: no more than "
          "6000 "
          "are allowed" },
        { "timeshift(hits{*}, -31622401)",
          "column 20: expected seconds into the past, from -31622400 to -1" },
    };
    struct pipeline *p = two_minutes();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ask_refused(flusher_rollup(p->flusher), cases[i].text, START, START + 120,
                    cases[i].sentence);
    ask_refused(flusher_rollup(p->flusher), "month_before(hits{*})", 86400, 86500,
                "the question reaches back to before 1970");
    pipeline_free(p);
}

/* ---- groups ------------------------------------------------------------ */

/* What the function is called with, behind the query: the first of each choice. */
static void put_arguments(const struct function *function, char *out, size_t size)
{
    struct slice rest = slice_of(function->arguments);
    size_t len = 0;

    out[0] = '\0';
    (void)slice_cut(&rest, ',');
    while (rest.len > 0) {
        struct slice one = slice_trim(slice_cut(&rest, ','), " ");
        if (memchr(one.at, '=', one.len) != NULL)
            return;
        struct slice word = slice_equal(one, SLICE("seconds")) ? SLICE("30")
                            : slice_equal(one, SLICE("past"))  ? SLICE("-30")
                            : slice_equal(one, SLICE("number")) ||
                                    slice_equal(one, SLICE("bounds")) ||
                                    slice_equal(one, SLICE("groups"))
                                ? SLICE("2")
                                : slice_cut(&one, '|');
        len += (size_t)snprintf(out + len, size - len, ", %.*s", (int)word.len, word.at);
    }
}

/* The function of that name, of a query with that scope and keys. */
static void put_call(const struct function *function, const char *name, const char *scope,
                     char *out, size_t size)
{
    char arguments[128];

    put_arguments(function, arguments, sizeof arguments);
    if (name[0] != '.')
        snprintf(out, size, "%s(avg:load{%s%s)", name, scope, arguments);
    else
        snprintf(out, size, "avg:load{%s%s(%s)", scope, name,
                 strcmp(name, ".rollup") == 0 ? "max, 20"
                 : strcmp(name, ".fill") == 0 ? "linear, 60"
                                              : "");
}

static void each_group_is_as_if_it_were_asked_for_alone(struct rollup *rollup,
                                                        const struct function *function,
                                                        const char *name)
{
    static const char *const hosts[] = { "dev", "prod" };
    char all[256], alone[256], scope[64], one[32];

    put_call(function, name, "*} by {env}", all, sizeof all);
    for (size_t i = 0; i < 2; i++) {
        snprintf(scope, sizeof scope, "env:%s}", hosts[i]);
        snprintf(one, sizeof one, "env:%s", hosts[i]);
        put_call(function, name, scope, alone, sizeof alone);
        for (int64_t at = START; at < START + 240; at += 10) {
            double value = ask_point(rollup, all, START, START + 240, one, at);
            double wanted = ask_point(rollup, alone, START, START + 240, NULL, at);
            if (isnan(value) != isnan(wanted) || (!isnan(value) && value != wanted))
                fail_msg("%s at %lld: %g, and %s: %g", all, (long long)(at - START), value,
                         alone, wanted);
        }
    }
}

/* Those of all groups are looked at in test_functions.c; they are answered here. */
static void each_function_takes_groups(void **state)
{
    struct pipeline *p = two_minutes();
    struct rollup *rollup = flusher_rollup(p->flusher);
    char name[FUNCTION_NAME_MAX], text[256];
    (void)state;

    for (size_t i = 0; i < function_count; i++)
        for (size_t n = 0; function_name(&functions[i], n, name); n++) {
            if (functions[i].whole == NULL) {
                each_group_is_as_if_it_were_asked_for_alone(rollup, &functions[i], name);
                continue;
            }
            put_call(&functions[i], name, "*} by {env}", text, sizeof text);
            json_t *answer = ask(rollup, text, START, START + 240);
            if (json_array_size(json_object_get(answer, "series")) == 0)
                fail_msg("%s: nothing", text);
            json_decref(answer);
        }
    pipeline_free(p);
}

/* Two series, of which one lacks a point amid: what was added is that of each. */
static void gaps_and_what_was_added_are_of_each_series(void **state)
{
    static const struct {
        const char *text;
        double values[4];
    } cases[] = {
        { "diff(sum:m{*})", { NAN, 4, 2, 9 } }, /* 1 + 3; 2; 7 + 2 */
        { "diff(max:m{*})", { NAN, 3, 2, 7 } },
        { "diff(count:m{*})", { NAN, 2, 1, 2 } },
        { "diff(diff(sum:m{*}))", { NAN, NAN, -2, 7 } },
        { "diff(abs(sum:m{*}))", { NAN, 4, -11, 22 } }, /* of the group: 11 15 4 26 */
        /* gaps are filled in each series as well: b is 13, 0 or 16.5 in between */
        { "sum:m{*}.fill(last)", { 11, 15, 17, 26 } },
        { "sum:m{*}.fill(zero)", { 11, 15, 4, 26 } },
        { "count:m{*}.fill(zero)", { 2, 2, 2, 2 } },
        { "min:m{*}.fill(zero)", { 1, 2, 0, 6 } },
        { "sum:m{*}.fill(linear)", { 11, 15, 20.5, 26 } },
        { "avg:m{*}.fill(linear)", { 5.5, 7.5, 10.25, 13 } },
        { "max:m{*}.fill(linear)", { 10, 13, 16.5, 20 } },
        { "sum:m{*}.fill(null)", { 11, 15, 4, 26 } },
        { "diff(sum:m{*}.fill(last))", { NAN, 4, 2, 9 } }, /* of 11 15 17 26 */
        { "abs(diff(sum:m{*}))", { NAN, 4, 2, 9 } },
        { "monotonic_diff(sum:m{*})", { NAN, 4, NAN, 22 } },
    };
    struct pipeline *p = PIPELINE(1, START, "heeler_rollups=60");
    (void)state;

    pipeline_line(p, 0, START + 1, "m:1|g|#at:a\nm:10|g|#at:b");
    pipeline_line(p, 0, START + 11, "m:2|g|#at:a\nm:13|g|#at:b");
    pipeline_line(p, 0, START + 21, "m:4|g|#at:a");
    pipeline_line(p, 0, START + 31, "m:6|g|#at:a\nm:20|g|#at:b");
    pipeline_flush(p, START + 41);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int at = 0; at < 4; at++) {
            double value = ask_point(flusher_rollup(p->flusher), cases[i].text, START,
                                     START + 40, NULL, START + 10 * at);
            if (isnan(value) != isnan(cases[i].values[at]) ||
                (!isnan(value) && value != cases[i].values[at]))
                fail_msg("%s at %d: %g", cases[i].text, 10 * at, value);
        }
    pipeline_free(p);
}

/* ---- one number of all the range --------------------------------------- */

static void a_whole_range_is_one_step(void **state)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        { "sum:hits{*}.as_count()", 7 },
        { "p50:d{*}", 2 },
        { "count:d{*}", 3 },
        { "100 * sum:hits{*} / sum:hits{*}", 100 },
        { "max:d{*}", 100 },
        { "sum:hits{*}.rollup(sum, 20)", NAN },
    };
    struct pipeline *p = PIPELINE(1, START, "heeler_rollups=60");
    (void)state;

    pipeline_line(p, 0, START + 1, "d:5000|d\nhits:90|c"); /* before it */
    pipeline_line(p, 0, START + 11, "d:1|d\nhits:3|c");
    pipeline_line(p, 0, START + 21, "d:2|d\nhits:4|c");
    pipeline_line(p, 0, START + 31, "d:100|d");
    pipeline_flush(p, START + 51);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char problem[256];
        struct evaluation *evaluation =
            evaluation_new_whole(flusher_rollup(p->flusher), slice_of(cases[i].text),
                                 START + 13, START + 37, problem, sizeof problem);

        assert_non_null(evaluation);
        while (evaluation_step(evaluation) == QUERY_MORE)
            ;
        struct slice json = evaluation_answer(evaluation);
        json_t *answer = json_loadb(json.at, json.len, 0, NULL);
        const json_t *points =
            json_object_get(json_array_get(json_object_get(answer, "series"), 0), "pointlist");
        const json_t *first = json_array_get(points, 0);

        if (isnan(cases[i].value)) {
            assert_int_equal(json_array_size(points), 2); /* as it says */
        } else {
            assert_int_equal(json_array_size(points), 1);
            assert_true(json_number_value(json_array_get(first, 0)) == (START + 10) * 1000.0);
            double value = json_number_value(json_array_get(first, 1));

            if (fabs(value / cases[i].value - 1) > 0.01)
                fail_msg("%s: %g", cases[i].text, value);
        }
        json_decref(answer);
        evaluation_free(evaluation);
    }
    pipeline_free(p);
}

/* ---- units ------------------------------------------------------------- */

/* The unit of the only series, as its name; "-": it has none. */
static const char *unit_of(struct rollup *rollup, struct units *units, const char *text)
{
    static char name[64];
    char problem[256];
    struct evaluation *evaluation =
        evaluation_new(rollup, slice_of(text), START, START + 120, problem, sizeof problem);

    assert_non_null(evaluation);
    evaluation_tell_units(evaluation, units);
    while (evaluation_step(evaluation) == QUERY_MORE)
        ;
    struct slice json = evaluation_answer(evaluation);
    json_t *answer = json_loadb(json.at, json.len, 0, NULL);
    const json_t *series = json_array_get(json_object_get(answer, "series"), 0);
    const json_t *pair = json_object_get(series, "unit");
    const char *word = json_string_value(json_object_get(json_array_get(pair, 0), "name"));

    assert_true(json_is_null(pair) || json_array_size(pair) == 2);
    snprintf(name, sizeof name, "%s", word != NULL ? word : "-");
    json_decref(answer);
    evaluation_free(evaluation);
    return name;
}

static void what_is_made_of_a_metric_keeps_its_unit_or_loses_it(void **state)
{
    static const struct {
        const char *text, *unit;
    } cases[] = {
        { "avg:load{env:dev}", "byte" },
        { "load{env:dev}.rollup(max, 60).fill(last)", "byte" },
        { "count:load{env:dev}", "-" },
        { "avg:load{env:dev}.rollup(count, 60)", "-" },
        { "sum:hits{env:dev}", "-" },
        { "abs(clamp_min(load{env:dev}, 0))", "byte" },
        { "diff(load{env:dev})", "byte" },
        { "derivative(load{env:dev})", "-" },
        { "log2(load{env:prod})", "-" },
        { "moving_rollup(load{env:dev}, 60, 'max')", "byte" },
        { "moving_rollup(load{env:dev}, 60, 'count')", "-" },
        { "top5(load{*} by {env})", "byte" },
        { "timeshift(load{env:dev}, -60)", "byte" },
        { "anomalies(load{env:dev}, 'basic', 2)", "byte" },
        { "load{env:dev} + 1", "byte" },
        { "1 - load{env:dev}", "byte" },
        { "load{env:dev} - timeshift(load{env:dev}, -10)", "byte" },
        { "load{env:dev} - hits{env:dev}", "-" },
        { "load{env:dev} / load{env:prod}", "-" },
        { "load{env:dev} * 8", "-" },
    };
    struct pipeline *p = two_minutes();
    struct units *units = units_new();
    (void)state;

    units_set(units, SLICE("load"), SLICE("byte"), SLICE(""));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *unit = unit_of(flusher_rollup(p->flusher), units, cases[i].text);
        if (strcmp(unit, cases[i].unit) != 0)
            fail_msg("%s: %s", cases[i].text, unit);
    }
    units_free(units);
    pipeline_free(p);
}

static void timings_have_a_unit_of_their_own(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollups=60");
    (void)state;

    pipeline_line(p, 0, START + 1, "t:5|ms\nmixed:1|g|#a\nmixed:2|g|#b");
    pipeline_flush(p, START + 11);
    assert_string_equal(unit_of(flusher_rollup(p->flusher), NULL, "t.avg{*}"), "millisecond");
    assert_string_equal(unit_of(flusher_rollup(p->flusher), NULL, "t.count{*}"), "-");
    assert_string_equal(unit_of(flusher_rollup(p->flusher), NULL, "mixed{*}"), "-");
    pipeline_free(p);
}

/* ---- bands ------------------------------------------------------------- */

static const char *role_of(const json_t *answer, size_t i)
{
    const json_t *series = json_array_get(json_object_get(answer, "series"), i);

    return json_string_value(json_object_get(json_object_get(series, "attributes"), "role"));
}

static const char *direction_of(const json_t *answer, size_t i)
{
    const json_t *series = json_array_get(json_object_get(answer, "series"), i);
    const char *word =
        json_string_value(json_object_get(json_object_get(series, "attributes"), "direction"));

    return word != NULL ? word : "-";
}

static void a_band_is_series_of_its_own(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_lookback=7200");
    char lines[128];
    (void)state;

    for (int i = 0; i < 400; i++) {
        snprintf(lines, sizeof lines, "m:%d|g|#at:a\nm:%d|g|#at:b", i % 10, 2 * (i % 10));
        pipeline_line(p, 0, START + 10 * i + 1, lines);
    }
    pipeline_flush(p, START + 4001);
    json_t *answer = ask(flusher_rollup(p->flusher), "anomalies(avg:m{*} by {at}, 'basic', 2)",
                         START + 3700, START + 4000);
    assert_int_equal(json_array_size(json_object_get(answer, "series")), 6);
    for (size_t i = 0; i < 6; i++) {
        static const char *const roles[] = { "value", "lower", "upper" };
        const json_t *series = json_array_get(json_object_get(answer, "series"), i);
        assert_string_equal(role_of(answer, i), roles[i % 3]);
        assert_string_equal(json_string_value(json_object_get(series, "scope")),
                            i < 3 ? "at:a" : "at:b");
        assert_int_equal(json_integer_value(json_object_get(series, "length")), 30);
    }
    assert_string_equal(json_string_value(json_object_get(answer, "message")), "");
    assert_string_equal(direction_of(answer, 0), "-");
    json_decref(answer);

    /* On which side points are outside is said of each of them. */
    answer = ask(flusher_rollup(p->flusher),
                 "anomalies(avg:m{*} by {at}, 'basic', 2, direction='above')", START + 3700,
                 START + 4000);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(direction_of(answer, i), "above");
    json_decref(answer);
    answer =
        ask(flusher_rollup(p->flusher), "anomalies(avg:m{at:a}, 'basic', 2, direction='both')",
            START + 3700, START + 4000);
    assert_string_equal(direction_of(answer, 2), "-");
    json_decref(answer);

    /* Of the first 30 minutes there are the points alone, and it is said. */
    answer = ask(flusher_rollup(p->flusher), "anomalies(avg:m{at:a}, 'basic', 2)", START,
                 START + 1800);
    assert_int_equal(json_array_size(json_object_get(answer, "series")), 1);
    assert_string_equal(role_of(answer, 0), "value");
    assert_non_null(
        strstr(json_string_value(json_object_get(answer, "message")), "there is no band"));
    json_decref(answer);
    pipeline_free(p);
}

/* Single intervals are kept for ten minutes. What must see an hour is computed of the minutes.
 */
static void what_looks_far_back_is_computed_in_longer_steps(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_lookback=600", "heeler_rollups=60 3600");
    static const struct {
        const char *text;
        int64_t step_s, points;
    } cases[] = {
        { "avg:m{*}", 10, 60 },
        { "median_9(avg:m{*})", 10, 60 },
        { "anomalies(avg:m{*}, 'basic', 2)", 60, 10 },
        { "moving_rollup(avg:m{*}, 1800, 'count')", 60, 10 },
        { "timeshift(avg:m{*}, -3600)", 60, 10 },
        { "timeshift(avg:m{*}, -3630)", 60, 10 }, /* of windows that begin in a step */
    };
    char line[64];
    (void)state;

    for (int i = 0; i < 720; i++) {
        snprintf(line, sizeof line, "m:%d|g", i % 10);
        pipeline_line(p, 0, START + 10 * i + 1, line);
    }
    pipeline_flush(p, START + 7201);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *answer =
            ask(flusher_rollup(p->flusher), cases[i].text, START + 6600, START + 7200);
        const json_t *series = json_array_get(json_object_get(answer, "series"), 0);
        if (json_integer_value(json_object_get(series, "interval")) != cases[i].step_s ||
            json_integer_value(json_object_get(series, "length")) != cases[i].points)
            fail_msg("%s: steps of %lld, %lld points", cases[i].text,
                     json_integer_value(json_object_get(series, "interval")),
                     json_integer_value(json_object_get(series, "length")));
        assert_string_equal(json_string_value(json_object_get(answer, "message")), "");
        json_decref(answer);
    }
    assert_true(ask_point(flusher_rollup(p->flusher), "moving_rollup(avg:m{*}, 1800, 'count')",
                          START + 6600, START + 7200, NULL, START + 6600) == 30);
    pipeline_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_range_is_one_step),
        cmocka_unit_test(computes_what_stands_there),
        cmocka_unit_test(points_before_the_range_are_seen_and_not_shown),
        cmocka_unit_test(a_series_is_called_after_all_its_queries),
        cmocka_unit_test(refuses_with_a_sentence),
        cmocka_unit_test(each_function_takes_groups),
        cmocka_unit_test(gaps_and_what_was_added_are_of_each_series),
        cmocka_unit_test(what_is_made_of_a_metric_keeps_its_unit_or_loses_it),
        cmocka_unit_test(timings_have_a_unit_of_their_own),
        cmocka_unit_test(a_band_is_series_of_its_own),
        cmocka_unit_test(what_looks_far_back_is_computed_in_longer_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
