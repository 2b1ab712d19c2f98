#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "flush/memory/pages.h"

enum { BYTES = 64 << 20 };

static size_t page; /* of the system: 4 KiB, or 16 or 64 on some arm64 */

static void a_large_array_starts_as_zeros(void **state)
{
    char *at = pages_map(BYTES);
    (void)state;

    assert_non_null(at);
    assert_int_equal(at[0], 0);
    assert_int_equal(at[BYTES - 1], 0);
    at[BYTES - 1] = 1;
    pages_unmap(at, BYTES);
}

static void what_is_forgotten_reads_as_zero_and_the_rest_stays(void **state)
{
    char *at = pages_map(BYTES);
    (void)state;

    for (size_t i = 0; i < 8 * page; i++)
        at[i] = 1;
    pages_forget(at, page + 1, 4 * page); /* only whole pages between the two */
    assert_int_equal(at[2 * page - 1], 1);
    assert_int_equal(at[2 * page], 0);
    assert_int_equal(at[4 * page - 1], 0);
    assert_int_equal(at[4 * page], 1);
    pages_forget(at, 5 * page, 5 * page);
    pages_forget(at, 6 * page, 5 * page); /* nothing lies between */
    assert_int_equal(at[5 * page], 1);
    pages_unmap(at, BYTES);
}

static void what_is_cleared_is_zero_to_the_byte(void **state)
{
    const size_t lengths[] = { 0, 1, page - 1, page, page + 1, 3 * page + 7 };
    char *at = pages_map(BYTES);
    (void)state;

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        memset(at, 1, 5 * page);
        pages_clear(at, lengths[i]);
        for (size_t byte = 0; byte < 5 * page; byte++)
            assert_int_equal(at[byte], byte >= lengths[i]);
    }
    pages_unmap(at, BYTES);
}

static void address_space_has_an_end(void **state)
{
    (void)state;
    assert_null(pages_map((size_t)1 << 62));
    pages_unmap(NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_array_starts_as_zeros),
        cmocka_unit_test(what_is_forgotten_reads_as_zero_and_the_rest_stays),
        cmocka_unit_test(what_is_cleared_is_zero_to_the_byte),
        cmocka_unit_test(address_space_has_an_end),
    };

    page = (size_t)sysconf(_SC_PAGESIZE);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
