#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flush/history/store.h"
#include "flush/values/cell_kind.h"
#include "tests/support/temp_file.h"

/* ---- a store for each test --------------------------------------------- */

static char root[TEMP_PATH_SIZE];
static struct store store;

static int make(void **state)
{
    (void)state;
    temp_folder_make(root);
    if (store_open(&store, root) != DATABASE_OPEN)
        fail_msg("%s", store.database.problem);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    store_close(&store);
    temp_folder_remove(root);
    return 0;
}

static void reopen(void)
{
    store_close(&store);
    assert_int_equal(store_open(&store, root), DATABASE_OPEN);
}

static uint32_t id_of(const char *name, const char *tag, enum cell_kind kind)
{
    struct slice tags[] = { slice_of(tag), SLICE("z:last") };
    struct store_series series = { slice_of(name), SLICE("host"), tags, 2, (uint8_t)kind, 0 };
    uint32_t id;

    assert_int_equal(store_series(&store, &series, 1700000000, &id), SQLITE_OK);
    return id;
}

/* A window of n series with ids from 1 on that all have that sum. */
static void put(const struct store_part *part, uint32_t n, double sum)
{
    struct packed_cell *cells = calloc(n + 1, sizeof *cells);

    assert_non_null(cells);
    for (uint32_t i = 0; i < n; i++)
        cells[i] = (struct packed_cell){ i + 1, { { sum, 1, sum, sum, sum } }, SLICE("") };
    assert_int_equal(store_begin(&store), SQLITE_OK);
    assert_int_equal(store_put_window(&store, part, cells, n), SQLITE_OK);
    assert_int_equal(store_commit(&store), SQLITE_OK);
    free(cells);
}

static const struct store_range everything = { 60, 0, INT64_MAX, 0, UINT32_MAX, STORE_ALL };

struct found {
    unsigned rows, cells;
    double sum; /* of all cells */
};

static struct found read_range(const struct store_range *range)
{
    struct found found = { 0 };
    double sums[PACKED_SERIES_MAX];
    struct store_row row;
    int result;

    assert_int_equal(store_read(&store, range), SQLITE_OK);
    while ((result = store_next(&store, &row)) == SQLITE_ROW) {
        assert_true(packed_column(row.columns[WINDOW_SUM], WINDOW_SUM, row.n, NULL, sums));
        found.rows++;
        found.cells += row.n;
        for (uint32_t i = 0; i < row.n; i++)
            found.sum += sums[i];
    }
    assert_int_equal(result, SQLITE_DONE);
    store_end(&store);
    return found;
}

/* ---- series ------------------------------------------------------------ */

static void a_series_has_the_same_id_again(void **state)
{
    (void)state;
    uint32_t first = id_of("hits", "a:1", CELL_COUNT), other = id_of("hits", "a:2", CELL_COUNT);

    assert_true(first > 0 && other > 0 && first != other);
    assert_int_not_equal(id_of("hits", "a:1", CELL_GAUGE), first);
    assert_int_not_equal(id_of("hit", "a:1", CELL_COUNT), first);
    reopen();
    assert_int_equal(id_of("hits", "a:1", CELL_COUNT), first);
    assert_int_equal(id_of("hits", "a:2", CELL_COUNT), other);
}

/* Bytes are bytes: no text of a client is a statement, nor ends at a NUL. */
static void any_bytes_are_a_name(void **state)
{
    struct slice tags[] = { SLICE("a\0b"), SLICE("'); DROP TABLE series; --") };
    struct store_series series = { SLICE("\xff' OR 1=1"), SLICE("h\0"), tags, 2, 0, 0 };
    uint32_t id, again;
    (void)state;

    assert_int_equal(store_series(&store, &series, 1, &id), SQLITE_OK);
    assert_int_equal(store_series(&store, &series, 2, &again), SQLITE_OK);
    assert_int_equal(id, again);
    tags[0] = SLICE("a\0c");
    assert_int_equal(store_series(&store, &series, 2, &again), SQLITE_OK);
    assert_int_not_equal(id, again);
}

static void series_without_windows_are_forgotten(void **state)
{
    (void)state;
    (void)id_of("old", "a:1", CELL_COUNT);
    uint32_t new = id_of("new", "a:1", CELL_COUNT);

    assert_int_equal(store_touch_series(&store, new, 1700009000), SQLITE_OK);
    assert_int_equal(store_touch_series(&store, new, 1), SQLITE_OK); /* time goes forward */
    assert_int_equal(store_drop_series(&store, 1700000001, 100), SQLITE_OK);
    assert_int_equal(id_of("new", "a:1", CELL_COUNT), new);
    assert_int_equal(id_of("next", "a:1", CELL_COUNT), new + 1);
}

/* ---- windows ----------------------------------------------------------- */

static void windows_are_read_by_time_and_by_series(void **state)
{
    struct store_range range = everything;
    (void)state;

    for (int64_t start_s = 600; start_s < 900; start_s += 60)
        put(&(struct store_part){ 60, start_s, start_s, start_s + 50 }, 2500, 2);
    put(&(struct store_part){ 3600, 0, 600, 890 }, 2500, 3);
    reopen();

    struct found all = read_range(&range);

    assert_int_equal(all.rows, 5 * 3);
    assert_int_equal(all.cells, 5 * 2500);
    assert_true(all.sum == 5 * 2500 * 2);
    range.from_s = 660;
    range.to_s = 780;
    assert_int_equal(read_range(&range).cells, 2 * 2500);
    range.low = range.high = 1025;
    assert_int_equal(read_range(&range).rows, 2);
    range.step_s = 10;
    assert_int_equal(read_range(&range).rows, 0);
}

static void only_what_is_asked_for_is_read(void **state)
{
    struct store_range range = everything;
    struct store_row row;
    (void)state;

    put(&(struct store_part){ 60, 600, 600, 650 }, 3, 2);
    range.what = 1 << WINDOW_SUM | 1 << WINDOW_LAST;
    assert_int_equal(store_read(&store, &range), SQLITE_OK);
    assert_int_equal(store_next(&store, &row), SQLITE_ROW);
    assert_true(row.ids.len > 0 && row.columns[WINDOW_SUM].len > 0);
    assert_true(row.columns[WINDOW_LAST].len > 0);
    assert_int_equal(row.columns[WINDOW_COUNT].len, 0);
    assert_int_equal(row.objects.len, 0);
    store_end(&store);
}

static void parts_lie_beside_each_other_and_a_longer_one_replaces_them(void **state)
{
    (void)state;
    put(&(struct store_part){ 60, 600, 600, 610 }, 10, 1);
    put(&(struct store_part){ 60, 600, 620, 650 }, 10, 2);
    assert_true(read_range(&everything).sum == 30);
    put(&(struct store_part){ 60, 600, 620, 650 }, 10, 2); /* the same again */
    assert_true(read_range(&everything).sum == 30);
    put(&(struct store_part){ 60, 600, 600, 650 }, 10, 3);
    assert_true(read_range(&everything).sum == 30);
    assert_int_equal(read_range(&everything).rows, 1);
    put(&(struct store_part){ 60, 600, 600, 650 }, 0, 0); /* nothing was in it */
    assert_int_equal(read_range(&everything).rows, 0);
}

static void levels_know_their_ends(void **state)
{
    int64_t stamp;
    (void)state;

    assert_int_equal(store_newest(&store, 60, &stamp), SQLITE_OK);
    assert_int_equal(stamp, 0);
    put(&(struct store_part){ 60, 660, 660, 710 }, 1, 1);
    put(&(struct store_part){ 60, 600, 600, 650 }, 1, 1);
    assert_int_equal(store_newest(&store, 60, &stamp), SQLITE_OK);
    assert_int_equal(stamp, 710);
    assert_int_equal(store_oldest(&store, 60, &stamp), SQLITE_OK);
    assert_int_equal(stamp, 600);
}

static void the_oldest_go_first_and_the_file_shrinks(void **state)
{
    struct store_dropped dropped = { 0 };
    struct store_range range = everything;
    uint64_t used, less, none, before;
    (void)state;

    for (int64_t start_s = 0; start_s < 60 * 200; start_s += 60)
        put(&(struct store_part){ 60, start_s, start_s, start_s + 50 }, 1000,
            (double)start_s / 7);
    assert_int_equal(store_size(&store, &used, &none), SQLITE_OK);
    assert_int_equal(store_drop_windows(&store, 60, 60 * 150, 100, &dropped), SQLITE_OK);
    assert_int_equal(dropped.rows, 100);
    assert_int_equal(dropped.cells, 100 * 1000);
    range.to_s = 60 * 100;
    assert_int_equal(read_range(&range).rows, 0);
    assert_int_equal(store_drop_windows(&store, 60, 60 * 150, 100, &dropped), SQLITE_OK);
    assert_int_equal(dropped.rows, 150);
    assert_int_equal(store_size(&store, &less, &before), SQLITE_OK);
    assert_true(less < used / 2 && before > none);
    assert_int_equal(store_shrink(&store, before / 2), SQLITE_OK);
    assert_int_equal(store_size(&store, &less, &none), SQLITE_OK);
    assert_true(none <= before / 2 + 4096);
}

static void a_row_that_is_damaged_is_told_of(void **state)
{
    struct store_row row;
    (void)state;

    put(&(struct store_part){ 60, 600, 600, 650 }, 10, 1);
    assert_int_equal(sqlite3_exec(store.database.handle, "UPDATE windows SET cells = 5000",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(store_read(&store, &everything), SQLITE_OK);
    assert_int_equal(store_next(&store, &row), SQLITE_CORRUPT);
    store_end(&store);
}

static void what_is_rolled_back_was_never_there(void **state)
{
    struct packed_cell cell = { 1, { { 1, 1, 1, 1, 1 } }, SLICE("") };
    struct store_part part = { 60, 600, 600, 650 };
    (void)state;

    assert_int_equal(store_begin(&store), SQLITE_OK);
    assert_int_equal(store_put_window(&store, &part, &cell, 1), SQLITE_OK);
    store_roll_back(&store);
    store_roll_back(&store); /* nothing is open */
    assert_int_equal(read_range(&everything).rows, 0);
}

/* ---- killed ------------------------------------------------------------ */

/* Writes window after window, and a byte after each that is committed. */
static void write_until_killed(int out)
{
    if (store_open(&store, root) != DATABASE_OPEN)
        _exit(1);
    for (int64_t start_s = 0;; start_s += 60) {
        put(&(struct store_part){ 60, start_s, start_s, start_s + 50 }, 300, 1);
        if (write(out, "", 1) != 1)
            _exit(1);
    }
}

static void who_is_killed_loses_nothing_that_was_committed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        int pipe_fds[2];
        char byte;

        assert_int_equal(pipe(pipe_fds), 0);
        store_close(&store);
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            write_until_killed(pipe_fds[1]);
        close(pipe_fds[1]);
        for (unsigned n = 0; n < 5 + 7 * i; n++)
            assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        close(pipe_fds[0]);
        assert_int_equal(store_open(&store, root), DATABASE_OPEN);
        assert_string_equal(store.database.aside, "");
        assert_true(read_range(&everything).rows >= 5 + 7 * i);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_series_has_the_same_id_again),
        TEST(any_bytes_are_a_name),
        TEST(series_without_windows_are_forgotten),
        TEST(windows_are_read_by_time_and_by_series),
        TEST(only_what_is_asked_for_is_read),
        TEST(parts_lie_beside_each_other_and_a_longer_one_replaces_them),
        TEST(levels_know_their_ends),
        TEST(the_oldest_go_first_and_the_file_shrinks),
        TEST(a_row_that_is_damaged_is_told_of),
        TEST(what_is_rolled_back_was_never_there),
        TEST(who_is_killed_loses_nothing_that_was_committed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
