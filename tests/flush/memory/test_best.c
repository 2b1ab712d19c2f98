#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flush/memory/best.h"

static bool is_smaller(const void *argument, uint32_t a, uint32_t b)
{
    (void)argument;
    return a < b;
}

/* Offers the first n numbers in an order that jumps about, and expects the smallest. */
static void check(uint32_t n, uint32_t most, uint32_t items)
{
    struct best best;
    uint32_t kept = n < most ? n : most, sorts = 1;

    assert_true(best_init(&best, most, is_smaller, NULL));
    for (uint32_t i = 0; i < n; i++)
        best_offer(&best, (uint32_t)((uint64_t)i * 7919 % n));
    while (!best_sort(&best, items))
        sorts++;
    assert_in_range(sorts, 1, kept / items + 1);
    assert_int_equal(best.n, kept);
    for (uint32_t i = 0; i < kept; i++)
        assert_int_equal(best.at[i], i);
    best_free(&best);
}

static void keeps_the_best_in_order(void **state)
{
    (void)state;
    check(0, 5, 10);
    check(1, 5, 10);
    check(1, 1, 1);
    check(5, 5, 10);
    check(100, 1, 10);
    check(100, 0, 10);
    check(1000, 64, 10);
    check(1000, 999, 1);
    check(1000, 5000, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_best_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
