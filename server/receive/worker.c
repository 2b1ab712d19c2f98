#include "server/receive/worker.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/thread.h"
#include "flush/series/rules.h"
#include "server/receive/batch.h"
#include "server/receive/ingest.h"
#include "server/receive/memory.h"
#include "server/receive/stream.h"

enum {
    BATCHES_A_CALLBACK = 16, /* more would keep timers and other sockets waiting */
    UNIX_BATCHES_A_CALLBACK =
        128, /* such a batch is hardly more than the kernel's short queue */
    BATCHES_AT_STOP = 1 << 20,
    NAP_MIN_NS = 50000, /* the system does not sleep for a shorter time anyway */
    ALIVE_S = 2,        /* between two stamps of an idle loop, for health */
    NAP_WORTH = 2,      /* datagrams: with fewer, being woken is cheaper */
};

/* Timers and the wall clock differ a little: a seal that comes so much before the boundary of
 * the interval still counts as having come at it. */
#define BOUNDARY_SLACK_NS INT64_C(100000000)

struct source {
    struct worker *worker;
    struct listener *listener;
    struct listener_socket *socket;
    struct event *readable; /* datagrams */
    struct event
        *nap_over; /* watches nap_fd; NULL: not UDP, or the buffer is too small for naps */
    int nap_fd;    /* a timer of our own, as those of libevent count whole milliseconds */
    double nap_max_ns;
    double nap_datagrams; /* so many may come during a nap */
    uint64_t since_empty; /* datagrams since the socket was last empty, which was at: */
    int64_t empty_ns;
    int64_t unread_ns; /* UDP: when a turn ended that left datagrams unread; 0: it left none */
    struct streams *streams; /* of a listener that clients connect to */
    struct log_limit complaints;
    bool asks_sender;
    pid_t sender_pid; /* the process that `sender` names */
    char sender[160];
};

struct worker {
    struct worker_config config;
    struct table *table;
    struct ingest *ingest;
    struct batch *batch;
    struct event_base *base;
    struct event *seal_timer;
    struct event *tidy_timer;
    struct event *record_timer;
    struct event *alive_timer;
    struct event *stop_event;
    int stop_fd;
    struct source *sources;
    int64_t interval_ns;
    int64_t seal_at_ns; /* monotonic */
    int64_t early_s;    /* second at which the open interval ends early; 0: it does not */
    struct rules_box rules;
    _Atomic(int64_t) asked_s; /* of worker_seal_at(), which wakes early_event */
    struct event *early_event;
    int early_fd;
    _Atomic(enum worker_end) end; /* main writes both before it wakes the thread */
    int64_t push_until_ns;
    struct worker_leftover leftover;
    pthread_t thread;
};

/* ---- intervals --------------------------------------------------------- */

/* Start of the interval that the wall clock is in now; *base_ns: the monotonic time of that. */
static int64_t interval_start(const struct worker *worker, int64_t now_ns, int64_t wall_ns,
                              int64_t *base_ns)
{
    int64_t start_ns = wall_ns + BOUNDARY_SLACK_NS;

    start_ns -= start_ns % worker->interval_ns;
    *base_ns = now_ns - (wall_ns - start_ns);
    return start_ns / 1000000000;
}

static void arm_seal(struct worker *worker, int64_t now_ns)
{
    int64_t wait_us = (worker->seal_at_ns - now_ns) / 1000 + 1;
    struct timeval wait = clock_wait_us(wait_us < 1 ? 1 : wait_us);

    evtimer_add(worker->seal_timer, &wait);
}

static void note_longest(struct counter *longest_us, int64_t since_ns, int64_t now_ns)
{
    uint64_t pause_us = (uint64_t)(now_ns - since_ns) / 1000;

    if (pause_us > counter_read(longest_us))
        counter_set(longest_us, pause_us);
}

static uint32_t idle_intervals(const struct settings *settings)
{
    int64_t intervals =
        (settings->dogstatsd_context_expiry_seconds + settings->heeler_interval - 1) /
        settings->heeler_interval;

    return intervals > TABLE_IDLE_MAX ? TABLE_IDLE_MAX : (uint32_t)intervals;
}

static void take_rules(struct worker *worker)
{
    struct rules *rules = rules_take(&worker->rules);

    if (rules != NULL)
        table_follow(worker->table, rules, idle_intervals(rules->settings));
}

/* Whether the second that worker_seal_at() asked for lies in the interval that begins at
 * start_s, and has come. */
static bool ends_early(const struct worker *worker, int64_t start_s, int64_t wall_ns)
{
    return worker->early_s > start_s &&
           worker->early_s * INT64_C(1000000000) <= wall_ns + BOUNDARY_SLACK_NS;
}

/* Tidies for less than a millisecond, and goes on after the sockets were read. */
static void tidy(struct worker *worker)
{
    static const struct timeval millisecond = { 0, 1000 };

    if (table_tidy(worker->table))
        evtimer_add(worker->tidy_timer, &millisecond);
}

static void on_tidy_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    tidy(argument);
}

/* False: the flusher is behind, and the interval stays open. */
static bool seal(struct worker *worker, int64_t now_ns)
{
    int64_t base_ns, wall_ns = clock_wall_ns();
    int64_t start_s = interval_start(worker, now_ns, wall_ns, &base_ns);

    worker->seal_at_ns = base_ns + worker->interval_ns;
    if (ends_early(worker, start_s, wall_ns)) {
        base_ns += (worker->early_s - start_s) * INT64_C(1000000000);
        start_s = worker->early_s;
    }
    worker->early_s = 0;
    take_rules(worker);
    ingest_settle(worker->ingest);
    for (size_t i = 0; i < worker->config.listeners->n; i++)
        listener_note_drops(worker->sources[i].socket);
    bool sealed = table_seal(worker->table, start_s, base_ns);
    note_longest(&worker->config.ledger->longest_seal_us, now_ns, clock_monotonic_ns());
    tidy(worker);
    arm_seal(worker, now_ns);
    return sealed;
}

static void seal_if_due(struct worker *worker, int64_t now_ns)
{
    if (now_ns >= worker->seal_at_ns && !seal(worker, now_ns))
        log_warn("worker %u: the flusher is behind; the interval stays open",
                 worker->config.index);
}

static void on_seal_timer(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    int64_t now_ns = clock_monotonic_ns();

    (void)fd, (void)what;
    if (now_ns < worker->seal_at_ns)
        arm_seal(worker, now_ns);
    seal_if_due(worker, now_ns);
}

static void on_early(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    eventfd_t wakes;

    (void)what;
    (void)!eventfd_read(fd, &wakes);
    int64_t second = atomic_load_explicit(&worker->asked_s, memory_order_relaxed);
    int64_t now_ns = clock_monotonic_ns();
    int64_t at_ns = now_ns + second * INT64_C(1000000000) - clock_wall_ns();

    if (second <= table_start_s(worker->table) || at_ns >= worker->seal_at_ns)
        return; /* that second is over, or the interval ends there anyway */
    worker->early_s = second;
    worker->seal_at_ns = at_ns;
    arm_seal(worker, now_ns);
}

/* Records do not wait for the end of the interval; they wait a moment for others to join
 * them. */
static void on_record_timer(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;

    (void)fd, (void)what;
    table_push_records(worker->table);
}

static void arm_records(struct worker *worker)
{
    static const struct timeval one_second = { 1, 0 };

    if (table_has_records(worker->table) && !evtimer_pending(worker->record_timer, NULL))
        evtimer_add(worker->record_timer, &one_second);
}

static void note_alive(struct worker *worker)
{
    counter_set(&worker->config.ledger->alive_ms, (uint64_t)clock_monotonic_ms());
}

/* This runs only if the loop still turns, so a stamp of it proves that. */
static void on_alive_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    note_alive(argument);
}

/* ---- reading ----------------------------------------------------------- */

static void forward(struct worker *worker, int n)
{
    if (worker->config.forward_fd < 0)
        return;
    int sent = batch_forward(worker->batch, n, worker->config.forward_fd);
    counter_add(worker->config.forwarded, (uint64_t)sent);
}

/* For the log: the listener, and the process where the kernel told it. */
static const char *name_sender(struct source *source, pid_t pid)
{
    if (pid == 0)
        return source->listener->name;
    if (pid != source->sender_pid)
        snprintf(source->sender, sizeof source->sender, "%s (pid %ld)", source->listener->name,
                 (long)pid);
    source->sender_pid = pid;
    return source->sender;
}

static void ingest_batch(struct worker *worker, struct source *source, int n, int64_t now_ns)
{
    uint64_t bytes = 0, cut = 0;
    int64_t now_s = clock_wall_s();

    for (int i = 0; i < n; i++) {
        bool truncated;
        struct slice datagram = batch_datagram(worker->batch, i, &truncated);
        const char *sender = source->listener->name;

        if (__builtin_expect(source->asks_sender, 0))
            sender = name_sender(source, batch_sender(worker->batch, i));

        bytes += datagram.len;
        cut += truncated;
        ingest_datagram(worker->ingest, datagram, source->listener->need_newline, sender,
                        now_ns, now_s);
    }
    ingest_settle(worker->ingest);
    forward(worker, n);
    counter_add(&source->socket->datagrams, (uint64_t)n);
    counter_add(&source->socket->bytes, bytes);
    if (cut > 0)
        counter_add(&source->socket->truncated, cut);
}

/* A socket that cannot be read stays readable, and would fill the log with the same line. */
static void complain(struct source *source, int64_t now_ns)
{
    const char *why = strerror(errno);
    unsigned suppressed;

    if (log_limit_pass(&source->complaints, now_ns / 1000000, &suppressed))
        log_warn("worker %u: %s cannot be read: %s; %u times before",
                 source->worker->config.index, source->listener->name, why, suppressed);
}

/* What one turn at a socket brought. */
struct turn {
    uint64_t datagrams;
    bool emptied;
};

/* Reads until the socket is empty or the batches are used up. Where a full queue drops, a batch
 * that is not full means that the socket is empty. Where senders wait it does not: reading has
 * woken them, and they may have filled the queue again. */
static struct turn read_source(struct worker *worker, struct source *source, int max_batches)
{
    bool drops = listener_traits(source->listener)->drops;
    struct turn turn = { 0, false };

    for (int i = 0; i < max_batches; i++) {
        int n = batch_receive(worker->batch, source->socket->fd);
        int64_t now_ns = clock_monotonic_ns();

        if (n < 0)
            complain(source, now_ns);
        turn.emptied = n <= 0 || (drops && n < BATCH_DATAGRAMS);
        if (source->unread_ns != 0)
            note_longest(&worker->config.ledger->longest_gap_us, source->unread_ns, now_ns);
        source->unread_ns = drops && !turn.emptied ? now_ns : 0;
        if (n <= 0)
            break;
        seal_if_due(worker, now_ns);
        ingest_batch(worker, source, n, now_ns);
        turn.datagrams += (uint64_t)n;
        if (turn.emptied)
            break;
    }
    arm_records(worker);
    return turn;
}

static bool sleep_for(struct source *source, int64_t nap_ns)
{
    struct itimerspec nap = { .it_value.tv_nsec = nap_ns };

    return timerfd_settime(source->nap_fd, 0, &nap, NULL) == 0;
}

/* Being woken costs more than reading, and waking us slows the sender down. So after a turn
 * that emptied the socket we sleep while the kernel collects datagrams, for as long as the
 * recent rate leaves most of the buffer free. If the turn left datagrams unread, we sleep for
 * one nanosecond: the other events get their turn, and then we go on. True: the timer is set,
 * and the socket need not be watched until it is over. */
static bool naps_after(struct source *source, struct turn turn)
{
    if (source->nap_over == NULL)
        return false;
    source->since_empty += turn.datagrams;
    if (!turn.emptied)
        return sleep_for(source, 1);
    int64_t now_ns = clock_monotonic_ns();
    double datagram_ns =
        (double)(now_ns - source->empty_ns) / (double)(source->since_empty + 1);
    double nap_ns = source->nap_datagrams * datagram_ns;
    source->since_empty = 0;
    source->empty_ns = now_ns;
    if (nap_ns > source->nap_max_ns)
        nap_ns = source->nap_max_ns;
    return turn.datagrams > 0 && nap_ns >= NAP_MIN_NS && nap_ns >= NAP_WORTH * datagram_ns &&
           sleep_for(source, (int64_t)nap_ns);
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct source *source = argument;

    (void)fd, (void)what;
    if (naps_after(source, read_source(source->worker, source, BATCHES_A_CALLBACK)))
        event_del(source->readable);
}

/* The event is edge-triggered, so the timer need not be read. If nothing came during a whole
 * nap, we watch the socket again. */
static void on_nap_over(evutil_socket_t fd, short what, void *argument)
{
    struct source *source = argument;

    (void)fd, (void)what;
    if (!naps_after(source, read_source(source->worker, source, BATCHES_A_CALLBACK)))
        event_add(source->readable, NULL);
}

/* The queue is short, and who waits for room goes on as soon as it is read. */
static void on_short_readable(evutil_socket_t fd, short what, void *argument)
{
    struct source *source = argument;

    (void)fd, (void)what;
    read_source(source->worker, source, UNIX_BATCHES_A_CALLBACK);
}

static void forward_frames(struct worker *worker, const struct slice *frames, size_t n)
{
    uint64_t sent = 0;

    if (worker->config.forward_fd < 0)
        return;
    for (size_t i = 0; i < n; i++)
        sent += send(worker->config.forward_fd, frames[i].at, frames[i].len,
                     MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)frames[i].len;
    counter_add(worker->config.forwarded, sent);
}

static void take_frames(void *argument, const struct slice *frames, size_t n, pid_t pid)
{
    struct source *source = argument;
    struct worker *worker = source->worker;
    const char *sender = name_sender(source, pid);
    int64_t now_ns = clock_monotonic_ns();
    int64_t now_s = clock_wall_s();
    uint64_t bytes = 0;

    seal_if_due(worker, now_ns);
    for (size_t i = 0; i < n; i++) {
        bytes += frames[i].len;
        ingest_datagram(worker->ingest, frames[i], source->listener->need_newline, sender,
                        now_ns, now_s);
    }
    ingest_settle(worker->ingest);
    forward_frames(worker, frames, n);
    counter_add(&source->socket->datagrams, n);
    counter_add(&source->socket->bytes, bytes);
    arm_records(worker);
}

/* ---- start and stop ---------------------------------------------------- */

static enum worker_end how_to_end(const struct worker *worker)
{
    return atomic_load_explicit(&worker->end, memory_order_acquire); /* with worker_end */
}

/* False: the flusher is behind. It still runs, so trying again helps. */
static bool push_last(struct worker *worker)
{
    if (how_to_end(worker) == WORKER_DRAINS)
        return seal(worker, clock_monotonic_ns());
    ingest_settle(worker->ingest);
    for (size_t i = 0; i < worker->config.listeners->n; i++)
        listener_note_drops(worker->sources[i].socket);
    return table_hand_over(worker->table);
}

static void seal_last(struct worker *worker)
{
    static const struct timespec millisecond = { 0, 1000000 };

    while (!push_last(worker)) {
        if (clock_monotonic_ns() >= worker->push_until_ns) {
            log_error("worker %u: the last interval is lost", worker->config.index);
            return;
        }
        nanosleep(&millisecond, NULL);
    }
}

static void end_source(struct worker *worker, struct source *source)
{
    enum worker_end end = how_to_end(worker);
    bool drains = end == WORKER_DRAINS && !source->listener->kept;

    if (source->streams == NULL && drains)
        read_source(worker, source, BATCHES_AT_STOP);
    if (source->streams == NULL)
        return;
    if (drains)
        streams_finish(source->streams);
    else if (end == WORKER_HANDS_OVER)
        streams_hand_over(source->streams, &worker->leftover.connections);
    else
        streams_leave(source->streams);
}

static void on_stop(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;

    (void)fd, (void)what;
    for (size_t i = 0; i < worker->config.listeners->n; i++)
        end_source(worker, &worker->sources[i]);
    worker->leftover.stopped_ns = clock_monotonic_ns();
    seal_last(worker);
    event_base_loopbreak(worker->base);
}

static struct streams *streams_of(struct worker *worker, const struct listener *listener)
{
    for (size_t i = 0; i < worker->config.listeners->n; i++)
        if (worker->sources[i].listener == listener)
            return worker->sources[i].streams;
    return NULL;
}

static void take_connections(struct worker *worker)
{
    struct stream_inherited *next;

    for (struct stream_inherited *given = worker->config.connections; given != NULL;
         given = next) {
        next = given->next;
        streams_take_over(streams_of(worker, given->listener), given);
    }
    worker->config.connections = NULL;
}

/* Reads the inherited sockets of more workers than we have, to which no datagram comes any
 * more, and closes them. The first worker does this for all. */
static void empty_extra(struct worker *worker, struct source *source)
{
    struct listener *listener = source->listener;
    struct listener_socket *own = source->socket, extra = { .fd = -1 };

    if (worker->config.index != 0)
        return;
    source->socket = &extra;
    for (uint32_t i = 0; i < listener->n_extra; i++) {
        extra.fd = listener->extra[i];
        while (!read_source(worker, source, BATCHES_AT_STOP).emptied)
            ;
    }
    source->socket = own;
    counter_add(&own->datagrams, counter_read(&extra.datagrams));
    counter_add(&own->bytes, counter_read(&extra.bytes));
    counter_add(&own->truncated, counter_read(&extra.truncated));
    listener_close_extra(listener);
}

/* Reads once before the loop begins, to log how long nobody has read. */
static void go_on(struct worker *worker)
{
    int64_t first_ns = clock_monotonic_ns();

    for (size_t i = 0; i < worker->config.listeners->n; i++) {
        struct source *source = &worker->sources[i];

        if (source->streams != NULL)
            continue;
        empty_extra(worker, source);
        read_source(worker, source, BATCHES_A_CALLBACK);
    }
    if (worker->config.pause_ns != 0)
        log_info("worker %u: reads again, the pause was %.1f ms", worker->config.index,
                 (double)(first_ns - worker->config.pause_ns) / 1e6);
}

static void *run(void *argument)
{
    struct worker *worker = argument;

    take_connections(worker);
    go_on(worker);
    event_base_dispatch(worker->base);
    return NULL;
}

static void worker_free(struct worker *given)
{
    if (given == NULL)
        return;
    for (size_t i = 0; given->sources != NULL && i < given->config.listeners->n; i++) {
        if (given->sources[i].readable != NULL)
            event_free(given->sources[i].readable);
        if (given->sources[i].nap_over != NULL)
            event_free(given->sources[i].nap_over);
        if (given->sources[i].nap_fd >= 0)
            close(given->sources[i].nap_fd);
        streams_free(given->sources[i].streams);
    }
    if (given->seal_timer != NULL)
        event_free(given->seal_timer);
    if (given->tidy_timer != NULL)
        event_free(given->tidy_timer);
    if (given->record_timer != NULL)
        event_free(given->record_timer);
    if (given->alive_timer != NULL)
        event_free(given->alive_timer);
    if (given->stop_event != NULL)
        event_free(given->stop_event);
    if (given->early_event != NULL)
        event_free(given->early_event);
    rules_release(rules_take(&given->rules));
    if (given->base != NULL)
        event_base_free(given->base);
    if (given->stop_fd >= 0)
        close(given->stop_fd);
    if (given->early_fd >= 0)
        close(given->early_fd);
    stream_inherited_free(given->config.connections);
    free(given->sources);
    batch_free(given->batch);
    ingest_free(given->ingest);
    table_free(given->table);
    free(given);
}

static bool make_table(struct worker *worker)
{
    const struct settings *settings = worker->config.settings;
    struct table_config table = {
        .worker = worker->config.index,
        .max_contexts = (uint32_t)settings->heeler_max_contexts,
        .idle_intervals = idle_intervals(settings),
        .histogram_exact_values = (size_t)settings->heeler_histogram_exact_values,
        .copy_histograms = settings->histogram_copy_to_distribution,
        .gauge_deltas = settings->heeler_statsd_gauge_deltas,
        .max_behind = memory_for_parcels(settings),
        .inbox = worker->config.inbox,
        .account = worker->config.account,
        .budget = worker->config.budget,
        .ledger = worker->config.ledger,
    };
    struct ingest_config ingest = {
        .buffer_size = (size_t)settings->dogstatsd_buffer_size,
        .ignore_time = !settings->dogstatsd_no_aggregation_pipeline,
        .quiet = settings->dogstatsd_disable_verbose_logs,
        .ledger = worker->config.ledger,
    };
    int64_t base_ns, now_ns = clock_monotonic_ns();
    int64_t start_s = interval_start(worker, now_ns, clock_wall_ns(), &base_ns);

    worker->seal_at_ns = base_ns + worker->interval_ns;
    worker->table = table_new(&table, start_s, base_ns);
    worker->batch = batch_new((size_t)settings->dogstatsd_buffer_size);
    if (worker->table == NULL || worker->batch == NULL)
        return false;
    if (settings->dogstatsd_origin_detection && !batch_ask_senders(worker->batch))
        return false;
    worker->ingest = ingest_new(&ingest, worker->table);
    return worker->ingest != NULL;
}

static struct streams *make_streams(struct worker *worker, struct source *source)
{
    const struct settings *settings = worker->config.settings;
    struct streams_config config = {
        .base = worker->base,
        .listener = source->listener,
        .worker = worker->config.index,
        .frame_max = (size_t)settings->dogstatsd_buffer_size,
        .max_connections = (uint32_t)settings->heeler_stream_connections,
        .idle_ns = settings->heeler_stream_idle_timeout * INT64_C(1000000000),
        .log_too_large = settings->dogstatsd_stream_log_too_big,
        .ask_senders = settings->dogstatsd_origin_detection,
        .take = take_frames,
        .argument = source,
    };

    return streams_new(&config);
}

/* How long a nap may be. Half a million datagrams a second of 1,432 bytes must not fill more
 * than half of the granted buffer during one, nor may the recent rate fill more than a
 * sixteenth of it. Nor should more than NAP_DATAGRAMS come: the kernel then uses the same few
 * buffers again while they are in the processor's caches, which makes senders faster. */
static bool make_nap(struct source *source)
{
    enum {
        CHARGED_BYTES = 2304,
        FASTEST_NS = 2000,
        NAP_MAX_NS = 10000000,
        NAP_DATAGRAMS = 256
    };
    int bytes = 0;

    if (!source->worker->config.settings->heeler_nap)
        return true;
    (void)getsockopt(source->socket->fd, SOL_SOCKET, SO_RCVBUF, &bytes,
                     &(socklen_t){ sizeof bytes });
    int datagrams = bytes / CHARGED_BYTES;
    double nap_ns = datagrams / 2.0 * FASTEST_NS;
    if (nap_ns < NAP_MIN_NS)
        return true;
    source->nap_max_ns = nap_ns < NAP_MAX_NS ? nap_ns : NAP_MAX_NS;
    source->nap_datagrams = datagrams / 16 < NAP_DATAGRAMS ? datagrams / 16 : NAP_DATAGRAMS;
    source->nap_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (source->nap_fd < 0)
        return false;
    source->nap_over = event_new(source->worker->base, source->nap_fd,
                                 EV_READ | EV_ET | EV_PERSIST, on_nap_over, source);
    return source->nap_over != NULL && event_add(source->nap_over, NULL) == 0;
}

static bool make_source(struct worker *worker, struct source *source, struct listener *listener)
{
    const struct listener_traits *traits = listener_traits(listener);

    *source = (struct source){ .worker = worker,
                               .listener = listener,
                               .nap_fd = -1,
                               .socket = &listener->sockets[worker->config.index] };
    if (traits->connected) {
        source->streams = make_streams(worker, source);
        return source->streams != NULL;
    }
    source->asks_sender =
        traits->tells_senders && worker->config.settings->dogstatsd_origin_detection;
    source->readable = event_new(worker->base, source->socket->fd, EV_READ | EV_PERSIST,
                                 traits->drops ? on_readable : on_short_readable, source);
    if (traits->drops && !make_nap(source))
        return false;
    return source->readable != NULL && event_add(source->readable, NULL) == 0;
}

static bool make_events(struct worker *worker)
{
    static const struct timeval alive = { ALIVE_S, 0 };
    struct listeners *listeners = worker->config.listeners;

    worker->base = event_base_new();
    worker->sources = calloc(listeners->n + 1, sizeof *worker->sources);
    worker->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    worker->early_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (worker->base == NULL || worker->sources == NULL || worker->stop_fd < 0 ||
        worker->early_fd < 0)
        return false;
    worker->seal_timer = evtimer_new(worker->base, on_seal_timer, worker);
    worker->tidy_timer = evtimer_new(worker->base, on_tidy_timer, worker);
    worker->record_timer = evtimer_new(worker->base, on_record_timer, worker);
    worker->alive_timer = event_new(worker->base, -1, EV_PERSIST, on_alive_timer, worker);
    worker->stop_event = event_new(worker->base, worker->stop_fd, EV_READ, on_stop, worker);
    worker->early_event =
        event_new(worker->base, worker->early_fd, EV_READ | EV_PERSIST, on_early, worker);
    if (worker->seal_timer == NULL || worker->tidy_timer == NULL ||
        worker->record_timer == NULL || worker->alive_timer == NULL ||
        event_add(worker->alive_timer, &alive) != 0 || worker->stop_event == NULL ||
        event_add(worker->stop_event, NULL) != 0 || worker->early_event == NULL ||
        event_add(worker->early_event, NULL) != 0)
        return false;
    for (size_t i = 0; i < listeners->n; i++)
        if (!make_source(worker, &worker->sources[i], &listeners->at[i]))
            return false;
    arm_seal(worker, clock_monotonic_ns());
    note_alive(worker);
    return true;
}

struct worker *worker_start(const struct worker_config *config, char *problem,
                            size_t problem_size)
{
    struct worker *worker = calloc(1, sizeof *worker);

    snprintf(problem, problem_size, "worker %u: not enough memory or descriptors",
             config->index);
    if (worker == NULL) {
        stream_inherited_free(config->connections);
        return NULL;
    }
    worker->config = *config;
    worker->stop_fd = worker->early_fd = -1;
    worker->interval_ns = config->settings->heeler_interval * INT64_C(1000000000);
    char name[16];
    snprintf(name, sizeof name, "worker %u", config->index);
    if (!make_table(worker) || !make_events(worker) ||
        !thread_start(&worker->thread, name, run, worker)) {
        worker_free(worker);
        return NULL;
    }
    return worker;
}

void worker_follow(struct worker *worker, struct rules *given)
{
    rules_put(&worker->rules, given);
}

void worker_seal_at(struct worker *worker, int64_t second)
{
    atomic_store_explicit(&worker->asked_s, second, memory_order_relaxed);
    (void)!eventfd_write(worker->early_fd, 1); /* it has room */
}

void worker_end(struct worker *worker, enum worker_end end, int64_t push_until_ns)
{
    worker->push_until_ns = push_until_ns;
    atomic_store_explicit(&worker->end, end, memory_order_release); /* with how_to_end */
    (void)!eventfd_write(worker->stop_fd, 1);                       /* it has room */
}

void worker_join(struct worker *given)
{
    pthread_join(given->thread, NULL);
    if (given->config.leftover != NULL)
        *given->config.leftover = given->leftover;
    worker_free(given);
}
