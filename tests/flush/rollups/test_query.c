#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/rollups/matched.h"
#include "tests/support/ask.h"
#include "tests/support/two_minutes.h"

enum { START = TWO_MINUTES_START };

static void answers_as_the_rules_say(void **state)
{
    static const struct ask_case cases[] = {
        /* counters: rates unless counts are asked for */
        { "sum:hits{*}.rollup(60)", NULL, 0, 4 },
        { "sum:hits{*}.rollup(avg,60)", NULL, 0, 4 },
        { "sum:hits{*}.as_rate().rollup(60)", NULL, 0, 4 },
        { "sum:hits{*}.as_count().rollup(60)", NULL, 0, 240 },
        { "sum:hits{*}.rollup(sum, 60)", NULL, 0, 240 },
        { "sum:hits{*}.rollup(sum, 3600)", NULL, 0, 480 },
        { "sum:hits{*}.rollup(sum, 3600).as_count()", NULL, 0, 480 },
        { "sum:hits{*}.rollup(max, 60)", NULL, 0, 4 },
        { "sum:hits{*}.rollup(max, 60).as_count()", NULL, 0, 40 },
        { "sum:hits{*}.rollup(count, 60)", NULL, 0, 12 }, /* points of both */
        { "sum:hits{*}.rollup(last, 60)", NULL, 60, 4 },
        { "sum:hits{*}", NULL, 50, 4 }, /* interval steps */
        /* space: over the series of each step */
        { "hits{*}.rollup(sum,60)", NULL, 0, 120 },
        { "avg:hits{*}.rollup(sum,60)", NULL, 0, 120 },
        { "min:hits{*}.rollup(sum,60)", NULL, 0, 60 },
        { "max:hits{*}.rollup(sum,60)", NULL, 0, 180 },
        { "count:hits{*}.rollup(sum,60)", NULL, 0, 2 },
        /* time first, then space: of the averages 2.5 and 100 */
        { "sum:load{*}.rollup(avg,60)", NULL, 0, 102.5 },
        { "max:load{env:dev}.rollup(min,60)", NULL, 60, 6 },
        { "avg:load{env:dev}.rollup(last,60)", NULL, 60, 11 },
        { "avg:load{env:dev}.rollup(sum,60)", NULL, 0, 15 },
        { "avg:load{env:dev}.rollup(30)", NULL, 30, 4 }, /* 3, 4, 5 */
        { "avg:load{env:dev}.rollup(15)", NULL, 15, 2 }, /* the point at 20 alone */
        { "avg:load{env:dev}.rollup(5)", NULL, 10, 1 },  /* not finer than the interval */
        /* scope */
        { "sum:hits{env:dev}.rollup(sum,60)", NULL, 0, 60 },
        { "sum:hits{env:dev,team:x}.rollup(sum,60)", NULL, 0, 60 },
        { "sum:hits{env:dev,team:y}.rollup(sum,60)", NULL, 0, NAN },
        { "sum:hits{!env:dev}.rollup(sum,60)", NULL, 0, 180 },
        { "sum:hits{!team:y}.rollup(sum,60)", NULL, 0, 240 },
        { "sum:hits{env:*}.rollup(sum,60)", NULL, 0, 240 },
        { "sum:hits{env:p*}.rollup(sum,60)", NULL, 0, 180 },
        { "sum:hits{!env:p*}.rollup(sum,60)", NULL, 0, 60 },
        { "sum:hits{host:b}.rollup(sum,60)", NULL, 0, 180 }, /* a host is a tag too */
        { "sum:hits{host:h}.rollup(sum,60)", NULL, 0, 60 },
        { "sum:hits{host:*}.rollup(sum,60)", NULL, 0, 240 },
        { "sum:nothing{*}", NULL, 0, NAN },
        /* groups */
        { "sum:hits{*} by {env}.rollup(sum,60)", "env:dev", 0, 60 },
        { "sum:hits{*} by {env}.rollup(sum,60)", "env:prod", 60, 180 },
        { "sum:hits{*} by {team}.rollup(sum,60)", "team:N/A", 0, 180 },
        { "sum:hits{env:dev} by {host,team}.rollup(sum,60)", "host:h,team:x,env:dev", 0, 60 },
        /* sets: a gauge of sizes; count unites */
        { "sum:users{*}.rollup(60)", NULL, 0, 2 },
        { "count:users{*}.rollup(60)", NULL, 0, 6 },
        { "count:users{*}.rollup(60)", NULL, 60, 7 },
        { "count:users{*}.rollup(3600)", NULL, 0, 12 },
        { "count:users{*} by {at}.rollup(3600)", "at:b", 0, 1 },
        /* distributions: all values are one */
        { "sum:lat{*}.rollup(60)", NULL, 0, 21 + 621 },
        { "avg:lat{*}.rollup(3600)", NULL, 0, 56.5 },
        { "min:lat{*}.rollup(60)", NULL, 60, 7 },
        { "max:lat{*}.rollup(60)", NULL, 0, 106 },
        { "count:lat{*}.rollup(3600)", NULL, 0, 24 },
        { "count:lat{*}.as_count().rollup(3600)", NULL, 0, 24 },
        { "count:lat{*}.as_rate().rollup(3600)", NULL, 0, 24 / 3600.0 },
        { "p0:lat{*}.rollup(3600)", NULL, 0, 1 },
        { "p100:lat{*} by {at}.rollup(60)", "at:a", 0, 6 },
        /* histograms: the series that are made of them */
        { "max:time.max{*}.rollup(max,3600)", NULL, 0, 11 },
        { "sum:time.count{*}.rollup(sum,3600)", NULL, 0, 24 },
        { "sum:time.count{*}", NULL, 0, 0.2 },
        { "sum:part.count{*}.as_count()", NULL, 0, 1.6 },
        { "sum:part.count{*}.rollup(sum,3600)", NULL, 0, 12 * 1.6 },
        { "sum:time{*}", NULL, 0, NAN },
    };
    struct pipeline *p = two_minutes();
    (void)state;

    ask_cases(flusher_rollup(p->flusher), cases, sizeof cases / sizeof cases[0], START,
              START + 120);
    pipeline_free(p);
}

static void percentiles_are_those_of_one_sketch(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "tags=");
    struct arena_budget budget;
    struct arena arena;
    char line[64];
    (void)state;

    arena_budget_init(&budget, 1 << 20);
    arena_init(&arena, &budget);
    struct sketch *all = sketch_new(&arena);
    for (int i = 0; i < 600; i++) {
        double value = (double)(i * 7919 % 1000) / 8;
        assert_true(sketch_add(all, &arena, value, 1));
        snprintf(line, sizeof line, "d:%g|d|#n:%d", value, i % 7);
        pipeline_line(p, 0, START + i, line);
    }
    pipeline_flush(p, START + 611);
    assert_true(ask_point(flusher_rollup(p->flusher), "p95:d{*}.rollup(3600)", START,
                          START + 600, NULL, START) == sketch_quantile(all, &arena, 0.95));
    arena_free(&arena);
    pipeline_free(p);
}

static void has_the_form_of_the_public_interface(void **state)
{
    struct pipeline *p = two_minutes();
    json_t *answer = ask(flusher_rollup(p->flusher),
                         "sum:hits{env:dev} by {host}.rollup(sum, 60)", START + 5, START + 100);
    char *text = json_dumps(answer, JSON_PRESERVE_ORDER | JSON_COMPACT);
    (void)state;

    assert_string_equal(
        text,
        "{\"status\":\"ok\",\"res_type\":\"time_series\",\"resp_version\":1,"
        "\"query\":\"sum:hits{env:dev} by {host}.rollup(sum, 60)\","
        "\"from_date\":1700006405000,\"to_date\":1700006500000,\"message\":\"\","
        "\"group_by\":[\"host\"],\"series\":[{\"metric\":\"hits\",\"display_name\":\"hits\","
        "\"expression\":\"sum:hits{host:h,env:dev}.rollup(sum, 60)\","
        "\"scope\":\"host:h,env:dev\",\"tag_set\":[\"host:h\"],\"aggr\":\"sum\","
        "\"interval\":60,\"length\":2,\"start\":1700006400000,\"end\":1700006519000,"
        "\"query_index\":0,\"unit\":null,\"attributes\":{},"
        "\"pointlist\":[[1700006400000.0,60],[1700006460000.0,60]]}]}");
    free(text);
    json_decref(answer);
    pipeline_free(p);
}

/* As it is asked for alone, but for its number. */
static void assert_part(struct rollup *rollup, const json_t *list, size_t i, const char *text,
                        int query_index)
{
    json_t *alone = ask(rollup, text, START, START + 120);
    json_t *expected = json_array_get(json_object_get(alone, "series"), 0);

    json_object_set_new(expected, "query_index", json_integer(query_index));
    if (!json_equal(json_array_get(list, i), expected))
        fail_msg("%s is not series %zu", text, i);
    json_decref(alone);
}

/* Graphs ask so for several queries at once. */
static void a_list_is_answered_part_by_part(void **state)
{
    static const char *const parts[] = { "max:load{env:dev}",
                                         "2 * sum:load{*}.rollup(sum, 60) - load{env:dev}",
                                         "sum:hits{*}" };
    struct pipeline *p = two_minutes();
    struct rollup *rollup = flusher_rollup(p->flusher);
    char text[256];
    (void)state;

    snprintf(text, sizeof text, "%s , load{none}, %s,%s", parts[0], parts[1], parts[2]);
    json_t *answer = ask(rollup, text, START, START + 120);
    const json_t *list = json_object_get(answer, "series");

    assert_string_equal(json_string_value(json_object_get(answer, "query")), text);
    assert_int_equal(json_array_size(list), 3);
    assert_part(rollup, list, 0, parts[0], 0);
    assert_part(rollup, list, 1, parts[1], 2);
    assert_part(rollup, list, 2, parts[2], 3);
    json_decref(answer);
    pipeline_free(p);
}

/* As at Datadog, where a graph has its shortest steps: who looks at more time sees longer ones.
 */
static void too_many_steps_become_longer_ones(void **state)
{
    struct pipeline *p = two_minutes();
    json_t *answer = ask(flusher_rollup(p->flusher), "sum:hits{*}.rollup(sum, 60)",
                         START - 86400 * 30, START + 120);
    json_t *series = json_array_get(json_object_get(answer, "series"), 0);
    (void)state;

    assert_int_equal(json_integer_value(json_object_get(series, "interval")), 14400);
    assert_true(json_number_value(json_array_get(
                    json_array_get(json_object_get(series, "pointlist"), 0), 1)) == 480);
    assert_string_equal(json_string_value(json_object_get(answer, "message")),
                        "the seconds of .rollup( ) make too many steps: they are longer");
    json_decref(answer);
    pipeline_free(p);
}

static void refuses_with_a_sentence(void **state)
{
    static const struct {
        const char *text;
        int64_t from_s, to_s;
        const char *sentence;
    } cases[] = {
        { "hits{", START, START + 60, "column 6: expected a tag or *" },
        { "hits{*}", START, START,
          "from and to are seconds since 1970, from before to, no more than 366 days apart" },
        { "hits{*}", -5, START,
          "from and to are seconds since 1970, from before to, no more than 366 days apart" },
        { "hits{*}", START, INT64_MAX,
          "from and to are seconds since 1970, from before to, no more than 366 days apart" },
        { "p50:hits{*}", START, START + 60,
          "percentiles are kept of distributions only, and this is none" },
    };
    struct pipeline *p = two_minutes();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ask_refused(flusher_rollup(p->flusher), cases[i].text, cases[i].from_s, cases[i].to_s,
                    cases[i].sentence);
    pipeline_free(p);
}

static void the_step_grows_with_the_range(void **state)
{
    static const struct {
        int64_t range_s, step_s;
    } cases[] = {
        { 600, 10 },   { 3000, 10 },   { 3600, 20 },
        { 14400, 60 }, { 86400, 300 }, { 604800, 3600 },
    };
    struct pipeline *p = two_minutes();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *answer = ask(flusher_rollup(p->flusher), "hits{*}",
                             START + 120 - cases[i].range_s, START + 120);
        const json_t *series = json_array_get(json_object_get(answer, "series"), 0);
        assert_int_equal(json_integer_value(json_object_get(series, "interval")),
                         cases[i].step_s);
        json_decref(answer);
    }
    pipeline_free(p);
}

/* hostile: query-text-with-nul. */
static void nothing_behind_a_text_is_read(void **state)
{
    static const char text[] = { 'x', '"', '\0', 'y', '{', 'q', ':', '*', '}' };
    struct pipeline *p = two_minutes();
    char *exact = malloc(sizeof text), problem[256];
    (void)state;

    memcpy(exact, text, sizeof text);
    assert_null(evaluation_new(flusher_rollup(p->flusher), (struct slice){ exact, sizeof text },
                               START, START + 60, problem, sizeof problem));
    assert_string_equal(problem, "column 3: expected text without NUL");
    free(exact);
    assert_null(evaluation_new(flusher_rollup(p->flusher), (struct slice){ NULL, 0 }, START,
                               START + 60, problem, sizeof problem));
    pipeline_free(p);
}

/* What the answer of a question to `to_s` says of the open interval, whose start is 120
 * after START; -1: nothing. */
static double told_open(struct pipeline *p, int64_t to_s, const char *name)
{
    char problem[256];
    struct evaluation *evaluation = evaluation_new(flusher_rollup(p->flusher), SLICE("hits{*}"),
                                                   START, to_s, problem, sizeof problem);

    evaluation_tell_open(evaluation, START + 120, START + 130);
    while (evaluation_step(evaluation) == QUERY_MORE)
        ;
    struct slice text = evaluation_answer(evaluation);
    json_t *answer = json_loadb(text.at, text.len, 0, NULL);
    const json_t *told = json_object_get(answer, name);
    double value = told != NULL ? json_number_value(told) / 1000 - START : -1;
    json_decref(answer);
    evaluation_free(evaluation);
    return value;
}

static void the_open_interval_is_told_when_it_is_asked_for(void **state)
{
    struct pipeline *p = two_minutes();
    (void)state;

    assert_true(told_open(p, START + 121, "open_from_date") == 120);
    assert_true(told_open(p, START + 121, "open_to_date") == 130);
    assert_true(told_open(p, START + 120, "open_from_date") == -1);
    pipeline_free(p);
}

static void a_question_holds_while_windows_go(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_lookback=60", "heeler_max_contexts=9000");
    struct evaluation *evaluation;
    char problem[256], line[64];
    enum query_state now;
    (void)state;

    for (int i = 0; i < 3000; i++) {
        snprintf(line, sizeof line, "g:%d|g|#n:%d", i, i);
        pipeline_line(p, 0, START + 1, line);
    }
    pipeline_flush(p, START + 11);
    evaluation = evaluation_new(flusher_rollup(p->flusher), SLICE("sum:g{*} by {n}"), START,
                                START + 300, problem, sizeof problem);
    assert_non_null(evaluation);
    for (int t = 20; (now = evaluation_step(evaluation)) == QUERY_MORE; t += 10) {
        snprintf(line, sizeof line, "new:1|g|#t:%d", t);
        pipeline_line(p, 0, START + t + 2, line); /* others come, all of those expire */
        pipeline_flush(p, START + t + 11);
    }
    assert_int_equal(now, QUERY_DONE);
    evaluation_free(evaluation);
    pipeline_free(p);
}

/* How many series whoever asks again looks at. */
static size_t looked_at(struct rollup *rollup, struct slice metric, struct slice scope)
{
    size_t n = 0;
    uint32_t *numbers = matched_recall(rollup_matched(rollup), matched_key(metric, scope), &n);

    assert_non_null(numbers);
    free(numbers);
    return n;
}

static void send_at(struct pipeline *p, int second, const char *text)
{
    pipeline_line(p, 0, START + second, text);
}

static void who_asks_again_looks_at_few_and_finds_who_was_born(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "tags=", "heeler_max_contexts=9000");
    struct rollup *rollup = flusher_rollup(p->flusher);
    char line[64];
    (void)state;

    for (int i = 0; i < 3000; i++) {
        snprintf(line, sizeof line, "g:1|g|#env:%s,n:%d", i < 3 ? "dev" : "prod", i);
        send_at(p, 1, line);
    }
    pipeline_flush(p, START + 11);
    for (int again = 0; again < 2; again++) {
        assert_true(ask_point(rollup, "sum:g{env:d*}", START, START + 20, NULL, START) == 3);
        assert_int_equal(looked_at(rollup, SLICE("g"), SLICE("env:d*")), 3);
    }
    send_at(p, 12, "g:1|g|#env:dev,n:new");
    send_at(p, 12, "g:1|g|#env:prod,n:new");
    send_at(p, 12, "other:1|g|#env:dev");
    pipeline_flush(p, START + 21);
    assert_int_equal(looked_at(rollup, SLICE("g"), SLICE("env:d*")), 6);
    assert_true(ask_point(rollup, "sum:g{env:d*}.rollup(last,60)", START, START + 20, NULL,
                          START) == 4);
    assert_int_equal(looked_at(rollup, SLICE("g"), SLICE("env:d*")), 4);
    assert_true(ask_point(rollup, "sum:g{!env:d*}.rollup(last,60)", START, START + 20, NULL,
                          START) == 2998);
    pipeline_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_the_rules_say),
        cmocka_unit_test(percentiles_are_those_of_one_sketch),
        cmocka_unit_test(has_the_form_of_the_public_interface),
        cmocka_unit_test(a_list_is_answered_part_by_part),
        cmocka_unit_test(too_many_steps_become_longer_ones),
        cmocka_unit_test(refuses_with_a_sentence),
        cmocka_unit_test(the_step_grows_with_the_range),
        cmocka_unit_test(nothing_behind_a_text_is_read),
        cmocka_unit_test(the_open_interval_is_told_when_it_is_asked_for),
        cmocka_unit_test(a_question_holds_while_windows_go),
        cmocka_unit_test(who_asks_again_looks_at_few_and_finds_who_was_born),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
