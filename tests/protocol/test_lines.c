#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/lines.h"
#include "tests/support/guard.h"

/* The lines of a datagram, each followed by '/'. */
static const char *joined(const char *datagram, bool need_newline, bool *unterminated)
{
    static char text[256];
    struct lines lines = lines_of(guarded_text(datagram), need_newline);
    struct slice line;
    size_t n = 0;

    while (lines_next(&lines, &line)) {
        memcpy(text + n, line.at, line.len);
        n += line.len;
        text[n++] = '/';
    }
    text[n] = '\0';
    *unterminated = lines.unterminated;
    return text;
}

static void splits_a_datagram_as_the_agent_does(void **state)
{
    static const struct {
        const char *datagram;
        bool need_newline;
        const char *lines;
        bool unterminated;
    } cases[] = {
        { "", false, "", false },
        { "\n", false, "", false },
        { "\n\n\r\n", false, "", false }, /* empty lines are skipped */
        { "a", false, "a/", false },      /* the last needs no newline */
        { "a\n", false, "a/", false },
        { "a\nb", false, "a/b/", false },
        { "\na\n\nb\n", false, "a/b/", false },
        { "a\r\nb\r", false, "a/b/", false }, /* one CR goes, also without LF */
        { "a\r\r\n", false, "a\r/", false },  /* but one only */
        { "a\rb\n", false, "a\rb/", false },  /* inside it is data */
        { " \n", false, " /", false },        /* a blank is data */
        { "\r", false, "", false },
        { "a\nb", true, "a/", true },
        { "a\nb\n", true, "a/b/", false },
        { "a", true, "", true },
        { "", true, "", false },
        { "a\n\r", true, "a/", true },
    };
    bool unterminated;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(joined(cases[i].datagram, cases[i].need_newline, &unterminated),
                            cases[i].lines);
        assert_int_equal(unterminated, cases[i].unterminated);
    }
}

static void keeps_nul_and_high_bytes(void **state)
{
    struct lines lines = lines_of(guarded("\0\xFF\n\x8A", 4), false);
    struct slice line;
    (void)state;

    assert_true(lines_next(&lines, &line));
    assert_true(slice_equal(line, (struct slice){ "\0\xFF", 2 }));
    assert_true(lines_next(&lines, &line));
    assert_true(slice_equal(line, SLICE("\x8A")));
    assert_false(lines_next(&lines, &line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_a_datagram_as_the_agent_does),
        cmocka_unit_test(keeps_nul_and_high_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
