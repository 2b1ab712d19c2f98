#include "flush/history/history.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/thread.h"

enum { IDLE_MS = 1000 };

struct history {
    struct keeper keeper; /* the thread's */
    struct mailbox given;
    _Atomic(size_t) on_their_way; /* bytes of parcels that were given and are not handled */
    _Atomic(bool) stopping;
    struct history_ledger ledger;
    int ended_fd; /* eventfd: readable when the thread has closed the store */
    pthread_t thread;
};

/* ---- parcels ----------------------------------------------------------- */

struct history_parcel *history_parcel_new(uint32_t epoch, int64_t step_s, struct window *window)
{
    struct history_parcel *parcel = calloc(1, sizeof *parcel);

    if (parcel == NULL)
        return NULL;
    parcel->epoch = epoch;
    parcel->step_s = step_s;
    parcel->window = window_hold(window);
    return parcel;
}

void history_parcel_free(struct history_parcel *given)
{
    window_free(given->window);
    bytes_free(&given->told);
    free(given);
}

static void free_all(struct history_parcel *given)
{
    while (given != NULL) {
        struct history_parcel *next = given->next;

        history_parcel_free(given);
        given = next;
    }
}

/* ---- the thread -------------------------------------------------------- */

static void publish(struct history *history)
{
    const struct keeper *keeper = &history->keeper;
    const struct counted *counted = &keeper->scribe.counted;
    struct history_ledger *ledger = &history->ledger;

    counter_set(&ledger->windows_total, counted->windows);
    counter_set(&ledger->cells_total, counted->cells);
    counter_set(&ledger->lost_total, counted->lost_cells + counted->unknown + keeper->shed);
    counter_set(&ledger->expired_total, keeper->losses.expired.cells);
    counter_set(&ledger->crowded_out_total, keeper->losses.crowded_out.cells);
    counter_set(&ledger->damaged_total, keeper->damaged);
    counter_set(&ledger->epoch, keeper->epoch);
    counter_set(&ledger->open, keeper->open);
}

static void publish_size(struct history *history)
{
    uint64_t used = 0, free;

    if (!history->keeper.open || store_size(&history->keeper.store, &used, &free) != SQLITE_OK)
        used = 0;
    counter_set(&history->ledger.bytes, used);
}

static void handle(struct history *history, struct history_parcel *given)
{
    struct slice told = { (const char *)given->told.at, given->told.len };
    size_t size = given->size;

    if (given->epoch == history->keeper.epoch)
        (void)keeper_write(&history->keeper, given->step_s, given->window, told,
                           clock_wall_s());
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

/* Whether it is readable by then. */
static bool wait_on(int fd, int timeout_ms)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };

    return poll(&one, 1, timeout_ms) > 0;
}

static void *run(void *argument)
{
    struct history *history = argument;
    bool stopping = false, more = true;

    while (!stopping) {
        (void)wait_on(history->given.wake_fd, more ? 0 : IDLE_MS);
        mailbox_quieten(&history->given);
        stopping = atomic_load_explicit(&history->stopping, memory_order_acquire);
        handle_all(history); /* of a stop too: it came behind all that was given */
        more = !stopping && keeper_step(&history->keeper, clock_wall_s());
        publish(history);
        publish_size(history);
    }
    keeper_close(&history->keeper);
    (void)!eventfd_write(history->ended_fd, 1); /* it has room */
    return NULL;
}

/* ---- the outside ------------------------------------------------------- */

static void free_history(struct history *given)
{
    free_all((struct history_parcel *)mailbox_take(&given->given));
    mailbox_close(&given->given);
    close(given->ended_fd);
    free(given);
}

struct history *history_start(const struct keeper_config *config)
{
    struct history *history = calloc(1, sizeof *history);

    if (history == NULL)
        return NULL;
    keeper_init(&history->keeper, config);
    history->ended_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (history->ended_fd < 0 || !mailbox_open(&history->given)) {
        if (history->ended_fd >= 0)
            close(history->ended_fd);
        free(history);
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

bool history_stop(struct history *given, int64_t deadline_ms)
{
    bool ended = false;
    int64_t left_ms;

    atomic_store_explicit(&given->stopping, true, memory_order_release); /* with run() */
    mailbox_wake(&given->given);
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
