#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/clock.h"
#include "flush/history/journal.h"
#include "flush/memory/state.h"
#include "flush/series/admitted.h"
#include "tests/support/temp_file.h"

/* A flusher's part of a server that is started and stopped again and again. */
struct flusher_part {
    struct flusher_ledger ledger;
    struct recent *recent;
    struct history *history;
    struct observers observers;
    int64_t now_s;
};

static struct retention retention = { { { 10, 86400 } }, 1 };
static struct flusher_part part;

static void begin(void)
{
    struct keeper_config config = { .folder = temp_folder, .bounds = { &retention, 64 << 20 } };

    part = (struct flusher_part){ .history = history_start(&config, NULL, NULL), .now_s = 1 };
    part.recent = recent_new(&part.ledger);
    assert_true(part.history != NULL && part.recent != NULL);
    assert_true(observers_add(&part.observers, recent_observer(part.recent)));
    struct journal *journal = journal_new(part.history, part.recent);
    assert_non_null(journal);
    assert_true(observers_add(&part.observers, journal_observer(journal)));
}

static void until_open(void)
{
    const struct history_ledger *ledger = history_ledger(part.history);

    for (int i = 0; i < 60000 && !history_is_open(ledger); i++)
        poll(NULL, 0, 1);
    assert_true(history_is_open(ledger));
}

static void end(void)
{
    observers_finish(&part.observers, part.now_s);
    assert_true(history_stop(part.history, clock_monotonic_ms() + 60000));
    observers_free(&part.observers);
}

static void step(void)
{
    (void)observers_step(&part.observers, part.now_s++);
}

static void event(const char *title)
{
    struct event_record record = { .event = { .title = slice_of(title), .text = SLICE("x") },
                                   .host = SLICE("h"),
                                   .time_s = clock_wall_s(),
                                   .received_s = clock_wall_s() };

    observers_event(&part.observers, &record);
}

static void check(const char *name, int status)
{
    struct check_record record = { .check = { .name = slice_of(name), .status = status },
                                   .host = SLICE("h"),
                                   .time_s = clock_wall_s(),
                                   .received_s = clock_wall_s() };

    observers_check(&part.observers, &record);
}

static json_t *shown(void)
{
    struct json_out out = { 0 };

    recent_write(part.recent, &out);
    json_t *json = json_loadb((const char *)out.bytes.at, out.bytes.len, 0, NULL);
    assert_non_null(json);
    bytes_free(&out.bytes);
    return json;
}

static size_t count(const char *what)
{
    json_t *json = shown();
    size_t n = json_array_size(json_object_get(json, what));

    json_decref(json);
    return n;
}

/* Until what was kept before is there. */
static void until(const char *what, size_t n)
{
    for (int i = 0; i < 60000 && count(what) < n; i++, poll(NULL, 0, 1))
        step();
    assert_int_equal(count(what), n);
}

static const char *text_at(json_t *json, const char *what, size_t i, const char *name)
{
    return json_string_value(
        json_object_get(json_array_get(json_object_get(json, what), i), name));
}

static void the_next_process_shows_what_the_last_one_saw(void **state)
{
    (void)state;
    begin();
    until_open();
    event("one");
    check("disk", 0);
    check("load", 1);
    step();
    check("disk", 2);
    event("two");
    end();
    begin();
    event("three"); /* before the disk is read */
    check("load", 3);
    until("events", 3);
    until("checks", 2);
    json_t *json = shown();
    static const char *const titles[] = { "three", "two", "one" };

    for (size_t i = 0; i < 3; i++)
        assert_string_equal(text_at(json, "events", i, "title"), titles[i]);
    json_t *checks = json_object_get(json, "checks");
    assert_string_equal(text_at(json, "checks", 0, "name"), "load");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(checks, 0), "status")),
                     3);
    assert_string_equal(text_at(json, "checks", 1, "name"), "disk");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(checks, 1), "status")),
                     2);
    json_decref(json);
    end();
    begin(); /* each is on the disk once */
    until("events", 3);
    until("checks", 2);
    end();
    assert_int_equal(counter_read(&part.ledger.recent_ungiven), 0);
}

/* An event is on its way at once, and not only at the end. */
static void an_event_is_given_when_it_comes(void **state)
{
    struct store store;
    uint64_t n = 0;
    (void)state;

    begin();
    until_open();
    event("one");
    assert_true(store_open_to_read(&store, temp_folder) == DATABASE_OPEN);
    for (int i = 0; i < 60000 && n == 0; i++, poll(NULL, 0, 1))
        assert_int_equal(store_count_records(&store, STORE_RECORD_EVENT, &n), SQLITE_OK);
    assert_int_equal(n, 1);
    store_close(&store);
    end();
}

static void a_closed_store_costs_nothing_and_what_is_left_comes_later(void **state)
{
    struct database owner;
    (void)state;

    assert_int_equal(database_open(&owner, temp_folder), DATABASE_OPEN);
    begin();
    for (int i = 0; i < 3 * RECENT_EVENTS_MAX; i++) {
        event("e");
        check("c", i % 4);
        step();
    }
    assert_int_equal(counter_read(&part.ledger.recent_ungiven), 2 * RECENT_EVENTS_MAX);
    assert_int_equal(counter_read(&history_ledger(part.history)->notes_lost_total), 0);
    database_close(&owner);
    end(); /* it was never open: the last ones are tried, and lost */
    begin();
    until_open();
    step();
    event("e");
    end();
}

/* Another process has the file; a part of what came is on the disk already if it did not. */
static void a_successor_is_given_what_could_not_be_kept(void **state)
{
    struct database owner;
    struct state left;
    char problem[256];
    (void)state;

    for (int held = 0; held < 2; held++) {
        if (held)
            assert_int_equal(database_open(&owner, temp_folder), DATABASE_OPEN);
        begin();
        if (!held)
            until_open();
        event("first");
        step();
        event(held ? "not kept" : "kept");
        check(held ? "not kept" : "kept", 1);
        assert_true(history_leave(part.history) == !held);
        struct state_writer *out = state_writer_new();

        assert_non_null(out);
        state_begin(out, STATE_RECENT);
        recent_hand_over(part.recent, !held, out);
        assert_true(state_settle(out));
        end();
        int fd = state_writer_end(out);

        if (held)
            database_close(&owner);
        begin();
        assert_true(state_map(&left, fd, problem, sizeof problem));
        assert_true(recent_restore(part.recent, &left.parts[STATE_RECENT]));
        state_done(&left);
        close(fd);
        until_open();
        until("events", held ? 4 : 2);
        until("checks", held ? 2 : 1);
        end();
    }
    begin(); /* and each is on the disk once */
    until("events", 4);
    until("checks", 2);
    end();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_folder_begin, temp_folder_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_next_process_shows_what_the_last_one_saw),
        TEST(an_event_is_given_when_it_comes),
        TEST(a_successor_is_given_what_could_not_be_kept),
        TEST(a_closed_store_costs_nothing_and_what_is_left_comes_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
