#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/memory/pages.h"
#include "flush/parcels/bucket.h"

static void a_bucket_gives_everything_back(void **state)
{
    struct arena_budget budget = { .left = 1 << 20 };
    struct bucket *bucket = calloc(1, sizeof *bucket);
    (void)state;

    bucket->mapped_bytes = 4096;
    bucket->cells = pages_map(bucket->mapped_bytes);
    bucket->retired = malloc(16);
    arena_init(&bucket->arena, &budget);
    assert_non_null(arena_alloc(&bucket->arena, 1000));
    assert_true(atomic_load(&budget.left) < 1 << 20);
    bucket_free(bucket);
    assert_int_equal(atomic_load(&budget.left), 1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_gives_everything_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
