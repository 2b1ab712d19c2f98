#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "flush/history/squeeze.h"

static uint64_t seed = 1;

static uint64_t random_bits(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 32 << 32 | (seed * 6364136223846793005u + 1) >> 32;
}

/* Returns how many bytes they take; all bits must come back. */
static size_t assert_exact(const double *values, const double *like, size_t n)
{
    uint8_t bytes[SQUEEZE_BYTES_MAX];
    double back[SQUEEZE_VALUES];
    size_t size = (size_t)(squeeze_put(values, like, n, bytes) - bytes);
    uint8_t *copy = malloc(size); /* no longer than it is */

    assert_true(copy != NULL && size <= sizeof bytes);
    memcpy(copy, bytes, size);
    struct slice from = { (const char *)copy, size };

    assert_true(squeeze_get(&from, like, n, back));
    assert_int_equal(from.len, 0);
    assert_memory_equal(back, values, n * sizeof *values);
    for (size_t less = 0; less < size; less++) {
        from = (struct slice){ (const char *)copy + size - less, less };
        memmove(copy + size - less, bytes, less);
        assert_false(squeeze_get(&from, like, n, back));
    }
    free(copy);
    return size;
}

/* ---- what comes back --------------------------------------------------- */

static void every_double_comes_back(void **state)
{
    static const double odd[] = { 0.0,
                                  -0.0,
                                  1,
                                  -1,
                                  0.1,
                                  -0.1,
                                  DBL_MIN,
                                  -DBL_MIN,
                                  DBL_MAX,
                                  -DBL_MAX,
                                  5e-324,
                                  -5e-324,
                                  DBL_EPSILON,
                                  INFINITY,
                                  -INFINITY,
                                  (double)NAN,
                                  1e22,
                                  -1e15,
                                  9007199254740993.0,
                                  0.1 + 0.2,
                                  123456.789,
                                  -1e-9,
                                  1 / 3.0,
                                  FLT_MAX };
    enum { ODD = sizeof odd / sizeof odd[0] };
    double values[SQUEEZE_VALUES];
    (void)state;

    for (size_t i = 0; i < ODD; i++)
        assert_exact(&odd[i], NULL, 1);
    for (int round = 0; round < 2000; round++) {
        size_t n = 1 + random_bits() % SQUEEZE_VALUES, few = 1 + random_bits() % ODD;

        for (size_t i = 0; i < n; i++)
            values[i] = odd[random_bits() % few];
        assert_exact(values, NULL, n);
    }
}

static double of_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Of any shape: whole, decimal, a sum of decimals, float, of few bits, anything. */
static double random_value(int shape)
{
    int64_t whole = (int64_t)(random_bits() >> (24 + shape % 20)) - 1000;
    double sum = 0;

    switch (shape % 6) {
    case 0:
        return (double)whole;
    case 1:
        return (double)whole / 1000;
    case 2:
        for (int i = 0; i < 60; i++)
            sum += (double)(whole % 100000 + i) / 100;
        return sum;
    case 3:
        return (double)((float)whole / 7);
    case 4:
        return of_bits(random_bits() << 20);
    }
    return of_bits(random_bits());
}

static void numbers_of_any_shape_come_back(void **state)
{
    double values[SQUEEZE_VALUES], like[SQUEEZE_VALUES] = { 0 };
    (void)state;

    for (int round = 0; round < 6000; round++) {
        size_t n = 1 + random_bits() % SQUEEZE_VALUES;

        for (size_t i = 0; i < n; i++)
            values[i] = random_value(round % 7 == 0 ? (int)i : round);
        assert_exact(values, round % 2 == 0 ? like : NULL, n);
    }
}

/* ---- what they take ---------------------------------------------------- */

static void what_has_few_digits_takes_few_bits(void **state)
{
    double values[SQUEEZE_VALUES], like[SQUEEZE_VALUES];
    static const struct {
        double from, step, divisor;
        int added; /* of so many */
        size_t bytes;
    } cases[] = {
        { 0, 0, 1, 1, 3 },                      /* zeros */
        { 1e6, 0, 1, 1, 6 },                    /* all the same */
        { 0, 1, 1, 1, 3 + 48 },                 /* six bits each */
        { -1e6, 1, 1, 1, 6 + 48 },              /* six as well */
        { 1000, 1, 1000, 1, 4 + 48 },           /* 1.000, 1.001 ... */
        { 1, 1, 3, 1, 12 + 58 * 8 },            /* thirds: of 58 bits or so */
        { 1000, 7, 100, 360, 9 + 64 * 24 / 8 }, /* sums of 360 decimals */
        { 1024, 1, 1 << 20, 1, 13 + 48 },       /* few digits in base 2 */
    };
    (void)state;

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        for (int i = 0; i < SQUEEZE_VALUES; i++) {
            values[i] = 0;
            for (int k = 0; k < cases[c].added; k++)
                values[i] += (cases[c].from + i * cases[c].step) / cases[c].divisor;
            like[i] = values[i];
        }
        size_t bytes = assert_exact(values, NULL, SQUEEZE_VALUES);

        if (bytes > cases[c].bytes)
            fail_msg("case %zu: %zu bytes", c, bytes);
        assert_int_equal(assert_exact(values, like, SQUEEZE_VALUES), 1);
    }
}

/* ---- any bytes --------------------------------------------------------- */

static void bytes_that_are_none_are_refused(void **state)
{
    static const struct slice cases[] = {
        { "", 0 },
        { "\x00", 1 },         /* like nothing */
        { "\x04", 1 },         /* a number of no meaning */
        { "\x29\0\0", 3 },     /* ten digits */
        { "\x01\0", 2 },       /* it ends amid the numbers */
        { "\x01\0\x40", 3 },   /* 64 bits that are missing */
        { "\x01\0\x41", 3 },   /* 65 bits */
        { "\x02\0\0", 3 },     /* sums, and not beside what */
        { "\x03\0\x01\0", 3 }, /* the bits are missing */
    };
    double out[SQUEEZE_VALUES];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice from = cases[i];

        if (squeeze_get(&from, NULL, 1, out))
            fail_msg("case %zu", i);
    }
    assert_false(squeeze_get(&(struct slice){ "\x01\0\0", 3 }, NULL, SQUEEZE_VALUES + 1, out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_double_comes_back),
        cmocka_unit_test(numbers_of_any_shape_come_back),
        cmocka_unit_test(what_has_few_digits_takes_few_bits),
        cmocka_unit_test(bytes_that_are_none_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
