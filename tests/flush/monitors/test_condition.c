#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flush/monitors/condition.h"
#include "tests/support/guard.h"

static struct condition read_whole(const char *text)
{
    struct condition condition;
    char problem[512] = "";

    if (!condition_parse(guarded_text(text), &condition, problem, sizeof problem))
        fail_msg("%s: %s", text, problem);
    return condition;
}

static void is_text(struct slice got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.at, wanted, got.len);
}

static void reads_values(void **state)
{
    static const struct {
        const char *text, *expression;
        enum condition_reduce reduce;
        int64_t window_s;
        enum comparator comparator;
        double threshold;
    } cases[] = {
        { "avg(last_5m):avg:my_metric{*} > 800", "avg:my_metric{*}", REDUCE_AVG, 300, ABOVE,
          800 },
        { "avg( last_1h ): avg:aws.ec2.cpu{environment:foo,host:foo} by {host}>=2",
          "avg:aws.ec2.cpu{environment:foo,host:foo} by {host}", REDUCE_AVG, 3600,
          ABOVE_OR_EQUAL, 2 },
        { "sum(last_4h):sum:x{*}.as_count() < -0.5 ", "sum:x{*}.as_count()", REDUCE_SUM, 14400,
          BELOW, -0.5 },
        { "min(last_1d):avg:x{!a:b} <= 1e3", "avg:x{!a:b}", REDUCE_MIN, 86400, BELOW_OR_EQUAL,
          1000 },
        { "max(last_1w):avg:x{a:>b} == 0", "avg:x{a:>b}", REDUCE_MAX, 604800, EQUAL, 0 },
        { "sum(last_5m):sum:e{*}.as_count() / sum:h{*}.as_count() != 0.5",
          "sum:e{*}.as_count() / sum:h{*}.as_count()", REDUCE_SUM, 300, NOT_EQUAL, 0.5 },
        { "avg(last_1h):anomalies(avg:x{*}, 'basic', 3) >= 1",
          "anomalies(avg:x{*}, 'basic', 3)", REDUCE_AVG, 3600, ABOVE_OR_EQUAL, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct condition got = read_whole(cases[i].text);

        assert_int_equal(got.kind, CONDITION_VALUE);
        is_text(got.expression, cases[i].expression);
        assert_int_equal(got.reduce, cases[i].reduce);
        assert_int_equal(got.window_s, cases[i].window_s);
        assert_int_equal(got.comparator, cases[i].comparator);
        assert_true(comparator_holds(EQUAL, got.threshold, cases[i].threshold));
    }
}

static void finds_groups(void **state)
{
    (void)state;
    struct condition got = read_whole("avg(last_5m):avg:x{*} by {host, env} / sum:y{*} > 1");

    assert_int_equal(got.n_by, 2);
    is_text(got.by[0], "host");
    is_text(got.by[1], "env");
    assert_int_equal(read_whole("avg(last_5m):avg:x{*} > 1").n_by, 0);
    assert_int_equal(read_whole("avg(last_5m):sum:y{*} / avg:x{*} by {host} > 1").n_by, 1);
}

/* A downtime of env:prod is about a monitor that looks at nothing else. */
static void knows_what_it_looks_at(void **state)
{
    static const struct {
        const char *text, *required;
    } cases[] = {
        { "avg(last_5m):avg:x{env:prod,host:a} > 1", "env:prod host:a " },
        { "sum(last_5m):sum:e{env:prod,a:b}.as_count() / sum:h{c:d,env:prod}.as_count() > 1",
          "env:prod " },
        { "avg(last_5m):avg:x{env:prod} / avg:y{*} > 1", "" },
        { "\"a\".over(\"env:prod\",\"*\").exclude(\"c:d\").last(2).count_by_status()",
          "env:prod " },
        { "1 && 2", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct condition condition = read_whole(cases[i].text);
        char got[64] = "";

        for (size_t at = 0; at < condition.n_required; at++)
            snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s ",
                     (int)condition.required[at].len, condition.required[at].at);
        assert_string_equal(got, cases[i].required);
    }
}

static void reads_changes(void **state)
{
    (void)state;
    struct condition got =
        read_whole("pct_change(avg(last_5m),last_30m):avg:x{*} by {host} > 50");

    assert_int_equal(got.kind, CONDITION_CHANGE);
    assert_true(got.relative);
    assert_int_equal(got.shift_s, 1800);
    assert_int_equal(got.window_s, 300);
    got = read_whole("change(max(last_10m), 1d_ago):avg:x{*} > 50");
    assert_false(got.relative);
    assert_int_equal(got.shift_s, 86400);
    assert_int_equal(got.reduce, REDUCE_MAX);
}

static void reads_checks(void **state)
{
    (void)state;
    struct condition got =
        read_whole("\"a.can_connect\".over(\"env:prod\",\"x\").exclude(\"y\")"
                   ".by(\"host\",\"port\").last(4).count_by_status()");

    assert_int_equal(got.kind, CONDITION_CHECK);
    is_text(got.check, "a.can_connect");
    assert_int_equal(got.n_over, 2);
    is_text(got.over[1], "x");
    assert_int_equal(got.n_exclude, 1);
    assert_int_equal(got.n_by, 2);
    is_text(got.by[1], "port");
    assert_int_equal(got.last, 4);
    assert_int_equal(read_whole("'a'.over('*').count_by_status()").last, 1);
}

static void reads_composites(void **state)
{
    (void)state;
    struct condition got = read_whole("12 || !34 && (12 || 56)");

    assert_int_equal(got.kind, CONDITION_COMPOSITE);
    assert_int_equal(got.n_operands, 3);
    assert_true(got.operands[1] == 34);
}

/* The table of Datadog's documentation, and what it says of !. States by their first letters.
 */
static void combines_states(void **state)
{
    static const struct {
        const char *text, *of;
        char is;
    } cases[] = {
        { "1 && 2", "AW", 'W' },
        { "1 || 2", "AW", 'A' },
        { "1 && 2", "AO", 'O' },
        { "1 || 2", "AO", 'A' },
        { "1 && 2", "WO", 'O' },
        { "1 || 2", "WO", 'W' },
        { "1 && 2", "NW", 'N' },
        { "1 || 2", "NW", 'W' },
        { "1 && 2", "NO", 'O' },
        { "1 || 2", "NO", 'N' },
        { "1 && 2", "NN", 'N' },
        { "1 || 2", "OO", 'O' },
        { "!1", "O", 'A' },
        { "!1", "W", 'O' },
        { "!1", "A", 'O' },
        { "!1", "N", 'N' },
        { "!(1 && 2)", "AO", 'A' },
        { "1 && !2", "WO", 'W' },
        { "12 || !34 && (12 || 56)", "AOO", 'A' },
        { "12 || !34 && (12 || 56)", "OOO", 'O' },
        { "12 || !34 && (12 || 56)", "OOW", 'W' },
        { "12 || !34 && (12 || 56)", "OAA", 'O' },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct condition got = read_whole(cases[i].text);
        enum monitor_state of[CONDITION_OPERANDS_MAX] = { MONITOR_OK };

        for (size_t j = 0; cases[i].of[j] != '\0'; j++)
            while (monitor_state_word(of[j])[0] != cases[i].of[j])
                of[j]++;
        if (monitor_state_word(condition_combine(&got, of))[0] != cases[i].is)
            fail_msg("%s of %s", cases[i].text, cases[i].of);
    }
}

static void names_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        { "", "column 1: expected avg, sum, min, max, change or pct_change, and its window" },
        { "med(last_5m):avg:x{*} > 1",
          "column 1: expected avg, sum, min, max, change or pct_change, and its window" },
        { "avg(last_5x):avg:x{*} > 1",
          "column 5: expected a window, as last_5m, last_4h, last_1d or last_1w" },
        { "avg(last_0m):avg:x{*} > 1",
          "column 5: expected a window, as last_5m, last_4h, last_1d or last_1w" },
        { "avg(last_99999m):avg:x{*} > 1",
          "column 5: expected a window, as last_5m, last_4h, last_1d or last_1w" },
        { "avg(last_8d):avg:x{*} > 1",
          "column 5: expected a window, as last_5m, last_4h, last_1d or last_1w" },
        { "avg(current_1mo):avg:x{*} > 1",
          "column 5: windows of the calendar (current_...) are not there; expected one like "
          "last_5m" },
        { "avg(last_5m) avg:x{*} > 1", "column 14: expected ':'" },
        { "avg(last_5m):avg:x{*}", "column 22: expected a comparison: >, >=, <, <=, == or !=" },
        { "avg(last_5m):avg:x{*} > many",
          "column 25: expected a number, and nothing behind it" },
        { "avg(last_5m):avg:x{*} > inf",
          "column 25: expected a number, and nothing behind it" },
        { "avg(last_5m):avg:x{*} > 1 or more",
          "column 25: expected a number, and nothing behind it" },
        { "avg(last_5m): > 1", "column 14: expected a query" },
        { "avg(last_5m):2 + 3 > 1", "column 14: expected a query, and not a number alone" },
        { "change(avg(last_5m)):avg:x{*} > 1", "column 20: expected ','" },
        { "change(avg(last_5m),5y_ago):avg:x{*} > 1",
          "column 21: expected how long before, as 30m_ago or 1d_ago" },
        { "change(avg(last_5m),5m_ago):anomalies(avg:x{*}, 'basic', 2) > 1",
          "column 29: expected no anomalies( ) in a change: nothing can be computed with a "
          "band" },
        { "avg(last_1h):anomalies(avg:x{*}, 'basic', 2) >= 5",
          "column 49: expected a share of the points, from 0 to 1" },
        { "avg(last_1h):anomalies(avg:x{*}, 'basic', 2, alert_window='last_2h') >= 1",
          "column 14: the alert_window is longer than the window" },
        { "\"a\".last(0).count_by_status()",
          "column 9: expected a whole number from 1 to 100" },
        { "\"a\".last(1.5).count_by_status()",
          "column 9: expected a whole number from 1 to 100" },
        { "\"\".last(1).count_by_status()", "column 2: expected the name of a check" },
        { "\"a\".over(\"b\")", "column 14: expected '.'" },
        { "\"a\".over(\"b", "column 11: expected its other quote" },
        { "\"a\".over(b).count_by_status()", "column 10: expected a text in quotes" },
        { "\"a\".pct_by_status()", "column 5: expected over, exclude, by, last or "
                                   "count_by_status; alerts on a share of a cluster are not "
                                   "there" },
        { "12 && ", "column 7: expected the number of a monitor, !, or (" },
        { "12 & 13", "column 4: expected && or ||, or the end" },
        { "(12", "column 4: expected ')'" },
        { "!!!!!!!!12", "column 9: expected fewer parentheses and !" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct condition condition;
        char problem[512] = "taken";

        assert_false(
            condition_parse(guarded_text(cases[i].text), &condition, problem, sizeof problem));
        assert_string_equal(problem, cases[i].sentence);
    }
}

/* The column of what is wrong in the query is that of the whole text. */
static void moves_columns(void **state)
{
    static const char text[] = "avg(last_5m):avg:x{* > 1";
    struct condition condition;
    char problem[512] = "", alone[512] = "";
    size_t column, column_alone;

    (void)state;
    assert_false(condition_parse(SLICE("avg(last_5m):nope(avg:x{*}) > 1"), &condition, problem,
                                 sizeof problem));
    assert_int_equal(sscanf(problem, "column %zu", &column), 1);
    assert_false(condition_parse(SLICE("avg(last_15m):nope(avg:x{*}) > 1"), &condition, alone,
                                 sizeof alone));
    assert_int_equal(sscanf(alone, "column %zu", &column_alone), 1);
    assert_int_equal(column_alone, column + 1);
    assert_true(column >= 14);
    assert_false(condition_parse(guarded_text(text), &condition, problem, sizeof problem));
}

static void knows_how_often(void **state)
{
    (void)state;
    struct condition minutes = read_whole("avg(last_5m):avg:x{*} > 1");
    struct condition day = read_whole("avg(last_1d):avg:x{*} > 1");
    struct condition week = read_whole("avg(last_1w):avg:x{*} > 1");

    assert_int_equal(condition_period_s(&minutes), 60);
    assert_int_equal(condition_period_s(&day), 600);
    assert_int_equal(condition_period_s(&week), 1800);
    assert_int_equal(condition_bucket_s(&minutes), 60);
    assert_int_equal(condition_bucket_s(&day), 3600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values),        cmocka_unit_test(finds_groups),
        cmocka_unit_test(reads_changes),       cmocka_unit_test(reads_checks),
        cmocka_unit_test(reads_composites),    cmocka_unit_test(combines_states),
        cmocka_unit_test(names_what_is_wrong), cmocka_unit_test(moves_columns),
        cmocka_unit_test(knows_how_often),     cmocka_unit_test(knows_what_it_looks_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
