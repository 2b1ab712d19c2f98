#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flush/memory/json_view.h"
#include "server/commands/monitor_past.h"
#include "server/commands/monitor_screen.h"

enum { NOW_S = 1800000002, MINUTE_S = 60 }; /* the minute before is full */

/* A monitor of that query and those options, and its past as it is asked for. */
struct rig {
    char body[2048];
    struct monitor monitor;
    struct monitor_past past;
    char problem[512];
};

static void open_monitor(struct rig *rig, const char *type, const char *query,
                         const char *options)
{
    struct slice value;
    struct json_fault fault;

    *rig = (struct rig){ .past = { .monitor = NULL } };
    snprintf(rig->body, sizeof rig->body, "{\"type\":\"%s\",\"query\":\"%s\",\"options\":%s}",
             type, query, options);
    if (!json_view_check(slice_of(rig->body), 100, &value, &fault) ||
        !monitor_read(value, &rig->monitor, rig->problem, sizeof rig->problem))
        fail_msg("%s: %s", query, rig->problem);
}

static bool begin(struct rig *rig, const char *query, const char *options, int64_t last_s)
{
    open_monitor(rig, "metric alert", query, options);
    return monitor_past_begin(&rig->past, &rig->monitor, last_s, NOW_S, rig->problem,
                              sizeof rig->problem);
}

static void end(struct rig *rig)
{
    monitor_past_free(&rig->past);
    monitor_free(&rig->monitor);
}

/* ---- what is asked ----------------------------------------------------- */

static void the_question_is_of_points_or_of_whole_windows(void **state)
{
    static const struct {
        const char *query, *question, *why;
    } cases[] = {
        { "avg(last_5m):avg:a{*} by {host} > 8", "avg:a{*} by {host}", "points" },
        { "sum(last_5m):sum:a{*}.as_count() > 8", "sum:a{*}.as_count()",
          "nothing is computed with it" },
        { "avg(last_5m):avg:a{*} / avg:b{*} > 8", "avg:a{*} / avg:b{*}", "nothing is counted" },
        { "sum(last_5m):sum:a{x:y}.as_count() / (sum:b{*} by {h}.as_count() + 1) > 8",
          "moving_rollup(sum:a{x:y}.as_count(), 300, 'sum') / (moving_rollup(sum:b{*} by "
          "{h}.as_count(), 300, 'sum') + 1)",
          "each operand is reduced first" },
        { "change(avg(last_5m),last_1h):avg:a{*} + 1 > 8",
          "(avg:a{*} + 1) - timeshift((avg:a{*} + 1), -3600)", "point by point" },
        { "pct_change(avg(last_5m),last_1h):avg:a{*} > 8",
          "((avg:a{*}) - timeshift((avg:a{*}), -3600)) / timeshift((avg:a{*}), -3600) * 100",
          "of what was before" },
    };
    struct rig rig;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(begin(&rig, cases[i].query, "{}", 3600));
        if (strcmp((const char *)rig.past.question.at, cases[i].question) != 0)
            fail_msg("%s (%s): %s", cases[i].query, cases[i].why, rig.past.question.at);
        end(&rig);
    }
}

static void all_of_the_past_is_asked_for_in_pieces_of_one_length(void **state)
{
    static const struct {
        const char *query;
        int64_t last_s, delay_s;
    } cases[] = {
        { "avg(last_5m):avg:a{*} > 8", 86400, 0 },
        { "avg(last_1m):avg:a{*} > 8", 60, 900 },
        { "avg(last_1d):avg:a{*} > 8", 7 * 86400, 60 },
        { "avg(last_1w):avg:a{*} > 8", MONITOR_PAST_MAX_S, 0 },
    };
    struct rig rig;
    char options[64];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t from_s, to_s, length_s = 0, behind_s = 0;
        size_t n = 0;

        snprintf(options, sizeof options, "{\"evaluation_delay\":%d}", (int)cases[i].delay_s);
        assert_true(begin(&rig, cases[i].query, options, cases[i].last_s));
        int64_t least_s = rig.past.from_s - cases[i].delay_s - rig.monitor.condition.window_s;

        assert_true(rig.past.to_s <= NOW_S && rig.past.to_s > NOW_S - 1802);
        assert_int_equal(rig.past.to_s - rig.past.from_s + rig.past.period_s, cases[i].last_s);
        assert_in_range(rig.past.n_places, 1, MONITOR_PAST_PLACES);
        for (; monitor_past_next(&rig.past, &from_s, &to_s); n++) {
            assert_true(n == 0 ? from_s <= least_s : from_s == behind_s);
            assert_true(n == 0 || to_s - from_s == length_s);
            assert_int_equal(from_s % (to_s - from_s), 0);
            length_s = to_s - from_s;
            behind_s = to_s;
        }
        assert_in_range(n, 1, 402);
        assert_true(behind_s >= rig.past.to_s - cases[i].delay_s);
        end(&rig);
    }
}

static void what_is_no_series_has_no_past(void **state)
{
    struct rig rig;
    (void)state;

    open_monitor(&rig, "composite", "1 && 2", "{}");
    assert_false(monitor_past_begin(&rig.past, &rig.monitor, 3600, NOW_S, rig.problem,
                                    sizeof rig.problem));
    assert_non_null(strstr(rig.problem, "other monitors"));
    end(&rig);
    open_monitor(&rig, "service check", "\\\"a\\\".over(\\\"*\\\").last(2).count_by_status()",
                 "{}");
    assert_false(monitor_past_begin(&rig.past, &rig.monitor, 3600, NOW_S, rig.problem,
                                    sizeof rig.problem));
    assert_non_null(strstr(rig.problem, "service checks"));
    end(&rig);
}

/* ---- what is answered -------------------------------------------------- */

/* An answer of one series that has this value for so many minutes, point by point; NAN: none.
 */
struct phase {
    int minutes;
    double value;
};

static void answer(struct rig *rig, const char *tags, const char *role, int64_t from_s,
                   const struct phase *phases, size_t n)
{
    static char text[1 << 18];
    size_t len = (size_t)snprintf(text, sizeof text,
                                  "{\"open_from_date\":%lld000,\"series\":[{\"tag_set\":%s,"
                                  "\"interval\":10,\"attributes\":{%s},\"pointlist\":[",
                                  (long long)NOW_S, tags, role);
    const char *comma = "";

    for (size_t i = 0; i < n; i++)
        for (int point = 0; point < phases[i].minutes * 6; point++, from_s += 10) {
            if (isnan(phases[i].value))
                continue;
            len += (size_t)snprintf(text + len, sizeof text - len, "%s[%lld000.0,%g]", comma,
                                    (long long)from_s, phases[i].value);
            comma = ",";
        }
    snprintf(text + len, sizeof text - len, "]}]}");
    if (!monitor_past_take(&rig->past, slice_of(text), rig->problem, sizeof rig->problem))
        fail_msg("%s", rig->problem);
}

#define ANSWER(rig, tags, role, from_s, ...)                         \
    answer(rig, tags, role, from_s, (struct phase[]){ __VA_ARGS__ }, \
           sizeof((struct phase[]){ __VA_ARGS__ }) / sizeof(struct phase))

struct wanted {
    int minute; /* behind the first evaluation */
    enum monitor_state to;
    double value;
};

static void assert_changes(const struct rig *rig, size_t number, const struct wanted *wanted,
                           size_t n)
{
    const struct past_group *group = rig->past.groups[number];

    for (size_t i = 0; i < n && i < group->n_changes; i++) {
        const struct past_change *change = &group->changes[i];

        if (change->at_s != rig->past.from_s + wanted[i].minute * MINUTE_S ||
            change->to != wanted[i].to ||
            (isnan(wanted[i].value) ? !isnan(change->value)
                                    : fabs(change->value - wanted[i].value) > 1e-9))
            fail_msg("change %zu: minute %d to %s, %g", i,
                     (int)((change->at_s - rig->past.from_s) / MINUTE_S),
                     monitor_state_word(change->to), change->value);
    }
    assert_int_equal(group->n_changes, n);
}

#define ASSERT_CHANGES(rig, number, ...)                          \
    assert_changes(rig, number, (struct wanted[]){ __VA_ARGS__ }, \
                   sizeof((struct wanted[]){ __VA_ARGS__ }) / sizeof(struct wanted))

static const double none = (double)NAN;

/* The exercise's: each window is the five minutes before. */
static void a_gauge_in_phases_changes_as_the_evaluator_has_it(void **state)
{
    struct rig rig;
    (void)state;

    assert_true(begin(&rig, "avg(last_5m):avg:a{*} by {host} > 800",
                      "{\"thresholds\":{\"critical\":800,\"warning\":500},"
                      "\"notify_no_data\":true,\"no_data_timeframe\":10}",
                      7200));
    ANSWER(&rig, "[\"host:a\"]", "", rig.past.from_s - 300, { 20, 400 }, { 20, 600 },
           { 20, 900 }, { 20, none }, { 45, 400 });
    ANSWER(&rig, "[\"host:b\"]", "", rig.past.from_s - 300, { 125, 1 });
    assert_true(monitor_past_evaluate(&rig.past));
    assert_int_equal(rig.past.n_groups, 2);
    assert_string_equal(rig.past.groups[0]->name, "host:a");
    /* From minute 15 on 600 comes; three of five minutes of it are 520. */
    ASSERT_CHANGES(&rig, 0, { 18, MONITOR_WARN, 520 }, { 39, MONITOR_ALERT, 840 },
                   { 65, MONITOR_NO_DATA, none }, { 76, MONITOR_OK, 400 });
    assert_int_equal(rig.past.groups[0]->told, 4);
    assert_int_equal(rig.past.groups[1]->n_changes, 0);
    end(&rig);
}

static void a_window_that_is_not_full_keeps_the_state(void **state)
{
    struct rig rig;
    (void)state;

    assert_true(
        begin(&rig, "avg(last_10m):avg:a{*} > 8", "{\"require_full_window\":true}", 3600));
    /* Nine minutes are missing: what is left of high values is no window. */
    ANSWER(&rig, "[]", "", rig.past.from_s - 600, { 20, 1 }, { 9, none }, { 41, 9 });
    assert_true(monitor_past_evaluate(&rig.past));
    assert_string_equal(rig.past.groups[0]->name, "*");
    ASSERT_CHANGES(&rig, 0, { 29, MONITOR_ALERT, 9 });
    end(&rig);
}

static void a_delay_moves_the_window_and_new_groups_have_time(void **state)
{
    struct rig rig;
    (void)state;

    assert_true(begin(&rig, "max(last_5m):max:a{*} by {host} > 8",
                      "{\"evaluation_delay\":600,\"new_group_delay\":300}", 3600));
    ANSWER(&rig, "[\"host:old\"]", "", rig.past.from_s - 900, { 20, 1 }, { 50, 9 });
    ANSWER(&rig, "[\"host:young\"]", "", rig.past.from_s, { 50, 9 });
    assert_true(monitor_past_evaluate(&rig.past));
    ASSERT_CHANGES(&rig, 0, { 16, MONITOR_ALERT, 9 }); /* minute 5 and 1, and 10 later */
    ASSERT_CHANGES(&rig, 1, { 16, MONITOR_ALERT, 9 }); /* seen in minute 11, and 5 later */
    end(&rig);
}

static void anomalies_are_the_share_outside_on_that_side(void **state)
{
    struct rig rig;
    (void)state;

    assert_true(begin(&rig,
                      "avg(last_1h):anomalies(avg:a{*}, 'basic', 2, direction='above', "
                      "alert_window='last_10m') >= 0.5",
                      "{}", 3600));
    int64_t from_s = rig.past.from_s - 3600;

    ANSWER(&rig, "[]", "\"role\":\"value\"", from_s, { 70, 0 }, { 20, 10 }, { 30, 0 });
    ANSWER(&rig, "[]", "\"role\":\"lower\"", from_s, { 120, 1 });
    ANSWER(&rig, "[]", "\"role\":\"upper\"", from_s, { 120, 5 });
    assert_true(monitor_past_evaluate(&rig.past));
    assert_int_equal(rig.past.n_groups, 1);
    ASSERT_CHANGES(&rig, 0, { 15, MONITOR_ALERT, 0.5 }, { 36, MONITOR_OK, 0.4 });
    end(&rig);
}

static void what_came_twice_and_what_is_open_does_not_count(void **state)
{
    struct rig rig;
    (void)state;

    assert_true(begin(&rig, "sum(last_5m):sum:a{*}.as_count() > 29.5", "{}", 3600));
    for (int i = 0; i < 3; i++) /* overlapping pieces */
        ANSWER(&rig, "[]", "", rig.past.from_s - 300, { 65, 1 });
    rig.past.open_s = rig.past.to_s - 90;
    assert_true(monitor_past_evaluate(&rig.past));
    assert_int_equal(rig.past.to_s, NOW_S - 2 - 120);
    ASSERT_CHANGES(&rig, 0, { 0, MONITOR_ALERT, 30 });
    end(&rig);
}

/* An answer of long windows of the past: one stands for a window. */
static void points_that_are_longer_than_the_window_are_said(void **state)
{
    struct problems problems = { 0 };
    struct rig rig;
    char text[512];
    (void)state;

    assert_true(begin(&rig, "avg(last_5m):avg:a{*} > 8", "{}", 7200));
    int64_t hour_s = rig.past.to_s / 3600 * 3600;

    snprintf(text, sizeof text,
             "{\"series\":[{\"tag_set\":[],\"interval\":3600,\"attributes\":{},"
             "\"pointlist\":[[%lld000.0,1],[%lld000.0,9]]}]}",
             (long long)hour_s - 7200, (long long)hour_s - 3600);
    assert_true(monitor_past_take(&rig.past, slice_of(text), rig.problem, sizeof rig.problem));
    assert_true(monitor_past_evaluate(&rig.past));
    assert_int_equal(rig.past.groups[0]->n_changes, 1);
    assert_int_equal(rig.past.groups[0]->changes[0].at_s, hour_s);
    monitor_past_note(&rig.past, &problems);
    assert_non_null(strstr(problems.notes.at[0], "points of 1 h are kept"));
    problems_free(&problems);
    end(&rig);
}

static void an_answer_of_somebody_else_is_refused(void **state)
{
    static const char *const answers[] = {
        "",
        "[]",
        "{\"series\":1}",
        "{\"series\":[{}]}",
        "{\"series\":[{\"interval\":0,\"tag_set\":[],\"pointlist\":[]}]}",
        "{\"series\":[{\"interval\":10,\"tag_set\":[],\"pointlist\":[[1]]}]}",
        "{\"series\":[{\"interval\":10,\"tag_set\":[],\"pointlist\":[[-1,1]]}]}",
        "{\"series\":[{\"interval\":10,\"tag_set\":[],\"pointlist\":[[1,\"x\"]]}]}",
        "{\"series\":[{\"interval\":1e300,\"tag_set\":[],\"pointlist\":[]}]}",
    };
    struct rig rig;
    (void)state;

    assert_true(begin(&rig, "avg(last_5m):avg:a{*} > 8", "{}", 7200));
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (monitor_past_take(&rig.past, slice_of(answers[i]), rig.problem, sizeof rig.problem))
            fail_msg("%s", answers[i]);
    end(&rig);
}

/* ---- what is shown ----------------------------------------------------- */

static char *printed(const struct rig *rig, bool colours)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    monitor_screen_print(&rig->past, colours, out);
    fclose(out);
    return text;
}

static void a_group_is_a_line_of_letters_and_its_changes(void **state)
{
    struct json_out out = { .comma = false };
    struct rig rig;
    (void)state;

    assert_true(begin(&rig, "avg(last_1m):avg:a{*} by {host} > 8",
                      "{\"thresholds\":{\"critical\":8,\"warning\":4}}", 600));
    ANSWER(&rig, "[\"host:\\u001b[31mx\"]", "", rig.past.from_s + 60, { 2, 1 }, { 1, 5 },
           { 5, 9 });
    assert_true(monitor_past_evaluate(&rig.past));
    char *text = printed(&rig, false);

    assert_non_null(strstr(text, "host:\\x1b[31mx\n  ...OWAAAAA\n  2027-01-15 07:55:00Z"));
    assert_non_null(strstr(text, "  OK -> Warn  5\n"));
    assert_non_null(strstr(text, "1 group; 2 messages would have been sent"));
    assert_null(strchr(text, '\x1b'));
    free(text);
    text = printed(&rig, true);
    assert_non_null(strstr(text, "\x1b[97;41mAAAAA\x1b[0m\n"));
    free(text);
    json_out_begin(&out, NULL, '{');
    monitor_screen_write(&rig.past, &out);
    json_out_end(&out, '}');
    bytes_add(&out.bytes, "", 1);
    assert_non_null(
        strstr((const char *)out.bytes.at, "\"line\":\"...OWAAAAA\",\"changes\":[{"));
    bytes_free(&out.bytes);
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_question_is_of_points_or_of_whole_windows),
        cmocka_unit_test(all_of_the_past_is_asked_for_in_pieces_of_one_length),
        cmocka_unit_test(what_is_no_series_has_no_past),
        cmocka_unit_test(a_gauge_in_phases_changes_as_the_evaluator_has_it),
        cmocka_unit_test(a_window_that_is_not_full_keeps_the_state),
        cmocka_unit_test(a_delay_moves_the_window_and_new_groups_have_time),
        cmocka_unit_test(anomalies_are_the_share_outside_on_that_side),
        cmocka_unit_test(what_came_twice_and_what_is_open_does_not_count),
        cmocka_unit_test(points_that_are_longer_than_the_window_are_said),
        cmocka_unit_test(an_answer_of_somebody_else_is_refused),
        cmocka_unit_test(a_group_is_a_line_of_letters_and_its_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
