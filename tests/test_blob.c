#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flush/blob.h"

static struct arena_budget budget;
static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_budget_init(&budget, 64 << 20);
    arena_init(&arena, &budget);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct sketch *sketch_back(struct sketch *sketch)
{
    struct bytes bytes = { 0 };

    assert_true(blob_put_sketch(&bytes, sketch, &arena));
    struct sketch *back = blob_sketch(bytes.at, bytes.len, &arena);
    assert_non_null(back);
    bytes_free(&bytes);
    return back;
}

static struct distinct *distinct_back(const struct distinct *distinct)
{
    struct bytes bytes = { 0 };

    blob_put_distinct(&bytes, distinct);
    struct distinct *back = blob_distinct(bytes.at, bytes.len, &arena);
    assert_non_null(back);
    bytes_free(&bytes);
    return back;
}

static void same_sketch(struct sketch *a, struct sketch *b)
{
    struct sketch_summary x, y;
    const struct sketch_bin *bins_a, *bins_b;
    size_t n_a, n_b;

    sketch_summary(a, &x);
    sketch_summary(b, &y);
    assert_true(x.count == y.count && x.sum == y.sum && x.min == y.min && x.max == y.max);
    assert_true(sketch_bins(a, &arena, &bins_a, &n_a));
    assert_true(sketch_bins(b, &arena, &bins_b, &n_b));
    assert_int_equal(n_a, n_b);
    for (size_t i = 0; i < n_a; i++)
        assert_true(bins_a[i].key == bins_b[i].key && bins_a[i].count == bins_b[i].count);
}

static void a_sketch_comes_back_bin_for_bin(void **state)
{
    struct sketch *sketch = sketch_new(&arena);
    (void)state;

    same_sketch(sketch, sketch_back(sketch)); /* empty */
    for (int i = -500; i < 3000; i++)
        assert_true(sketch_add(sketch, &arena, i * 0.37, 1));
    same_sketch(sketch, sketch_back(sketch));
    assert_true(sketch_add_weighted(sketch, &arena, 5, 9e9)); /* full bins share a key */
    same_sketch(sketch, sketch_back(sketch));
}

static void a_sketch_that_came_back_merges_as_the_original(void **state)
{
    struct sketch *a = sketch_new(&arena), *b = sketch_new(&arena), *all = sketch_new(&arena);
    (void)state;

    for (int i = 0; i < 1000; i++) {
        assert_true(sketch_add(i % 3 == 0 ? a : b, &arena, i, 1));
        assert_true(sketch_add(all, &arena, i, 1));
    }
    struct sketch *merged = sketch_back(a);
    assert_true(sketch_merge(merged, &arena, sketch_back(b)));
    same_sketch(all, merged);
    assert_true(sketch_quantile(all, &arena, 0.95) == sketch_quantile(merged, &arena, 0.95));
}

static void a_set_comes_back_exact_and_as_registers(void **state)
{
    struct distinct *set = distinct_new(&arena);
    (void)state;

    assert_int_equal(distinct_count(distinct_back(set)), 0);
    for (uint64_t i = 0; i < 5000; i++) {
        uint64_t hash = distinct_hash((struct slice){ (const char *)&i, sizeof i });
        assert_true(distinct_add(set, &arena, hash));
        if (i == 10 || i == 2047 || i == 2048 || i == 4999) {
            struct distinct *back = distinct_back(set);
            assert_int_equal(distinct_count(back), distinct_count(set));
            assert_int_equal(distinct_is_estimate(back), distinct_is_estimate(set));
            assert_true(distinct_add(back, &arena, hash)); /* known already */
            assert_int_equal(distinct_count(back), distinct_count(set));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sketch_comes_back_bin_for_bin, begin, end),
        cmocka_unit_test_setup_teardown(a_sketch_that_came_back_merges_as_the_original, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_set_comes_back_exact_and_as_registers, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
