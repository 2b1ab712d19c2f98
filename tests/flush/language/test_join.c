#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/language/join.h"
#include "tests/support/grids.h"

/* Both are given. */
static enum join_result compute(char sign, struct grid left, struct grid right,
                                struct grid *out)
{
    struct join join;
    enum join_result result = join_begin(&join, sign, &left, &right);

    while (result == JOIN_FINE && join_step(&join, 1))
        ;
    *out = result == JOIN_FINE ? join_take(&join) : (struct grid){ 0 };
    join_free(&join);
    return result;
}

struct side {
    const char *names, *rows;
};

static struct grid make(struct side side)
{
    if (side.names == NULL)
        return (struct grid){ .is_number = true, .number = strtod(side.rows, NULL) };
    return grids_make(side.names, side.rows);
}

static void groups_meet_by_their_tags(void **state)
{
    static const struct {
        struct side left;
        char sign;
        struct side right;
        const char *names, *rows; /* NULL: refused */
    } cases[] = {
        { { "-", "1 2 3" }, '+', { "-", "1 _ 1" }, "-", "2 _ 4" },
        { { "-", "6 2 3" }, '/', { "-", "3 0 2" }, "-", "2 _ 1.5" },
        { { "-", "6 2" }, '-', { NULL, "1" }, "-", "5 1" },
        { { NULL, "1" }, '-', { "-", "6 2" }, "-", "-5 -1" },
        { { NULL, "6" }, '/', { "h:a", "2 _" }, "h:a", "3 _" },
        { { "h:a h:b", "1 2 | 3 4" },
          '*',
          { "h:b h:a", "10 10 | 2 2" },
          "h:a h:b",
          "2 4 | 30 40" },
        { { "h:a h:b h:c", "1 | 2 | 3" }, '-', { "h:c h:a", "1 | 1" }, "h:a h:c", "0 | 2" },
        { { "h:a h:b", "1 | 2" }, '-', { "h:c", "1" }, "", "" },
        { { "h:a h:b", "1 | 2" }, '/', { "-", "4" }, "h:a h:b", "0.25 | 0.5" },
        { { "-", "4" }, '/', { "h:a h:b", "1 | 2" }, "h:a h:b", "4 | 2" },
        { { "h:a,e:x h:a,e:y h:b,e:x", "1 | 2 | 3" },
          '+',
          { "e:x e:y", "10 | 20" },
          "h:a,e:x h:a,e:y h:b,e:x",
          "11 | 22 | 13" },
        { { "e:x e:y", "10 | 20" },
          '-',
          { "h:a,e:x h:a,e:y", "1 | 2" },
          "h:a,e:x h:a,e:y",
          "9 | 18" },
        { { "h:a,e:x", "1" }, '+', { "e:x,h:a", "2" }, "h:a,e:x", "3" }, /* keys in any order */
        { { "h:a", "1" }, '+', { "e:x", "2" }, NULL, NULL },
        { { "h:a,e:x", "1" }, '+', { "e:x,z:y", "2" }, NULL, NULL },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct grid out;
        enum join_result result =
            compute(cases[i].sign, make(cases[i].left), make(cases[i].right), &out);
        assert_int_equal(result, cases[i].rows != NULL ? JOIN_FINE : JOIN_NO_KEYS);
        if (cases[i].rows != NULL && (strcmp(grids_names(&out), cases[i].names) != 0 ||
                                      strcmp(grids_show(&out), cases[i].rows) != 0))
            fail_msg("%zu: %s: %s", i, grids_names(&out), grids_show(&out));
        grid_free(&out);
    }
}

static struct grid at_times(const char *names, const char *rows, int64_t first_s,
                            int64_t step_s)
{
    struct grid grid = grids_make(names, rows);

    grid.first_s = first_s;
    grid.step_s = step_s;
    return grid;
}

static void points_meet_at_their_times(void **state)
{
    static const struct {
        int64_t left_first_s, left_step_s, right_first_s, right_step_s;
        const char *rows;
        int64_t first_s, step_s;
    } cases[] = {
        { 100, 10, 100, 10, "2 4 6 8", 100, 10 },
        { 100, 10, 110, 10, "_ 3 5 7", 100, 10 }, /* the left one's times */
        { 90, 10, 110, 10, "_ _ 4 6", 90, 10 },
        { 100, 20, 100, 10, "2 5 _ _", 100, 20 }, /* the longer steps */
        { 100, 10, 100, 20, "2 5 _ _", 100, 20 },
        { 100, 20, 100, 30, "2 _ 7 _", 100, 30 }, /* at 100 and 160 */
        { 105, 10, 100, 10, "_ _ _ _", 105, 10 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct grid out;
        assert_int_equal(
            compute('+', at_times("-", "1 2 3 4", cases[i].left_first_s, cases[i].left_step_s),
                    at_times("-", "1 2 3 4", cases[i].right_first_s, cases[i].right_step_s),
                    &out),
            JOIN_FINE);
        if (strcmp(grids_show(&out), cases[i].rows) != 0 || out.first_s != cases[i].first_s ||
            out.step_s != cases[i].step_s)
            fail_msg("%zu: %s at %lld, %lld", i, grids_show(&out), (long long)out.first_s,
                     (long long)out.step_s);
        grid_free(&out);
    }
}

/* ---- laws -------------------------------------------------------------- */

static const char *random_rows(void)
{
    static char text[2][512];
    static int turn;
    char *out = text[turn ^= 1];
    int n = 0;

    for (int i = 0; i < 3 * 8; i++)
        n += rand() % 4 == 0 ? snprintf(out + n, 512 - (size_t)n, "%s_",
                                        i == 0  ? ""
                                        : i % 8 ? " "
                                                : " | ")
                             : snprintf(out + n, 512 - (size_t)n, "%s%d",
                                        i == 0  ? ""
                                        : i % 8 ? " "
                                                : " | ",
                                        rand() % 41 - 20);
    return out;
}

static bool equal(const struct grid *a, const struct grid *b)
{
    if (a->n_groups != b->n_groups || a->steps != b->steps)
        return false;
    for (uint32_t i = 0; i < a->n_groups * a->steps; i++)
        if (a->values[i] != b->values[i] && !(isnan(a->values[i]) && isnan(b->values[i])))
            return false;
    return true;
}

static const char NAMES[] = "h:a h:b h:c";

static struct grid of(char sign, const char *left, const char *right)
{
    struct grid out;

    assert_int_equal(compute(sign, grids_make(NAMES, left), grids_make(NAMES, right), &out),
                     JOIN_FINE);
    return out;
}

static void arithmetic_has_its_laws(void **state)
{
    (void)state;

    srand(5);
    for (int round = 0; round < 2000; round++) {
        const char *a = random_rows(), *b = random_rows();
        struct grid sum = of('+', a, b), other = of('+', b, a);
        assert_true(equal(&sum, &other)); /* a + b = b + a */
        grid_free(&other);
        struct grid less, wanted = of('*', a, b), back = of('*', b, a);
        assert_true(equal(&wanted, &back)); /* a * b = b * a */
        grid_free(&wanted);
        grid_free(&back);
        assert_int_equal(compute('-', sum, grids_make(NAMES, b), &less), JOIN_FINE);
        wanted = of('+', a, b);
        for (uint32_t i = 0; i < wanted.n_groups * wanted.steps; i++) {
            struct grid left = grids_make(NAMES, a);
            if (!isnan(wanted.values[i]))
                assert_true(less.values[i] ==
                            left.values[i]); /* a + b - b = a, where both are */
            else
                assert_true(isnan(less.values[i]));
            grid_free(&left);
        }
        grid_free(&wanted);
        grid_free(&less);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_meet_by_their_tags),
        cmocka_unit_test(points_meet_at_their_times),
        cmocka_unit_test(arithmetic_has_its_laws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
