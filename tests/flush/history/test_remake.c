#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "flush/history/remake.h"
#include "flush/history/sql.h"
#include "flush/values/cell_kind.h"
#include "flush/values/distinct.h"
#include "tests/support/temp_file.h"

enum { HOUR_S = 3600, START_S = 400000 * HOUR_S };

static char root[TEMP_PATH_SIZE];
static struct store store;
static const struct retention retention = { { { 10, 1 }, { 60, 1 }, { 3600, 1 } }, 3 };

static int make(void **state)
{
    (void)state;
    temp_folder_make(root);
    return store_open(&store, root) == DATABASE_OPEN ? 0 : -1;
}

static int clear(void **state)
{
    (void)state;
    store_close(&store);
    temp_folder_remove(root);
    return 0;
}

static uint32_t series(const char *name, enum cell_kind kind)
{
    struct store_series one = { slice_of(name), SLICE("h"), NULL, 0, (uint8_t)kind, 0 };
    uint32_t id;

    assert_int_equal(store_series(&store, &one, START_S, &id), SQLITE_OK);
    return id;
}

/* A part with one value of one series. */
static void put(int64_t step_s, int64_t first_s, int64_t last_s, uint32_t id, double value)
{
    struct store_part part = { step_s, first_s - first_s % step_s, first_s, last_s };
    struct packed_cell cell = { id, { { value, 1, value, value, value } }, SLICE("") };

    assert_int_equal(store_put_window(&store, &part, &cell, 1), SQLITE_OK);
}

/* Sums, counts and the like of a series in all parts of a level, and how many parts. */
static int total(int64_t step_s, uint32_t id, struct window_cell *out, struct store_part *last)
{
    struct store_range range = { step_s, 0, INT64_MAX, id, id, STORE_ALL };
    struct store_row row;
    int n = 0;

    *out = (struct window_cell){ { 0 } };
    assert_int_equal(store_read(&store, &range), SQLITE_OK);
    for (; store_next(&store, &row) == SQLITE_ROW; n++) {
        double columns[WINDOW_COLUMNS][PACKED_SERIES_MAX];
        uint32_t ids[PACKED_SERIES_MAX];

        assert_true(packed_ids(row.ids, row.n, ids));
        for (int c = 0; c < WINDOW_COLUMNS; c++)
            assert_true(packed_column(row.columns[c], (enum window_column)c, row.n, columns[0],
                                      columns[c]));
        for (uint32_t i = 0; i < row.n; i++) {
            struct window_cell more = { { columns[0][i], columns[1][i], columns[2][i],
                                          columns[3][i], columns[4][i] } };

            if (ids[i] == id)
                window_cell_add(out, &more);
        }
        *last = row.part;
    }
    store_end(&store);
    return n;
}

static void assert_total(int64_t step_s, uint32_t id, double sum, double count)
{
    struct window_cell cell;
    struct store_part last;

    (void)total(step_s, id, &cell, &last);
    assert_float_equal(cell.column[WINDOW_SUM], sum, 0);
    assert_float_equal(cell.column[WINDOW_COUNT], count, 0);
}

static void what_was_not_sealed_is_made_of_the_finer_ones(void **state)
{
    uint32_t a = series("a", CELL_GAUGE), b = series("b", CELL_GAUGE);
    struct window_cell cell;
    struct store_part last;
    (void)state;

    for (int i = 0; i < 15; i++)
        put(10, START_S + 10 * i, START_S + 10 * i, i % 2 == 0 ? a : b, i);
    put(60, START_S, START_S + 50, a, 99); /* as it was sealed */
    assert_int_equal(remake(&store, &retention, store.writer), SQLITE_OK);
    assert_int_equal(total(60, b, &cell, &last), 2); /* of 60 to 110 and 120 to 140 */
    assert_float_equal(cell.column[WINDOW_SUM], 7 + 9 + 11 + 13, 0);
    assert_int_equal(total(60, a, &cell, &last), 3);
    assert_float_equal(cell.column[WINDOW_SUM], 99 + 6 + 8 + 10 + 12 + 14, 0);
    assert_int_equal(last.start_s, START_S + 120);
    assert_int_equal(last.first_s, START_S + 120);
    assert_int_equal(last.last_s, START_S + 140);
    assert_int_equal(total(3600, a, &cell, &last), 1);
    assert_float_equal(cell.column[WINDOW_COUNT], 1 + 3 + 2, 0);
    assert_float_equal(cell.column[WINDOW_MIN], 6, 0);
    assert_float_equal(cell.column[WINDOW_MAX], 99, 0);
    assert_float_equal(cell.column[WINDOW_LAST], 14, 0);
    assert_int_equal(last.first_s, START_S);
    assert_int_equal(last.last_s, START_S + 140);
}

static void once_more_changes_nothing_nor_does_the_whole_window(void **state)
{
    uint32_t a = series("a", CELL_COUNT);
    (void)state;

    for (int i = 0; i < 9; i++)
        put(10, START_S + 10 * i, START_S + 10 * i, a, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(remake(&store, &retention, store.writer), SQLITE_OK);
    assert_total(60, a, 9, 9);
    assert_total(3600, a, 9, 9);
    put(3600, START_S, START_S + 3590, a, 500);
    assert_total(3600, a, 500, 1);
    assert_int_equal(remake(&store, &retention, store.writer), SQLITE_OK);
    assert_total(3600, a, 500, 1);
}

static void what_others_wrote_is_replaced_by_none_of_ours(void **state)
{
    uint32_t a = series("a", CELL_COUNT);
    (void)state;

    store.writer = 1;
    put(10, START_S, START_S, a, 3);
    assert_int_equal(remake(&store, &retention, 1), SQLITE_OK);
    store.writer = 2; /* it began in the second in which the first ended */
    put(10, START_S, START_S, a, 4);
    put(60, START_S, START_S + 50, a, 4);
    assert_total(10, a, 7, 2);
    assert_total(60, a, 7, 2);
}

/* The first process ended in order, within an interval; the second began in it, and was
 * killed. */
static void a_stamp_that_two_processes_used_is_missed_by_none(void **state)
{
    uint32_t a = series("a", CELL_COUNT);
    (void)state;

    store.writer = 1000;
    put(10, START_S, START_S, a, 1);
    put(10, START_S + 10, START_S + 10, a, 2);
    put(60, START_S, START_S + 10, a, 3); /* as it was cut */
    put(3600, START_S, START_S + 10, a, 3);
    store.writer = 2000;
    put(10, START_S + 10, START_S + 10, a, 4);
    put(10, START_S + 20, START_S + 20, a, 5);
    for (int i = 0; i < 2; i++)
        assert_int_equal(remake(&store, &retention, 3000 + i), SQLITE_OK);
    assert_total(10, a, 12, 4);
    assert_total(60, a, 12, 3); /* one value as it was cut, two that were made */
    assert_total(3600, a, 12, 3);
    store.writer = 4000; /* and once more */
    put(10, START_S + 20, START_S + 20, a, 6);
    assert_int_equal(remake(&store, &retention, store_writer_for_others(5000)), SQLITE_OK);
    assert_total(10, a, 18, 5);
    assert_total(60, a, 18, 4);
    assert_total(3600, a, 18, 4);
}

/* It is in coarser windows that were open when it came, whatever their stamps say. */
static void what_came_late_is_made_where_its_process_wrote_nothing(void **state)
{
    uint32_t a = series("a", CELL_COUNT);
    (void)state;

    store.writer = store_writer_for_late(2000);
    put(10, START_S + 130, START_S + 130, a, 2);
    store.writer = 2000;
    put(10, START_S + 200, START_S + 200, a, 1);
    put(3600, START_S + 190, START_S + 190, a, 3); /* the late value is in it */
    for (int64_t writer = 3000; writer < 5000; writer += 1000)
        assert_int_equal(remake(&store, &retention, store_writer_for_others(writer)),
                         SQLITE_OK);
    assert_total(10, a, 3, 2);
    assert_total(60, a, 3, 2);
    assert_total(3600, a, 4, 2); /* and of 200, which was behind it */
}

/* The process that got them was killed before the hour was over, as was the one before it. */
static void what_came_late_outlives_the_coarse_window_that_it_was_in(void **state)
{
    uint32_t a = series("a", CELL_COUNT);
    (void)state;

    for (int64_t process = 1000; process <= 2000; process += 1000) {
        int64_t start_s = START_S + process;

        store.writer = process;
        put(10, start_s, start_s, a, 1);
        put(60, start_s, start_s, a, 1);
        store.writer = store_writer_for_late(process);
        put(10, START_S + 130, START_S + 130, a, 2);
        put(60, START_S + 130, START_S + 130, a, 2);
        assert_int_equal(remake(&store, &retention, store_writer_for_others(process + 1000)),
                         SQLITE_OK);
    }
    store.writer = 9000;
    for (int i = 0; i < 2; i++) {
        assert_total(60, a, 6, 4);
        assert_total(3600, a, 6, 4);
        assert_int_equal(remake(&store, &retention, store_writer_for_others(9000)), SQLITE_OK);
    }
}

/* The newest stamp is that of a process whose clock was ahead. */
static void a_window_before_the_newest_is_looked_at_too(void **state)
{
    uint32_t a = series("a", CELL_COUNT);
    (void)state;

    store.writer = 1000;
    put(60, START_S + HOUR_S - 60, START_S + HOUR_S - 10, a, 1);
    put(3600, START_S + HOUR_S, START_S + HOUR_S + 10, a, 2);
    assert_int_equal(remake(&store, &retention, store_writer_for_others(2000)), SQLITE_OK);
    assert_total(3600, a, 3, 2);
}

/* It was hours ahead when it wrote, and was set back before the next process began. */
static void a_clock_that_was_ahead_hides_nothing_of_what_came_after_it(void **state)
{
    uint32_t a = series("a", CELL_COUNT);
    (void)state;

    store.writer = 1000;
    for (int i = 0; i < 12; i++)
        put(10, START_S + 9 * HOUR_S + 10 * i, START_S + 9 * HOUR_S + 10 * i, a, 1);
    for (int64_t process = 2000; process <= 4000; process += 1000) {
        assert_int_equal(remake(&store, &retention, store_writer_for_others(process)),
                         SQLITE_OK);
        store.writer = process;
        put(10, START_S + process, START_S + process, a, 1);
    }
    assert_int_equal(remake(&store, &retention, store_writer_for_others(5000)), SQLITE_OK);
    assert_total(10, a, 15, 15);
    assert_total(60, a, 15, 15);
    assert_total(3600, a, 15, 15);
}

static void hours_between_which_nothing_was_are_skipped(void **state)
{
    uint32_t a = series("a", CELL_COUNT);
    (void)state;

    put(60, START_S, START_S + 50, a, 1);
    put(60, START_S + 100000 * HOUR_S, START_S + 100000 * HOUR_S, a, 1);
    assert_int_equal(remake(&store, &retention, store.writer), SQLITE_OK);
    assert_total(3600, a, 2, 2);
}

static void put_members(int64_t first_s, uint32_t id, const char *member)
{
    struct arena_budget budget;
    struct arena arena;
    struct bytes packed = { 0 };

    arena_budget_init(&budget, 1 << 20);
    arena_init(&arena, &budget);
    struct distinct *set = distinct_new(&arena);

    assert_true(set != NULL && distinct_add(set, &arena, distinct_hash(slice_of(member))));
    assert_true(object_set.pack(&packed, set, &arena));
    struct store_part part = { 10, first_s, first_s, first_s };
    struct packed_cell cell = { id,
                                { { 1, 1, 1, 1, 1 } },
                                { (const char *)packed.at, packed.len } };
    assert_int_equal(store_put_window(&store, &part, &cell, 1), SQLITE_OK);
    bytes_free(&packed);
    arena_free(&arena);
}

static void members_are_merged(void **state)
{
    uint32_t id = series("s", CELL_SET);
    struct store_range range = { 60, 0, INT64_MAX, id, id, STORE_ALL };
    struct arena_budget budget;
    struct arena arena;
    struct store_row row;
    struct packed_object object;
    uint32_t next_place = 0;
    (void)state;

    put_members(START_S, id, "x");
    put_members(START_S + 10, id, "y");
    put_members(START_S + 20, id, "x");
    assert_int_equal(remake(&store, &retention, store.writer), SQLITE_OK);
    assert_int_equal(store_read(&store, &range), SQLITE_OK);
    assert_int_equal(store_next(&store, &row), SQLITE_ROW);
    struct slice rest = row.objects;
    assert_true(packed_next_object(&rest, &next_place, row.n, &object));
    arena_budget_init(&budget, 1 << 20);
    arena_init(&arena, &budget);
    const void *set =
        object_set.unpack((const uint8_t *)object.bytes.at, object.bytes.len, &arena);
    assert_non_null(set);
    assert_int_equal(distinct_count(set), 2);
    arena_free(&arena);
    store_end(&store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_not_sealed_is_made_of_the_finer_ones),
        TEST(once_more_changes_nothing_nor_does_the_whole_window),
        TEST(what_others_wrote_is_replaced_by_none_of_ours),
        TEST(a_stamp_that_two_processes_used_is_missed_by_none),
        TEST(what_came_late_is_made_where_its_process_wrote_nothing),
        TEST(what_came_late_outlives_the_coarse_window_that_it_was_in),
        TEST(a_window_before_the_newest_is_looked_at_too),
        TEST(a_clock_that_was_ahead_hides_nothing_of_what_came_after_it),
        TEST(hours_between_which_nothing_was_are_skipped),
        TEST(members_are_merged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
