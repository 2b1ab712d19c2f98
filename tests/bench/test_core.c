#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/core.h"

/* How fast they are is the machine's affair; that the compiler left them alone is ours: no
 * processor makes a hundred additions in a nanosecond. */
static void additions_are_made_one_by_one(void **state)
{
    struct core_speed speed = core_measure();
    (void)state;

    assert_true(speed.dependent_per_ns > 0 && speed.dependent_per_ns < 100);
    assert_true(speed.independent_per_ns > 0 && speed.independent_per_ns < 100);
    assert_true(speed.share > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(additions_are_made_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
