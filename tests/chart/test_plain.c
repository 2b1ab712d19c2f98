#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "chart/plain.h"

static void strangers_control_nothing_and_no_character_is_cut(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *plain;
    } cases[] = {
        { "", 8, "" },
        { "host:a", 8, "host:a" },
        { "host:ab", 8, "host:ab" },           /* just */
        { "host:abc", 8, "host\xe2\x80\xa6" }, /* not any more */
        { "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 8, "\xc3\xa4\xc3\xa4\xe2\x80\xa6" },
        { "abc", 4, "abc" },
        { "abcd", 4, "\xe2\x80\xa6" },
        { "a\nb", 8,
          "a\xef\xbf\xbd"
          "b" },
        { "a\xff", 8, "a\xef\xbf\xbd" },
        { "\xe2\x80\xae"
          "evil",
          16,
          "\xef\xbf\xbd"
          "evil" }, /* from right to left */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *out = malloc(cases[i].size); /* a sanitizer sees its end */
        plain_copy(slice_of(cases[i].text), out, cases[i].size);
        if (strcmp(out, cases[i].plain) != 0)
            fail_msg("case %zu: \"%s\"", i, out);
        free(out);
    }
}

static void a_nul_is_a_character(void **state)
{
    char out[16];
    (void)state;

    plain_copy((struct slice){ "a\0b", 3 }, out, sizeof out);
    assert_string_equal(out, "a\xef\xbf\xbd"
                             "b");
}

static void a_text_gets_shorter_until_nothing_is_left(void **state)
{
    char text[16] = "a\xc3\xa4z";
    (void)state;

    assert_true(plain_shorten(text));
    assert_string_equal(text, "a\xc3\xa4\xe2\x80\xa6");
    assert_true(plain_shorten(text));
    assert_string_equal(text, "a\xe2\x80\xa6");
    assert_true(plain_shorten(text));
    assert_string_equal(text, "\xe2\x80\xa6");
    assert_false(plain_shorten(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_control_nothing_and_no_character_is_cut),
        cmocka_unit_test(a_nul_is_a_character),
        cmocka_unit_test(a_text_gets_shorter_until_nothing_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
