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

static struct retention retention = { { { 10, 86400 } }, 1 };

/* Definitions that were told of; behind history_take_notes() they are all. */
static _Atomic(int) recalled;

static void recall(void *argument, const struct note *note)
{
    _Atomic(int) *count = argument;

    *count += note->text.len > 0;
}

static struct history *start(void)
{
    struct keeper_config config = { .folder = temp_folder,
                                    .bounds = { &retention, 64 << 20 },
                                    .recalled = recall,
                                    .recalled_argument = &recalled };
    struct history *history = history_start(&config, NULL, NULL);

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
    struct history_parcel *parcel = history_parcel_new(epoch, 0, 10, window);

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

    assert_int_equal(store_open(&store, temp_folder), DATABASE_OPEN);
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

    wait_for(&history_ledger(history)->epoch, 1);
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

    assert_int_equal(database_open(&owner, temp_folder), DATABASE_OPEN);
    struct history *history = start();

    assert_true(history_has_room(history));
    give(history, 0, 0);
    wait_for(&history_ledger(history)->lost_total, 1); /* nobody keeps it, and it says so */
    wait_for(&history_ledger(history)->state, HISTORY_HELD);
    assert_true(history_has_room(history));
    stop(history);
    database_close(&owner);
}

/* What is read of a metric that is asked for, to the end. */
static enum reading_result read_all(struct history *history, const char *metric)
{
    struct reading *reading = reading_new(slice_of(metric));
    struct reading_answer *answer = NULL;
    enum reading_result result;

    assert_non_null(reading);
    reading->asks = READING_SERIES;
    history_read(history, reading);
    for (int i = 0; i < 60000 && answer == NULL; i++, poll(NULL, 0, 1))
        answer = history_take(history);
    assert_non_null(answer);
    result = answer->result;
    reading_free(reading);
    reading_answer_free(answer);
    return result;
}

/* A row whose bytes make no sense would fail each question about its time for ever. */
static void what_a_question_finds_damaged_is_set_aside(void **state)
{
    struct history *history = start();
    (void)state;

    wait_for(&history_ledger(history)->epoch, 1);
    give(history, 1, clock_wall_s() / 10 * 10);
    stop(history);
    struct store store;

    assert_int_equal(store_open(&store, temp_folder), DATABASE_OPEN);
    assert_int_equal(
        sqlite3_exec(store.database.handle, "UPDATE series SET kind = 99", NULL, NULL, NULL),
        SQLITE_OK);
    store_close(&store);
    history = start();
    wait_for(&history_ledger(history)->epoch, 1);
    assert_int_equal(read_all(history, "other"), READING_ALL);
    assert_int_equal(counter_read(&history_ledger(history)->damaged_total), 0);
    assert_false(history_began_anew(history));
    assert_int_equal(read_all(history, "m"), READING_BROKEN);
    wait_for(&history_ledger(history)->damaged_total, 1);
    assert_true(history_began_anew(history)); /* once */
    assert_false(history_began_anew(history));
    wait_for(&history_ledger(history)->epoch, 2);
    assert_int_equal(read_all(history, "m"), READING_ALL); /* of nobody */
    stop(history);
}

static void keep(struct history *history, const char *name, const char *text)
{
    struct note *note =
        note_new(NOTE_DEFINITION, SLICE("dashboard"), slice_of(name), 7, slice_of(text));

    assert_non_null(note);
    history_keep(history, note);
}

/* So many notes that were kept before: they come as they are read, one by one or together. */
static struct note *gather(struct note *(*take)(struct history *), struct history *history,
                           size_t n)
{
    struct note *notes = NULL, **end = &notes;

    for (int i = 0; i < 60000 && n > 0; i++, poll(NULL, 0, 1))
        for (*end = take(history); *end != NULL; end = &(*end)->next)
            n -= n > 0;
    assert_int_equal(n, 0);
    return notes;
}

static void definitions_come_back_in_the_next_process(void **state)
{
    struct history *history = start();
    (void)state;

    keep(history, "a", "{\"title\":1}");
    keep(history, "b", "{}");
    keep(history, "a", "{\"title\":2}");
    keep(history, "c", "{}");
    keep(history, "c", "");
    stop(history);
    recalled = 0;
    history = start();
    struct note *notes = gather(history_take_notes, history, 2);

    assert_true(slice_equal(notes->kind, SLICE("dashboard")));
    assert_int_equal(notes->changed_s, 7);
    assert_non_null(notes->next);
    assert_null(notes->next->next);
    struct note *a = slice_equal(notes->name, SLICE("a")) ? notes : notes->next;

    assert_true(slice_equal(a->text, SLICE("{\"title\":2}")));
    note_free_all(notes);
    assert_null(history_take_notes(history));
    stop(history);
    assert_int_equal(recalled, 2);
}

static void definitions_wait_while_another_process_has_the_file(void **state)
{
    struct database owner;
    (void)state;

    assert_int_equal(database_open(&owner, temp_folder), DATABASE_OPEN);
    struct history *history = start();

    keep(history, "a", "{}");
    wait_for(&history_ledger(history)->state, HISTORY_HELD);
    assert_null(history_take_notes(history));
    assert_false(history_is_reading_notes(history)); /* nobody waits for who cannot read */
    assert_int_equal(counter_read(&history_ledger(history)->notes_lost_total), 0);
    stop(history);
    database_close(&owner);
}

/* Dropped while another process had the file: it does not come back when ours is open. */
static void what_was_dropped_before_it_could_be_read_stays_gone(void **state)
{
    struct mailbox read;
    struct store store;
    struct note *waiting =
        note_new(NOTE_DEFINITION, SLICE("dashboard"), SLICE("a"), 8, SLICE(""));
    (void)state;

    recalled = 0;
    assert_non_null(waiting);
    assert_true(mailbox_open(&read));
    assert_int_equal(store_open(&store, temp_folder), DATABASE_OPEN);
    for (const char *name = "abc"; *name != '\0'; name++) {
        const struct store_definition one = { SLICE("dashboard"), { name, 1 }, 7, SLICE("{}") };

        assert_int_equal(store_put_definition(&store, &one), SQLITE_OK);
    }
    assert_int_equal(note_read_definitions(&store, waiting, &read, recall, &recalled),
                     SQLITE_OK);
    struct note *notes = (struct note *)mailbox_take(&read);

    assert_non_null(notes);
    assert_true(slice_equal(notes->name, SLICE("b")));
    assert_non_null(notes->next);
    assert_true(slice_equal(notes->next->name, SLICE("c")));
    assert_null(notes->next->next);
    assert_int_equal(recalled, 2);
    note_free_all(notes);
    note_free_all(waiting);
    store_close(&store);
    mailbox_close(&read);
}

static void who_asks_knows_whether_all_is_read(void **state)
{
    struct history *history = start();
    size_t n = 0;
    (void)state;

    for (int i = 0; i < 100; i++)
        keep(history, (char[]){ (char)('a' + i % 26), (char)('a' + i / 26), '\0' }, "{}");
    stop(history);
    history = start();
    for (int i = 0; i < 60000 && history_is_reading_notes(history); i++)
        poll(NULL, 0, 1);
    struct note *notes = history_take_notes(history);

    for (const struct note *at = notes; at != NULL; at = at->next)
        n++;
    assert_int_equal(n, 100);
    note_free_all(notes);
    stop(history);
}

/* As if the thread hung: it cannot take what it does not see. */
static void what_nobody_takes_is_bounded_and_counted(void **state)
{
    enum { LARGE = 1 << 20, MANY = 80 };
    static char large[LARGE];
    struct database owner;
    (void)state;

    assert_int_equal(database_open(&owner, temp_folder), DATABASE_OPEN);
    struct history *history = start();

    for (int i = 0; i < MANY; i++)
        history_keep(history, note_new(NOTE_EVENT, SLICE(""), SLICE(""), 7,
                                       (struct slice){ large, LARGE }));
    wait_for(&history_ledger(history)->notes_lost_total,
             MANY - 2 * HISTORY_RECORDS_BYTES / LARGE);
    assert_false(history_has_room_for_records(history));
    stop(history);
    database_close(&owner);
}

static void events_and_checks_come_back_newest_first(void **state)
{
    static const struct {
        enum note_kind is;
        const char *name, *text;
    } all[] = { { NOTE_EVENT, "", "first" },
                { NOTE_CHECK, "disk", "ok" },
                { NOTE_EVENT, "", "second" },
                { NOTE_CHECK, "load", "ok" },
                { NOTE_CHECK, "disk", "bad" } };
    static const char *const expected[] = { "second", "first", "bad", "ok" };
    struct history *history = start();
    (void)state;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        history_keep(history,
                     note_new(all[i].is, SLICE(""), slice_of(all[i].name),
                              clock_wall_s() - 100 + (int64_t)i, slice_of(all[i].text)));
    stop(history);
    history = start();
    struct note *notes = gather(history_take_records, history, 4), *at = notes;

    for (size_t i = 0; i < 4; i++, at = at->next) {
        assert_non_null(at);
        assert_true(slice_equal(at->text, slice_of(expected[i])));
        assert_int_equal(at->is, i < 2 ? NOTE_EVENT : NOTE_CHECK);
    }
    assert_null(at);
    note_free_all(notes);
    stop(history);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_folder_begin, temp_folder_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_given_before_the_stop_is_on_the_disk_after_it),
        TEST(a_parcel_of_another_epoch_is_dropped),
        TEST(what_nobody_keeps_is_counted_and_holds_nothing_up),
        TEST(what_a_question_finds_damaged_is_set_aside),
        TEST(definitions_come_back_in_the_next_process),
        TEST(definitions_wait_while_another_process_has_the_file),
        TEST(what_was_dropped_before_it_could_be_read_stays_gone),
        TEST(who_asks_knows_whether_all_is_read),
        TEST(what_nobody_takes_is_bounded_and_counted),
        TEST(events_and_checks_come_back_newest_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
