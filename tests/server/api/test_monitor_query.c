#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "server/api/monitor_query.h"
#include "tests/support/guard.h"

static void says_what_it_does_not_search(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        { "status:odd", "Query parsing error: 'odd' is not a valid monitor status" },
        { "muted:yes", "Query parsing error: 'yes' is neither true nor false" },
        { "a OR b",
          "Query parsing error: 'OR' is not here: all words must hold, and a - before "
          "one turns it round" },
        { "NOT a",
          "Query parsing error: 'NOT' is not here: all words must hold, and a - before "
          "one turns it round" },
        { "priority:(p1", "Query parsing error: 'priority:(p1' is not here: all words must "
                          "hold, and a - before one turns it round" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct monitor_query query;
        char problem[MONITOR_PROBLEM_MAX] = "taken";

        assert_false(monitor_query_read(guarded_text(cases[i].text), &query, problem));
        assert_string_equal(problem, cases[i].sentence);
    }
}

static void words_hold_together(void **state)
{
    struct monitor_query query;
    char problem[MONITOR_PROBLEM_MAX];

    (void)state;
    assert_true(monitor_query_read(guarded_text("one AND -muted:true \"OR\" a(b) http://x"),
                                   &query, problem));
    assert_int_equal(query.n, 5);
    assert_true(query.terms[1].is_not && query.terms[1].key == SEARCH_MUTED);
    assert_true(slice_equal(query.terms[2].value, SLICE("OR")));
    assert_int_equal(query.terms[4].key, SEARCH_ANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_it_does_not_search),
        cmocka_unit_test(words_hold_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
