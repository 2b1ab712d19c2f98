#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flush/memory/column.h"

static size_t packed_size(const double *values, const double *like, size_t n)
{
    uint8_t packed[COLUMN_BYTES_MAX];
    double back[COLUMN_VALUES];
    size_t size = column_pack(values, like, n, packed);

    assert_int_equal(column_size(packed, n), size);
    assert_int_equal(column_size_within(packed, size, n), size);
    assert_int_equal(column_size_within(packed, size - 1, n), 0);
    if (column_is_like(packed))
        return size;
    column_unpack(packed, n, back);
    for (size_t i = 0; i < n; i++)
        if (back[i] != values[i] && !(isnan(back[i]) && isnan(values[i])))
            fail_msg("%zu of %zu: %.17g came back as %.17g", i, n, values[i], back[i]);
    return size;
}

static void takes_the_narrowest_form_that_is_exact(void **state)
{
    static const struct {
        double values[3];
        size_t size;
    } cases[] = {
        { { 0, 0, 0 }, 1 },                 /* a quiet counter */
        { { 1, 1, 1 }, 1 },                 /* the count of one point */
        { { 0.1, 0.1, 0.1 }, 1 + 8 },       /* all the same */
        { { -128 + 1, 127, 0 }, 1 + 3 },    /* bytes */
        { { 128, 0, 0 }, 1 + 6 },           /* no byte */
        { { 32768, -1, 0 }, 1 + 12 },       /* four bytes */
        { { 0.5, 0.25, 3 }, 1 + 12 },       /* floats are exact here */
        { { 0.1, 0.5, 3 }, 1 + 24 },        /* and not here */
        { { 2147483648.0, 1, 0 }, 1 + 12 }, /* as a float */
        { { 2147483649.0, 1, 0 }, 1 + 24 }, /* needs 32 bits and a sign */
        { { 1e300, -1e300, 0 }, 1 + 24 },   /* beyond a float */
        { { INFINITY, 1, 0 }, 1 + 24 },     /* a sum may overflow */
        { { NAN, 1, 0 }, 1 + 24 },          /* or come to nothing */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (packed_size(cases[i].values, NULL, 3) != cases[i].size)
            fail_msg("case %zu", i);
}

static void a_column_like_another_costs_one_byte(void **state)
{
    static const double values[] = { 1.5, 2.5, 1e99 };
    (void)state;

    assert_int_equal(packed_size(values, values, 3), 1);
    assert_int_equal(packed_size(values, (const double[]){ 1.5, 2.5, 2 }, 3), 1 + 24);
}

static void every_value_comes_back_whatever_stands_beside_it(void **state)
{
    double values[COLUMN_VALUES];
    (void)state;

    srand(7);
    for (int round = 0; round < 20000; round++) {
        size_t n = 1 + (size_t)rand() % COLUMN_VALUES;
        double scale = ldexp(1, rand() % 80 - 30);
        for (size_t i = 0; i < n; i++)
            values[i] = rand() % 4 == 0 ? rand() % 300 : (rand() - RAND_MAX / 2) * scale;
        assert_in_range(packed_size(values, NULL, n), 1, COLUMN_BYTES_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_narrowest_form_that_is_exact),
        cmocka_unit_test(a_column_like_another_costs_one_byte),
        cmocka_unit_test(every_value_comes_back_whatever_stands_beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
