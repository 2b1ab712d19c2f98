#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flush/rollups/monitor_step.h"

enum { NOON = 1700049600, MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };

static void a_window_is_made_of_its_steps(void **state)
{
    static const struct {
        int64_t to_s, window_s, looked_s, step_s;
    } cases[] = {
        { NOON, 5 * MINUTE_S, 5 * MINUTE_S, 1 }, /* rounded up to the interval by the query */
        { NOON, HOUR_S, HOUR_S, 20 },
        { NOON, 4 * HOUR_S, 4 * HOUR_S, 60 },
        { NOON, 6 * HOUR_S, 6 * HOUR_S, 60 }, /* two minutes would begin elsewhere ... */
        { NOON + MINUTE_S, 6 * HOUR_S, 6 * HOUR_S, 60 }, /* ... a minute later */
        { NOON, 23 * HOUR_S, 23 * HOUR_S, 60 },
        { NOON + MINUTE_S, 23 * HOUR_S, 23 * HOUR_S, 60 },
        { NOON, DAY_S, DAY_S, 300 },
        { NOON + 10 * MINUTE_S, DAY_S, DAY_S, 300 },
        { NOON, 2 * DAY_S, 2 * DAY_S, 600 },
        { NOON, 7 * DAY_S, 7 * DAY_S, 1800 },
        { NOON + 30 * MINUTE_S, 7 * DAY_S, 7 * DAY_S, 1800 },
        { NOON + 10 * MINUTE_S, 7 * DAY_S, 7 * DAY_S, 600 },
        { NOON + MINUTE_S, 7 * DAY_S, 7 * DAY_S, 1800 }, /* none has 1500 points or fewer */
        { NOON - 30, HOUR_S, HOUR_S, 10 },               /* the window lies back */
        { NOON - 7, HOUR_S, HOUR_S, 20 },                /* no usual one begins there */
        { NOON, 4 * HOUR_S, 2 * MINUTE_S, 20 },          /* five of what is looked at */
        { NOON, 5 * MINUTE_S, 2, 1 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct coverage_window window = { cases[i].to_s - cases[i].window_s, cases[i].to_s,
                                          60 };
        int64_t period_s = cases[i].window_s < DAY_S       ? MINUTE_S
                           : cases[i].window_s < 2 * DAY_S ? 10 * MINUTE_S
                                                           : 30 * MINUTE_S;
        int64_t step_s = monitor_step(&window, cases[i].looked_s, period_s);

        if (step_s != cases[i].step_s)
            fail_msg("%zu: %lld", i, (long long)step_s);
    }
}

static void another_one_is_near(void **state)
{
    struct coverage_window hour = { NOON - HOUR_S, NOON, 600 };
    (void)state;

    assert_int_equal(monitor_step_near(&hour, 45), 45);
    assert_int_equal(monitor_step_near(&hour, 50), 50);
    assert_int_equal(monitor_step_near(&hour, 70), 60);
    assert_int_equal(monitor_step_near(&hour, DAY_S), 3600);
    assert_int_equal(monitor_step_near(&hour, 1), 5); /* 3600 points are too many, and 1800 */
    assert_int_equal(monitor_step_longer(&hour, 20), 30);
    assert_int_equal(monitor_step_longer(&hour, 3600), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_is_made_of_its_steps),
        cmocka_unit_test(another_one_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
