#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/utf8.h"
#include "tests/support/guard.h"

#define BAD "\xef\xbf\xbd"

static void each_byte_of_no_sequence_becomes_a_replacement(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "" },
        { "plain text, longer than eight bytes", "plain text, longer than eight bytes" },
        { "k:\xe6\x97\xa5", "k:\xe6\x97\xa5" },
        { "\xc2\x80\xdf\xbf", "\xc2\x80\xdf\xbf" },
        { "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80", "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80" },
        { "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
        { BAD, BAD },
        { "k:\xe6\x97", "k:" BAD BAD },              /* cut off (rep-007) */
        { "\xe6\x97x", BAD BAD "x" },                /* amid a text */
        { "\x80\xbf", BAD BAD },                     /* no beginning */
        { "\xc0\xaf\xc1\x81", BAD BAD BAD BAD },     /* overlong */
        { "\xe0\x9f\xbf", BAD BAD BAD },             /* overlong */
        { "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD },     /* overlong */
        { "\xed\xa0\x80", BAD BAD BAD },             /* a surrogate */
        { "\xf4\x90\x80\x80", BAD BAD BAD BAD },     /* beyond U+10FFFF */
        { "\xf5\xfe\xff", BAD BAD BAD },             /* no bytes of UTF-8 */
        { "caf\xe9 au lait", "caf" BAD " au lait" }, /* latin1 */
        { "seventh\xff", "seventh" BAD },            /* in the last of eight */
        { "eight...\xff", "eight..." BAD },          /* behind them */
        { "\xffxxxxxxxxxxxxxxxx", BAD "xxxxxxxxxxxxxxxx" },
    };
    char out[256];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice text = guarded_text(cases[i].text);
        size_t len = utf8_repair(text.at, text.len, out);

        assert_int_equal(len, strlen(cases[i].want));
        assert_memory_equal(out, cases[i].want, len);
        assert_int_equal(utf8_is_valid(text.at, text.len),
                         strcmp(cases[i].text, cases[i].want) == 0);
    }
}

static void what_is_repaired_is_valid_and_stays(void **state)
{
    uint32_t seed = 1;
    (void)state;

    for (int round = 0; round < 20000; round++) {
        char text[24], once[72], twice[216];
        size_t n = (seed >> 16) % sizeof text;

        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = (char)(seed >> 24 | (seed & 1) << 7);
        }
        seed = seed * 1664525u + 1013904223u;
        size_t len = utf8_repair(text, n, once);

        assert_true(len <= UTF8_GROWTH * n);
        assert_true(utf8_is_valid(once, len));
        assert_int_equal(utf8_repair(once, len, twice), len);
        assert_memory_equal(once, twice, len);
    }
}

static void a_text_is_cut_between_its_characters(void **state)
{
    const char *text = "a\xc3\xa9z";
    (void)state;

    assert_int_equal(utf8_cut(text, 4, 9), 4);
    assert_int_equal(utf8_cut(text, 4, 4), 4);
    assert_int_equal(utf8_cut(text, 4, 3), 3);
    assert_int_equal(utf8_cut(text, 4, 2), 1);
    assert_int_equal(utf8_cut(text, 4, 0), 0);
    assert_int_equal(utf8_cut(NULL, 0, 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_of_no_sequence_becomes_a_replacement),
        cmocka_unit_test(what_is_repaired_is_valid_and_stays),
        cmocka_unit_test(a_text_is_cut_between_its_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
