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

/* The scope's program: operands, then their operator. */
static int put_scope(char *out, size_t size, const struct scope *scope)
{
    int n = 0;

    for (size_t i = 0; i < scope->n_steps; i++) {
        unsigned step = scope->program[i];
        const struct scope_term *term = &scope->terms[step % SCOPE_TERMS_MAX];
        n += snprintf(out + n, size - (size_t)n, "%s", i > 0 ? " " : "");
        if (step >= SCOPE_ALL)
            n += snprintf(out + n, size - (size_t)n, "%c", "*!&|"[step - SCOPE_ALL]);
        else
            n += snprintf(out + n, size - (size_t)n, "%.*s%s%.*s%s", (int)term->key.len,
                          term->key.at, term->key.len > 0 ? "=" : "", (int)term->tag.len,
                          term->tag.at, term->pattern ? "~" : "");
    }
    return n;
}

/* "agg metric [scope] by rollup shape fill", or the refusal. */
static const char *parsed(const char *text)
{
    static const char *const methods[] = { "-", "avg", "sum", "min", "max", "count", "last" };
    static const char *const shapes[] = { "", " count", " rate" };
    static const char *const fills[] = { " linear", " last", " zero", "" };
    static char out[8192];
    static struct expression expression;
    const struct question *q = &expression.queries[0];
    char problem[256];

    if (!expression_parse(guarded_text(text), &expression, problem, sizeof problem)) {
        snprintf(out, sizeof out, "%s", problem);
        return out;
    }
    int n = snprintf(out, sizeof out, "%d %g %.*s [", (int)q->aggregate, q->quantile,
                     (int)q->metric.len, q->metric.at);
    n += put_scope(out + n, sizeof out - (size_t)n, &q->scope);
    n += snprintf(out + n, sizeof out - (size_t)n, "] ");
    for (size_t i = 0; i < q->n_by; i++)
        n += snprintf(out + n, sizeof out - (size_t)n, "%.*s ", (int)q->by[i].len, q->by[i].at);
    n += snprintf(out + n, sizeof out - (size_t)n, "%s %lld%s%s", methods[q->method],
                  (long long)q->seconds, shapes[q->shape], fills[q->fill]);
    if (q->fill != FILL_NULL)
        snprintf(out + n, sizeof out - (size_t)n, " %lld", (long long)q->fill_s);
    return out;
}

static void reads_every_part(void **state)
{
    static const struct text_case cases[] = {
        { "m{*}", "0 0 m [*] - 0" },     /* the shortest: average */
        { "avg:m{*}", "0 0 m [*] - 0" }, /* the same, said */
        { "sum:my.metric{*}.rollup(sum, 3600)", "1 0 my.metric [*] sum 3600" },
        { "min:m{*}", "2 0 m [*] - 0" },
        { "max:m{*}", "3 0 m [*] - 0" },
        { "count:m{*}", "4 0 m [*] - 0" },
        { "p99.9:m{*}", "5 0.999 m [*] - 0" }, /* percentiles of any fineness */
        { "p0:m{*}", "5 0 m [*] - 0" },
        { "m{a,b:c}", "0 0 m [a b:c &] - 0" },         /* and */
        { "m{a:b, !c:d}", "0 0 m [a:b c:d ! &] - 0" }, /* not */
        { "m{env:p*,!host:db-*}", "0 0 m [env:p*~ host:db-*~ ! &] - 0" },
        { "m{*,a:b}", "0 0 m [* a:b &] - 0" },           /* * says nothing more */
        { "m{u:http://x/}", "0 0 m [u:http://x/] - 0" }, /* colons in a value */
        { "m{a:b c}", "0 0 m [a:b c] - 0" },             /* tags are raw text */
        { "m{*} by {host}", "0 0 m [*] host - 0" },
        { "m{*}by{host,env}", "0 0 m [*] host env - 0" }, /* space is free */
        { " sum: m {*} by { host , env } . rollup( max , 60 ) ", "1 0 m [*] host env max 60" },
        { "m{*}.rollup(20)", "0 0 m [*] - 20" }, /* the older form */
        { "m{*}.rollup(last)", "0 0 m [*] last 0" },
        { "m{*}.as_count()", "0 0 m [*] - 0 count" },
        { "m{*}.as_rate().rollup(60)", "0 0 m [*] - 60 rate" }, /* in any order */
        { "m{*}.rollup(avg,60).as_count()", "0 0 m [*] avg 60 count" },
        { "m{*}.fill(zero)", "0 0 m [*] - 0 zero 300" },
        { "m{*}.fill(linear, 600).rollup(5)", "0 0 m [*] - 5 linear 600" },
        { "m{*}.fill(null)", "0 0 m [*] - 0" },
    };
    (void)state;

    TEXT_CASES_CHECK(cases, parsed);
}

static void names_the_column_and_what_was_expected(void **state)
{
    static const struct text_case cases[] = {
        { "", "column 1: expected the name of a metric" },
        { "{*}", "column 1: expected the name of a metric" },
        { "sum:", "column 5: expected the name of a metric" },
        { "med:m{*}", "column 1: expected avg, sum, min, max, count or a percentile (p95)" },
        { "last:m{*}", /* a method, no aggregator */
          "column 1: expected avg, sum, min, max, count or a percentile (p95)" },
        { "p101:m{*}", "column 1: expected avg, sum, min, max, count or a percentile (p95)" },
        { "pnan:m{*}", "column 1: expected avg, sum, min, max, count or a percentile (p95)" },
        { "sum:m", "column 6: expected { and a scope behind the metric, {*} for everything" },
        { "a b{*}", "column 3: expected { and a scope behind the metric, {*} for everything" },
        { "m{}", "column 3: expected a tag or *" },
        { "m{a,}", "column 5: expected a tag or *" },
        { "m{!}", "column 4: expected a tag behind !" },
        { "m{!*}", "column 4: expected a tag behind !" },
        { "m{a", "column 4: expected , or } behind the tag" },
        { "m{*} by host", "column 9: expected { behind by" },
        { "m{*} by {}", "column 10: expected the key of a tag, as in by {host}" },
        { "m{*} by {a:b}", "column 10: expected the key of a tag, as in by {host}" },
        { "m{*} by {a", "column 11: expected , or } behind the key" },
        { "m{*} x", "column 6: expected .rollup( ), .fill( ), .as_count( ), .as_rate( ), "
                    "by {...}, an operator or the end" },
        { "m{*}.shift(0)",
          "column 6: expected rollup, fill, as_count or as_rate behind the dot" },
        { "m{*}.rollup(avg, 60).rollup(sum, 120)",
          "column 22: expected one .rollup( ): the points of another are not rolled up" },
        { "m{*}.fill(last).as_count().fill(zero)", "column 28: expected one .fill( )" },
        { "m{*}.as_count().as_rate()",
          "column 17: expected one of .as_count( ) and .as_rate( )" },
        { "m{*}.fill(0)", "column 11: expected linear, last, zero or null" },
        { "m{*}.fill(last, 601)", "column 17: expected seconds from 1 to 600" },
        { "m{*}.rollup", "column 12: expected ( behind rollup" },
        { "m{*}.rollup()", "column 13: expected avg, sum, min, max, count, last or seconds" },
        { "m{*}.rollup(med)",
          "column 13: expected avg, sum, min, max, count, last or seconds" },
        { "m{*}.rollup(sum,0)", "column 17: expected seconds from 1 to 31622400" },
        { "m{*}.rollup(sum,1h)", "column 17: expected seconds from 1 to 31622400" },
        { "m{*}.rollup(-5)", "column 13: expected seconds from 1 to 31622400" },
        { "m{*}.rollup(sum,60", "column 19: expected )" },
        { "m{*}.as_count(1)", "column 15: expected )" },
        { "m{*}.as_count() x",
          "column 17: expected .rollup( ), .fill( ), .as_count( ), .as_rate( ), by {...}, an "
          "operator or the end" },
        { "\xc3\xa9\xc3\xa9{", "column 4: expected a tag or *" }, /* columns, not bytes */
    };
    (void)state;

    TEXT_CASES_CHECK(cases, parsed);
}

static void bounds_what_one_question_may_say(void **state)
{
    char text[6000] = "m{";
    (void)state;

    for (int i = 0; i < 33; i++)
        strcat(text, i == 0 ? "a" : ",a");
    strcat(text, "}");
    assert_string_equal(parsed(text), "column 67: expected no more than 32 tags");
    assert_string_equal(parsed("m{*} by {a,b,c,d,e,f,g,h,i}"),
                        "column 26: expected no more than 8 keys");
    memset(text, 'a', 5000);
    text[5000] = '\0';
    assert_string_equal(parsed(text), "column 4097: expected no more than 4096 bytes");
}

static void no_text_breaks_it(void **state)
{
    static const char alphabet[] = "m{}*,!.:() byrollupsum60as_count\0p9+-/'ANDORIN((";
    char text[40], problem[64];
    static struct expression expression;
    (void)state;

    srand(11);
    for (int round = 0; round < 200000; round++) {
        size_t len = (size_t)rand() % sizeof text;
        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
        (void)expression_parse((struct slice){ text, len }, &expression, problem,
                               sizeof problem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_part),
        cmocka_unit_test(names_the_column_and_what_was_expected),
        cmocka_unit_test(bounds_what_one_question_may_say),
        cmocka_unit_test(no_text_breaks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
