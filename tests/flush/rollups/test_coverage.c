#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/rollups/coverage.h"
#include "tests/support/grids.h"

/* The grids begin at 0, and a step has 10 s. */
static void points_are_seen_in_the_parts_of_the_window(void **state)
{
    static const struct {
        const char *row;
        struct coverage_window window;
        const char *seen;
    } cases[] = {
        { "1 _ _ 1 _ _", { 0, 60, 20 }, "2 in 2, first 1, last 40" },
        { "_ _ 1 1 1 1", { 0, 60, 20 }, "4 in 2, first 0, last 60" },
        { "_ _ _ _ _ _", { 0, 60, 20 }, "0 in 0, first 0, last 0" },
        { "1 1 1 1 1 1", { 0, 60, 5 }, "6 in 12, first 1, last 60" }, /* steps are longer */
        { "1 _ _ _ _ 1", { 5, 55, 20 }, "2 in 2, first 1, last 55" },
        { "1 _ _ _ _ 1", { 10, 50, 20 }, "0 in 0, first 0, last 0" }, /* outside of it */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct grid grid = grids_make("-", cases[i].row);
        struct coverage coverage = { { 0 }, 0, 0 };
        char seen[64];

        grid.first_s = 0;
        coverage_add_row(&coverage, &cases[i].window, &grid, grid_row(&grid, 0, 0));
        snprintf(seen, sizeof seen, "%u in %u, first %d, last %d", coverage.points,
                 coverage_count_parts(&coverage), coverage_has_first(&coverage),
                 (int)coverage.last_s);
        assert_string_equal(seen, cases[i].seen);
        grid_free(&grid);
    }
}

static void add_all(struct coverages *coverages, struct grid *given)
{
    struct coverage_window window = { 0, 60, 20 };

    given->first_s = 0;
    for (uint32_t group = 0; group < given->n_groups; group++) {
        given->groups[group].hash = (uint32_t)given->groups[group].text[2]; /* few, and alike */
        assert_true(coverages_add(coverages, &window, given, group));
    }
    grid_free(given);
}

static void what_several_saw_of_a_group_is_put_together(void **state)
{
    struct grid left = grids_make("h:a h:b", "1 _ _ _ _ _ | _ _ 1 _ _ _");
    struct grid right = grids_make("h:b h:c", "_ _ _ _ _ 1 | _ _ 1 1 _ _");
    struct grid asked = grids_make("h:b h:z", "1 | 1");
    struct coverages coverages = { .n = 0 };
    (void)state;

    for (uint32_t group = 0; group < 2; group++)
        asked.groups[group].hash = (uint32_t)asked.groups[group].text[2];
    assert_int_equal(coverages_find(&coverages, &asked.groups[0])->points, 0);
    add_all(&coverages, &left);
    add_all(&coverages, &right);
    const struct coverage *both = coverages_find(&coverages, &asked.groups[0]);

    assert_int_equal(both->points, 1);
    assert_int_equal(both->last_s, 60);
    assert_int_equal(coverage_count_parts(both), 2);
    /* Nobody had it: what all of them saw. */
    const struct coverage *all = coverages_find(&coverages, &asked.groups[1]);

    assert_int_equal(all->last_s, 60);
    assert_int_equal(coverage_count_parts(all), 3);
    assert_true(coverage_has_first(all));
    coverages_free(&coverages);
    grid_free(&asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_seen_in_the_parts_of_the_window),
        cmocka_unit_test(what_several_saw_of_a_group_is_put_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
