#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "flush/history/history.h"
#include "flush/history/told.h"
#include "tests/support/temp_file.h"

static char root[TEMP_PATH_SIZE];
static struct retention retention = { { { 10, 86400 } }, 1 };

static int make(void **state)
{
    (void)state;
    temp_folder_make(root);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    temp_folder_remove(root);
    return 0;
}

static struct history *start(void)
{
    struct keeper_config config = { root, { &retention, 64 << 20 } };
    struct history *history = history_start(&config);

    assert_non_null(history);
    return history;
}

static uint64_t wait_for(const struct counter *counter, uint64_t least)
{
    for (int i = 0; i < 60000 && counter_read(counter) < least; i++)
        poll(NULL, 0, 1);
    assert_true(counter_read(counter) >= least);
    return counter_read(counter);
}

static void stop(struct history *given)
{
    assert_true(history_stop(given, clock_monotonic_ms() + 60000));
}

static struct window *window_at(int64_t start_s)
{
    struct window_cell cells[COLUMN_VALUES] = { { { 1, 1, 1, 1, 1 } } };
    struct window *window = window_new(start_s);

    assert_non_null(window);
    assert_true(window_add_block(window, cells));
    window_close(window);
    return window;
}

static void give(struct history *history, uint32_t epoch, int64_t start_s)
{
    struct store_series series = { SLICE("m"), SLICE(""), NULL, 0, 0, 0 };
    struct window *window = window_at(start_s);
    struct history_parcel *parcel = history_parcel_new(epoch, 10, window);

    assert_non_null(parcel);
    told_put(&parcel->told, 0, &series);
    history_give(history, parcel);
    assert_int_equal(window->start_s, start_s); /* it is still ours, too */
    window_free(window);
}

static uint64_t cells_on_disk(void)
{
    struct store store;
    uint64_t cells;

    assert_int_equal(store_open(&store, root), DATABASE_OPEN);
    assert_int_equal(store_cells(&store, 10, &cells), SQLITE_OK);
    store_close(&store);
    return cells;
}

static void what_was_given_before_the_stop_is_on_the_disk_after_it(void **state)
{
    struct history *history = start();
    int64_t now_s = clock_wall_s() / 10 * 10;
    (void)state;

    wait_for(&history_ledger(history)->epoch, 1);
    for (int i = 0; i < 300; i++)
        give(history, 1, now_s - 3000 + 10 * i);
    stop(history);
    assert_int_equal(cells_on_disk(), 300);
}

static void a_parcel_of_another_epoch_is_dropped(void **state)
{
    struct history *history = start();
    int64_t now_s = clock_wall_s() / 10 * 10;
    (void)state;

    wait_for(&history_ledger(history)->open, 1);
    give(history, 0, now_s);
    give(history, 7, now_s);
    give(history, 1, now_s - 10);
    wait_for(&history_ledger(history)->cells_total, 1);
    stop(history);
    assert_int_equal(cells_on_disk(), 1);
}

static void what_nobody_keeps_is_counted_and_holds_nothing_up(void **state)
{
    struct database owner;
    (void)state;

    assert_int_equal(database_open(&owner, root), DATABASE_OPEN);
    struct history *history = start();

    assert_true(history_has_room(history));
    give(history, 0, 0);
    wait_for(&history_ledger(history)->lost_total, 1); /* nobody keeps it, and it says so */
    assert_int_equal(counter_read(&history_ledger(history)->open), 0);
    assert_true(history_has_room(history));
    stop(history);
    database_close(&owner);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_given_before_the_stop_is_on_the_disk_after_it),
        TEST(a_parcel_of_another_epoch_is_dropped),
        TEST(what_nobody_keeps_is_counted_and_holds_nothing_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
