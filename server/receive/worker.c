#include "server/receive/worker.h"

#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/thread.h"
#include "flush/memory/loop.h"
#include "flush/series/rules.h"
#include "server/receive/memory.h"
#include "server/receive/source.h"

enum {
    ALIVE_S = 2, /* between two stamps of an idle loop, for health */
};

/* Timers and the wall clock differ a little: a seal that comes so much before the boundary of
 * the interval still counts as having come at it. */
#define BOUNDARY_SLACK_NS INT64_C(100000000)

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
    struct source **sources; /* one for each listener */
    struct sender_tally tally;
    struct sighter sighter;
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

/* False: the flusher is behind or memory is missing, and the interval stays open. */
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
        source_note_drops(worker->sources[i]);
    bool sealed = table_seal(worker->table, start_s, base_ns);
    counter_raise(&worker->config.ledger->longest_seal_us,
                  (uint64_t)(clock_monotonic_ns() - now_ns) / 1000);
    tidy(worker);
    arm_seal(worker, now_ns);
    return sealed;
}

static void seal_if_due(void *argument, int64_t now_ns)
{
    struct worker *worker = argument;

    if (now_ns >= worker->seal_at_ns && !seal(worker, now_ns))
        log_warn("worker %u: the interval stays open: the flusher is behind, or memory for the "
                 "next one is missing",
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

static void arm_records(void *argument)
{
    struct worker *worker = argument;
    static const struct timeval one_second = { 1, 0 };

    if (table_has_records(worker->table) && !evtimer_pending(worker->record_timer, NULL))
        evtimer_add(worker->record_timer, &one_second);
}

static void note_alive(struct worker *worker)
{
    counter_set(&worker->config.ledger->alive_ms, (uint64_t)clock_monotonic_ms());
}

static struct tap *own_tap(const struct worker *worker)
{
    return worker->config.taps != NULL ? &worker->config.taps->at[worker->config.index] : NULL;
}

/* This runs only if the loop still turns, so a stamp of it proves that. A worker that receives
 * nothing follows its tap too. */
static void on_alive_timer(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    int64_t now_ns = clock_monotonic_ns();

    (void)fd, (void)what;
    note_alive(worker);
    (void)sender_tally_begin(&worker->tally, now_ns); /* the last batch may be a while ago */
    sender_tally_end(&worker->tally, now_ns);
    (void)sighter_begin(&worker->sighter, now_ns);
    sighter_end(&worker->sighter, now_ns);
    if (own_tap(worker) != NULL)
        tap_follow(own_tap(worker));
}

/* ---- start and stop ---------------------------------------------------- */

static enum worker_end how_to_end(const struct worker *worker)
{
    return atomic_load_explicit(&worker->end, memory_order_acquire); /* with worker_end */
}

/* False: the flusher is behind or memory is missing. The flusher still runs and frees what it
 * has folded, so trying again helps. */
static bool push_last(struct worker *worker)
{
    if (how_to_end(worker) == WORKER_DRAINS)
        return seal(worker, clock_monotonic_ns());
    ingest_settle(worker->ingest);
    for (size_t i = 0; i < worker->config.listeners->n; i++)
        source_note_drops(worker->sources[i]);
    return table_hand_over(worker->table);
}

static void seal_last(struct worker *worker)
{
    static const struct timespec millisecond = { 0, 1000000 };

    while (!push_last(worker)) {
        if (clock_monotonic_ns() >= worker->push_until_ns) {
            log_error("worker %u: the last interval is lost, with %" PRIu64
                      " values: the flusher is behind, or memory is missing",
                      worker->config.index, table_give_up(worker->table));
            return;
        }
        nanosleep(&millisecond, NULL);
    }
}

static void on_stop(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    enum worker_end end = how_to_end(worker);
    struct stream_inherited **list =
        end == WORKER_HANDS_OVER ? &worker->leftover.connections : NULL;

    (void)fd, (void)what;
    for (size_t i = 0; i < worker->config.listeners->n; i++)
        source_end(worker->sources[i], end == WORKER_DRAINS, list);
    worker->leftover.stopped_ns = clock_monotonic_ns();
    seal_last(worker);
    event_base_loopbreak(worker->base);
}

static void take_connections(struct worker *worker)
{
    struct stream_inherited *next;

    for (struct stream_inherited *given = worker->config.connections; given != NULL;
         given = next) {
        next = given->next;
        for (size_t i = 0; i < worker->config.listeners->n; i++)
            if (source_take_over(worker->sources[i], given))
                break;
    }
    worker->config.connections = NULL;
}

/* Reads once before the loop begins, to log how long nobody has read. */
static void go_on(struct worker *worker)
{
    int64_t first_ns = clock_monotonic_ns();

    for (size_t i = 0; i < worker->config.listeners->n; i++)
        source_begin(worker->sources[i]);
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
    if (own_tap(worker) != NULL)
        tap_end(own_tap(worker));
    return NULL;
}

static void worker_free(struct worker *given)
{
    if (given == NULL)
        return;
    for (size_t i = 0; given->sources != NULL && i < given->config.listeners->n; i++)
        source_free(given->sources[i]);
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
    sender_tally_free(&given->tally);
    sighter_free(&given->sighter);
    batch_free(given->batch);
    ingest_free(given->ingest);
    table_free(given->table);
    free(given);
}

static bool make_batch(struct worker *worker)
{
    const struct listeners *listeners = worker->config.listeners;
    size_t longest = (size_t)worker->config.settings->dogstatsd_buffer_size;
    bool coalesces = false;

    for (size_t i = 0; i < listeners->n; i++)
        coalesces = coalesces || listener_coalesces(&listeners->at[i], worker->config.index);
    worker->batch = coalesces ? batch_new_coalesced(longest) : batch_new(longest);
    return worker->batch != NULL &&
           batch_ask(worker->batch, worker->config.settings->dogstatsd_origin_detection, false);
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
    if (worker->table == NULL || !make_batch(worker))
        return false;
    worker->ingest = ingest_new(&ingest, worker->table);
    return worker->ingest != NULL;
}

static bool make_sources(struct worker *worker)
{
    struct listeners *listeners = worker->config.listeners;
    struct source_config config = {
        .base = worker->base,
        .worker = worker->config.index,
        .settings = worker->config.settings,
        .batch = worker->batch,
        .ingest = worker->ingest,
        .ledger = worker->config.ledger,
        .senders = worker->config.senders,
        .tally = &worker->tally,
        .sighter = &worker->sighter,
        .taps = worker->config.taps,
        .recents = worker->config.recents,
        .forward_fd = worker->config.forward_fd,
        .before = seal_if_due,
        .after = arm_records,
        .argument = worker,
    };

    for (size_t i = 0; i < listeners->n; i++) {
        config.listener = &listeners->at[i];
        worker->sources[i] = source_new(&config);
        if (worker->sources[i] == NULL)
            return false;
    }
    return true;
}

static bool make_events(struct worker *worker)
{
    static const struct timeval alive = { ALIVE_S, 0 };
    struct listeners *listeners = worker->config.listeners;

    worker->base = loop_new();
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
    if (!make_sources(worker))
        return false;
    arm_seal(worker, clock_monotonic_ns());
    note_alive(worker);
    return true;
}

struct worker *worker_start(const struct worker_config *config, char *problem,
                            size_t problem_size)
{
    struct worker *worker = own_lines(sizeof *worker);

    snprintf(problem, problem_size, "worker %u: not enough memory or descriptors",
             config->index);
    if (worker == NULL) {
        stream_inherited_free(config->connections);
        return NULL;
    }
    worker->config = *config;
    worker->tally.box = config->sender_box;
    worker->sighter.box = config->sighting_box;
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
