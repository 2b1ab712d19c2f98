#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chart/unit.h"

static void a_unit_is_known_by_its_name(void **state)
{
    static const struct {
        const char *name, *per;
        enum unit_kind kind;
        double factor;
        const char *head;
    } cases[] = {
        { "", "", UNIT_NUMBER, 1, "" },
        { "byte", "", UNIT_BYTES, 1, "" },
        { "byte", "second", UNIT_BYTES, 1, "per second" },
        { "mebibyte", "", UNIT_BYTES, 1048576, "" },
        { "millisecond", "", UNIT_SECONDS, 1e-3, "" },
        { "percent", "", UNIT_PERCENT, 1, "" },
        { "fraction", "", UNIT_PERCENT, 100, "" }, /* 0.5 is 50% */
        { "request", "", UNIT_NUMBER, 1, "request" },
        { "request", "second", UNIT_NUMBER, 1, "request per second" },
        { "", "second", UNIT_NUMBER, 1, "per second" },
        { "a\x1b[31mb", "", UNIT_NUMBER, 1, "a\xef\xbf\xbd[31mb" }, /* of anybody */
        { "a name that has no end at all, or so it seems", "second", UNIT_NUMBER, 1,
          "a name that has no end at al\xe2\x80\xa6 per second" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct unit unit;
        unit_find(slice_of(cases[i].name), slice_of(cases[i].per), &unit);
        assert_int_equal(unit.kind, cases[i].kind);
        assert_true(unit.factor == cases[i].factor);
        assert_string_equal(unit.name, cases[i].head);
    }
}

static void numbers_are_as_short_as_their_neighbours_allow(void **state)
{
    static const struct {
        enum unit_kind kind;
        long double value, step;
        const char *text;
    } cases[] = {
        { UNIT_NUMBER, 0, 1, "0" },
        { UNIT_NUMBER, -0.0L, 0.1L, "0" },
        { UNIT_NUMBER, 1500, 500, "1.5k" },
        { UNIT_NUMBER, 2000, 500, "2k" },
        { UNIT_NUMBER, -20000, 5000, "-20k" },
        { UNIT_NUMBER, 0.25L, 0.05L, "0.25" },
        { UNIT_NUMBER, 3e9L, 1e9L, "3G" },
        { UNIT_NUMBER, 1000000.5L, 0.5L, "1.0000005M" },
        { UNIT_NUMBER, 1.7e308L, 1e307L, "1.7e+308" }, /* there is no word for it */
        { UNIT_NUMBER, 5e-324L, 1e-324L, "5e-324" },
        { UNIT_BYTES, 0, 1024, "0 B" },
        { UNIT_BYTES, 512, 512, "512 B" },
        { UNIT_BYTES, 1536, 512, "1.5 KiB" },
        { UNIT_BYTES, 1280, 256, "1.25 KiB" },
        { UNIT_BYTES, 1073741824, 268435456, "1 GiB" },
        { UNIT_SECONDS, 0, 1, "0 s" },
        { UNIT_SECONDS, 0.0015L, 0.0005L, "1.5 ms" },
        { UNIT_SECONDS, 0.00002L, 0.00001L, "20 \xc2\xb5s" },
        { UNIT_SECONDS, 90, 30, "1.5 min" },
        { UNIT_SECONDS, 7200, 3600, "2 h" },
        { UNIT_SECONDS, 70, 10, "1.17 min" },
        { UNIT_SECONDS, 1e300L, 1e299L, "1e+300 s" },
        { UNIT_PERCENT, 12.5L, 2.5L, "12.5%" },
        { UNIT_PERCENT, 100, 20, "100%" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[UNIT_TEXT_SIZE];
        unit_format(cases[i].kind, cases[i].value, cases[i].step, text);
        if (strcmp(text, cases[i].text) != 0)
            fail_msg("case %zu: \"%s\", not \"%s\"", i, text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_is_known_by_its_name),
        cmocka_unit_test(numbers_are_as_short_as_their_neighbours_allow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
