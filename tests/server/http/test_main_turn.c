#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/main_turn.h"

static struct moment at(int64_t ms, int64_t cpu_ms)
{
    return (struct moment){ ms * 1000000, cpu_ms * 1000000 };
}

static void a_turn_is_from_its_first_callback_to_its_end(void **state)
{
    struct turns turns = { 0 };
    (void)state;

    turns_begin(&turns, at(1, 100));
    turns_begin(&turns, at(4, 101));
    turns_end(&turns, at(6, 102));
    assert_int_equal(turns.longest_us, 5000);
    assert_int_equal(turns.longest_cpu_us, 2000);
}

static void only_the_longest_are_kept(void **state)
{
    struct turns turns = { 0 };
    (void)state;

    turns_begin(&turns, at(1, 100));
    turns_end(&turns, at(9, 101)); /* others had the CPU for 7 ms */
    turns_begin(&turns, at(20, 101));
    turns_end(&turns, at(24, 105));
    assert_int_equal(turns.longest_us, 8000);
    assert_int_equal(turns.longest_cpu_us, 4000);
    turns_begin(&turns, at(30, 105));
    turns_end(&turns, at(42, 106));
    assert_int_equal(turns.longest_us, 12000);
    assert_int_equal(turns.longest_cpu_us, 4000);
}

static void a_wait_is_no_turn(void **state)
{
    struct turns turns = { 0 };
    (void)state;

    turns_end(&turns, at(9, 0)); /* nothing that counts was done */
    assert_int_equal(turns.longest_us, 0);
    turns_begin(&turns, at(10, 0));
    turns_end(&turns, at(10, 0));
    turns_end(&turns, at(99, 0));
    assert_int_equal(turns.longest_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_is_from_its_first_callback_to_its_end),
        cmocka_unit_test(only_the_longest_are_kept),
        cmocka_unit_test(a_wait_is_no_turn),
    };

    return cmocka_run_group_tests_name("main_turn", tests, NULL, NULL);
}
