#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "flush/history/retention.h"
#include "tests/support/temp_file.h"

static struct retention retention;
static char problem[256];

/* Of a setting of up to four entries. */
static bool read_setting(const char *a, const char *b, const char *c)
{
    char *entries[3];
    struct string_list list = { entries, 0 };
    const char *all[] = { a, b, c };

    for (size_t i = 0; i < 3 && all[i] != NULL; i++)
        entries[list.n++] = strdup(all[i]);
    bool read = retention_read(&retention, &list, 10, problem, sizeof problem);

    for (size_t i = 0; i < list.n; i++)
        free(entries[i]);
    return read;
}

static void the_setting_is_read(void **state)
{
    (void)state;
    assert_true(read_setting("3600s:400d", "interval:1d", "60s:15d"));
    assert_int_equal(retention.n, 3);
    assert_int_equal(retention.levels[0].step_s, 10);
    assert_int_equal(retention.levels[0].keep_s, 86400);
    assert_int_equal(retention.levels[2].step_s, 3600);
    assert_int_equal(retention.levels[2].keep_s, 400 * 86400);
    assert_true(retention_keeps(&retention, 60));
    assert_false(retention_keeps(&retention, 61));
    assert_true(read_setting("1h:90m", NULL, NULL));
    assert_int_equal(retention.levels[0].step_s, 3600);
    assert_int_equal(retention.levels[0].keep_s, 5400);
}

static void what_makes_no_sense_is_refused_with_its_entry(void **state)
{
    static const char *const entries[] = {
        "",
        "interval",
        "interval:",
        "60:15d",
        "60s:15",
        "60s:0d",
        "0s:15d",
        "60s:-1d",
        "60s:1w",
        "+60s:15d",
        ":1d",
        "60s:15d:1d",
        "s:1d",
        "60s:999999d",
        "60s: 15d",
        "minute:1d",
        "60s:9223372036854775807d",
    };
    (void)state;

    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        char quoted[64];

        if (read_setting("interval:1d", entries[i], NULL))
            fail_msg("\"%s\" was taken", entries[i]);
        snprintf(quoted, sizeof quoted, "heeler_history_retention: \"%s\"", entries[i]);
        assert_non_null(strstr(problem, quoted));
    }
    assert_false(read_setting("60s:1d", "1m:2d", NULL));
    assert_non_null(strstr(problem, "\"1m:2d\" names a window twice"));
    assert_false(read_setting("interval:1d", "interval:2d", NULL));
    assert_non_null(strstr(problem, "\"interval:2d\" names a window twice"));
}

/* The standard setting has windows of a minute, and so may the interval. */
static void the_interval_may_be_as_long_as_a_window(void **state)
{
    (void)state;
    assert_true(read_setting("interval:1d", "10s:2d", NULL));
    assert_int_equal(retention.n, 1);
    assert_int_equal(retention.levels[0].keep_s, 2 * 86400);
    assert_true(read_setting("10s:2d", "interval:1d", NULL));
    assert_int_equal(retention.n, 1);
    assert_int_equal(retention.levels[0].keep_s, 2 * 86400);
}

/* ---- dropping ---------------------------------------------------------- */

static char root[TEMP_PATH_SIZE];
static struct store store;
static struct retention_losses losses;

static int make(void **state)
{
    (void)state;
    temp_folder_make(root);
    losses = (struct retention_losses){ 0 };
    if (store_open(&store, root) != DATABASE_OPEN)
        fail_msg("%s", store.database.problem);
    assert_true(read_setting("interval:1h", "60s:1d", "3600s:400d"));
    return 0;
}

static int clear(void **state)
{
    (void)state;
    store_close(&store);
    temp_folder_remove(root);
    return 0;
}

/* Windows of a thousand series from 0 to end_s, each with numbers of its own. */
static void fill(int64_t step_s, int64_t end_s)
{
    struct packed_cell *cells = calloc(1000, sizeof *cells);

    assert_non_null(cells);
    assert_int_equal(store_begin(&store), SQLITE_OK);
    for (int64_t start_s = 0; start_s < end_s; start_s += step_s) {
        struct store_part part = { step_s, start_s, start_s, start_s + step_s - 10 };

        for (uint32_t i = 0; i < 1000; i++)
            cells[i] = (struct packed_cell){ i + 1,
                                             { { (double)start_s / (i + 7), 2, i / 3.0, i / 1.7,
                                                 i / 0.3 } },
                                             SLICE("") };
        assert_int_equal(store_put_window(&store, &part, cells, 1000), SQLITE_OK);
    }
    assert_int_equal(store_commit(&store), SQLITE_OK);
    free(cells);
}

static void drop(uint64_t max_bytes, int64_t now_s)
{
    struct retention_bounds bounds = { &retention, max_bytes };
    bool more = true;

    for (int steps = 0; more; steps++) {
        assert_true(steps < 10000);
        assert_int_equal(retention_step(&store, &bounds, now_s, &losses, &more), SQLITE_OK);
    }
}

static int64_t oldest(int64_t step_s)
{
    int64_t start_s;

    assert_int_equal(store_oldest(&store, step_s, &start_s), SQLITE_OK);
    return start_s;
}

static uint64_t cells_of(int64_t step_s)
{
    uint64_t cells;

    assert_int_equal(store_cells(&store, step_s, &cells), SQLITE_OK);
    return cells;
}

static void what_is_too_old_goes_by_level(void **state)
{
    (void)state;
    fill(10, 4000);
    fill(60, 4000);
    drop(1 << 30, 7210);
    assert_int_equal(oldest(10), 3600);
    assert_int_equal(oldest(60), 0);
    assert_int_equal(losses.expired.rows, 360);
    assert_int_equal(losses.expired.cells, 360000);
    assert_int_equal(losses.crowded_out.rows, 0);
    drop(1 << 30, 86400 + 3660);
    assert_int_equal(cells_of(10), 0);
    assert_int_equal(oldest(60), 3600);
}

/* Thirty seconds are not kept: they stay as long as single intervals. */
static void another_step_than_those_kept_goes_too(void **state)
{
    (void)state;
    fill(30, 600);
    fill(7200, 7200);
    drop(1 << 30, 3600);
    assert_int_equal(cells_of(30), 20000);
    drop(1 << 30, 3600 + 630);
    assert_int_equal(cells_of(30), 0);
    assert_int_equal(cells_of(7200), 1000);
}

static uint64_t size_on_disk(void)
{
    struct stat stats;
    char path[128];

    assert_int_equal(sqlite3_wal_checkpoint_v2(store.database.handle, NULL,
                                               SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
                     SQLITE_OK);
    snprintf(path, sizeof path, "%s/history.db", root);
    assert_int_equal(stat(path, &stats), 0);
    return (uint64_t)stats.st_size;
}

static void what_is_too_much_goes_oldest_first_and_the_file_shrinks(void **state)
{
    enum { MAX = 4 << 20 };
    (void)state;

    fill(10, 1200);
    fill(60, 3600);
    fill(3600, 36000);
    assert_true(size_on_disk() > MAX);
    drop(MAX, 3600);
    assert_true(size_on_disk() <= MAX);
    assert_int_equal(losses.expired.rows, 0);
    assert_true(losses.crowded_out.rows > 0);
    assert_int_equal(cells_of(3600), 10000);
    assert_true(cells_of(10) == 0 || oldest(10) > 0);
    assert_true(cells_of(60) > 0);
}

static void the_coarsest_goes_when_it_has_more_than_half(void **state)
{
    enum { MAX = 2 << 20 };
    (void)state;

    fill(60, 600);
    fill(3600, 3600 * 150);
    drop(MAX, 3600);
    assert_int_equal(cells_of(60), 10000);
    assert_true(oldest(3600) > 0 && cells_of(3600) > 10000);
}

static void a_file_without_windows_is_left_as_it_is(void **state)
{
    (void)state;
    drop(0, 1700000000);
    assert_int_equal(losses.expired.rows + losses.crowded_out.rows, 0);
}

/* Whoever is killed before the hour is over leaves what the hour is made of. */
static void what_an_hour_is_made_of_stays_until_it_is_there(void **state)
{
    struct packed_cell cell = { 1, { { 1, 1, 1, 1, 1 } }, SLICE("") };
    struct store_part hour = { 3600, 0, 0, 3590 };
    (void)state;

    assert_true(read_setting("interval:1m", "60s:5m", "3600s:400d"));
    fill(60, 7200);
    drop(64 << 20, 7200);
    assert_int_equal(oldest(60), 0); /* two hours are not made yet */
    assert_int_equal(store_put_window(&store, &hour, &cell, 1), SQLITE_OK);
    drop(64 << 20, 7200);
    assert_int_equal(oldest(60), 3540); /* as far as the hour's stamps go */
    drop(64 << 20, 30000);
    assert_int_equal(store_oldest(&store, 60, &hour.start_s), SQLITE_OK);
    assert_int_equal(hour.start_s,
                     0); /* an hour that nobody makes is not waited for: none is left */
}

/* It says nothing about the hours before it. */
static void an_hour_of_a_clock_that_was_ahead_is_not_the_one_that_is_waited_for(void **state)
{
    struct packed_cell cell = { 1, { { 1, 1, 1, 1, 1 } }, SLICE("") };
    struct store_part ahead = { 3600, 72000, 72000, 75590 };
    (void)state;

    assert_true(read_setting("interval:1m", "60s:5m", "3600s:400d"));
    fill(60, 7200);
    assert_int_equal(store_put_window(&store, &ahead, &cell, 1), SQLITE_OK);
    drop(64 << 20, 7200);
    assert_int_equal(oldest(60), 0);
}

static uint64_t records(enum store_record of)
{
    uint64_t n;

    assert_int_equal(store_count_records(&store, of, &n), SQLITE_OK);
    return n;
}

static void events_and_checks_are_bounded(void **state)
{
    enum { DAY_S = 86400, END_S = 401 * DAY_S };
    static char body[1000];
    struct slice text = { body, sizeof body };
    char name[32];
    (void)state;

    assert_int_equal(store_begin(&store), SQLITE_OK);
    for (int i = 0; i < 12000; i++) /* an eighth of them are too old */
        assert_int_equal(store_put_event(&store, i < 1500 ? 10 : END_S - 12000 + i, SLICE("e")),
                         SQLITE_OK);
    for (int i = 0; i < 1200; i++) {
        snprintf(name, sizeof name, "check %d", i);
        for (int twice = 0; twice < 2; twice++)
            assert_int_equal(store_put_check(&store, i < 10 ? 10 : END_S - 1200 + i,
                                             slice_of(name), SLICE("ok")),
                             SQLITE_OK);
    }
    assert_int_equal(store_commit(&store), SQLITE_OK);
    assert_int_equal(records(STORE_RECORD_CHECK), 1200);
    drop(64 << 20, END_S);
    assert_int_equal(records(STORE_RECORD_EVENT), 10000);
    assert_int_equal(records(STORE_RECORD_CHECK), 1000);
    assert_int_equal(losses.records, 2000 + 200);
    /* and in bytes: a sixteenth of a mebibyte */
    assert_int_equal(store_begin(&store), SQLITE_OK);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "check %d", i);
        assert_int_equal(store_put_event(&store, END_S + i, text), SQLITE_OK);
        assert_int_equal(store_put_check(&store, END_S + i, slice_of(name), text), SQLITE_OK);
    }
    assert_int_equal(store_commit(&store), SQLITE_OK);
    drop(1 << 20, END_S + 500);
    assert_in_range(records(STORE_RECORD_EVENT), 48, 65);
    assert_in_range(records(STORE_RECORD_CHECK), 48, 65);
    int64_t time_s;
    assert_int_equal(store_read_records(&store, STORE_RECORD_EVENT, 1), SQLITE_OK);
    assert_int_equal(store_next_record(&store, STORE_RECORD_EVENT, &time_s, &text), SQLITE_ROW);
    assert_int_equal(time_s, END_S + 499); /* the newest stay */
    assert_int_equal(text.len, sizeof body);
    store_end_records(&store, STORE_RECORD_EVENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_setting_is_read),
        cmocka_unit_test(what_makes_no_sense_is_refused_with_its_entry),
        cmocka_unit_test(the_interval_may_be_as_long_as_a_window),
        TEST(what_is_too_old_goes_by_level),
        TEST(another_step_than_those_kept_goes_too),
        TEST(what_is_too_much_goes_oldest_first_and_the_file_shrinks),
        TEST(the_coarsest_goes_when_it_has_more_than_half),
        TEST(a_file_without_windows_is_left_as_it_is),
        TEST(what_an_hour_is_made_of_stays_until_it_is_there),
        TEST(an_hour_of_a_clock_that_was_ahead_is_not_the_one_that_is_waited_for),
        TEST(events_and_checks_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
