#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flush/language/scope.h"
#include "tests/support/guard.h"

/* Reads "...}"; the sentence, or NULL. */
static const char *refusal(const char *text, struct scope *scope)
{
    static char problem[256];
    struct slice whole = guarded_text(text);
    struct reader reader = { whole, whole, problem, sizeof problem };

    if (!scope_read(&reader, scope))
        return problem;
    return reader.rest.len == 0 ? NULL : "not all was read";
}

/* Whether a series with these tags, between spaces, is meant. */
static bool holds(const struct scope *scope, const char *tags)
{
    uint32_t terms = 0;

    for (size_t i = 0; i < scope->n_terms; i++) {
        const struct scope_term *term = &scope->terms[i];
        char wanted[64];
        int n = snprintf(wanted, sizeof wanted, "%.*s%s%.*s", (int)term->key.len, term->key.at,
                         term->key.len > 0 ? ":" : "", (int)term->tag.len, term->tag.at);
        struct slice rest = slice_of(tags);
        while (rest.len > 0)
            if (scope_pattern_fits((struct slice){ wanted, (size_t)n }, slice_cut(&rest, ' ')))
                terms |= 1u << i;
    }
    return scope_holds(scope, terms);
}

static void means_what_it_says(void **state)
{
    static const struct {
        const char *scope, *tags;
        bool holds;
    } cases[] = {
        { "*}", "", true },
        { "a:1}", "a:1 b:2", true },
        { "a:1,b:2}", "a:1 b:2", true },
        { "a:1,b:3}", "a:1 b:2", false },
        { "a:1 AND b:2}", "a:1 b:2", true },
        { "a:1 AND b:3}", "a:1 b:2", false },
        { "a:3 OR b:2}", "a:1 b:2", true },
        { "a:3 OR b:3}", "a:1 b:2", false },
        { "!a:1}", "a:1", false },
        { "!a:2}", "a:1", true },
        { "NOT a:2}", "a:1", true },
        { "NOT a:1}", "a:1", false },
        { "!!a:1}", "a:1", true },
        { "a:1 AND NOT b:2}", "a:1", true },
        { "a:9 AND a:9 OR b:2}", "b:2", true }, /* AND binds closer */
        { "b:2 OR a:9 AND a:9}", "b:2", true },
        { "(b:2 OR a:9) AND a:9}", "b:2", false }, /* but for parentheses */
        { "a:9,(b:2 OR c:3)}", "a:9 c:3", true },
        { "!(a:1 OR b:2)}", "b:2", false },
        { "NOT (a:1 OR b:2)}", "c:3", true },
        { "a IN (1,2)}", "a:2", true },
        { "a IN (1, 2 )}", "a:3", false },
        { "a NOT IN (1,2)}", "a:3", true },
        { "a NOT IN (1,2)}", "a:1", false },
        { "b:1 AND a NOT IN (1,2) OR c:1}", "b:1 a:3", true },
        { "a IN (x*)}", "a:xy", true },
        { "a:*b}", "a:xxb", true }, /* a star anywhere */
        { "a:*b*}", "a:xbx", true },
        { "*:1}", "q:1", true },
        { "a:*}", "b:1", false },
        { "a:b c}", "a:b c", false }, /* (tags of this test have no space) */
        { "a:AND}", "a:AND", true },  /* a word is one with space around it */
        { "ANDy}", "ANDy", true },
        { "NOTE:1}", "NOTE:1", true },
        { "a:1 and not (b:2 or c in (3))}", "a:1", true },
        { "a:1 and not (b:2 or c in (3))}", "a:1 c:3", false },
        { "a:b at 10:30 of http://x c:}", "a:1", false }, /* nor is that four tags */
        { "a:1-2$3}", "a:1-2$3", true },
        { "a:f(x)}", "a:f(x)", true }, /* a parenthesis within a tag */
        { "*,a:1}", "a:2", false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scope scope;
        const char *problem = refusal(cases[i].scope, &scope);
        if (problem != NULL || holds(&scope, cases[i].tags) != cases[i].holds)
            fail_msg("{%s of \"%s\": %s", cases[i].scope, cases[i].tags,
                     problem != NULL ? problem : "otherwise");
    }
}

static void refuses_with_the_column(void **state)
{
    static const struct {
        const char *scope, *sentence;
    } cases[] = {
        { "}", "column 1: expected a tag or *" },
        { "a AND }", "column 7: expected a tag or *" },
        { "a AND}", "column 6: expected a tag or *" },
        { "a or}", "column 5: expected a tag or *" },
        { "a NOT}", "column 6: expected IN behind NOT" },
        { "a OR", "column 5: expected , or } behind the tag" },
        { "NOT }", "column 5: expected a tag behind NOT" },
        { "!*}", "column 2: expected a tag behind !" },
        { "(a}", "column 3: expected , or ) behind the tag" },
        { "a IN b}", "column 6: expected ( behind IN" },
        { "a IN ()}", "column 7: expected a value of a" },
        { "a IN (b}", "column 8: expected , or ) behind the value" },
        { "a:b IN (c)}", "column 1: expected the key of a tag before IN" },
        { "a NOT b}", "column 7: expected IN behind NOT" },
        { "-a:1}", "column 1: expected ! or NOT before what must not be there" },
        { "a:1 AND \"b:2\"}", "column 9: expected no quotes: * finds those of a tag itself" },
        { "a:'1'}", "column 3: expected no quotes: * finds those of a tag itself" },
        { "a IN (1, \"2\")}", "column 10: expected no quotes: * finds those of a tag itself" },
        { "$a}", "column 1: expected a value, as dashboards fill it in for a variable" },
        { "a:$a.value}",
          "column 3: expected a value, as dashboards fill it in for a variable" },
        { "a IN ($a)}", "column 7: expected a value, as dashboards fill it in for a variable" },
        { "a:(1 OR 2)}", "column 3: expected one value; of several KEY IN (A, B)" },
        { "a:1)}", "column 4: expected , or } behind the tag" },
        { "a:1 b:2}", "column 5: expected , AND or OR before the next tag" },
        { "a:1 || b:2}", "column 8: expected , AND or OR before the next tag" },
        { "((((((((((((((((a))))))))))))))))}", "column 17: expected no more than 16 levels" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scope scope;
        const char *problem = refusal(cases[i].scope, &scope);
        if (problem == NULL || strcmp(problem, cases[i].sentence) != 0)
            fail_msg("{%s: %s", cases[i].scope, problem != NULL ? problem : "accepted");
    }
}

static void knows_what_all_must_have(void **state)
{
    static const struct {
        const char *scope, *required;
    } cases[] = {
        { "*}", "" },
        { "a:1}", "a:1 " },
        { "a:1,b:2 AND c:3}", "a:1 b:2 c:3 " },
        { "a:1,!b:2,c:*}", "a:1 " },
        { "a:1 OR b:2}", "" },
        { "a:1,(b:2 OR c:3)}", "" },
        { "a:1,b IN (2)}", "a:1 " },
        { "NOT (a:1,b:2)}", "" },
        { "!!a:1}", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice tags[SCOPE_TERMS_MAX];
        struct scope scope;
        char got[64] = "";

        assert_null(refusal(cases[i].scope, &scope));
        size_t n = scope_requires(&scope, tags, SCOPE_TERMS_MAX);

        for (size_t at = 0; at < n; at++)
            snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s ", (int)tags[at].len,
                     tags[at].at);
        assert_string_equal(got, cases[i].required);
        assert_true(n < 2 || scope_requires(&scope, tags, 1) == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_what_it_says),
        cmocka_unit_test(refuses_with_the_column),
        cmocka_unit_test(knows_what_all_must_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
