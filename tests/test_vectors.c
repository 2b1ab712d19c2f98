#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/vectors.h"

static void every_vector_is_answered_as_it_says(void **state)
{
    (void)state;
    struct vector_counts counts = vectors_run("tests/data", stdout);

    assert_int_equal(counts.failed, 0);
    assert_int_equal(counts.files, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_answered_as_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
