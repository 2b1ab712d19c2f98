#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flush/values/histogram.h"

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
    assert_true(
        histogram_add(histogram, &arena, value, histogram_weight(rate), EXACT, &switched));
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

static void weights_are_not_rounded(void **state)
{
    static const struct {
        double rate, count, sum; /* of one value 6 */
    } cases[] = {
        { 1, 1, 6 },
        { 0.3, 1 / 0.3, 20 },
        { 0.7, 1 / 0.7, 6 / 0.7 },
        { 0, 1, 6 }, /* as if none was sent */
        { 2, 0.5, 3 },
        { INFINITY, 0, 0 },
        { -0.5, -2, -12 }, /* as the Agent */
        { 1e-10, 1e10, 6e10 },
        { 1e-300, 0x1p53, 6 * 0x1p53 }, /* bounded */
        { -5e-324, -0x1p53, -6 * 0x1p53 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct histogram *histogram = histogram_new(&arena);

        add(histogram, 6, cases[i].rate);
        if (summary_of(histogram).count != cases[i].count ||
            !near(summary_of(histogram).sum, cases[i].sum, 1e-15))
            fail_msg("rate %g", cases[i].rate);
    }
}

/* rep-002: with weights cut to whole numbers the average was 111.1. */
static void an_average_is_not_above_the_maximum(void **state)
{
    static const double rates[] = { 0.3, 0.7, 0.9, 0.15, 1e-3, 3e-5, 1, 2, 7 };
    (void)state;

    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct histogram *histogram = histogram_new(&arena);

        for (int n = 0; n < 1000; n++)
            add(histogram, 100, rates[i]);
        assert_true(near(summary_of(histogram).count, 1000 / rates[i], 1e-12));
        assert_true(near(summary_of(histogram).avg, 100, 1e-12));
        assert_true(median(histogram) == 100);
        assert_true(percentile(histogram, 95) == 100);
    }
}

static void a_rate_above_one_weighs_less_than_one(void **state)
{
    struct histogram *histogram = histogram_new(&arena);
    (void)state;

    add(histogram, 9, 2);
    assert_true(summary_of(histogram).count == 0.5);
    assert_true(summary_of(histogram).avg == 9);
    assert_true(median(histogram) == 9);
    assert_true(percentile(histogram, 95) == 9);
    add(histogram, 3, 1);
    assert_true(median(histogram) == 3);
    assert_true(summary_of(histogram).max == 9);
}

/* Both targets as the Agent has them: not rounded either. */
static void ranks_are_not_rounded(void **state)
{
    struct histogram *histogram = histogram_new(&arena);
    (void)state;

    add(histogram, 1, 1 / 1.5);
    add(histogram, 2, 1 / 1.5);
    add(histogram, 3, 1 / 1.5);
    assert_true(summary_of(histogram).count == 4.5);
    assert_true(median(histogram) == 2);         /* 1.75: above 1.5 */
    assert_true(percentile(histogram, 34) == 2); /* 1.52 */
    assert_true(percentile(histogram, 33) == 1); /* 1.475; 1 if cut */
    assert_true(percentile(histogram, 100) == 3);
}

static void what_rounding_takes_from_a_sum_is_added_up_beside_it(void **state)
{
    static const double values[] = { 1, 1e100, 1, -1e100 };
    (void)state;

    for (size_t cut = 0; cut <= 4; cut++) { /* merged of two, cut there */
        struct histogram *histogram = histogram_new(&arena), *more = histogram_new(&arena);

        for (size_t i = 0; i < 4; i++)
            add(i < cut ? histogram : more, values[i], 1);
        assert_true(histogram_merge(histogram, &arena, more, EXACT, &switched));
        struct histogram_summary summary = summary_of(histogram);

        assert_true(summary.sum == 2);
        assert_true(summary.avg == 0.5);

        histogram = histogram_new(&arena); /* and written down in their midst */
        for (size_t i = 0; i < cut; i++)
            add(histogram, values[i], 1);
        summary = summary_of(histogram);
        histogram = histogram_restore(&arena, &summary, NULL);
        for (size_t i = cut; i < 4; i++)
            add(histogram, values[i], 1);
        assert_true(summary_of(histogram).sum == 2);
    }
}

static void a_unit_is_that_of_any_value(void **state)
{
    struct histogram *histogram = histogram_new(&arena), *other = histogram_new(&arena);
    (void)state;

    assert_int_equal(histogram_unit(histogram), UNIT_NONE);
    histogram_note_unit(other, metric_type_unit(METRIC_TIMING));
    histogram_note_unit(other, metric_type_unit(METRIC_HISTOGRAM));
    assert_int_equal(histogram_unit(other), UNIT_MILLISECOND);
    assert_string_equal(metric_unit_word(histogram_unit(other)), "millisecond");
    assert_true(histogram_merge(histogram, &arena, other, EXACT, &switched));
    assert_int_equal(histogram_unit(histogram), UNIT_MILLISECOND);
    assert_true(histogram_merge(histogram, &arena, histogram_new(&arena), EXACT, &switched));
    assert_int_equal(histogram_unit(histogram), UNIT_MILLISECOND);
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

/* A sketch has only whole weights; no part of one may get lost in the ranks. */
static void parts_of_weights_count_in_a_sketch_too(void **state)
{
    static const double rates[] = { 0.3, 0.7, 0.99, 1, 1.5, 3, 40 };
    (void)state;

    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct histogram *all = histogram_new(&arena), *half = histogram_new(&arena);

        for (int n = 0; n < 10000; n++)
            assert_true(histogram_add(n < 5000 ? all : half, &arena, n * 37 % 10000 + 1,
                                      histogram_weight(rates[i]), 100, &switched));
        assert_true(histogram_merge(all, &arena, half, 100, &switched));
        assert_true(near(summary_of(all).count, 10000 / rates[i], 1e-12));
        assert_true(near(summary_of(all).avg, 5000.5, 1e-12));
        for (int p = 10; p <= 100; p += 10)
            if (fabs(percentile(all, p) - p * 100) > 100 + p) /* of 250 values at least */
                fail_msg("rate %g, %d: %g", rates[i], p, percentile(all, p));
        assert_true(fabs(median(all) - 5000) <= 150);
    }
}

static void the_switch_is_told_once(void **state)
{
    struct histogram *histogram = histogram_new(&arena);
    (void)state;

    for (int i = 0; i < 3; i++) {
        switched = false;
        assert_true(histogram_add(histogram, &arena, i, 2, 1, &switched));
        assert_int_equal(switched, i == 1);
    }
    assert_int_equal(summary_of(histogram).count, 6);
}

static struct histogram *filled(int from, int to, double rate, size_t exact)
{
    struct histogram *histogram = histogram_new(&arena);
    bool ignored;

    for (int i = from; i < to; i++)
        assert_true(
            histogram_add(histogram, &arena, i, histogram_weight(rate), exact, &ignored));
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
        { 0, 3, 1, 1, EXACT, false },
        { 3, 0, 1, 1, EXACT, false },
        { 3, 3, 1, 1, EXACT, false },
        { 3, 3, 1, 0.5, EXACT, false },
        { 3, 3, 0.5, 1, EXACT, false },
        { 500, 700, 1, 0.1, EXACT, false },
        { 500, 700, 0.3, 0.7, EXACT, false },
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

    assert_true(summary_of(histogram).count == 5000 * 0x1p53);
    assert_true(percentile(histogram, 99) < 5000);
    histogram = filled(0, 5000, -1e-300, EXACT);
    assert_true(summary_of(histogram).count == -5000 * 0x1p53);
    percentile(histogram, 100);
    histogram = filled(0, 5000, 1e-300, 10); /* a sketch */
    assert_true(percentile(histogram, 99) < 5000);
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
        assert_true(histogram_add(histogram, &arena, (double)(i * 7919l % 1000003), 2, 1000,
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
        TEST(weights_are_not_rounded),
        TEST(an_average_is_not_above_the_maximum),
        TEST(a_rate_above_one_weighs_less_than_one),
        TEST(ranks_are_not_rounded),
        TEST(what_rounding_takes_from_a_sum_is_added_up_beside_it),
        TEST(a_unit_is_that_of_any_value),
        TEST(an_empty_histogram_has_no_values),
        TEST(beyond_the_bound_only_percentiles_are_approximate),
        TEST(parts_of_weights_count_in_a_sketch_too),
        TEST(the_switch_is_told_once),
        TEST(merging_is_the_same_as_adding),
        TEST(absurd_weights_do_not_overflow),
        TEST(refused_values_change_nothing),
        TEST(memory_is_bounded_however_many_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
