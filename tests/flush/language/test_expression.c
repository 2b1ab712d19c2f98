#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/language/expression.h"
#include "tests/support/guard.h"
#include "tests/support/text_cases.h"

static struct expression expression;

static int put_node(char *out, size_t size, const struct node *node)
{
    const struct call *call = &node->call;

    switch (node->kind) {
    case NODE_NUMBER:
        return snprintf(out, size, "%g", node->number);
    case NODE_QUERY:
        return snprintf(out, size, "%.*s", (int)expression.queries[node->query].metric.len,
                        expression.queries[node->query].metric.at);
    case NODE_FILL:
        return snprintf(out, size, "fill");
    case NODE_FUNCTION:
        return snprintf(out, size, "%s[%g %g %g](%g %g %g)", call->function->name,
                        call->chosen[0], call->chosen[1], call->chosen[2], call->arguments[0],
                        call->arguments[1], call->arguments[2]);
    case NODE_OPERATOR:
        return snprintf(out, size, "%c", node->sign);
    }
    return 0;
}

/* "first query+queries>last node text; ..." of each part, or the refusal. */
static const char *parts_of(const char *text)
{
    static char out[8192];
    char problem[256];
    int n = 0;

    if (!expression_parse_list(guarded_text(text), &expression, problem, sizeof problem)) {
        snprintf(out, sizeof out, "%s", problem);
        return out;
    }
    for (size_t i = 0; i < expression.n_parts; i++) {
        const struct expression_part *part = &expression.parts[i];
        n += snprintf(out + n, sizeof out - (size_t)n, "%s%d+%d>%d %.*s", i > 0 ? "; " : "",
                      part->first_query, part->n_queries, part->node, (int)part->text.len,
                      part->text.at);
    }
    return out;
}

/* The nodes in the order of their evaluation, or the refusal. */
static const char *parsed(const char *text)
{
    static char out[8192];
    char problem[256];
    int n = 0;

    if (!expression_parse(guarded_text(text), &expression, problem, sizeof problem)) {
        snprintf(out, sizeof out, "%s", problem);
        return out;
    }
    for (size_t i = 0; i < expression.n_nodes; i++) {
        n += snprintf(out + n, sizeof out - (size_t)n, "%s", i > 0 ? " " : "");
        n += put_node(out + n, sizeof out - (size_t)n, &expression.nodes[i]);
    }
    return out;
}

static void operands_stand_before_their_operator(void **state)
{
    static const struct text_case cases[] = {
        { "a{*}", "a" },
        { "a{*} + b{*}", "a b +" },
        { "a{*} - b{*} - c{*}", "a b - c -" },
        { "a{*} + b{*} * c{*}", "a b c * +" },
        { "(a{*} + b{*}) * c{*}", "a b + c *" },
        { "a{*}/b{*}*100", "a b / 100 *" },
        { "100*a{*}", "100 a *" },
        { "1e2 * a{*}", "100 a *" },
        { ".5*a{*}", "0.5 a *" },
        { "-a{*}", "0 a -" },
        { "a{*} * -2", "a 0 2 - *" },
        { "- -a{*}", "0 0 a - -" },
        { "sum:a{x} by {h}.as_count()/sum:b{x} by {h}.as_count()*100", "a b / 100 *" },
        { "a{*}.fill(zero) + 1", "a fill 1 +" },
        { "9lives{*}", "9lives" }, /* a metric, as it was before there were numbers */
        { "my-metric{*}", "my-metric" },
        { "((a{*}))", "a" },
    };
    (void)state;

    TEXT_CASES_CHECK(cases, parsed);
}

static void functions_have_their_arguments(void **state)
{
    static const struct text_case cases[] = {
        { "abs(a{*})", "a abs[0 0 0](0 0 0)" },
        { "abs( abs (a{*}) )", "a abs[0 0 0](0 0 0) abs[0 0 0](0 0 0)" },
        { "log10(a{*})", "a log{2,10}[10 0 0](0 0 0)" },
        { "ewma_20(a{*} + 1)", "a 1 + ewma_{3,5,7,10,20}[20 0 0](0 0 0)" },
        { "per_minute(a{*})", "a per_{second,minute,hour}[1 0 0](0 0 0)" },
        { "clamp_min(a{*}, -1.5)", "a clamp_min[0 0 0](-1.5 0 0)" },
        { "moving_rollup(a{*}, 60, 'max')", "a moving_rollup[0 0 0](60 3 0)" },
        { "moving_rollup(a{*}, 60, \"count\")", "a moving_rollup[0 0 0](60 4 0)" },
        { "top(a{*} by {h}, 10, 'mean', 'desc')", "a top[0 0 0](10 1 1)" },
        { "top5(a{*})",
          "a {top,bottom}{5,10,15,20}{,_mean,_min,_max,_last,_area,_l2norm}[0 5 0](0 0 0)" },
        { "bottom15_l2norm(a{*})",
          "a {top,bottom}{5,10,15,20}{,_mean,_min,_max,_last,_area,_l2norm}[1 15 6](0 0 0)" },
        { "timeshift(a{*}, -3600)", "a timeshift[0 0 0](-3600 0 0)" },
        { "month_before(a{*})", "a {hour,day,week,month}_before[3 0 0](0 0 0)" },
        { "anomalies(avg:a{*}, 'basic', 1.2)", "a anomalies[0 0 0](0 1.2 0)" },
        { "(anomalies(a{*}, 'basic', 2))", "a anomalies[0 0 0](0 2 0)" },
        { "anomalies(a{*}, 'basic', '1e-3', direction='above')",
          "a anomalies[0 0 0](0 0.001 1)" },
    };
    (void)state;

    TEXT_CASES_CHECK(cases, parsed);
}

static void what_has_a_name_stands_in_any_order(void **state)
{
    static const struct {
        const char *text;
        double direction, window_s, interval_s, zero; /* 0: not said */
    } cases[] = {
        { "anomalies(a{*}, 'basic', 2)", 0, 0, 0, 0 },
        { "anomalies(a{*}, 'basic', 2, direction='above', alert_window='last_5m', interval=20, "
          "count_default_zero='true')",
          DIRECTION_ABOVE, 300, 20, 1 },
        { "anomalies(a{*}, 'basic', 2, count_default_zero = 'false' ,direction= \"below\")",
          DIRECTION_BELOW, 0, 0, 2 },
        { "anomalies(a{*}, 'basic', 2, alert_window='last_4h', direction='both')",
          DIRECTION_BOTH, 14400, 0, 0 },
        { "anomalies(a{*}, 'basic', 2, alert_window='last_7d')", 0, 604800, 0, 0 },
        { "anomalies(a{*}, 'basic', 2, alert_window='last_1w')", 0, 604800, 0, 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strstr(parsed(cases[i].text), "column") != NULL)
            fail_msg("%s: %s", cases[i].text, parsed(cases[i].text));
        const double *said = expression.nodes[expression.n_nodes - 1].call.arguments;
        assert_true(said[ANOMALIES_BOUNDS] == 2);
        assert_true(said[ANOMALIES_DIRECTION] == cases[i].direction);
        assert_true(said[ANOMALIES_ALERT_WINDOW] == cases[i].window_s);
        assert_true(said[ANOMALIES_INTERVAL] == cases[i].interval_s);
        assert_true(said[ANOMALIES_COUNT_DEFAULT_ZERO] == cases[i].zero);
    }
}

static void a_refusal_names_the_column(void **state)
{
    static const struct text_case cases[] = {
        { "a{*} +", "column 7: expected the name of a metric" },
        { "a{*} + * b{*}", "column 10: expected { and a scope behind the metric, {*} for "
                           "everything" },
        { "(a{*}", "column 6: expected an operator or )" },
        { "a{*})", "column 5: expected .rollup( ), .fill( ), .as_count( ), .as_rate( ), by "
                   "{...}, an operator or the end" },
        { "abs(a{*}) x", "column 11: expected an operator or the end" },
        { "abs(a{*}).rollup(sum)", "column 10: expected an operator or the end" },
        { "1 + 2", "column 1: expected a query, and not a number alone" },
        { "abs(5)", "column 5: expected a query, and not a number alone" },
        { "abs()", "column 5: expected the name of a metric" },
        { "abs(a{*}, 2)", "column 9: expected ) behind the arguments: abs(query)" },
        { "foo(a{*})", "column 1: expected a function before (, and foo is none" },
        { "1 + forecast(a{*}, 'linear', 1)", "column 5: forecast is not here" },
        { "outliers(a{*} by {h}, 'dbscan', 7)", "column 1: outliers is not here" },
        { "anomalies(avg:a{*}, basic, 2)", "column 21: expected 'basic', in quotes" },
        { "anomalies(avg:a{*}, 'agile', 2)",
          "column 21: agile knows seasons, and that is not here: expected 'basic'" },
        { "anomalies(avg:a{*}, 'robust', 2)",
          "column 21: robust knows seasons, and that is not here: expected 'basic'" },
        { "anomalies(avg:a{*}, 'basic')", "column 28: expected , and bounds" },
        { "anomalies(avg:a{*}, 'basic', 2, colour='red')",
          "column 33: expected direction='above'|'below'|'both', alert_window=window, "
          "interval=seconds, count_default_zero='true'|'false'" },
        { "anomalies(avg:a{*}, 'basic', 2, direction='up')",
          "column 43: expected 'above'|'below'|'both', in quotes" },
        { "anomalies(avg:a{*}, 'basic', 2, direction=above)",
          "column 43: expected 'above'|'below'|'both', in quotes" },
        { "anomalies(avg:a{*}, 'basic', 2, direction)",
          "column 42: expected = behind direction" },
        { "anomalies(avg:a{*}, 'basic', 2, interval=20, interval=20)",
          "column 46: expected interval once" },
        { "anomalies(avg:a{*}, 'basic', 2, interval=0)",
          "column 42: expected seconds from 1 to 31622400" },
        { "anomalies(avg:a{*}, 'basic', 2, alert_window='5m')",
          "column 46: expected a window of a week at most, in quotes, as 'last_5m'" },
        { "anomalies(avg:a{*}, 'basic', 2, alert_window='last_8d')",
          "column 46: expected a window of a week at most, in quotes, as 'last_5m'" },
        { "anomalies(avg:a{*}, 'basic', 2, alert_window='last_m')",
          "column 46: expected a window of a week at most, in quotes, as 'last_5m'" },
        { "anomalies(avg:a{*}, 'basic', 2, count_default_zero=true)",
          "column 52: expected 'true'|'false', in quotes" },
        { "anomalies(avg:a{*}, 'basic', 2, seasonality='hourly')",
          "column 33: seasonality is of agile and robust: basic knows no seasons" },
        { "anomalies(avg:a{*}, 'basic', 2, )",
          "column 33: expected direction='above'|'below'|'both', alert_window=window, "
          "interval=seconds, count_default_zero='true'|'false'" },
        { "anomalies(avg:a{*}, 'basic', direction='both')",
          "column 30: expected a number above 0" },
        { "anomalies(avg:a{*}, 'basic', 2 interval=20)",
          "column 32: expected ) behind the arguments: anomalies(query, 'basic', bounds, "
          "direction='above'|'below'|'both', alert_window=window, interval=seconds, "
          "count_default_zero='true'|'false')" },
        { "1 + anomalies(avg:a{*}, 'basic', 2)",
          "column 5: expected anomalies( ) outside of everything else: nothing can be computed "
          "with a band" },
        { "abs(anomalies(a{*}, 'basic', 2))",
          "column 5: expected anomalies( ) outside of everything else: nothing can be computed "
          "with a band" },
        { "top(a{*}, 0, 'max', 'asc')",
          "column 11: expected a number of groups, from 1 to 20000" },
        { "top(a{*}, 2.5, 'max', 'asc')",
          "column 11: expected a number of groups, from 1 to 20000" },
        { "top(a{*}, 5, max, 'asc')",
          "column 14: expected 'max'|'mean'|'min'|'sum'|'last'|'l2norm'|'area', in quotes" },
        { "moving_rollup(a{*}, 0, 'avg')", "column 21: expected seconds from 1 to 31622400" },
        { "moving_rollup(a{*}, 1.5, 'avg')", "column 21: expected seconds from 1 to 31622400" },
        { "timeshift(a{*}, 60)",
          "column 17: expected seconds into the past, from -31622400 to -1" },
        { "anomalies(a{*}, 'basic', -2)", "column 26: expected a number above 0" },
        { "anomalies(a{*}, 'basic', '2)", "column 26: expected a number above 0" },
        { "anomalies(a{*}, 'basic', 0)", "column 26: expected a number above 0" },
        { "clamp_min(a{*}, x)", "column 17: expected a number" },
        { " \xc3\xa9{*} x",
          "column 7: expected .rollup( ), .fill( ), .as_count( ), .as_rate( ), "
          "by {...}, an operator or the end" },
    };
    (void)state;

    TEXT_CASES_CHECK(cases, parsed);
}

static void a_list_has_parts(void **state)
{
    static const struct text_case cases[] = {
        { " a{*} ", "0+1>0 a{*}" },
        { "a{*},b{*}", "0+1>0 a{*}; 1+1>1 b{*}" },
        { "a{*} * 2 , top(b{x,y} by {h} + c{*}, 5, 'max', 'asc') , d{*}.fill(last)",
          "0+1>2 a{*} * 2; 1+2>6 top(b{x,y} by {h} + c{*}, 5, 'max', 'asc'); 3+1>8 "
          "d{*}.fill(last)" },
        { "anomalies(a{*}, 'basic', 2), anomalies(b{*}, 'basic', 2)",
          "0+1>1 anomalies(a{*}, 'basic', 2); 1+1>3 anomalies(b{*}, 'basic', 2)" },
        { "a{*},", "column 6: expected the name of a metric" },
        { ",a{*}", "column 1: expected the name of a metric" },
        { "a{*},5", "column 6: expected a query, and not a number alone" },
        { "5,a{*}", "column 1: expected a query, and not a number alone" },
        { "(a{*},b{*})", "column 6: expected an operator or )" },
        { "a{*},abs(anomalies(b{*}, 'basic', 2))",
          "column 10: expected anomalies( ) outside of everything else: nothing can be "
          "computed with a band" },
    };
    (void)state;

    TEXT_CASES_CHECK(cases, parts_of);
    assert_string_equal(parsed("a{*},b{*}"), /* where there must be one */
                        "column 5: expected .rollup( ), .fill( ), .as_count( ), .as_rate( ), "
                        "by {...}, an operator or the end");
}

/* n times one text and then another, around the middle. */
static const char *nested(const char *before, const char *middle, const char *behind, int n)
{
    static char text[8192];

    text[0] = '\0';
    for (int i = 0; i < n; i++)
        strcat(text, before);
    strcat(text, middle);
    for (int i = 0; i < n; i++)
        strcat(text, behind);
    return text;
}

static void bombs_are_refused(void **state)
{
    (void)state;

    assert_non_null(
        strstr(parsed(nested("(", "a{*}", ")", 1000)), "expected no more than 32 levels"));
    assert_non_null(
        strstr(parsed(nested("-", "a{*}", "", 1000)), "expected no more than 32 levels"));
    assert_non_null(
        strstr(parsed(nested("abs(", "a{*}", ")", 800)), "expected no more than 32 levels"));
    assert_non_null(
        strstr(parsed(nested("", "a{*}", "+a{*}", 16)), "expected no more than 16 queries"));
    assert_non_null(strstr(parsed(nested("", "a{*}", "+1", 1000)),
                           "expected no more than 128 queries, numbers, functions and "
                           "operators together"));
    assert_non_null(strstr(parsed(nested("!", "a", "", 1)), "expected"));
    assert_string_equal(parsed(nested("abs(", "a{*}", ")", 1000)),
                        "column 4097: expected no more than 4096 bytes");
}

static void no_text_breaks_it(void **state)
{
    static const char *const words[] = { "a{*}", "abs(", "top(", ")",  "(",  ",", "'",   "5",
                                         "max",  "-",    "+",    "*",  "/",  " ", "by{", "}",
                                         ".",    "fill", "!",    "OR", "IN", "{", "1e",  "x:" };
    char text[256], problem[300];
    (void)state;

    srand(12);
    for (int round = 0; round < 100000; round++) {
        text[0] = '\0';
        for (int i = rand() % 24; i > 0; i--)
            strcat(text, words[(size_t)rand() % (sizeof words / sizeof words[0])]);
        problem[0] = '\0';
        if (!expression_parse(guarded_text(text), &expression, problem, sizeof problem) &&
            problem[0] == '\0')
            fail_msg("\"%s\" is refused without a sentence", text);
    }
}

static void every_name_leads_to_its_row(void **state)
{
    char name[FUNCTION_NAME_MAX];
    size_t names = 0;
    (void)state;

    for (size_t i = 0; i < function_count; i++)
        for (size_t n = 0; function_name(&functions[i], n, name); n++, names++) {
            struct call call = { 0 };
            if (function_find(slice_of(name), &call) != &functions[i])
                fail_msg("%s", name);
        }
    assert_true(names > 80);
    assert_false(function_name(&functions[4], 1, name));
}

/* As parsed(), and then what it is more than it was an hour ago, relatively. */
static const char *changed(const char *text)
{
    static char out[8192];
    char problem[256];
    int n = 0;

    (void)parsed(text);
    if (!expression_make_change(&expression, 3600, true, problem, sizeof problem)) {
        snprintf(out, sizeof out, "%s", problem);
        return out;
    }
    for (size_t i = 0; i < expression.n_nodes; i++) {
        n += snprintf(out + n, sizeof out - (size_t)n, "%s", i > 0 ? " " : "");
        n += put_node(out + n, sizeof out - (size_t)n, &expression.nodes[i]);
    }
    return out;
}

static void a_change_is_the_same_twice(void **state)
{
    static const struct text_case cases[] = {
        { "a{*}", "a a timeshift[0 0 0](-3600 0 0) %" },
        { "a{*} / b{*} * 100", "a b / 100 * a b / 100 * timeshift[0 0 0](-3600 0 0) %" },
        { "a{*} + a{*} + a{*} + a{*} + a{*} + a{*} + a{*} + a{*} + a{*}",
          "column 1: expected no more than 8 queries, and 63 of these, numbers, functions and "
          "operators together, where a change is asked for" },
        { "anomalies(a{*}, 'basic', 2)", "column 1: expected no anomalies( ) in a change: "
                                         "nothing can be computed with a band" },
    };
    (void)state;

    TEXT_CASES_CHECK(cases, changed);
    (void)changed("-a{*} / b{*}");
    assert_int_equal(expression.n_queries, 4);
    assert_int_equal(expression.nodes[expression.n_nodes - 1].right, expression.n_nodes - 2);
    assert_int_equal(expression.nodes[expression.n_nodes - 1].left, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operands_stand_before_their_operator),
        cmocka_unit_test(a_list_has_parts),
        cmocka_unit_test(functions_have_their_arguments),
        cmocka_unit_test(what_has_a_name_stands_in_any_order),
        cmocka_unit_test(a_refusal_names_the_column),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(no_text_breaks_it),
        cmocka_unit_test(every_name_leads_to_its_row),
        cmocka_unit_test(a_change_is_the_same_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
