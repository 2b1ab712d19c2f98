/* A loop for which descriptors are missing is refused; the process goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <unistd.h>

#include "flush/memory/loop.h"

static void without_descriptors_there_is_no_loop_and_no_exit(void **state)
{
    struct rlimit before, now;
    int lowest = dup(0);
    (void)state;

    assert_true(lowest >= 0);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (rlim_t left = 0; left < 4; left++) {
        now = (struct rlimit){ (rlim_t)lowest + left, before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
        assert_null(loop_new());
        int again = dup(0); /* nothing is left open */
        assert_int_equal(again, left > 0 ? lowest : -1);
        if (again >= 0)
            close(again);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    struct event_base *base = loop_new();
    assert_non_null(base);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_descriptors_there_is_no_loop_and_no_exit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
