#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/language/expression.h"
#include "tests/support/grids.h"

enum { STEPS_MAX = 16 };

static struct expression expression;

/* The function that the text calls. */
static const struct call *call_of(const char *text)
{
    char problem[256];

    if (!expression_parse(slice_of(text), &expression, problem, sizeof problem))
        fail_msg("%s: %s", text, problem);
    return &expression.nodes[expression.n_nodes - 1].call;
}

/* Of groups h:a, h:b, h:N/A, h:c. */
static struct grid make_grid(const char *rows)
{
    return grids_make("h:a h:b h:N/A h:c", rows);
}

static void apply(const struct call *call, struct grid *grid)
{
    double scratch[FUNCTION_SCRATCH_ROWS * STEPS_MAX];

    for (uint32_t i = 0; call->function->each != NULL && i < grid->n_groups; i++) {
        struct points points = { grid_row(grid, i, 0), grid->steps, grid->lead, GRIDS_STEP_S,
                                 scratch };
        call->function->each(call, &points);
    }
    if (call->function->whole != NULL)
        assert_true(call->function->whole(call, grid));
}

struct function_case {
    const char *text, *points, *expected;
};

static const struct function_case cases[] = {
    { "abs(m{*})", "-1 2 _", "1 2 _" },
    { "log2(m{*})", "8 0 -1 1", "3 _ _ 0" },
    { "log10(m{*})", "100 _", "2 _" },
    { "clamp_min(m{*}, 2)", "1 3 _", "2 3 _" },
    { "clamp_max(m{*}, 2)", "1 3 _", "1 2 _" },
    { "cutoff_min(m{*}, 2)", "1 2 3", "_ 2 3" },
    { "cutoff_max(m{*}, 2)", "1 2 3", "1 2 _" },
    { "default_zero(m{*})", "_ 1 _", "0 1 0" },
    { "diff(m{*})", "1 _ 4 2", "_ _ 3 -2" },
    { "monotonic_diff(m{*})", "1 _ 4 2 2", "_ _ 3 _ _" },
    { "derivative(m{*})", "1 _ 4 2", "_ _ 0.15 -0.2" },
    { "per_second(m{*})", "1 _ 4 2", "_ _ 0.15 -0.2" },
    { "per_minute(m{*})", "1 _ 4 2", "_ _ 9 -12" },
    { "per_hour(m{*})", "1 2", "_ 360" },
    { "throughput(m{*})", "20 _ 5", "2 _ 0.5" },
    { "cumsum(m{*})", "1 _ 2 3", "1 _ 3 6" },
    { "integral(m{*})", "1 _ 4 2", "0 _ 60 40" }, /* 3 in 20 s, -2 in 10 s */
    { "ewma_3(m{*})", "_ 2 4 _ 8", "_ 2 3 _ 5.5" },
    { "ewma_7(m{*})", "4 8", "4 5" }, /* a quarter of the new one */
    { "median_3(m{*})", "5 1 _ 3 9", "5 3 _ 3 3" },
    { "median_5(m{*})", "5 1 4 9", "5 3 4 4.5" },
    { "moving_rollup(m{*}, 20, 'sum')", "1 2 _ _ 5", "1 3 2 _ 5" },
    { "moving_rollup(m{*}, 20, 'avg')", "1 2 _ _ 5", "1 1.5 2 _ 5" },
    { "moving_rollup(m{*}, 20, 'min')", "3 1 2 4", "3 1 1 2" },
    { "moving_rollup(m{*}, 20, 'max')", "3 1 2 _ _", "3 3 2 2 _" },
    { "moving_rollup(m{*}, 30, 'count')", "1 2 _ _ _ 5", "1 2 2 1 _ 1" },
    { "moving_rollup(m{*}, 30, 'sum')", "1 2 3 4 5 6 7", "1 3 6 9 12 15 18" },
    { "moving_rollup(m{*}, 25, 'sum')", "1 2 3 4", "1 3 6 9" }, /* 20 s ago is in it */
    { "moving_rollup(m{*}, 1, 'sum')", "1 2 3 4", "1 2 3 4" },
    { "moving_rollup(m{*}, 9999, 'max')", "1 3 2", "1 3 3" },
    { "dt(m{*})", "1 _ _ 2 | _ _ 1 _", "_ _ 20 10" },
    { "count_nonzero(m{*})", "1 0 _ | 2 _ _", "2 0 _" },
    { "count_not_null(m{*})", "1 0 _ | 2 _ _", "2 1 _" },
    { "exclude_null(m{*})", "1 2 | 3 4 | 5 6", "1 2 | 3 4" },
    { "top(m{*}, 2, 'max', 'asc')", "3 0 | 1 0 | 2 0", "1 0 | 2 0" }, /* dashboards say any */
    { "top(m{*}, 5, 'max', 'asc')", "3 0 | 1 0 | 2 0", "1 0 | 2 0 | 3 0" },
    { "top(m{*}, 5, 'mean', 'desc')", "1 5 | 4 4 | _ _",
      "4 4 | 1 5" }, /* no points: not in it */
    { "top(m{*}, 5, 'min', 'asc')", "9 1 | 2 3", "9 1 | 2 3" },
    { "top(m{*}, 5, 'sum', 'desc')", "9 _ | 5 6", "5 6 | 9 _" },
    { "top(m{*}, 5, 'last', 'desc')", "9 1 | 5 6 | 7 _", "7 _ | 5 6 | 9 1" },
    { "top(m{*}, 5, 'l2norm', 'desc')", "3 4 | -5 -5", "-5 -5 | 3 4" },
    { "top(m{*}, 5, 'area', 'asc')", "3 4 | -5 -5", "-5 -5 | 3 4" },
    { "top(m{*}, 5, 'max', 'desc')", "1 1 | 1 1", "1 1 | 1 1" }, /* equal ones stay in order */
    { "top5(m{*})", "1 5 | 4 4", "4 4 | 1 5" },
    { "top10_min(m{*})", "1 5 | 4 4", "4 4 | 1 5" },
    { "bottom5_last(m{*})", "1 5 | 4 4", "4 4 | 1 5" },
};

enum { CASES = sizeof cases / sizeof cases[0] };

static void each_does_what_its_sentence_says(void **state)
{
    (void)state;

    for (size_t i = 0; i < CASES; i++) {
        struct grid grid = make_grid(cases[i].points);
        apply(call_of(cases[i].text), &grid);
        if (strcmp(grids_show(&grid), cases[i].expected) != 0)
            fail_msg("%s of %s: %s", cases[i].text, cases[i].points, grids_show(&grid));
        grid_free(&grid);
    }
}

/* Bands are looked at in test_anomalies.c. */
static void each_has_a_case(void **state)
{
    (void)state;

    for (size_t i = 0; i < function_count; i++) {
        bool seen =
            functions[i].band || (functions[i].each == NULL && functions[i].whole == NULL);
        for (size_t n = 0; !seen && n < CASES; n++)
            seen = call_of(cases[n].text)->function == &functions[i];
        if (!seen)
            fail_msg("%s has no case", functions[i].name);
    }
}

static void sums_begin_with_what_is_shown(void **state)
{
    struct grid grid = make_grid("1 2 3 4");
    (void)state;

    grid.lead = 2;
    apply(call_of("cumsum(m{*})"), &grid);
    assert_string_equal(grids_show(&grid), "_ _ 3 7");
    apply(call_of("integral(m{*})"), &grid);
    assert_string_equal(grids_show(&grid), "_ _ 0 40");
    grid_free(&grid);
    grid = make_grid("9 9 1 1 | 2 2 2 2");
    grid.lead = 2;
    apply(call_of("top5_max(m{*})"), &grid);
    assert_string_equal(grids_show(&grid), "2 2 2 2 | 9 9 1 1");
    grid_free(&grid);
}

static void no_groups_are_no_fault(void **state)
{
    (void)state;

    for (size_t i = 0; i < CASES; i++) {
        struct grid grid = { .step_s = GRIDS_STEP_S, .steps = 3, .rows = 1 };
        grid.groups = calloc(1, sizeof *grid.groups);
        grid.values = calloc(1, sizeof *grid.values);
        apply(call_of(cases[i].text), &grid);
        assert_int_equal(grid.n_groups, 0);
        grid_free(&grid);
    }
}

static void shifts_are_seconds_into_the_past(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } shifts[] = { { "timeshift(m{*}, -90)", 90 },
                   { "hour_before(m{*})", 3600 },
                   { "day_before(m{*})", 86400 },
                   { "week_before(m{*})", 604800 },
                   { "month_before(m{*})", 28 * 86400 } };
    (void)state;

    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        const struct call *call = call_of(shifts[i].text);
        assert_int_equal(call->function->shift_s(call), shifts[i].seconds);
    }
}

static void looks_back_as_far_as_it_needs(void **state)
{
    static const struct {
        const char *text;
        int64_t steps; /* of 10 s */
    } leads[] = { { "median_9(m{*})", 8 },
                  { "moving_rollup(m{*}, 60, 'avg')", 5 },
                  { "moving_rollup(m{*}, 61, 'avg')", 6 },
                  { "anomalies(m{*}, 'basic', 2)", 360 } };
    (void)state;

    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++) {
        const struct call *call = call_of(leads[i].text);
        assert_int_equal(call->function->lead(call, GRIDS_STEP_S), leads[i].steps);
    }
}

static void gaps_are_filled_as_far_as_is_said(void **state)
{
    static const struct {
        enum fill fill;
        double seconds;
        const char *points, *expected;
    } fills[] = {
        { FILL_LINEAR, 300, "_ 1 _ _ 4 _", "_ 1 2 3 4 _" },
        { FILL_LINEAR, 10, "1 _ _ 4", "1 2 _ 4" },
        { FILL_LAST, 20, "_ 1 _ _ _ 4 _", "_ 1 1 1 _ 4 4" },
        { FILL_ZERO, 10, "_ 1 _ _ 4 _", "_ 1 0 _ 4 0" },
        { FILL_ZERO, 9, "1 _ _ 4", "1 0 _ 4" }, /* but at least a step */
        { FILL_NULL, 300, "1 _ 4", "1 _ 4" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
        struct grid grid = make_grid(fills[i].points);
        struct points points = { grid.values, grid.steps, 0, GRIDS_STEP_S, NULL };
        function_fill(fills[i].fill, fills[i].seconds, &points);
        if (strcmp(grids_show(&grid), fills[i].expected) != 0)
            fail_msg("%zu: %s", i, grids_show(&grid));
        grid_free(&grid);
    }
}

/* ---- laws, on random rows with gaps ------------------------------------ */

enum { LAW_STEPS = 12 };

static struct grid random_grid(void)
{
    char rows[256];
    int n = 0;

    for (int i = 0; i < LAW_STEPS; i++)
        n += rand() % 4 == 0
                 ? snprintf(rows + n, sizeof rows - (size_t)n, "%s_", i > 0 ? " " : "")
                 : snprintf(rows + n, sizeof rows - (size_t)n, "%s%d", i > 0 ? " " : "",
                            rand() % 41 - 20);
    return make_grid(rows);
}

static struct grid copy_of(const struct grid *grid)
{
    char rows[1024];

    snprintf(rows, sizeof rows, "%s", grids_show(grid));
    return make_grid(rows);
}

static struct grid applied(const char *text, const struct grid *grid)
{
    struct grid out = copy_of(grid);

    apply(call_of(text), &out);
    return out;
}

static void functions_have_their_laws(void **state)
{
    (void)state;

    srand(6);
    for (int round = 0; round < 2000; round++) {
        struct grid grid = random_grid();
        struct grid sums = applied("cumsum(m{*})", &grid);
        struct grid back = applied("diff(m{*})", &sums);
        struct grid least = applied("moving_rollup(m{*}, 50, 'min')", &grid);
        struct grid mean = applied("moving_rollup(m{*}, 50, 'avg')", &grid);
        struct grid most = applied("moving_rollup(m{*}, 50, 'max')", &grid);
        struct grid smooth = applied("ewma_5(m{*})", &grid);
        struct grid middle = applied("median_5(m{*})", &grid);
        bool first = true;
        for (uint32_t i = 0; i < LAW_STEPS; i++) {
            double value = grid.values[i];
            assert_true(isnan(value) == isnan(sums.values[i]));
            assert_true(isnan(value) == isnan(middle.values[i]));
            if (!isnan(mean.values[i]))
                assert_true(least.values[i] <= mean.values[i] &&
                            mean.values[i] <= most.values[i]);
            if (isnan(value))
                continue;
            if (!first) /* what a sum gains is what was added */
                assert_true(back.values[i] == value);
            first = false;
            assert_true(smooth.values[i] >= -20 && smooth.values[i] <= 20);
            assert_true(least.values[i] <= value && value <= most.values[i]);
        }
        grid_free(&grid);
        grid_free(&sums);
        grid_free(&back);
        grid_free(&least);
        grid_free(&mean);
        grid_free(&most);
        grid_free(&smooth);
        grid_free(&middle);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_does_what_its_sentence_says),
        cmocka_unit_test(each_has_a_case),
        cmocka_unit_test(sums_begin_with_what_is_shown),
        cmocka_unit_test(no_groups_are_no_fault),
        cmocka_unit_test(shifts_are_seconds_into_the_past),
        cmocka_unit_test(looks_back_as_far_as_it_needs),
        cmocka_unit_test(gaps_are_filled_as_far_as_is_said),
        cmocka_unit_test(functions_have_their_laws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
