#include "flush/history/history.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/thread.h"
#include "flush/history/sql.h"
#include "flush/snapshots/recent.h"

_Static_assert((int)RETENTION_LEVELS_MAX <= (int)HISTORY_KEPT_MAX, "the ledger has each level");

enum { IDLE_MS = 1000 };

struct history {
    struct keeper keeper;        /* the thread's */
    struct mailbox given, asked; /* parcels; readings */
    struct mailbox read;         /* answers */
    struct mailbox *wakes;       /* or NULL */
    struct reading *reading;     /* the thread's: what it reads */
    struct note_queue notes;
    struct mailbox returned;       /* notes that are on the disk, or given up */
    struct mailbox kept, recalled; /* definitions, and events and checks, from before */
    _Atomic(bool) notes_read;      /* what was kept before is in the mailboxes */
    int64_t started_ms;
    uint64_t damaged_seen;        /* by who asks history_began_anew() */
    int overdue;                  /* of who takes what was read */
    _Atomic(size_t) on_their_way; /* bytes of parcels that were given and are not handled */
    _Atomic(bool) stopping;
    _Atomic(bool) left; /* to a successor */
    _Atomic(uint64_t) signs_asked, signs_given;
    struct history_ledger ledger;
    int ended_fd; /* eventfd: readable when the thread has closed the store */
    pthread_t thread;
};

/* ---- the thread -------------------------------------------------------- */

static enum history_state state_of(const struct keeper *keeper)
{
    if (keeper_is_ready(keeper))
        return HISTORY_OPEN;
    if (keeper->open)
        return HISTORY_STARTING;
    switch (keeper->said) {
    case DATABASE_OPEN:
        break;
    case DATABASE_HELD:
        return HISTORY_HELD;
    case DATABASE_NEWER:
        return HISTORY_NEWER;
    case DATABASE_FAILED:
        return HISTORY_FAILED;
    }
    return HISTORY_STARTING;
}

static void forget_written(struct history *history)
{
    for (int level = 0; level < HISTORY_LEVELS_MAX; level++)
        counter_set(&history->ledger.written_until_s[level], 0);
}

/* A file that was set aside took with it what was written. */
static void publish_damage(struct history *history)
{
    struct history_ledger *ledger = &history->ledger;

    if (counter_read(&ledger->damaged_total) == history->keeper.damaged)
        return;
    forget_written(history);
    counter_set(&ledger->damaged_total, history->keeper.damaged);
}

/* The epoch comes before the state: who sees that it is open knows in which epoch, or gives in
 * a former one, which is harmless. */
static void publish(struct history *history)
{
    const struct keeper *keeper = &history->keeper;
    const struct counted *counted = &keeper->scribe.counted;
    struct history_ledger *ledger = &history->ledger;

    counter_set(&ledger->windows_total, counted->windows);
    counter_set(&ledger->cells_total, counted->cells);
    counter_set(&ledger->lost_total, counted->lost_cells + counted->unknown + keeper->shed);
    counter_set(&ledger->notes_total, history->notes.written);
    counter_set(&ledger->notes_lost_total, note_queue_lost(&history->notes));
    counter_set(&ledger->expired_total, keeper->losses.expired.cells);
    counter_set(&ledger->crowded_out_total, keeper->losses.crowded_out.cells);
    publish_damage(history);
    counter_set(&ledger->epoch, keeper->epoch);
    counter_set(&ledger->state, state_of(keeper));
}

static void publish_oldest(struct history *history)
{
    struct keeper *keeper = &history->keeper;
    const struct retention *kept = keeper->config.bounds.retention;
    int64_t oldest_s;

    for (size_t i = 0; i < kept->n && keeper->open; i++)
        if (store_first(&keeper->store, kept->levels[i].step_s, &oldest_s) == SQLITE_OK)
            counter_set(&history->ledger.oldest_s[i], (uint64_t)oldest_s);
}

static void publish_size(struct history *history)
{
    uint64_t used = 0, free;

    if (!history->keeper.open || store_size(&history->keeper.store, &used, &free) != SQLITE_OK)
        used = 0;
    counter_set(&history->ledger.bytes, used);
}

static void write_window(struct history *history, const struct history_parcel *parcel)
{
    struct slice told = bytes_view(&parcel->told);
    struct counter *until_s = &history->ledger.written_until_s[parcel->level];

    if ((parcel->beside ? keeper_write_beside : keeper_write)(
            &history->keeper, parcel->step_s, parcel->window, told, clock_wall_s()))
        counter_raise(until_s, (uint64_t)(parcel->window->start_s + parcel->step_s));
    publish_oldest(history);
}

static void begin_again(struct history *history)
{
    keeper_begin_again(&history->keeper);
    forget_written(history);
}

static void handle(struct history *history, struct history_parcel *given)
{
    size_t size = given->size;

    if (given->again)
        begin_again(history);
    if (given->epoch == history->keeper.epoch)
        write_window(history, given);
    history_parcel_free(given);
    atomic_fetch_sub_explicit(&history->on_their_way, size, memory_order_relaxed);
    publish(history);
}

static void handle_all(struct history *history)
{
    struct history_parcel *parcel = (struct history_parcel *)mailbox_take(&history->given);

    while (parcel != NULL) {
        struct history_parcel *next = parcel->next;

        handle(history, parcel);
        parcel = next;
    }
}

/* ---- reading ----------------------------------------------------------- */

static void take_readings(struct history *history)
{
    struct reading *taken = (struct reading *)mailbox_take(&history->asked);
    struct reading **end = &history->reading;

    while (*end != NULL)
        end = &(*end)->next;
    *end = taken;
}

/* A slice of it; what turns out to be damaged is set aside. False: it has come to its end. */
static bool step_reading(struct history *history, struct reading *reading)
{
    struct keeper *keeper = &history->keeper;
    int result;
    bool more =
        reading_step(reading, keeper->open ? &keeper->store : NULL, &history->read, &result);

    if (sql_is_damage(result))
        keeper_fail(keeper, result, clock_wall_s());
    return more;
}

/* A slice of each reading whose asker is not too far behind. True: there is more to read now.
 */
static bool read_some(struct history *history)
{
    struct reading **at = &history->reading;
    bool more = false, any = false;

    while (*at != NULL) {
        struct reading *reading = *at, *next = reading->next;

        if (!reading_may_go_on(reading)) {
            at = &reading->next;
            continue;
        }
        any = true;
        if (step_reading(history, reading)) {
            more = more || reading_may_go_on(reading);
            at = &reading->next;
        } else {
            *at = next; /* it is the asker's again */
        }
    }
    if (any && history->wakes != NULL)
        mailbox_wake(history->wakes);
    return more;
}

/* ---- notes ------------------------------------------------------------- */

/* What waits here is newer: what was dropped while the file was not open stays gone. */
static int read_all_notes(struct history *history)
{
    struct store *store = &history->keeper.store;

    note_queue_take(&history->notes);
    int result = note_read_definitions(store, history->notes.waiting, &history->kept,
                                       history->keeper.config.recalled,
                                       history->keeper.config.recalled_argument);

    if (result == SQLITE_OK)
        result = note_read_records(store, NOTE_EVENT, RECENT_EVENTS_MAX, &history->recalled);
    if (result == SQLITE_OK)
        result = note_read_records(store, NOTE_CHECK, RECENT_CHECKS_MAX, &history->recalled);
    return result;
}

/* For others to take, before anything is written. What is damaged is set aside, and what cannot
 * be read otherwise is tried again. */
static void read_notes(struct history *history)
{
    if (!history->keeper.open || atomic_load(&history->notes_read))
        return;
    int result = read_all_notes(history);

    if (sql_is_damage(result))
        keeper_fail(&history->keeper, result, clock_wall_s());
    if (result != SQLITE_OK)
        return;
    atomic_store_explicit(&history->notes_read, true,
                          memory_order_release); /* with history_is_reading_notes() */
    if (history->wakes != NULL)
        mailbox_wake(history->wakes);
}

/* What cannot be written waits: the store is looked at anew, in a minute. */
static void write_notes(struct history *history)
{
    struct keeper *keeper = &history->keeper;

    read_notes(history);
    while (keeper->open && history->notes.waiting != NULL) {
        int result = note_queue_write(&history->notes, &keeper->store);

        if (result != SQLITE_OK)
            keeper_fail(keeper, result, clock_wall_s());
        keeper->crowded = note_queue_wants_look(&history->notes) || keeper->crowded;
    }
}

/* ---- the thread itself ------------------------------------------------- */

/* Whether it is readable by then. */
static bool wait_on(int fd, int timeout_ms)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };

    return poll(&one, 1, timeout_ms) > 0;
}

/* What waits is written or, once it is a successor's, left alone. True: there is more to do. */
static bool keep(struct history *history, bool stopping)
{
    bool more = false;

    if (history_is_left(history))
        return false;
    note_queue_take(&history->notes);
    if (history->keeper.epoch == 0)
        history->keeper.writer = clock_wall_ns() / STORE_WRITERS *
                                 STORE_WRITERS;      /* later than who has had it until now */
    if (!stopping || history->notes.waiting != NULL) /* which are nowhere else */
        more = keeper_step(&history->keeper, clock_wall_s());
    write_notes(history);
    return more;
}

/* The disk has answered what was asked of it before. */
static void give_sign(struct history *history, uint64_t asked)
{
    if (asked == atomic_load_explicit(&history->signs_given, memory_order_relaxed))
        return;
    keeper_touch(&history->keeper);
    atomic_store_explicit(&history->signs_given, asked,
                          memory_order_release); /* with history_has_signed() */
}

static void *run(void *argument)
{
    struct history *history = argument;
    bool stopping = false, more = true;

    while (!stopping) {
        (void)wait_on(history->given.wake_fd, more ? 0 : IDLE_MS);
        mailbox_quieten(&history->given);
        uint64_t asked = atomic_load_explicit(&history->signs_asked, memory_order_acquire);

        stopping = atomic_load_explicit(&history->stopping, memory_order_acquire);
        take_readings(history); /* first: each sees all parcels that were given before it */
        handle_all(history);    /* of a stop too: it came behind all that was given */
        more = keep(history, stopping);
        more = (!stopping && read_some(history)) || more;
        publish_oldest(history);
        publish_size(history);
        publish(history);
        give_sign(history, asked);
    }
    keeper_close(&history->keeper);
    (void)!eventfd_write(history->ended_fd, 1); /* it has room */
    return NULL;
}

/* ---- the outside ------------------------------------------------------- */

static bool open_mailboxes(struct history *history)
{
    bool given = mailbox_open(&history->given), asked = mailbox_open(&history->asked);
    bool read = mailbox_open(&history->read), kept = mailbox_open(&history->kept);
    bool recalled = mailbox_open(&history->recalled);
    bool returned = mailbox_open(&history->returned);

    return given && asked && read && kept && recalled && returned;
}

static void free_history(struct history *given)
{
    history_parcel_free_all((struct history_parcel *)mailbox_take(&given->given));
    take_readings(given);
    reading_free_all(given->reading);
    note_queue_free(&given->notes);
    note_free_all((struct note *)mailbox_take(&given->returned));
    note_free_all((struct note *)mailbox_take(&given->kept));
    note_free_all((struct note *)mailbox_take(&given->recalled));
    reading_answer_free_all((struct reading_answer *)mailbox_take(&given->read));
    mailbox_close(&given->given);
    mailbox_close(&given->asked);
    mailbox_close(&given->read);
    mailbox_close(&given->returned);
    mailbox_close(&given->kept);
    mailbox_close(&given->recalled);
    close(given->ended_fd);
    free(given);
}

struct history *history_start(const struct keeper_config *config, struct mailbox *wakes,
                              struct note *given)
{
    struct history *history = calloc(1, sizeof *history);

    if (history == NULL) {
        note_free_all(given);
        return NULL;
    }
    bool noted = note_queue_open(&history->notes, given);

    keeper_init(&history->keeper, config);
    history->started_ms = clock_monotonic_ms();
    history->wakes = wakes;
    history->ended_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!open_mailboxes(history) || !noted || history->ended_fd < 0) {
        free_history(history);
        return NULL;
    }
    if (!thread_start(&history->thread, "history", run, history)) {
        free_history(history);
        return NULL;
    }
    return history;
}

const struct history_ledger *history_ledger(const struct history *history)
{
    return &history->ledger;
}

bool history_is_starting(const struct history *history, int64_t patience_ms)
{
    return counter_read(&history->ledger.state) == HISTORY_STARTING &&
           clock_monotonic_ms() - history->started_ms < patience_ms;
}

bool history_has_room(const struct history *history)
{
    return atomic_load_explicit(&history->on_their_way, memory_order_relaxed) < HISTORY_BYTES;
}

void history_give(struct history *history, struct history_parcel *given)
{
    given->size = window_bytes(given->window) + given->told.capacity + sizeof *given;
    atomic_fetch_add_explicit(&history->on_their_way, given->size, memory_order_relaxed);
    mailbox_push(&history->given, &given->letter);
}

void history_keep(struct history *history, struct note *given)
{
    if (note_queue_keep(&history->notes, given))
        mailbox_wake(&history->given);
}

struct mailbox *history_returned(struct history *history)
{
    return &history->returned;
}

bool history_has_room_for_records(const struct history *history)
{
    return note_queue_has_room_for_records(&history->notes);
}

struct note *history_take_notes(struct history *history)
{
    return (struct note *)mailbox_take(&history->kept);
}

struct note *history_take_records(struct history *history)
{
    return (struct note *)mailbox_take(&history->recalled);
}

bool history_is_reading_notes(const struct history *history)
{
    return !atomic_load_explicit(&history->notes_read, memory_order_acquire) &&
           history_is_starting(history, HISTORY_NOTES_PATIENCE_MS);
}

bool history_began_anew(struct history *history)
{
    uint64_t before = history->damaged_seen;

    history->damaged_seen = counter_read(&history->ledger.damaged_total);
    return history->damaged_seen != before;
}

void history_read(struct history *history, struct reading *given)
{
    mailbox_push(&history->asked, &given->letter);
    mailbox_wake(&history->given);
}

struct reading_answer *history_take(struct history *history)
{
    return (struct reading_answer *)mailbox_take(&history->read);
}

void history_note_overdue(struct history *history, int more)
{
    history->overdue += more;
}

bool history_is_overdue(const struct history *history)
{
    return history->overdue > 0;
}

void history_go_on(struct history *history)
{
    mailbox_wake(&history->given);
}

int64_t history_oldest(const struct history *history, int64_t step_s)
{
    const struct retention *kept = history->keeper.config.bounds.retention;

    for (size_t i = 0; i < kept->n && history_is_open(&history->ledger); i++)
        if (kept->levels[i].step_s == step_s)
            return (int64_t)counter_read(&history->ledger.oldest_s[i]);
    return 0;
}

bool history_leave(struct history *history)
{
    bool open = history_is_open(&history->ledger);

    atomic_store_explicit(&history->left, !open, memory_order_release); /* with who gives */
    return open;
}

bool history_is_left(const struct history *history)
{
    return atomic_load_explicit(&history->left, memory_order_acquire);
}

void history_ask_for_sign(struct history *history)
{
    atomic_fetch_add_explicit(&history->signs_asked, 1, memory_order_release); /* with run() */
    mailbox_wake(&history->given);
}

bool history_has_signed(const struct history *history)
{
    return atomic_load_explicit(&history->signs_given, memory_order_acquire) ==
           atomic_load_explicit(&history->signs_asked, memory_order_relaxed);
}

struct note *history_take_unwritten(struct history *history)
{
    return note_queue_take_all(&history->notes);
}

void history_end(struct history *history)
{
    atomic_store_explicit(&history->stopping, true, memory_order_release); /* with run() */
    mailbox_wake(&history->given);
}

bool history_stop(struct history *given, int64_t deadline_ms)
{
    bool ended = false;
    int64_t left_ms;

    history_end(given);
    do { /* a signal may cut a wait short */
        left_ms = deadline_ms - clock_monotonic_ms();
        ended = wait_on(given->ended_fd, left_ms > 0 ? (int)left_ms : 0);
    } while (!ended && left_ms > 0);
    if (!ended) {
        pthread_detach(given->thread);
        return false;
    }
    pthread_join(given->thread, NULL);
    free_history(given);
    return true;
}
