#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flush/history/packed.h"

static uint64_t seed = 1;

static uint32_t random_below(uint32_t end)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % end;
}

static struct packed_cell cells[PACKED_SERIES_MAX];

/* n series with ids that lie apart; of each seventh an object. */
static void make_cells(size_t n)
{
    uint32_t id = random_below(5);

    for (size_t i = 0; i < n; i++) {
        double value = random_below(3) == 0 ? random_below(100) : random_below(1000) / 7.0;
        double count = (double)(i % 2 + 1);

        cells[i] = (struct packed_cell){ id,
                                         { { value, count, value, value + 1, value } },
                                         SLICE("") };
        if (i % 7 == 3)
            cells[i].object = SLICE("an object");
        id += 1 + random_below(300);
    }
}

static void check_objects(const struct packed *packed, size_t n)
{
    struct slice rest = bytes_view(&packed->objects);
    struct packed_object object;
    uint32_t place = 0;

    for (size_t i = 3; i < n; i += 7) {
        assert_true(packed_next_object(&rest, &place, packed->n, &object));
        assert_int_equal(object.place, i);
        assert_int_equal(object.bytes.len, 9);
        assert_memory_equal(object.bytes.at, "an object", 9);
    }
    assert_int_equal(rest.len, 0);
}

static void what_is_packed_is_read_back(void **state)
{
    static const size_t sizes[] = { 1, 2, 63, 64, 65, 1000, PACKED_SERIES_MAX };
    uint32_t ids[PACKED_SERIES_MAX];
    double sums[PACKED_SERIES_MAX], values[PACKED_SERIES_MAX];
    struct packed packed = { 0 };
    (void)state;

    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t n = sizes[s];

        make_cells(n);
        assert_true(packed_make(&packed, cells, n));
        assert_int_equal(packed.n, n);
        assert_int_equal(packed.low, cells[0].id);
        assert_int_equal(packed.high, cells[n - 1].id);
        assert_true(packed_ids(bytes_view(&packed.ids), packed.n, ids));
        assert_true(packed_column(bytes_view(&packed.columns[WINDOW_SUM]), WINDOW_SUM, packed.n,
                                  NULL, sums));
        for (int column = 0; column < WINDOW_COLUMNS; column++) {
            assert_true(packed_column(bytes_view(&packed.columns[column]),
                                      (enum window_column)column, packed.n, sums, values));
            for (size_t i = 0; i < n; i++)
                assert_true(values[i] == cells[i].cell.column[column]);
        }
        for (size_t i = 0; i < n; i++)
            assert_int_equal(ids[i], cells[i].id);
        check_objects(&packed, n);
    }
    packed_free(&packed);
}

/* What a row of so many series takes, the value of each being whole numbers or decimals. */
static size_t size_of_row(double divisor, double count)
{
    struct packed packed = { 0 };
    size_t bytes;

    for (uint32_t i = 0; i < PACKED_SERIES_MAX; i++) {
        double last = (1 + i % 100) / divisor, sum = 0;

        for (int k = 0; k < (int)count; k++)
            sum += last;
        cells[i] =
            (struct packed_cell){ i + 1, { { sum, count, last, last, last } }, SLICE("") };
    }
    assert_true(packed_make(&packed, cells, PACKED_SERIES_MAX));
    bytes = packed.ids.len + packed.objects.len;
    for (int column = 0; column < WINDOW_COLUMNS; column++)
        bytes += packed.columns[column].len;
    packed_free(&packed);
    return bytes;
}

static void neighbours_take_few_bytes(void **state)
{
    static const struct {
        double divisor, count;
        size_t bytes; /* a series, with what 64 of them have in common */
    } cases[] = {
        { 1, 1, 2 },     /* whole numbers: seven bits, and all else is like them */
        { 1, 360, 5 },   /* of an hour: sums of two bytes, and three times seven bits */
        { 100, 360, 6 }, /* the same behind the point, with the sums' rounding */
        { 7, 360, 29 },  /* no decimals: each takes its 53 bits or so */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t bytes = size_of_row(cases[i].divisor, cases[i].count);

        if (bytes > cases[i].bytes * PACKED_SERIES_MAX)
            fail_msg("case %zu: %zu bytes", i, bytes);
    }
}

static void ids_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *at;
        size_t len;
        uint32_t n;
    } cases[] = {
        { "", 0, 0 },                             /* no series */
        { "", 0, 1 },                             /* one, and no id */
        { "\x0a", 1, 1 },                         /* it ends amid the numbers */
        { "\x80", 1, 1 },                         /* it ends amid a number */
        { "\x00\x03\x05", 3, 2 },                 /* 5 twice */
        { "\x0a\x00\x00", 3, 1 },                 /* more than there are */
        { "\x01\x00", 2, 1 },                     /* -1 */
        { "\x00\x03", 2, 2 },                     /* the bits are missing */
        { "\x00\x3a\0\0\0\0\0\0\0\0", 10, 1 },    /* 58 bits are not written */
        { "\x80\x80\x80\x80\x20\x00", 6, 1 },     /* beyond 32 bits */
        { "\xfe\xff\xff\xff\x1f\x00", 6, 2 },     /* the second one is */
        { "\x0a\x00", 2, PACKED_SERIES_MAX + 1 }, /* more than a row has */
    };
    uint32_t ids[PACKED_SERIES_MAX];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (packed_ids((struct slice){ cases[i].at, cases[i].len }, cases[i].n, ids))
            fail_msg("case %zu", i);
}

static void numbers_that_are_none_are_refused(void **state)
{
    struct packed packed = { 0 };
    double sums[PACKED_SERIES_MAX] = { 0 }, values[PACKED_SERIES_MAX];
    (void)state;

    cells[0] = (struct packed_cell){ 1, { { INFINITY, 0, NAN, 1, 1 } }, SLICE("") };
    assert_true(packed_make(&packed, cells, 1));
    for (int column = 0; column < 3; column++)
        assert_false(packed_column(bytes_view(&packed.columns[column]),
                                   (enum window_column)column, 1, sums, values));
    assert_true(
        packed_column(bytes_view(&packed.columns[WINDOW_MAX]), WINDOW_MAX, 1, sums, values));
    /* What is like the sums is not the sums, and a column of two is none of one. */
    assert_false(packed_column(SLICE("\0"), WINDOW_SUM, 1, NULL, values));
    assert_false(packed_column(SLICE("\1\2\0\1\2\0"), WINDOW_SUM, 1, NULL, values));
    assert_false(packed_column(SLICE(""), WINDOW_SUM, 1, NULL, values));
    packed_free(&packed);
}

/* On the heap, and no longer than it is, so that a byte read too far is seen. */
static void read_all(const struct bytes *bytes, size_t len, int blob, uint32_t n)
{
    static double sums[PACKED_SERIES_MAX], values[PACKED_SERIES_MAX];
    static uint32_t ids[PACKED_SERIES_MAX];
    char *copy = malloc(len > 0 ? len : 1);
    struct packed_object object;
    struct slice text = { copy, len };
    uint32_t place = 0;

    assert_non_null(copy);
    memcpy(copy, bytes->at, len);
    if (blob < WINDOW_COLUMNS)
        (void)!packed_column(text, (enum window_column)blob, n, blob > 0 ? sums : NULL, values);
    else if (blob == WINDOW_COLUMNS)
        (void)!packed_ids(text, n, ids);
    else
        while (text.len > 0 && packed_next_object(&text, &place, n, &object))
            assert_true(object.place < n && object.bytes.at + object.bytes.len <= copy + len);
    free(copy);
}

static void damaged_bytes_lead_nobody_astray(void **state)
{
    struct packed packed = { 0 };
    (void)state;

    make_cells(200);
    assert_true(packed_make(&packed, cells, 200));
    for (int i = 0; i < 20000; i++) {
        int blob = (int)random_below(WINDOW_COLUMNS + 2);
        struct bytes *bytes = blob < WINDOW_COLUMNS    ? &packed.columns[blob]
                              : blob == WINDOW_COLUMNS ? &packed.ids
                                                       : &packed.objects;
        unsigned char *byte = &bytes->at[random_below((uint32_t)bytes->len)], before = *byte;

        *byte = (unsigned char)random_below(256);
        read_all(bytes, random_below((uint32_t)bytes->len + 1), blob, 1 + random_below(1100));
        read_all(bytes, bytes->len, blob, 200);
        *byte = before;
    }
    packed_free(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_is_read_back),
        cmocka_unit_test(neighbours_take_few_bytes),
        cmocka_unit_test(ids_that_are_none_are_refused),
        cmocka_unit_test(numbers_that_are_none_are_refused),
        cmocka_unit_test(damaged_bytes_lead_nobody_astray),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
