#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flush/memory/bytes.h"

static void a_size_beyond_memory_fails_and_stays_failed(void **state)
{
    struct bytes out = { 0 };
    (void)state;

    bytes_add(&out, "a", 1);
    assert_null(bytes_room(&out, SIZE_MAX - 1));
    assert_null(bytes_room(&out, SIZE_MAX));
    bytes_add(&out, "b", 1);
    assert_true(out.failed);
    assert_int_equal(out.len, 1);
    bytes_clear(&out);
    bytes_add(&out, "b", 1);
    assert_int_equal(out.len, 1);
    assert_memory_equal(out.at, "b", 1);
    bytes_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_size_beyond_memory_fails_and_stays_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
