#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/main_turn.h"

static void a_turn_is_from_its_first_callback_to_its_end(void **state)
{
    struct turns turns = { 0 };
    (void)state;

    turns_begin(&turns, 1000000);
    turns_begin(&turns, 4000000);
    turns_end(&turns, 6000000);
    assert_int_equal(turns.longest_us, 5000);
}

static void only_the_longest_is_kept(void **state)
{
    struct turns turns = { 0 };
    (void)state;

    turns_begin(&turns, 1000000);
    turns_end(&turns, 9000000);
    turns_begin(&turns, 20000000);
    turns_end(&turns, 21000000);
    assert_int_equal(turns.longest_us, 8000);
    turns_begin(&turns, 30000000);
    turns_end(&turns, 42000000);
    assert_int_equal(turns.longest_us, 12000);
}

static void a_wait_is_no_turn(void **state)
{
    struct turns turns = { 0 };
    (void)state;

    turns_end(&turns, 9000000); /* nothing that counts was done */
    assert_int_equal(turns.longest_us, 0);
    turns_begin(&turns, 10000000);
    turns_end(&turns, 10000000);
    turns_end(&turns, 99000000);
    assert_int_equal(turns.longest_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_is_from_its_first_callback_to_its_end),
        cmocka_unit_test(only_the_longest_is_kept),
        cmocka_unit_test(a_wait_is_no_turn),
    };

    return cmocka_run_group_tests_name("main_turn", tests, NULL, NULL);
}
