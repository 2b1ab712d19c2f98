#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flush/history/keeper.h"
#include "flush/history/told.h"
#include "tests/support/temp_file.h"

enum { NOW_S = 1700000040, SERIES = 640 };

static char root[TEMP_PATH_SIZE], file[128];
static struct retention retention = { { { 10, 86400 }, { 60, 864000 } }, 2 };
static struct keeper keeper;

static int make(void **state)
{
    struct keeper_config config = { .folder = root, .bounds = { &retention, 64 << 20 } };
    (void)state;

    temp_folder_make(root);
    snprintf(file, sizeof file, "%s/history.db", root);
    keeper_init(&keeper, &config);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    keeper_close(&keeper);
    temp_folder_remove(root);
    return 0;
}

static void settle(int64_t now_s)
{
    for (int steps = 0; keeper_step(&keeper, now_s); steps++)
        assert_true(steps < 1000);
}

/* A window of numbers that take their room, and all that has to be told. */
static bool put(int64_t start_s)
{
    struct window *window = window_new(start_s);
    struct bytes told = { 0 };

    for (uint32_t first = 0; first < SERIES; first += COLUMN_VALUES) {
        struct window_cell cells[COLUMN_VALUES];

        for (uint32_t i = 0; i < COLUMN_VALUES; i++) {
            double value = (double)start_s / (first + i + 3);
            struct slice tag = SLICE("a:1");
            char name[32];

            snprintf(name, sizeof name, "m%u", first + i);
            cells[i] = (struct window_cell){ { value, 2, value / 3, value / 7, value / 11 } };
            told_put(&told, first + i,
                     &(struct store_series){ slice_of(name), SLICE(""), &tag, 1, 0, 0 });
        }
        assert_true(window_add_block(window, cells));
    }
    window_close(window);
    bool written = keeper_write(&keeper, 60, window, bytes_view(&told), start_s);

    window_free(window);
    bytes_free(&told);
    return written;
}

static int64_t rows(void)
{
    int64_t oldest_s;
    uint64_t cells;

    assert_int_equal(store_oldest(&keeper.store, 60, &oldest_s), SQLITE_OK);
    assert_int_equal(store_cells(&keeper.store, 60, &cells), SQLITE_OK);
    return (int64_t)cells / SERIES;
}

/* ---- tests ------------------------------------------------------------- */

static void what_it_is_given_is_kept(void **state)
{
    struct keeper_config config = keeper.config;
    (void)state;

    settle(NOW_S);
    assert_true(keeper.open);
    assert_int_equal(keeper.epoch, 1);
    assert_true(put(NOW_S) && put(NOW_S + 60));
    keeper_close(&keeper);
    keeper_init(&keeper, &config);
    settle(NOW_S + 120);
    assert_int_equal(rows(), 2);
}

/* The clock of whoever wrote before was ahead of ours, or ours was set back. */
static void its_number_is_above_those_of_all_before_it(void **state)
{
    struct keeper_config config = keeper.config;
    int64_t last;
    (void)state;

    keeper.writer = 4000;
    settle(NOW_S);
    assert_int_equal(keeper.store.writer, 4000);
    assert_true(put(NOW_S));
    keeper_begin_again(&keeper);
    assert_true(put(NOW_S));
    assert_int_equal(rows(), 2); /* beside the one before */
    assert_true(put(NOW_S));
    assert_int_equal(rows(), 2);
    keeper_close(&keeper);
    keeper_init(&keeper, &config);
    keeper.writer = 400;
    settle(NOW_S);
    assert_true(keeper.writer > 4000);
    assert_true(put(NOW_S));
    assert_int_equal(rows(), 3);
    assert_int_equal(store_last_process(&keeper.store, &last), SQLITE_OK);
    assert_int_equal(last, keeper.writer);
}

static void a_store_that_another_owns_is_tried_again_each_minute(void **state)
{
    struct database other;
    (void)state;

    assert_int_equal(database_open(&other, root), DATABASE_OPEN);
    settle(NOW_S);
    assert_false(keeper.open);
    assert_int_equal(keeper.said, DATABASE_HELD);
    assert_false(put(NOW_S));
    assert_int_equal(keeper.shed, SERIES);
    database_close(&other);
    settle(NOW_S + KEEPER_RETRY_S - 1);
    assert_false(keeper.open);
    settle(NOW_S + KEEPER_RETRY_S);
    assert_true(keeper.open && put(NOW_S + 60));
    assert_int_equal(rows(), 1);
}

static void a_folder_that_cannot_be_had_costs_nothing_but_the_past(void **state)
{
    char path[192];
    (void)state;

    FILE *in_the_way = fopen(file, "w");

    assert_non_null(in_the_way);
    fclose(in_the_way);
    snprintf(path, sizeof path, "%s/below", file);
    keeper.config.folder = path;
    settle(NOW_S);
    settle(NOW_S + KEEPER_RETRY_S);
    assert_false(keeper.open);
    assert_int_equal(keeper.said, DATABASE_FAILED);
    assert_false(put(NOW_S));
    assert_int_equal(keeper.epoch, 0);
}

/* Overwrites the file, from its second page on, under who has it open. */
static void scribble(void)
{
    char garbage[4096];
    struct stat stats;
    int fd = open(file, O_WRONLY | O_CLOEXEC);

    memset(garbage, 0x5a, sizeof garbage);
    assert_true(fd >= 0 && fstat(fd, &stats) == 0);
    for (off_t at = 4096; at < stats.st_size; at += 4096)
        assert_int_equal(pwrite(fd, garbage, sizeof garbage, at), sizeof garbage);
    close(fd);
}

static void what_is_damaged_is_set_aside_and_begun_anew(void **state)
{
    sqlite3 **handle = &keeper.store.database.handle;
    (void)state;

    settle(NOW_S);
    assert_true(put(NOW_S));
    assert_int_equal(
        sqlite3_wal_checkpoint_v2(*handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
        SQLITE_OK);
    scribble();
    assert_int_equal(sqlite3_db_release_memory(*handle), SQLITE_OK);
    assert_false(put(NOW_S + 60));
    assert_int_equal(keeper.damaged, 1);
    assert_int_equal(keeper.epoch, 2);
    assert_true(keeper.open && put(NOW_S + 60));
    assert_int_equal(rows(), 1);
}

static void what_is_full_gives_way_and_is_given_again(void **state)
{
    struct stat stats;
    (void)state;

    keeper.config.bounds.max_bytes = 1 << 20;
    settle(NOW_S);
    for (int64_t i = 0; i < 200; i++)
        if (!put(NOW_S +
                 60 * i)) /* without a step in between, so nothing was dropped in time */
            assert_true(put(NOW_S + 60 * i));
    assert_true(keeper.open);
    assert_true(keeper.epoch > 1);
    assert_true(keeper.losses.crowded_out.rows > 100);
    assert_int_equal(keeper.shed, 0);
    int64_t oldest_s;

    assert_int_equal(store_oldest(&keeper.store, 60, &oldest_s), SQLITE_OK);
    assert_int_equal(oldest_s, NOW_S + 60 * (200 - rows()));
    settle(NOW_S + 12000);
    keeper_close(&keeper);
    assert_int_equal(stat(file, &stats), 0);
    assert_true(stats.st_size <= 1 << 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_it_is_given_is_kept),
        TEST(its_number_is_above_those_of_all_before_it),
        TEST(a_store_that_another_owns_is_tried_again_each_minute),
        TEST(a_folder_that_cannot_be_had_costs_nothing_but_the_past),
        TEST(what_is_damaged_is_set_aside_and_begun_anew),
        TEST(what_is_full_gives_way_and_is_given_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
