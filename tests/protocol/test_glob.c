#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/glob.h"

static void finds_what_is_looked_for(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool found;
    } cases[] = {
        { "", "a.b", true }, /* everything */
        { "", "", true },
        { "b", "a.b", true }, /* a part */
        { "A.", "xa.b", true },
        { "a.b", "A.B", true },
        { "abc", "ab", false },
        { "x", "", false },
        { "*", "", true }, /* a glob, of the whole */
        { "*", "a.b", true },
        { "a*", "xa", false },
        { "*a", "xa", true },
        { "a*c", "a.b.c", true },
        { "a*b*c", "a.c.b", false },
        { "*ab", "aab", true }, /* the star takes one more */
        { "*a*ab*", "aaab", true },
        { "a?c", "abc", true },
        { "a?c", "ac", false },
        { "?", "", false },
        { "a**", "a", true },
        { "[a]", "a", false }, /* no sets */
        { "\xff*", "\xff\x80", true },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (glob_finds(slice_of(cases[i].pattern), slice_of(cases[i].text)) != cases[i].found)
            fail_msg("\"%s\" \"%s\"", cases[i].pattern, cases[i].text);
}

/* What makes others try every way of laying out the stars. */
static void many_stars_end(void **state)
{
    char text[4096], pattern[256];
    (void)state;

    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    pattern[sizeof pattern - 1] = 'b';
    assert_false(glob_finds((struct slice){ pattern, sizeof pattern },
                            (struct slice){ text, sizeof text }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_looked_for),
        cmocka_unit_test(many_stars_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
