#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/linger.h"

#define SECONDS(n) ((n)*INT64_C(1000000000))

static void it_ends_when_nothing_came_for_long_enough(void **state)
{
    struct lingering linger;
    (void)state;

    linger_begin(&linger, 3, 20, 7, SECONDS(100));
    assert_false(linger_is_over(&linger, 7, SECONDS(102)));
    assert_false(linger_is_over(&linger, 8, SECONDS(103) - 1));
    assert_false(linger_is_over(&linger, 8, SECONDS(105)));
    assert_true(linger_is_over(&linger, 8, SECONDS(106) - 1));
}

static void whoever_goes_on_for_ever_meets_the_deadline(void **state)
{
    struct lingering linger;
    (void)state;

    linger_begin(&linger, 3, 20, 0, 0);
    for (int i = 1; i < 20; i++)
        assert_false(linger_is_over(&linger, (uint64_t)i, SECONDS(i)));
    assert_true(linger_is_over(&linger, 20, SECONDS(20)));
}

static void a_deadline_before_the_silence_counts(void **state)
{
    struct lingering linger;
    (void)state;

    linger_begin(&linger, 30, 0, 0, SECONDS(5));
    assert_true(linger_is_over(&linger, 0, SECONDS(5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_ends_when_nothing_came_for_long_enough),
        cmocka_unit_test(whoever_goes_on_for_ever_meets_the_deadline),
        cmocka_unit_test(a_deadline_before_the_silence_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
