#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flush/values/sketch_internal.h"
#include "tests/support/vectors_sketch.h"

static struct arena_budget budget;
static struct arena arena;
static uint64_t random_state;

static int start(void **state)
{
    (void)state;
    random_state = 42;
    atomic_store(&budget.left, 64 << 20);
    arena_init(&arena, &budget);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static uint64_t random_bits(void)
{
    random_state += 0x9E3779B97F4A7C15;
    uint64_t z = (random_state ^ (random_state >> 30)) * 0xBF58476D1CE4E5B9;

    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

static double random_unit(void)
{
    return (double)(random_bits() >> 11) * 0x1p-53;
}

/* Spread over many keys: some magnitudes, both signs, some zeros. */
static double random_value(void)
{
    double magnitude = exp((random_unit() - 0.5) * 90);

    return random_bits() % 16 == 0 ? 0 : random_bits() % 2 ? magnitude : -magnitude;
}

static void assert_same(struct sketch *a, struct sketch *b)
{
    const struct sketch_bin *bins_a, *bins_b;
    size_t n_a, n_b;
    struct sketch_summary x, y;

    assert_true(sketch_bins(a, &arena, &bins_a, &n_a));
    assert_true(sketch_bins(b, &arena, &bins_b, &n_b));
    assert_int_equal(n_a, n_b);
    for (size_t i = 0; i < n_a; i++) {
        assert_int_equal(bins_a[i].key, bins_b[i].key);
        assert_int_equal(bins_a[i].count, bins_b[i].count);
    }
    sketch_summary(a, &x);
    sketch_summary(b, &y);
    assert_int_equal(x.count, y.count);
    assert_true(x.min == y.min && x.max == y.max);
    assert_true(fabs(x.sum - y.sum) <= 1e-9 * fmax(-x.min, x.max) * (double)x.count);
}

static void passes_the_vectors(void **state)
{
    char line[1 << 18], why[200];
    FILE *file = fopen("tests/data/sketch.jsonl", "r");
    size_t n = 0, failed = 0;
    (void)state;

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        json_t *vector = json_loads(line, 0, NULL);

        assert_non_null(vector);
        if (!vector_sketch(vector, why, sizeof why)) {
            print_error("%s: %s\n", json_string_value(json_object_get(vector, "name")), why);
            failed++;
        }
        json_decref(vector);
        n++;
    }
    fclose(file);
    assert_int_equal(failed, 0);
    assert_int_equal(n, 49);
}

static void values_have_the_keys_of_the_agent(void **state)
{
    static const struct {
        double value;
        int key;
    } cases[] = {
        { 0, 0 },
        { -0.0, 0 },
        { 5e-324, 0 },               /* subnormal */
        { 9.9e-10, 0 },              /* below the smallest */
        { 9.94185408912145e-10, 1 }, /* the smallest itself */
        { 1e-9, 1 },
        { 1.01e-9, 2 },
        { 1e-6, 447 },
        { 0.001, 892 },
        { 0.5, 1293 },
        { 1, 1338 },
        { 1.007, 1338 },
        { 1.008, 1339 },
        { 2, 1383 },
        { 3, 1409 },
        { 10, 1487 },
        { 42, 1579 },
        { 100, 1635 },
        { 1000, 1784 },
        { 1e6, 2229 },
        { 1e9, 2675 },
        { 0x1p63, 4155 },
        { 1e100, 16189 },
        { 4e211, 32764 },
        { 1e300, 32767 }, /* beyond the last key */
        { 1.7976931348623157e308, 32767 },
        { -1, -1338 },
        { -1000, -1784 },
        { -1e300, -32767 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (sketch_key(cases[i].value) != cases[i].key)
            fail_msg("%g: %d", cases[i].value, sketch_key(cases[i].value));
}

static void keys_survive_their_value(void **state)
{
    (void)state;
    for (int key = -32766; key <= 32766; key++)
        assert_int_equal(sketch_key(sketch_key_value((int16_t)key)), key);
    assert_true(isinf(sketch_key_value(32767)) && sketch_key_value(-32767) < 0);
}

static void merging_is_the_same_as_adding(void **state)
{
    static const int sizes[][2] = { { 0, 0 },     { 0, 3 },      { 3, 0 },     { 1, 3 },
                                    { 2, 3 },     { 4, 5 },      { 40, 2 },    { 3, 60 },
                                    { 511, 513 }, { 3000, 700 }, { 9000, 20 }, { 9000, 9000 } };
    (void)state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct sketch *all = sketch_new(&arena), *parts[2];

        for (int p = 0; p < 2; p++) {
            parts[p] = sketch_new(&arena);
            for (int j = 0; j < sizes[i][p]; j++) {
                double value = random_value(), rate = random_bits() % 4 == 0 ? 0.1 : 1;

                assert_true(sketch_add(all, &arena, value, rate));
                assert_true(sketch_add(parts[p], &arena, value, rate));
            }
        }
        assert_true(sketch_merge(parts[0], &arena, parts[1]));
        assert_same(parts[0], all);
    }
}

static void merging_leaves_the_other_as_it_was(void **state)
{
    struct sketch *into = sketch_new(&arena), *other = sketch_new(&arena);
    struct sketch *same = sketch_new(&arena);
    (void)state;

    for (int i = 0; i < 700; i++) {
        double value = random_value();

        assert_true(sketch_add(other, &arena, value, 1) && sketch_add(same, &arena, value, 1));
    }
    assert_true(sketch_merge(into, &arena, other));
    assert_same(into, same);
    assert_same(other, same);
}

/* Many random orders against one bin per distinct key, collapsed at the end. */
static void order_and_interruptions_do_not_matter(void **state)
{
    enum { LIMIT = 50, N = 2000 };
    const struct sketch_bin *bins;
    double values[N];
    size_t n;
    (void)state;

    for (int i = 0; i < N; i++)
        values[i] = random_value();
    struct sketch *straight = sketch_new_limited(&arena, LIMIT);

    for (int i = 0; i < N; i++)
        assert_true(sketch_add(straight, &arena, values[i], i % 5 == 0 ? 0.5 : 1));
    struct sketch *backward = sketch_new_limited(&arena, LIMIT);

    for (int i = N - 1; i >= 0; i--) {
        assert_true(sketch_add(backward, &arena, values[i], i % 5 == 0 ? 0.5 : 1));
        if (random_bits() % 8 == 0)
            assert_true(sketch_bins(backward, &arena, &bins, &n));
    }
    assert_same(straight, backward);
}

static void the_lowest_bins_collapse(void **state)
{
    const struct sketch_bin *bins;
    struct sketch *sketch = sketch_new(&arena);
    size_t n;
    (void)state;

    for (int key = 1; key <= 5000; key++)
        assert_true(sketch_add(sketch, &arena, sketch_key_value((int16_t)key), 1));
    assert_true(sketch_bins(sketch, &arena, &bins, &n));
    assert_int_equal(n, SKETCH_BINS);
    assert_int_equal(bins[0].key, 905);
    assert_int_equal(bins[0].count, 905);
    assert_int_equal(bins[n - 1].key, 5000);
    /* a weight goes the way of a single value */
    assert_true(sketch_add(sketch, &arena, -1, 0.1));
    assert_true(sketch_add(sketch, &arena, sketch_key_value(6000), 0.1));
    assert_true(sketch_bins(sketch, &arena, &bins, &n));
    assert_int_equal(n, SKETCH_BINS);
    assert_int_equal(bins[0].key, 906);
    assert_int_equal(bins[0].count, 905 + 1 + 10);
    assert_int_equal(bins[n - 1].count, 10);
}

static void a_weight_beyond_32_bits_takes_several_bins(void **state)
{
    const struct sketch_bin *bins;
    struct sketch *sketch = sketch_new(&arena);
    struct sketch_summary summary;
    size_t n;
    (void)state;

    assert_true(sketch_add(sketch, &arena, 2, 1));
    assert_true(sketch_add_weighted(sketch, &arena, 1, 2 * (double)UINT32_MAX));
    assert_true(sketch_bins(sketch, &arena, &bins, &n));
    assert_int_equal(n, 3);
    assert_int_equal(bins[0].count, UINT32_MAX);
    assert_int_equal(bins[1].count, UINT32_MAX);
    assert_true(sketch_add(sketch, &arena, 1, 1));
    assert_true(sketch_bins(sketch, &arena, &bins, &n));
    assert_int_equal(n, 4);
    assert_int_equal(bins[0].key, 1338);
    assert_int_equal(bins[0].count, 1); /* the remainder stands first */
    assert_int_equal(bins[2].count, UINT32_MAX);
    assert_int_equal(bins[3].key, 1383);
    sketch_summary(sketch, &summary);
    assert_int_equal(summary.count, 2 * (int64_t)UINT32_MAX + 2);
}

static void absurd_weights_are_bounded(void **state)
{
    const struct sketch_bin *bins;
    struct sketch *sketch = sketch_new(&arena);
    struct sketch_summary summary;
    size_t n;
    (void)state;

    for (int i = 0; i < 3000; i++)
        assert_true(sketch_add(sketch, &arena, i % 3, 1e-300));
    assert_true(sketch_bins(sketch, &arena, &bins, &n));
    assert_int_equal(n, SKETCH_BINS);
    assert_int_equal(bins[0].key, 1383); /* the highest alone fills every bin */
    sketch_summary(sketch, &summary);
    assert_true(summary.count > (1ll << 60));
    assert_true(summary.avg >= 0 && summary.avg <= 2);
}

static void bad_rates_count_once(void **state)
{
    static const double rates[] = { 0, -1, 2, NAN, INFINITY, -INFINITY, 1 };
    enum { N = sizeof rates / sizeof rates[0] };
    struct sketch *sketch = sketch_new(&arena);
    struct sketch_summary summary;
    (void)state;

    for (size_t i = 0; i < N; i++)
        assert_true(sketch_add(sketch, &arena, 3, rates[i]));
    sketch_summary(sketch, &summary);
    assert_int_equal(summary.count, N);
    assert_true(summary.sum == 3.0 * N);
}

static void an_average_of_huge_values_is_one_of_them(void **state)
{
    struct sketch *sketch = sketch_new(&arena);
    struct sketch_summary summary;
    (void)state;

    assert_true(sketch_add(sketch, &arena, 1.7e308, 1));
    assert_true(sketch_add(sketch, &arena, 1.7e308, 1));
    sketch_summary(sketch, &summary);
    assert_true(summary.avg == 1.7e308);
}

static void an_empty_sketch_is_all_zeros(void **state)
{
    const struct sketch_bin *bins;
    struct sketch *sketch = sketch_new(&arena);
    struct sketch_summary summary;
    size_t n = 1;
    (void)state;

    sketch_summary(sketch, &summary);
    assert_int_equal(summary.count, 0);
    assert_true(summary.min == 0 && summary.max == 0 && summary.avg == 0);
    assert_true(sketch_bins(sketch, &arena, &bins, &n));
    assert_int_equal(n, 0);
    assert_true(sketch_quantile(sketch, &arena, 0.5) == 0);
}

static int by_value(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;

    return (one > other) - (one < other);
}

/* Within 0.8 % of the value that has the nearest rank, wherever in its bin that stands. */
static void a_quantile_is_the_value_of_the_nearest_rank(void **state)
{
    enum { MOST = 3000 };
    static double values[MOST];
    (void)state;

    for (int n = 1; n <= MOST; n = n * 3 + 1) {
        struct sketch *sketch = sketch_new(&arena);

        for (int i = 0; i < n; i++) {
            values[i] = exp((double)(i * 7919 % 3001) / 400 - 4); /* 0.02 to 33 */
            assert_true(sketch_add(sketch, &arena, values[i], 1));
        }
        qsort(values, (size_t)n, sizeof values[0], by_value);
        for (int q = 1; q < 100; q++) {
            double wanted = values[(int)rint(q / 100.0 * (n - 1))];
            double got = sketch_quantile(sketch, &arena, q / 100.0);

            if (fabs(got / wanted - 1) > 0.008)
                fail_msg("%d of %d: %g, not %g", q, n, got, wanted);
        }
    }
}

/* Adds until refused, then compares with the same values in a roomy arena. */
static void refused_values_change_nothing(void **state)
{
    struct arena_budget little = { .left = 4096 };
    struct arena small;
    (void)state;

    for (int weighted = 0; weighted < 2; weighted++) {
        arena_init(&small, &little);
        struct sketch *sketch = sketch_new(&small), *same = sketch_new(&arena);
        double value = random_value(), rate = weighted ? 0.25 : 1;

        while (sketch_add(sketch, &small, value, rate)) {
            assert_true(sketch_add(same, &arena, value, rate));
            value = random_value();
        }
        struct sketch *large = sketch_new(&arena);
        struct sketch_summary before, after;

        for (int i = 0; i < 3000; i++)
            assert_true(sketch_add(large, &arena, random_value(), 1));
        sketch_summary(sketch, &before);
        assert_false(sketch_merge(sketch, &small, large));
        sketch_summary(sketch, &after);
        assert_memory_equal(&before, &after, sizeof before);
        assert_true(atomic_load(&little.left) >= 0);

        struct sketch *copy = sketch_new(&arena);

        assert_true(sketch_merge(copy, &arena, sketch));
        assert_same(copy, same);
        arena_free(&small);
    }
    assert_int_equal(atomic_load(&little.left), 4096);
}

static void memory_is_bounded_however_many_values(void **state)
{
    struct sketch *sketch = sketch_new(&arena);
    (void)state;

    for (int i = 0; i < 200000; i++)
        assert_true(sketch_add(sketch, &arena, random_value(), 1));
    assert_true(arena.bytes <= 256 << 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(passes_the_vectors),
        TEST(values_have_the_keys_of_the_agent),
        TEST(keys_survive_their_value),
        TEST(merging_is_the_same_as_adding),
        TEST(merging_leaves_the_other_as_it_was),
        TEST(order_and_interruptions_do_not_matter),
        TEST(the_lowest_bins_collapse),
        TEST(a_weight_beyond_32_bits_takes_several_bins),
        TEST(absurd_weights_are_bounded),
        TEST(bad_rates_count_once),
        TEST(an_average_of_huge_values_is_one_of_them),
        TEST(an_empty_sketch_is_all_zeros),
        TEST(a_quantile_is_the_value_of_the_nearest_rank),
        TEST(refused_values_change_nothing),
        TEST(memory_is_bounded_however_many_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
