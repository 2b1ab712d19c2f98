#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/language/expression.h"

/* Steps of 20 s: the window is 180 of them. */
enum { STEP_S = 20, WINDOW = 180, STEPS = 3 * WINDOW, SERIES = 300 };

struct banded {
    double rows[3 * STEPS];
};

static const double *lower(const struct banded *banded)
{
    return banded->rows + STEPS;
}

static const double *upper(const struct banded *banded)
{
    return banded->rows + 2 * STEPS;
}

static bool has_band(const struct banded *banded, uint32_t i)
{
    return !isnan(lower(banded)[i]);
}

static bool is_outside(const struct banded *banded, uint32_t i)
{
    return banded->rows[i] < lower(banded)[i] || banded->rows[i] > upper(banded)[i];
}

static void make_band(struct banded *banded, double bounds)
{
    static double scratch[FUNCTION_SCRATCH_ROWS * STEPS];
    static struct expression expression;
    struct points points = { banded->rows, STEPS, 0, STEP_S, scratch };
    char text[64], problem[256];

    snprintf(text, sizeof text, "anomalies(m{*}, 'basic', %g)", bounds);
    assert_true(expression_parse(slice_of(text), &expression, problem, sizeof problem));
    const struct call *call = &expression.nodes[expression.n_nodes - 1].call;
    call->function->each(call, &points);
}

static double uniform(void)
{
    return ((double)rand() + 0.5) / ((double)RAND_MAX + 1);
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

/* What noise may be like: normal, even, skewed as a latency is, with long tails. */
static double noise(int like)
{
    switch (like) {
    case 0:
        return normal();
    case 1:
        return uniform();
    case 2:
        return -log(uniform());
    default:
        return (uniform() < 0.5 ? -1 : 1) * -log(uniform());
    }
}

static double share_outside(int like, unsigned seed)
{
    static struct banded banded;
    uint64_t inside = 0, outside = 0;

    srand(seed);
    for (int series = 0; series < SERIES; series++) {
        double level = 1000 * uniform(), width = 0.01 + 50 * uniform();
        for (uint32_t i = 0; i < STEPS; i++)
            banded.rows[i] = level + width * noise(like);
        make_band(&banded, 2);
        for (uint32_t i = 0; i < STEPS; i++)
            if (has_band(&banded, i))
                *(is_outside(&banded, i) ? &outside : &inside) += 1;
    }
    return (double)outside / (double)(inside + outside);
}

static void few_points_of_noise_lie_outside(void **state)
{
    (void)state;

    for (unsigned seed = 1; seed <= 3; seed++)
        for (int like = 0; like <= 1; like++) {
            double share = share_outside(like, seed);
            if (share > 0.05)
                fail_msg("noise %d, seed %u: %g", like, seed, share);
        }
    for (int like = 2; like <= 3; like++) /* longer tails than a band of 2 is for */
        assert_true(share_outside(like, 1) < 0.1);
}

static void a_step_is_outside_at_once_and_inside_after_the_window(void **state)
{
    static struct banded banded;
    uint64_t outside = 0, all = 0;
    (void)state;

    srand(7);
    for (int series = 0; series < SERIES; series++) {
        for (uint32_t i = 0; i < STEPS; i++)
            banded.rows[i] = normal() + (i >= WINDOW + 5 ? 10 : 0);
        make_band(&banded, 2);
        if (!is_outside(&banded, WINDOW + 5) || !is_outside(&banded, WINDOW + 6))
            fail_msg("series %d: a step is inside", series);
        for (uint32_t i = 2 * WINDOW + 5; i < STEPS; i++, all++)
            outside += is_outside(&banded, i);
    }
    assert_true((double)outside / (double)all < 0.05);
}

static void without_enough_past_there_is_no_band(void **state)
{
    static struct banded banded;
    (void)state;

    for (uint32_t i = 0; i < STEPS; i++)
        banded.rows[i] = i % 7;
    make_band(&banded, 2);
    assert_false(has_band(&banded, 89));
    assert_true(has_band(&banded, 90)); /* 30 minutes after the first */

    for (uint32_t i = 0; i < STEPS; i++)
        banded.rows[i] = i >= 20 && i % 10 == 0 ? 1 : (double)NAN;
    make_band(&banded, 2);
    for (uint32_t i = 0; i < 20 + 150; i++) /* 15 points of them are 150 steps */
        assert_false(has_band(&banded, i));
    assert_true(has_band(&banded, 20 + 150));
    assert_false(has_band(&banded, 20 + 151)); /* there is no point */
}

static void what_is_older_than_the_window_is_forgotten(void **state)
{
    static struct banded banded;
    (void)state;

    for (uint32_t i = 0; i < STEPS; i++)
        banded.rows[i] = i < WINDOW ? 1e9 : 5;
    make_band(&banded, 2);
    assert_true(lower(&banded)[STEPS - 1] == 5 && upper(&banded)[STEPS - 1] == 5);
    assert_false(is_outside(&banded, STEPS - 1)); /* on the bound is inside */
    assert_true(is_outside(&banded, WINDOW));
}

/* The same formula, as docs/questions.md has it, without anything that slides. */
static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static double plain_quantile(const double *sorted, uint32_t n, double q)
{
    double place = q * (n - 1), below = floor(place);
    uint32_t i = (uint32_t)below;

    return i + 1 < n ? sorted[i] * (1 - (place - below)) + sorted[i + 1] * (place - below)
                     : sorted[i];
}

static void the_band_is_that_of_the_documented_formula(void **state)
{
    static struct banded banded;
    static double window[STEPS];
    (void)state;

    srand(3);
    for (uint32_t i = 0; i < STEPS; i++)
        banded.rows[i] = rand() % 4 == 0 ? (double)NAN : rand() % 50 - 20;
    make_band(&banded, 1.2);
    for (uint32_t i = 0; i < STEPS; i++) {
        uint32_t n = 0, oldest = i;
        for (uint32_t j = i; j-- > 0 && i - j <= WINDOW;)
            if (!isnan(banded.rows[j])) {
                window[n++] = banded.rows[j];
                oldest = j;
            }
        bool wanted = !isnan(banded.rows[i]) && n >= 15 && (i - oldest) * STEP_S >= 1800;
        assert_int_equal(has_band(&banded, i), wanted);
        if (!wanted)
            continue;
        qsort(window, n, sizeof *window, by_value);
        double middle = plain_quantile(window, n, 0.5);
        double factor = 1.2 * (1 + 4.0 / n) / 1.2815515655446004;
        double low = middle - factor * (middle - plain_quantile(window, n, 0.1));
        double high = middle + factor * (plain_quantile(window, n, 0.9) - middle);
        assert_true(fabs(low - lower(&banded)[i]) < 1e-9);
        assert_true(fabs(high - upper(&banded)[i]) < 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_points_of_noise_lie_outside),
        cmocka_unit_test(a_step_is_outside_at_once_and_inside_after_the_window),
        cmocka_unit_test(without_enough_past_there_is_no_band),
        cmocka_unit_test(what_is_older_than_the_window_is_forgotten),
        cmocka_unit_test(the_band_is_that_of_the_documented_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
