#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/clock.h"
#include "flush/history/history.h"
#include "server/kept_notes.h"
#include "server/kept_states.h"
#include "tests/support/temp_file.h"

static struct retention retention = { { { 10, 86400 } }, 1 };

static int64_t soon_ms(void)
{
    return clock_monotonic_ms() + 60000;
}

static struct history *start(struct note *given)
{
    struct keeper_config config = { .folder = temp_folder, .bounds = { &retention, 64 << 20 } };
    struct history *history = history_start(&config, NULL, given);

    assert_non_null(history);
    return history;
}

static void wait_until_it_is(const struct history *history, enum history_state state)
{
    const struct counter *now = &history_ledger(history)->state;

    for (int i = 0; i < 60000 && counter_read(now) != (uint64_t)state; i++)
        poll(NULL, 0, 1);
    assert_int_equal(counter_read(now), state);
}

static struct note *note(enum note_kind is, const char *name, const char *text)
{
    struct note *note = note_new(is, SLICE("dashboard"), slice_of(name), 7, slice_of(text));

    assert_non_null(note);
    return note;
}

/* The state with what waits in the history, which ends. */
static int hand_over(struct history *given)
{
    struct state_writer *out = state_writer_new();

    assert_non_null(out);
    kept_notes_hand_over(given, temp_folder, history_leave(given), soon_ms(), out);
    assert_true(history_stop(given, soon_ms()));
    int fd = state_writer_end(out);

    assert_true(fd >= 0);
    return fd;
}

static bool take_over(int given, const char *folder, struct note **out)
{
    struct state state;
    char problem[256];

    assert_true(state_map(&state, given, problem, sizeof problem));
    bool has_all = kept_notes_take_over(&state, folder, out);

    state_done(&state);
    close(given);
    return has_all;
}

/* The definitions on the disk, by the letters of their names. */
static void assert_kept(const char *names)
{
    struct store store;
    struct store_definition one;

    assert_int_equal(store_open(&store, temp_folder), DATABASE_OPEN);
    assert_int_equal(store_read_definitions(&store), SQLITE_OK);
    while (store_next_definition(&store, &one) == SQLITE_ROW) {
        assert_true(*names != '\0' && one.name.at[0] == *names);
        names++;
    }
    store_end_definitions(&store);
    store_close(&store);
    assert_string_equal(names, "");
}

static void *argument_of(int number)
{
    int *argument = malloc(sizeof *argument);

    assert_non_null(argument);
    *argument = number;
    return argument;
}

static void a_state_comes_back_when_it_is_written(void **state)
{
    struct history *history = start(NULL);
    struct state_keeper keeper = kept_states(history);
    struct pollfd wakes = { .fd = keeper.returned->wake_fd, .events = POLLIN };
    (void)state;

    assert_true(keeper.keep(keeper.self, "group", SLICE("a"), 7, SLICE("{}"), argument_of(5)));
    assert_true(keeper.keep(keeper.self, "group", SLICE("b"), 7, SLICE("{}"), NULL));
    assert_int_equal(poll(&wakes, 1, 60000), 1);
    struct letter *letter = mailbox_take(keeper.returned);

    assert_non_null(letter);
    assert_null(letter->next);
    int *argument = keeper.take(letter);

    assert_int_equal(*argument, 5);
    free(argument);
    assert_true(history_stop(history, soon_ms()));
    assert_kept("ab");
}

/* The monitors end before the disk has answered. */
static void a_state_that_nobody_waits_for_any_more_is_kept(void **state)
{
    struct history *history = start(NULL);
    struct state_keeper keeper = kept_states(history);
    (void)state;

    assert_true(keeper.keep(keeper.self, "group", SLICE("a"), 7, SLICE("{}"), argument_of(5)));
    wait_until_it_is(history, HISTORY_OPEN);
    assert_true(history_stop(history, soon_ms()));
    assert_kept("a");
}

/* Another process has the file, and ends between the two programs. */
static void what_waits_is_written_by_the_successor(void **state)
{
    struct history *history = start(NULL);
    struct database owner;
    struct mailbox back;
    struct note *notes, *returned = note(NOTE_DEFINITION, "b", "{}");
    (void)state;

    history_keep(history, note(NOTE_DEFINITION, "a", "{}"));
    assert_true(history_stop(history, soon_ms()));
    assert_kept("a");
    assert_int_equal(database_open(&owner, temp_folder), DATABASE_OPEN);
    history = start(NULL);
    wait_until_it_is(history, HISTORY_HELD);
    assert_true(mailbox_open(&back));
    returned->back = &back;
    history_keep(history, returned);
    history_keep(history, note(NOTE_DEFINITION, "a", "")); /* it is gone */
    history_keep(history, note(NOTE_EVENT, "", "event"));
    assert_true(take_over(hand_over(history), temp_folder, &notes));
    note_free_all((struct note *)mailbox_take(&back)); /* whoever waited for it knows */
    mailbox_close(&back);

    database_close(&owner);
    history = start(notes);
    wait_until_it_is(history, HISTORY_OPEN);
    assert_true(history_stop(history, soon_ms()));
    assert_kept("b");
}

static void what_is_open_writes_it_itself(void **state)
{
    struct history *history = start(NULL);
    struct note *notes;
    (void)state;

    wait_until_it_is(history, HISTORY_OPEN);
    history_keep(history, note(NOTE_DEFINITION, "a", "{}"));
    assert_true(take_over(hand_over(history), temp_folder, &notes));
    assert_null(notes);
    assert_kept("a");
}

/* What was defined has to be kept anew. */
static void another_folder_or_none_has_nothing_of_it(void **state)
{
    struct history *history = start(NULL);
    struct state_writer *out = state_writer_new();
    struct note *notes;
    (void)state;

    wait_until_it_is(history, HISTORY_OPEN);
    assert_false(take_over(hand_over(history), "/elsewhere", &notes));
    assert_null(notes);
    assert_non_null(out);
    assert_false(take_over(state_writer_end(out), temp_folder, &notes));
    assert_null(notes);
    assert_false(kept_notes_take_over(NULL, temp_folder, &notes));
    assert_null(notes);
}

static void what_is_damaged_is_taken_as_far_as_it_goes(void **state)
{
    struct state_writer *out = state_writer_new();
    struct note *notes;
    (void)state;

    assert_non_null(out);
    state_begin(out, STATE_NOTES);
    state_put_text(out, slice_of(temp_folder));
    state_put_number(out, 2);
    for (uint64_t is = NOTE_CHECK; is <= NOTE_CHECK + 1; is++) { /* the second is none */
        state_put_number(out, is);
        state_put_signed(out, 7);
        for (int i = 0; i < 3; i++)
            state_put_text(out, SLICE("text"));
    }
    assert_false(take_over(state_writer_end(out), temp_folder, &notes));
    assert_non_null(notes);
    assert_int_equal(notes->is, NOTE_CHECK);
    assert_null(notes->next);
    note_free_all(notes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_folder_begin, temp_folder_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_state_comes_back_when_it_is_written),
        TEST(a_state_that_nobody_waits_for_any_more_is_kept),
        TEST(what_waits_is_written_by_the_successor),
        TEST(what_is_open_writes_it_itself),
        TEST(another_folder_or_none_has_nothing_of_it),
        TEST(what_is_damaged_is_taken_as_far_as_it_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
