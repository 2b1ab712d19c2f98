#include "flush/flusher_loop.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/thread.h"
#include "flush/memory/loop.h"

/* The flusher is nicer than the workers by so much, where they have to share a processor: a
 * datagram that is not read is lost, but a flush is only late. */
enum { BEHIND_THE_READERS = 5 };

struct flusher_loop {
    struct flusher *flusher;
    struct event_base *base;
    struct event *inbox_event, *ask_event, *tick_event, *more_event, *stop_event;
    int stop_fd;
    struct state *inherited; /* or NULL */
    _Atomic(struct state_writer *)
        successor_state; /* NULL: everything is flushed at the stop */
    bool handed_over;    /* read after the thread has ended */
    _Atomic(int64_t) alive_ms;
    pthread_t thread;
};

static void note_alive(struct flusher_loop *loop)
{
    atomic_store_explicit(&loop->alive_ms, clock_monotonic_ms(), memory_order_relaxed);
}

/* Does one slice. The next comes after the other events of the loop. */
static void step(struct flusher_loop *loop)
{
    static const struct timeval now = { 0, 0 };

    if (flusher_step(loop->flusher, clock_wall_s(), clock_monotonic_ns()))
        event_add(loop->more_event, &now);
    note_alive(loop);
}

static void on_work(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    step(argument);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct flusher_loop *loop = argument;

    (void)fd, (void)what;
    flusher_tick(loop->flusher, clock_wall_s(), clock_monotonic_ns());
    step(loop);
}

static void on_stop(evutil_socket_t fd, short what, void *argument)
{
    struct flusher_loop *loop = argument;

    (void)fd, (void)what;
    struct state_writer *successor_state =
        atomic_load_explicit(&loop->successor_state, memory_order_acquire);

    loop->handed_over =
        successor_state != NULL &&
        flusher_hand_over(loop->flusher, clock_wall_s(), clock_monotonic_ns(), successor_state);
    if (!loop->handed_over)
        flusher_finish(loop->flusher, clock_wall_s(), clock_monotonic_ns());
    event_base_loopbreak(loop->base);
}

/* Reads the inherited state before any parcel is looked at. The workers read meanwhile. */
static void restore(struct flusher_loop *loop)
{
    if (loop->inherited == NULL)
        return;
    struct state_reader part = loop->inherited->parts[STATE_SERIES];

    if (part.at != NULL)
        flusher_restore(loop->flusher, part, clock_wall_ns(), clock_monotonic_ns());
    (void)flusher_restore_windows(loop->flusher, loop->inherited->parts[STATE_WINDOWS]);
    (void)flusher_restore_recent(loop->flusher, loop->inherited->parts[STATE_RECENT]);
    state_done(loop->inherited);
}

static void *run(void *argument)
{
    struct flusher_loop *loop = argument;

    setpriority(PRIO_PROCESS, (id_t)gettid(), BEHIND_THE_READERS);
    restore(loop);
    event_base_dispatch(loop->base);
    return NULL;
}

static void loop_free(struct flusher_loop *given)
{
    struct event *events[] = { given->inbox_event, given->ask_event, given->tick_event,
                               given->more_event, given->stop_event };

    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i] != NULL)
            event_free(events[i]);
    if (given->base != NULL)
        event_base_free(given->base);
    if (given->stop_fd >= 0)
        close(given->stop_fd);
    flusher_free(given->flusher);
    free(given);
}

/* Questions wake the loop as parcels do. */
static bool make_ask_event(struct flusher_loop *loop, const struct question_box *questions)
{
    if (questions == NULL)
        return true;
    loop->ask_event =
        event_new(loop->base, questions->asked.wake_fd, EV_READ | EV_PERSIST, on_work, loop);
    return loop->ask_event != NULL && event_add(loop->ask_event, NULL) == 0;
}

static bool make_events(struct flusher_loop *loop, struct inbox *inbox,
                        const struct question_box *questions)
{
    static const struct timeval second = { 1, 0 };

    loop->base = loop_new();
    loop->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->base == NULL || loop->stop_fd < 0)
        return false;
    loop->inbox_event =
        event_new(loop->base, inbox->mail.wake_fd, EV_READ | EV_PERSIST, on_work, loop);
    loop->tick_event = event_new(loop->base, -1, EV_PERSIST, on_tick, loop);
    loop->more_event = event_new(loop->base, -1, 0, on_work, loop);
    loop->stop_event = event_new(loop->base, loop->stop_fd, EV_READ, on_stop, loop);
    return loop->inbox_event != NULL && loop->tick_event != NULL && loop->more_event != NULL &&
           loop->stop_event != NULL && event_add(loop->inbox_event, NULL) == 0 &&
           event_add(loop->tick_event, &second) == 0 &&
           event_add(loop->stop_event, NULL) == 0 && make_ask_event(loop, questions);
}

struct flusher_loop *flusher_loop_start(struct flusher *given, struct inbox *inbox,
                                        const struct question_box *questions,
                                        struct state *inherited)
{
    struct flusher_loop *loop = calloc(1, sizeof *loop);

    if (loop == NULL) {
        flusher_free(given);
        return NULL;
    }
    loop->flusher = given;
    loop->stop_fd = -1;
    note_alive(loop);
    loop->inherited = inherited;
    if (inherited != NULL)
        state_use(inherited);
    if (!make_events(loop, inbox, questions) ||
        !thread_start(&loop->thread, "flusher", run, loop)) {
        if (inherited != NULL)
            state_done(inherited);
        loop_free(loop);
        return NULL;
    }
    return loop;
}

static void end_thread(struct flusher_loop *loop)
{
    (void)!eventfd_write(loop->stop_fd, 1); /* it has room */
    pthread_join(loop->thread, NULL);
}

void flusher_loop_stop(struct flusher_loop *given)
{
    end_thread(given);
    loop_free(given);
}

bool flusher_loop_hand_over(struct flusher_loop *given, struct state_writer *out)
{
    atomic_store_explicit(&given->successor_state, out,
                          memory_order_release); /* with on_stop */
    end_thread(given);
    bool handed_over = given->handed_over;

    loop_free(given);
    return handed_over;
}

int64_t flusher_loop_alive_ms(const struct flusher_loop *loop)
{
    return atomic_load_explicit(&loop->alive_ms, memory_order_relaxed);
}
