#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "chart/axis.h"

static void values_begin_at_zero_where_that_is_near(void **state)
{
    static const struct {
        long double low, high, from, to;
    } cases[] = {
        { 2, 10, 0, 10.64L },        /* near */
        { 100, 110, 99.2L, 110.8L }, /* far */
        { -10, -2, -10.64L, 0 },     /* from below */
        { -10, 10, -11.6L, 11.6L },  /* on both sides */
        { 0, 0, 0, 1 },              /* one value */
        { 8, 8, 0, 10 },
        { -8, -8, -10, 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct axis axis;
        axis_of_values(&axis, cases[i].low, cases[i].high);
        if (fabsl(axis.low - cases[i].from) > 1e-9L || fabsl(axis.high - cases[i].to) > 1e-9L)
            fail_msg("case %zu: %Lg to %Lg", i, axis.low, axis.high);
    }
}

static void ticks_are_round(void **state)
{
    static const struct {
        long double low, high;
        enum unit_kind kind;
        size_t most;
        long double first, step;
        size_t n;
    } cases[] = {
        { 0, 10, UNIT_NUMBER, 5, 0, 2, 6 },
        { 0, 9, UNIT_NUMBER, 5, 0, 2, 5 },
        { -3, 11, UNIT_NUMBER, 4, 0, 5, 3 },
        { 0.1L, 0.9L, UNIT_NUMBER, 4, 0.2L, 0.2L, 4 },
        { 0, 5000, UNIT_BYTES, 5, 0, 1024, 5 },
        { 0, 100, UNIT_SECONDS, 4, 0, 30, 4 },
        { 0, 0.4L, UNIT_SECONDS, 4, 0, 0.1L, 5 },
        { 0, 400000, UNIT_SECONDS, 4, 0, 172800, 3 }, /* two days */
        { 0, 1, UNIT_NUMBER, 0, 0, 1, 2 },            /* no room at all */
        { -2e308L, 2e308L, UNIT_NUMBER, 4, -2e308L, 1e308L, 5 },
        { 0, 1e-320L, UNIT_NUMBER, 2, 0, 5e-321L, 3 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct axis axis = { .low = cases[i].low, .high = cases[i].high };
        axis_choose_ticks(&axis, cases[i].kind, cases[i].most);
        long double off = fabsl(axis.ticks[0] - cases[i].first);
        if (axis.n_ticks != cases[i].n || off > cases[i].step * 1e-9L ||
            fabsl(axis.step - cases[i].step) > cases[i].step * 1e-9L)
            fail_msg("case %zu: %zu from %Lg each %Lg", i, axis.n_ticks, axis.ticks[0],
                     axis.step);
    }
}

/* 1700000000 is 2023-11-14 22:13:20 UTC, a Tuesday. */
static void times_are_those_of_utc(void **state)
{
    static const struct {
        double from_s, to_s;
        size_t most;
        const char *texts[4]; /* the first of them */
        size_t n;
    } cases[] = {
        { 1700000000, 1700000060, 6, { "22:13:20", "22:13:30", "22:13:40" }, 7 },
        { 1700000000, 1700003600, 6, { "22:20", "22:30", "22:40" }, 6 },
        { 1700000000, 1700086400, 8, { "Nov 15", "03:00", "06:00" }, 8 },
        { 1700000000, 1700000000 + 30 * 86400, 6, { "Nov 20", "Nov 27", "Dec 4" }, 4 },
        { 1700000000, 1700000000 + 366 * 86400, 8, { "Jan 2024", "Apr 2024", "Jul 2024" }, 4 },
        { 0, 253402300800, 8, { "Jan 2919" }, 7 }, /* to the year 10000 */
    };
    char text[AXIS_TEXT_SIZE];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct axis axis;
        axis_of_times(&axis, cases[i].from_s, cases[i].to_s, cases[i].most);
        if (axis.n_ticks != cases[i].n)
            fail_msg("case %zu: %zu ticks", i, axis.n_ticks);
        for (size_t tick = 0; tick < 4 && cases[i].texts[tick] != NULL; tick++) {
            axis_format_time(&axis, axis.ticks[tick], text);
            assert_string_equal(text, cases[i].texts[tick]);
        }
    }
}

static void pixels_stay_finite(void **state)
{
    struct axis axis = { .low = 0, .high = 10, .low_pixel = 100, .to_high = -50 };
    (void)state;

    assert_true(axis_pixel(&axis, 0) == 100 && axis_pixel(&axis, 10) == 50);
    assert_true(axis_pixel(&axis, 5) == 75);
    assert_true(isfinite(axis_pixel(&axis, 1e308L)) && isfinite(axis_pixel(&axis, -1e308L)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_begin_at_zero_where_that_is_near),
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(times_are_those_of_utc),
        cmocka_unit_test(pixels_stay_finite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
