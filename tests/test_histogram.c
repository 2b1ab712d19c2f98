#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flush/histogram.h"

enum { EXACT = 10000 };

static struct arena_budget budget;
static struct arena arena;
static bool switched;

static int start(void **state)
{
    (void)state;
    switched = false;
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

static void add(struct histogram *histogram, double value, double rate)
{
    assert_true(histogram_add(histogram, &arena, value, rate, EXACT, &switched));
}

static struct histogram_summary summary_of(const struct histogram *histogram)
{
    struct histogram_summary summary;

    histogram_summary(histogram, &summary);
    return summary;
}

/* The value, or NaN when there is none. */
static double percentile(struct histogram *histogram, int percent)
{
    double value;

    return histogram_percentile(histogram, &arena, percent, &value) ? value : NAN;
}

static double median(struct histogram *histogram)
{
    double value;

    return histogram_median(histogram, &arena, &value) ? value : NAN;
}

static bool near(double got, double wanted, double relative)
{
    return fabs(got - wanted) <= relative * fabs(wanted);
}

static void six_values_give_the_aggregates_of_the_agent(void **state)
{
    static const double values[] = { 1, 10, 4, 5, 2, 2 };
    struct histogram *histogram = histogram_new(&arena);
    (void)state;

    for (size_t i = 0; i < 6; i++)
        add(histogram, values[i], 1);
    assert_true(summary_of(histogram).max == 10);
    assert_true(summary_of(histogram).min == 1);
    assert_true(summary_of(histogram).avg == 4);
    assert_int_equal(summary_of(histogram).count, 6);
    assert_true(median(histogram) == 2);
    assert_true(percentile(histogram, 95) == 10);
}

static void sampled_values_weigh_more(void **state)
{
    struct histogram *histogram = histogram_new(&arena);
    (void)state;

    add(histogram, 1, 1);
    add(histogram, 2, 0.5);
    add(histogram, 3, 0.2);
    add(histogram, 10, 0.5);
    assert_true(summary_of(histogram).max == 10);
    assert_true(summary_of(histogram).min == 1);
    assert_true(summary_of(histogram).avg == 4);
    assert_true(summary_of(histogram).sum == 40);
    assert_int_equal(summary_of(histogram).count, 10);
    assert_true(median(histogram) == 3);
    assert_true(percentile(histogram, 20) == 2);
    assert_true(percentile(histogram, 80) == 3);
    assert_true(percentile(histogram, 95) == 10);
}

static void two_thousand_values_stay_exact(void **state)
{
    struct histogram *histogram = histogram_new(&arena);
    (void)state;

    for (int i = 0; i < 2000; i++)
        add(histogram, i * 37 % 100 + 1, 1);
    assert_true(median(histogram) == 50);
    assert_true(summary_of(histogram).avg == 50.5);
    assert_true(percentile(histogram, 80) == 80);
    assert_true(percentile(histogram, 95) == 95);
    assert_true(percentile(histogram, 0) == 1);
    assert_true(percentile(histogram, 100) == 100);
    add(histogram, -5, 1); /* after a query */
    assert_true(percentile(histogram, 0) == -5);
    assert_false(switched);
}

static void weights_are_the_whole_part_and_the_sum_is_not(void **state)
{
    static const struct {
        double rate;
        int64_t count;
        double sum; /* of one value 6 */
    } cases[] = {
        { 1, 1, 6 },
        { 0.3, 3, 20 },
        { 0.7, 1, 6 / 0.7 },
        { 0, 1, 6 }, /* as if none was sent */
        { NAN, 1, 6 },
        { 2, 0, 3 }, /* no weight, and yet in the sum */
        { INFINITY, 0, 0 },
        { -0.5, -2, -12 }, /* as the Agent */
        { 1e-10, 10000000000, 6e10 },
        { 1e-300, 1ll << 53, 6 * 0x1p53 }, /* bounded */
        { -5e-324, -(1ll << 53), -6 * 0x1p53 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct histogram *histogram = histogram_new(&arena);

        add(histogram, 6, cases[i].rate);
        if (summary_of(histogram).count != cases[i].count ||
            !near(summary_of(histogram).sum, cases[i].sum, 1e-9))
            fail_msg("rate %g", cases[i].rate);
    }
}

static void a_value_of_no_weight_is_max_but_no_percentile(void **state)
{
    struct histogram *histogram = histogram_new(&arena);
    (void)state;

    add(histogram, 9, 2);
    assert_true(isnan(median(histogram)));
    assert_true(isnan(percentile(histogram, 95)));
    add(histogram, 3, 1);
    assert_true(median(histogram) == 3);
    assert_true(summary_of(histogram).max == 9);
}

static void an_empty_histogram_has_no_values(void **state)
{
    struct histogram *histogram = histogram_new(&arena);
    (void)state;

    assert_int_equal(summary_of(histogram).count, 0);
    assert_true(summary_of(histogram).max == 0);
    assert_true(isnan(median(histogram)));
    assert_true(histogram_merge(histogram, &arena, histogram_new(&arena), EXACT, &switched));
    assert_int_equal(summary_of(histogram).count, 0);
}

static void beyond_the_bound_only_percentiles_are_approximate(void **state)
{
    struct histogram *histogram = histogram_new(&arena);
    (void)state;

    for (int i = 1; i <= 10000; i++) {
        assert_true(histogram_add(histogram, &arena, i, 1, 100, &switched));
        assert_int_equal(switched, i > 100);
    }
    assert_int_equal(summary_of(histogram).count, 10000);
    assert_true(summary_of(histogram).min == 1);
    assert_true(summary_of(histogram).max == 10000);
    assert_true(summary_of(histogram).sum == 50005000);
    assert_true(summary_of(histogram).avg == 5000.5);
    assert_true(near(median(histogram), 5000, 0.01));
    assert_true(near(percentile(histogram, 1), 100, 0.01));
    assert_true(near(percentile(histogram, 99), 9900, 0.01));
    assert_true(percentile(histogram, 100) <= 10000);
}

static void the_switch_is_told_once(void **state)
{
    struct histogram *histogram = histogram_new(&arena);
    (void)state;

    for (int i = 0; i < 3; i++) {
        switched = false;
        assert_true(histogram_add(histogram, &arena, i, 0.5, 1, &switched));
        assert_int_equal(switched, i == 1);
    }
    assert_int_equal(summary_of(histogram).count, 6);
}

static struct histogram *filled(int from, int to, double rate, size_t exact)
{
    struct histogram *histogram = histogram_new(&arena);
    bool ignored;

    for (int i = from; i < to; i++)
        assert_true(histogram_add(histogram, &arena, i, rate, exact, &ignored));
    return histogram;
}

static void merging_is_the_same_as_adding(void **state)
{
    static const struct {
        int n, m;
        double rate_n, rate_m;
        size_t exact;
        bool switched;
    } cases[] = {
        { 0, 3, 1, 1, EXACT, false },     { 3, 0, 1, 1, EXACT, false },
        { 3, 3, 1, 1, EXACT, false },     { 3, 3, 1, 0.5, EXACT, false },
        { 3, 3, 0.5, 1, EXACT, false },   { 500, 700, 1, 0.1, EXACT, false },
        { 60, 60, 1, 1, 100, true },    /* both exact, together too many */
        { 60, 200, 1, 0.2, 100, true }, /* the other is a sketch */
        { 200, 60, 1, 1, 100, false },  /* it is one already */
        { 200, 200, 0.2, 1, 100, false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int n = cases[i].n, m = cases[i].m;
        struct histogram *into = filled(0, n, cases[i].rate_n, cases[i].exact);
        struct histogram *other = filled(n, n + m, cases[i].rate_m, cases[i].exact);
        struct histogram *all = filled(0, n, cases[i].rate_n, EXACT);

        for (int j = n; j < n + m; j++)
            add(all, j, cases[i].rate_m);
        switched = false;
        assert_true(histogram_merge(into, &arena, other, cases[i].exact, &switched));
        assert_int_equal(switched, cases[i].switched);
        assert_int_equal(summary_of(into).count, summary_of(all).count);
        assert_true(summary_of(into).sum == summary_of(all).sum);
        assert_true(summary_of(into).max == summary_of(all).max);
        assert_true(summary_of(into).min == summary_of(all).min);
        double error = n + m > (int)cases[i].exact ? 0.01 : 0;

        for (int p = 0; p <= 100; p += 5)
            assert_true(near(percentile(into, p), percentile(all, p), error));
    }
}

static void absurd_weights_do_not_overflow(void **state)
{
    struct histogram *histogram = filled(0, 5000, 1e-300, EXACT);
    (void)state;

    assert_int_equal(summary_of(histogram).count, 1ll << 56);
    assert_true(percentile(histogram, 100) < 5000);
    histogram = filled(0, 5000, -1e-300, EXACT);
    assert_int_equal(summary_of(histogram).count, -(1ll << 56));
    percentile(histogram, 100);
}

static void refused_values_change_nothing(void **state)
{
    static const size_t bounds[] = { EXACT, 300, 20 };
    struct arena_budget little = { .left = 4096 };
    struct arena small;
    (void)state;

    for (size_t i = 0; i < 3; i++) {
        arena_init(&small, &little);
        struct histogram *histogram = histogram_new(&small);
        double value = 1;
        int64_t n = 0;

        for (; histogram_add(histogram, &small, value, 1, bounds[i], &switched); n++)
            value *= 1.02;
        assert_int_equal(summary_of(histogram).count, n);
        assert_true(summary_of(histogram).max < value);
        struct histogram_summary before = summary_of(histogram), after;

        struct histogram *large = filled(1, 3000, 1, EXACT);

        assert_false(histogram_merge(histogram, &small, large, bounds[i], &switched));
        after = summary_of(histogram);
        assert_memory_equal(&before, &after, sizeof before);
        arena_free(&small);
    }
    assert_int_equal(atomic_load(&little.left), 4096);
}

static void memory_is_bounded_however_many_values(void **state)
{
    struct histogram *histogram = histogram_new(&arena);
    (void)state;

    for (int i = 0; i < 300000; i++)
        assert_true(histogram_add(histogram, &arena, (double)(i * 7919l % 1000003), 0.5, 1000,
                                  &switched));
    assert_true(arena.bytes <= 128 << 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(six_values_give_the_aggregates_of_the_agent),
        TEST(sampled_values_weigh_more),
        TEST(two_thousand_values_stay_exact),
        TEST(weights_are_the_whole_part_and_the_sum_is_not),
        TEST(a_value_of_no_weight_is_max_but_no_percentile),
        TEST(an_empty_histogram_has_no_values),
        TEST(beyond_the_bound_only_percentiles_are_approximate),
        TEST(the_switch_is_told_once),
        TEST(merging_is_the_same_as_adding),
        TEST(absurd_weights_do_not_overflow),
        TEST(refused_values_change_nothing),
        TEST(memory_is_bounded_however_many_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
