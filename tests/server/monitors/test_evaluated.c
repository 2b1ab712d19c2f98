/* The evaluator and the answers of the flusher, joined without threads: lines of clients in,
 * what people are told out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flush/flusher_internal.h"
#include "tests/support/evaluator_world.h"
#include "tests/support/pipeline.h"

enum { START = 1700006400, MINUTE_S = 60, INTERVAL_S = 10 };

static struct world {
    struct evaluator_world outside;
    struct pipeline *pipeline;
    struct evaluator *evaluator;
    char told[4096];
} world;

/* ---- what the evaluator needs ------------------------------------------ */

/* As the flusher does, but at once. */
static void answer(struct asked_question *asked)
{
    const struct answer_ops *ops =
        asked->inquiry.kind == INQUIRY_CHECKS ? &answer_checks : &answer_monitor;
    struct answer_source source = { .rollup = flusher_rollup(world.pipeline->flusher),
                                    .checks = world.pipeline->flusher->checks };
    struct answer_problem problem = { 503, "no memory" };
    enum answer_state state = ANSWER_FAILED;
    void *begun = ops->begin(&source, &asked->inquiry, &problem);

    while (begun != NULL && (state = ops->step(begun, &asked->answer, &problem)) == ANSWER_MORE)
        ;
    if (begun != NULL)
        ops->free(begun);
    asked->status = 200;
    if (state != ANSWER_DONE)
        asked_question_refuse(asked, problem.status, problem.sentence);
}

static void ask(void *self, const struct inquiry *inquiry,
                void (*tell)(void *argument, int status, struct slice json), void *argument)
{
    struct asked_question *asked = asked_question_new(inquiry, NULL);

    (void)self;
    assert_non_null(asked);
    answer(asked);
    tell(argument, asked->status, bytes_view(&asked->answer));
    asked_question_free(asked);
}

/* "5 [Triggered on {host:a}] m 900; " with the minute and the value. */
static void note(void *self, struct notification *given)
{
    size_t len = strlen(world.told);
    struct slice text = given->text;

    (void)self;
    snprintf(world.told + len, sizeof world.told - len, "%d %.*s %.*s; ",
             (int)((given->raised_s - START) / MINUTE_S), (int)given->title.len,
             given->title.at, (int)slice_cut(&text, '@').len, given->text.at);
    notification_free(given);
}

/* ---- minute by minute -------------------------------------------------- */

static void begin(const char *query, const char *options)
{
    struct evaluator_needs needs;
    char body[2048], problem[512];
    bool is_check = query[0] == '\\';

    world = (struct world){
        .pipeline = PIPELINE(1, START, "heeler_rollup_max_bytes=4194304",
                             "dogstatsd_expiry_seconds=30", "heeler_lookback=10800"),
    };
    needs = evaluator_world_needs(&world.outside);
    needs.ask = ask;
    needs.send = note;
    needs.start_s = START - 86400;
    world.evaluator = evaluator_new(&needs);
    assert_non_null(world.evaluator);
    snprintf(body, sizeof body,
             "{\"type\":\"%s\",\"query\":\"%s\",\"name\":\"m\",\"message\":\"{{value}}"
             "@someone@example.com @someone@example.com\",\"options\":{%s}}",
             is_check ? "service check" : "query alert", query, options);
    if (!evaluator_define(world.evaluator, 1, slice_of(body), problem, sizeof problem))
        fail_msg("%s", problem);
}

/* Time goes on to the end of that minute, with those lines in each of its intervals. */
static void minute(int number, const char *lines)
{
    for (int at_s = 0; at_s < MINUTE_S && lines[0] != '\0'; at_s += INTERVAL_S)
        pipeline_line(world.pipeline, 0, START + number * MINUTE_S + at_s + 3, lines);
    int64_t now_s = START + (number + 1) * MINUTE_S + EVALUATOR_WAIT_S;

    pipeline_flush(world.pipeline, (double)now_s);
    evaluator_world_go_to(&world.outside, world.evaluator, now_s);
}

static void minutes(int from, int to, const char *lines)
{
    for (int i = from; i < to; i++)
        minute(i, lines);
}

static void end(const char *told)
{
    const struct watched_monitor *monitor =
        monitors_find(evaluator_monitors(world.evaluator), 1);

    assert_string_equal(monitor->problem, "");
    assert_string_equal(world.told, told);
    evaluator_free(world.evaluator);
    pipeline_free(world.pipeline);
}

/* ---- what is told ------------------------------------------------------ */

static void each_host_is_told_of_by_itself(void **state)
{
    (void)state;

    begin("avg(last_5m):avg:load{*} by {host} > 800",
          "\"thresholds\":{\"critical\":800,\"warning\":500},\"new_group_delay\":0");
    minutes(0, 5, "load:400|g|#host:a\nload:400|g|#host:b");
    minutes(5, 12, "load:900|g|#host:a\nload:400|g|#host:b");
    minutes(12, 20, "load:400|g|#host:a\nload:400|g|#host:b");
    /* 900 of two minutes of five is 600, of four 800, of one 500, which is not above it */
    end("7 [Warn on {host:a}] m 600; 10 [Triggered on {host:a}] m 900; "
        "13 [Warn on {host:a}] m 800; 16 [Recovered on {host:a}] m 500; ");
}

static void silence_is_told_of_after_its_time(void **state)
{
    (void)state;

    begin("avg(last_5m):avg:load{*} by {host} > 800",
          "\"thresholds\":{\"critical\":800},\"new_group_delay\":0,\"notify_no_data\":true,"
          "\"no_data_timeframe\":10");
    minutes(0, 5, "load:400|g|#host:a\nload:900|g|#host:b");
    minutes(5, 17, "load:400|g|#host:a");
    minutes(17, 20, "load:400|g|#host:a\nload:100|g|#host:b");
    /* nothing in ten whole minutes: from 5 to 15 */
    end("1 [Triggered on {host:b}] m 900; 15 [No data on {host:b}] m ; "
        "18 [Recovered on {host:b}] m 100; ");
}

static void who_looks_back_waits_as_long_for_silence(void **state)
{
    (void)state;

    begin("avg(last_5m):avg:load{*} by {host} > 800",
          "\"thresholds\":{\"critical\":800},\"new_group_delay\":0,\"notify_no_data\":true,"
          "\"no_data_timeframe\":10,\"evaluation_delay\":900");
    minutes(0, 5, "load:900|g|#host:a");
    minutes(5, 32, "");
    end("16 [Triggered on {host:a}] m 900; 30 [No data on {host:a}] m ; ");
}

static void a_window_that_is_not_full_says_nothing(void **state)
{
    (void)state;

    begin("avg(last_5m):avg:load{*} > 800",
          "\"thresholds\":{\"critical\":800},\"require_full_window\":true");
    minutes(0, 4, "load:900|g");
    assert_string_equal(world.told, "");
    minutes(4, 6, "load:900|g");
    end("5 [Triggered] m 900; ");
}

static void a_share_of_errors_is_that_of_all_hits(void **state)
{
    (void)state;

    begin("sum(last_5m):sum:bad{*}.as_count() / sum:hits{*}.as_count() > 0.25",
          "\"thresholds\":{\"critical\":0.25}");
    minutes(0, 5, "bad:0|c\nhits:10|c");
    minute(5, "bad:10|c\nhits:10|c"); /* 60 of 300 */
    minute(6, "bad:10|c\nhits:40|c"); /* 120 of 480: no more than a quarter */
    minute(7, "bad:10|c\nhits:10|c"); /* 180 of 480 */
    end("8 [Triggered] m 0.375; ");
}

static void a_change_is_told_of(void **state)
{
    (void)state;

    begin("pct_change(avg(last_5m),5m_ago):avg:load{*} > 50",
          "\"thresholds\":{\"critical\":50}");
    minutes(0, 10, "load:100|g");
    minutes(10, 15, "load:200|g"); /* a fifth of the points is twice as high: 20 % */
    end("13 [Triggered] m 60; ");
}

static void anomalies_are_told_of(void **state)
{
    (void)state;

    begin("avg(last_1h):anomalies(avg:load{*}, 'basic', 3, direction='above', "
          "alert_window='last_5m', interval=10, count_default_zero='true') >= 0.5",
          "\"thresholds\":{\"critical\":0.5,\"critical_recovery\":0},\"threshold_windows\":{"
          "\"trigger_window\":\"last_5m\",\"recovery_window\":\"last_4m\"}");
    for (int i = 0; i < 60; i++)
        minute(i, i % 2 == 0 ? "load:10|g" : "load:12|g");
    minutes(60, 63, "load:1000|g");
    minutes(63, 70, "load:11|g");
    end("63 [Triggered] m 0.6; 67 [Recovered] m 0.2; ");
}

static void a_check_is_told_of_after_so_many_in_a_row(void **state)
{
    (void)state;

    begin("\\\"disk\\\".over(\\\"env:prod\\\").by(\\\"host\\\").last(4).count_by_status()",
          "\"thresholds\":{\"critical\":3,\"warning\":1,\"ok\":2},\"new_group_delay\":0");
    for (int i = 0; i < 9; i++) {
        char line[128];

        snprintf(line, sizeof line, "_sc|disk|%d|h:a|#env:prod\n_sc|disk|2|h:b|#env:dev",
                 i >= 2 && i < 6 ? 2 : 0);
        pipeline_line(world.pipeline, 0, START + i * MINUTE_S + 3, line);
        minute(i, "");
    }
    end("5 [Triggered on {host:a}] m ; 8 [Recovered on {host:a}] m ; ");
}

static void what_can_not_be_evaluated_says_why(void **state)
{
    (void)state;

    begin("avg(last_5m):sum:load{*} by {a} / sum:load{*} by {b} > 1",
          "\"thresholds\":{\"critical\":1}");
    minutes(0, 2, "load:400|g");
    const struct watched_monitor *monitor =
        monitors_find(evaluator_monitors(world.evaluator), 1);

    assert_non_null(strstr(monitor->problem, "400: column 33: expected groups by the same"));
    assert_string_equal(world.told, "");
    evaluator_free(world.evaluator);
    pipeline_free(world.pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_host_is_told_of_by_itself),
        cmocka_unit_test(silence_is_told_of_after_its_time),
        cmocka_unit_test(who_looks_back_waits_as_long_for_silence),
        cmocka_unit_test(a_window_that_is_not_full_says_nothing),
        cmocka_unit_test(a_share_of_errors_is_that_of_all_hits),
        cmocka_unit_test(a_change_is_told_of),
        cmocka_unit_test(anomalies_are_told_of),
        cmocka_unit_test(a_check_is_told_of_after_so_many_in_a_row),
        cmocka_unit_test(what_can_not_be_evaluated_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
