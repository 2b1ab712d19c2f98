#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/commands/lint_look.h"
#include "tests/support/guard.h"

static void values_are_told_by_their_shape(void **state)
{
    static const struct {
        const char *value;
        enum lint_look want;
    } cases[] = {
        { "", LINT_LOOK_NONE },
        { "dev", LINT_LOOK_NONE },
        { "eu-west-1", LINT_LOOK_NONE },
        { "8125", LINT_LOOK_NONE }, /* a port */
        { "2026", LINT_LOOK_NONE }, /* a year */
        { "99999", LINT_LOOK_NONE },
        { "1.2.3", LINT_LOOK_NONE }, /* a version */
        { "10.0.0.1", LINT_LOOK_NONE },
        { "deadbeefdeadbeef", LINT_LOOK_NONE }, /* letters alone may be a word */
        { "123456", LINT_LOOK_NUMBER },
        { "20261122", LINT_LOOK_NUMBER },
        { "1700000000", LINT_LOOK_TIMESTAMP },
        { "1700000000123", LINT_LOOK_TIMESTAMP },
        { "9700000000", LINT_LOOK_NUMBER },
        { "2026-11-22T20:30:10Z", LINT_LOOK_TIMESTAMP },
        { "2026-11-22", LINT_LOOK_NONE }, /* one a day */
        { "550e8400-e29b-41d4-a716-446655440000", LINT_LOOK_UUID },
        { "550e8400-e29b-41d4-a716-44665544000g", LINT_LOOK_NONE },
        { "3f2504e04f8911d3", LINT_LOOK_HEX },
        { "3F2504E04F8911D39A0C0305E82C3301", LINT_LOOK_HEX },
        { "3f2504e04f8911d", LINT_LOOK_NONE },
        { "x7Gh29KfLmQ0pZrT4sVw", LINT_LOOK_TOKEN },
        { "someone@example.com", LINT_LOOK_MAIL },
        { "@team", LINT_LOOK_NONE },
        { "a@b", LINT_LOOK_NONE },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum lint_look got = lint_look(guarded_text(cases[i].value));

        if (got != cases[i].want)
            fail_msg("\"%s\" looks like %s", cases[i].value, lint_look_words(got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_told_by_their_shape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
