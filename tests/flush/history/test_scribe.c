#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flush/history/scribe.h"
#include "flush/history/told.h"
#include "flush/values/cell_kind.h"
#include "tests/support/temp_file.h"

enum { DAY_S = 86400, START_S = 20000 * DAY_S };

static char root[TEMP_PATH_SIZE];
static struct store store;
static struct scribe scribe;
static struct bytes told;

static int make(void **state)
{
    (void)state;
    temp_folder_make(root);
    if (store_open(&store, root) != DATABASE_OPEN)
        fail_msg("%s", store.database.problem);
    scribe_init(&scribe, &store);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    scribe_free(&scribe);
    store_close(&store);
    bytes_free(&told);
    temp_folder_remove(root);
    return 0;
}

static struct store_series named(const char *name)
{
    static struct slice tags[2];

    tags[0] = SLICE("a:1");
    tags[1] = SLICE("b:2");
    return (struct store_series){ slice_of(name), SLICE("host"), tags, 2, CELL_COUNT, 0 };
}

static void tell(uint32_t number, const char *name)
{
    struct store_series series = named(name);

    told_put(&told, number, &series);
}

static uint32_t id_of(const char *name)
{
    struct store_series series = named(name);
    uint32_t id;

    assert_int_equal(store_series(&store, &series, START_S, &id), SQLITE_OK);
    return id;
}

/* A window in which number i has the sum sums[i], if that is above 0; number 1 has a blob. */
static struct window *window_of(int64_t start_s, const double *sums, size_t n)
{
    struct window *window = window_new(start_s);

    assert_non_null(window);
    for (size_t first = 0; first < n; first += COLUMN_VALUES) {
        struct window_cell cells[COLUMN_VALUES] = { 0 };

        for (size_t i = first; i < n && i < first + COLUMN_VALUES; i++)
            if (sums[i] > 0)
                cells[i - first] = (struct window_cell){ { sums[i], 2, 0, sums[i], 1 } };
        assert_true(window_add_block(window, cells));
    }
    if (n > 1 && sums[1] > 0)
        assert_true(window_add_blob(window, 1, (const uint8_t *)"blob", 4));
    window->last_s = start_s + 50;
    window_close(window);
    return window;
}

static int put(int64_t start_s, const double *sums, size_t n)
{
    struct window *window = window_of(start_s, sums, n);
    struct slice text = bytes_view(&told);
    int result = scribe_write(&scribe, 60, window, text);

    window_free(window);
    bytes_clear(&told);
    return result;
}

/* The sum of the series in the window, 0: it is not in it; *object: what its blob is. */
static double sum_of(int64_t start_s, const char *name, struct slice *object)
{
    struct store_range range = { 60, start_s, start_s + 60, 0, UINT32_MAX, STORE_ALL };
    uint32_t id = id_of(name), ids[PACKED_SERIES_MAX];
    double sums[PACKED_SERIES_MAX], found = 0;
    static char kept[16];
    struct store_row row;

    *object = SLICE("");
    assert_int_equal(store_read(&store, &range), SQLITE_OK);
    while (store_next(&store, &row) == SQLITE_ROW) {
        struct packed_object one;
        uint32_t place = 0;

        assert_true(packed_ids(row.ids, row.n, ids));
        assert_true(packed_column(row.columns[WINDOW_SUM], WINDOW_SUM, row.n, NULL, sums));
        for (uint32_t i = 0; i < row.n; i++)
            found += ids[i] == id ? sums[i] : 0;
        while (row.objects.len > 0) {
            assert_true(packed_next_object(&row.objects, &place, row.n, &one));
            assert_true(one.bytes.len < sizeof kept);
            memcpy(kept, one.bytes.at, one.bytes.len);
            if (ids[one.place] == id)
                *object = (struct slice){ kept, one.bytes.len };
        }
    }
    store_end(&store);
    return found;
}

static void a_window_is_written_under_the_ids_of_the_store(void **state)
{
    struct slice object;
    (void)state;

    (void)id_of("second"); /* so that the ids have another order than the numbers */
    tell(0, "first");
    tell(1, "second");
    tell(70, "third");
    double sums[71] = { [0] = 10, [1] = 20, [70] = 30 };

    assert_int_equal(put(START_S, sums, 71), SQLITE_OK);
    assert_true(sum_of(START_S, "first", &object) == 10 && object.len == 0);
    assert_true(sum_of(START_S, "second", &object) == 20);
    assert_true(slice_equal(object, SLICE("blob")));
    assert_true(sum_of(START_S, "third", &object) == 30 && object.len == 0);
    assert_int_equal(scribe.counted.windows, 1);
    assert_int_equal(scribe.counted.cells, 3);
}

static void what_was_told_once_holds_until_the_number_is_another_series(void **state)
{
    struct slice object;
    double sums[] = { 1, 0, 3 };
    (void)state;

    tell(0, "a");
    tell(2, "b");
    assert_int_equal(put(START_S, sums, 3), SQLITE_OK);
    assert_int_equal(put(START_S + 60, sums, 3), SQLITE_OK);
    tell(2, "c");
    assert_int_equal(put(START_S + 120, sums, 3), SQLITE_OK);
    assert_true(sum_of(START_S + 60, "b", &object) == 3);
    assert_true(sum_of(START_S + 120, "b", &object) == 0);
    assert_true(sum_of(START_S + 120, "c", &object) == 3);
    assert_true(sum_of(START_S + 120, "a", &object) == 1);
}

static void a_number_that_nobody_told_of_is_counted(void **state)
{
    double sums[] = { 1, 2 };
    (void)state;

    tell(0, "a");
    assert_int_equal(put(START_S, sums, 2), SQLITE_OK);
    assert_int_equal(scribe.counted.unknown, 1);
    assert_int_equal(scribe.counted.cells, 1);
}

static void a_series_that_lives_is_not_forgotten(void **state)
{
    double sums[] = { 1 };
    (void)state;

    tell(0, "a");
    assert_int_equal(put(START_S, sums, 1), SQLITE_OK);
    uint32_t id = id_of("a");

    assert_int_equal(put(START_S + 3 * DAY_S, sums, 1), SQLITE_OK);
    assert_int_equal(store_drop_series(&store, START_S + 2 * DAY_S, 10), SQLITE_OK);
    assert_int_equal(id_of("a"), id);
}

static void what_fails_leaves_nothing_and_is_told_anew(void **state)
{
    struct slice object;
    double sums[] = { 1 };
    (void)state;

    tell(0, "a");
    assert_int_equal(put(START_S, sums, 1), SQLITE_OK);
    assert_int_equal(sqlite3_exec(store.database.handle, "ALTER TABLE windows RENAME TO gone",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(put(START_S + 60, sums, 1), SQLITE_ERROR);
    assert_int_equal(scribe.counted.lost_cells, 1);
    assert_int_equal(sqlite3_exec(store.database.handle, "ALTER TABLE gone RENAME TO windows",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(put(START_S + 120, sums, 1), SQLITE_OK);
    assert_int_equal(scribe.counted.unknown, 1);
    tell(0, "a");
    assert_int_equal(put(START_S + 180, sums, 1), SQLITE_OK);
    assert_true(sum_of(START_S, "a", &object) == 1);
    assert_true(sum_of(START_S + 60, "a", &object) == 0);
    assert_true(sum_of(START_S + 180, "a", &object) == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_window_is_written_under_the_ids_of_the_store),
        TEST(what_was_told_once_holds_until_the_number_is_another_series),
        TEST(a_number_that_nobody_told_of_is_counted),
        TEST(a_series_that_lives_is_not_forgotten),
        TEST(what_fails_leaves_nothing_and_is_told_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
