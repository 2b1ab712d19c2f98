#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flush/values/blob.h"

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
            assert_int_equal(distinct_registers(back) != NULL, distinct_registers(set) != NULL);
            assert_true(distinct_add(back, &arena, hash)); /* known already */
            assert_int_equal(distinct_count(back), distinct_count(set));
        }
    }
}

/* What was cut or changed on its way is refused, or is some other set or sketch that
 * merges: never a fault. */
static void try_blob(const struct bytes *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1); /* the sanitizer sees its end */
    struct sketch *sketch;
    struct distinct *distinct;

    if (len > 0)
        memcpy(copy, bytes->at, len);
    if ((sketch = blob_sketch(copy, len, &arena)) != NULL) {
        assert_true(sketch_merge(sketch_new(&arena), &arena, sketch));
        (void)sketch_quantile(sketch, &arena, 0.5);
    }
    if ((distinct = blob_distinct(copy, len, &arena)) != NULL) {
        assert_true(distinct_merge(distinct_new(&arena), &arena, distinct));
        (void)distinct_count(distinct);
    }
    free(copy);
    arena_free(&arena);
}

static void damage_does_no_harm(void **state)
{
    struct sketch *sketch = sketch_new(&arena);
    struct distinct *few = distinct_new(&arena), *many = distinct_new(&arena);
    struct bytes blobs[3] = { 0 };
    (void)state;

    for (int i = 0; i < 100; i++)
        assert_true(sketch_add(sketch, &arena, i * i, 1));
    for (uint64_t i = 0; i < 3000; i++) {
        assert_true(i >= 20 || distinct_add(few, &arena, i * 0x9e3779b97f4a7c15));
        assert_true(distinct_add(many, &arena, i * 0x9e3779b97f4a7c15));
    }
    assert_true(blob_put_sketch(&blobs[0], sketch, &arena));
    blob_put_distinct(&blobs[1], few);
    blob_put_distinct(&blobs[2], many);
    arena_free(&arena);
    for (size_t b = 0; b < 3; b++) {
        for (size_t len = 0; len <= blobs[b].len; len += 1 + len / 300)
            try_blob(&blobs[b], len);
        for (size_t i = 0; i < blobs[b].len; i += 1 + i / 300)
            for (int value = 0; value < 256; value += 15) {
                uint8_t before = blobs[b].at[i];
                blobs[b].at[i] = (uint8_t)value;
                try_blob(&blobs[b], blobs[b].len);
                blobs[b].at[i] = before;
            }
        bytes_free(&blobs[b]);
    }
}

static void refuses_what_cannot_be(void **state)
{
    uint8_t registers[1 + DISTINCT_REGISTERS] = { 'R' };
    (void)state;

    assert_non_null(blob_distinct(registers, sizeof registers, &arena));
    registers[77] = 52; /* beyond the places of a hash */
    assert_null(blob_distinct(registers, sizeof registers, &arena));
    assert_null(blob_distinct(registers, sizeof registers - 1, &arena));
    assert_null(blob_distinct((const uint8_t *)"M1234567", 8, &arena));
    assert_null(blob_distinct((const uint8_t *)"", 0, &arena));
    assert_null(blob_sketch((const uint8_t *)"", 0, &arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sketch_comes_back_bin_for_bin, begin, end),
        cmocka_unit_test_setup_teardown(a_sketch_that_came_back_merges_as_the_original, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_set_comes_back_exact_and_as_registers, begin, end),
        cmocka_unit_test_setup_teardown(damage_does_no_harm, begin, end),
        cmocka_unit_test_setup_teardown(refuses_what_cannot_be, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
