#include "server/traces/traces.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/settings.h"
#include "config/thread.h"
#include "server/traces/door.h"
#include "server/traces/numbers.h"
#include "server/traces/trace_box.h"
#include "server/traces/upstream.h"

enum {
    GROUPS_MAX = 20000, /* of a bucket; libraries that count themselves have 7,000 */
    LAST_TRIES = 200,
    LAST_PAUSE_US = 10000
};

struct traces {
    struct traces_config config;
    struct arena_budget budget; /* heeler_trace_max_bytes */
    struct concentrator *concentrator;
    struct trace_ring *ring; /* NULL: none are kept */
    struct trace_taker taker;
    struct upstream upstream;
    struct event_base *base;
    struct event *tick, *stop, *asked;
    int stop_fd;
    struct door *door;
    pthread_t thread;
    bool is_running;
    _Atomic(int64_t) alive_ms;
};

/* ---- on its thread ----------------------------------------------------- */

/* SUBMITTER_BEHIND: the rest is told later. */
static enum submitter_state tell_due(struct traces *traces, bool all)
{
    enum submitter_state state;
    const struct span_bucket *bucket;

    while ((bucket = concentrator_due(traces->concentrator, clock_wall_s(), all)) != NULL) {
        state = numbers_tell(traces->config.submitter, bucket, &traces->budget);
        if (state != SUBMITTER_READY)
            return state;
        upstream_tell(&traces->upstream, bucket, clock_wall_s());
        counter_add(&traces->config.ledger->buckets, 1);
        counter_add(&traces->config.ledger->groups, bucket->n_groups);
        concentrator_drop(traces->concentrator, bucket);
    }
    return SUBMITTER_READY;
}

/* The flusher still takes what is told. */
static void tell_all(struct traces *traces)
{
    enum submitter_state state = tell_due(traces, true);

    for (int i = 0; i < LAST_TRIES && state == SUBMITTER_BEHIND; i++) {
        usleep(LAST_PAUSE_US);
        state = tell_due(traces, true);
    }
    if (state != SUBMITTER_READY)
        log_warn("traces: the flusher is too far behind: what was counted last is lost");
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct traces *traces = argument;

    (void)fd, (void)what;
    atomic_store_explicit(&traces->alive_ms, clock_monotonic_ms(), memory_order_relaxed);
    (void)tell_due(traces, false);
    trace_ring_age(traces->ring, clock_wall_s());
    counter_set(&traces->config.ledger->imbalance,
                traces_ledger_imbalance(traces->config.ledger));
    counter_set(&traces->config.ledger->buckets_open, concentrator_open(traces->concentrator));
    counter_set(&traces->config.ledger->held_bytes,
                (uint64_t)(traces->budget.all -
                           atomic_load_explicit(&traces->budget.left, memory_order_relaxed)));
}

static void on_asked(evutil_socket_t fd, short what, void *argument)
{
    const struct traces *traces = argument;

    (void)fd, (void)what;
    trace_box_answer(traces->config.box, traces->ring);
}

static void on_stop(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    event_base_loopbreak(((struct traces *)argument)->base);
}

static void *run(void *argument)
{
    struct traces *traces = argument;

    event_base_dispatch(traces->base);
    trace_box_answer(traces->config.box, traces->ring);
    tell_all(traces);
    return NULL;
}

/* ---- start ------------------------------------------------------------- */

/* What is kept leaves half of the memory to what comes. */
static bool make_ring(struct traces *traces)
{
    const struct settings *settings = traces->config.settings;
    int64_t most = settings->heeler_trace_max_bytes / 2,
            asked = settings->heeler_trace_ring_bytes;
    struct trace_ring_config config = {
        .budget = &traces->budget,
        .ledger = traces->config.ledger,
        .bytes = (size_t)(asked < most ? asked : most),
    };

    if (config.bytes == 0)
        return true;
    if (getrandom(&config.secret, sizeof config.secret, 0) != sizeof config.secret)
        return false;
    traces->ring = trace_ring_new(&config);
    return traces->ring != NULL;
}

static bool make_concentrator(struct traces *traces)
{
    const struct settings *settings = traces->config.settings;
    struct concentrator_config config = {
        .budget = &traces->budget,
        .default_env = settings->env[0] != '\0' ? slice_of(settings->env) : SLICE("none"),
        .by_span_kind = settings->apm_config_compute_stats_by_span_kind,
        .peer_tags = settings->apm_config_peer_tags_aggregation,
        .groups_max = GROUPS_MAX,
    };

    if (getrandom(&config.secret, sizeof config.secret, 0) != sizeof config.secret)
        return false;
    traces->concentrator = concentrator_new(&config, clock_wall_s());
    traces->taker = (struct trace_taker){ .budget = &traces->budget,
                                          .concentrator = traces->concentrator,
                                          .ring = traces->ring,
                                          .ledger = traces->config.ledger };
    return traces->concentrator != NULL;
}

static bool make_upstream(struct traces *traces)
{
    struct upstream *upstream = &traces->upstream;

    *upstream = (struct upstream){ .outbox = traces->config.outbox,
                                   .hostname = slice_of(traces->config.hostname),
                                   .env = concentrator_default_env(traces->concentrator),
                                   .budget = &traces->budget,
                                   .ledger = traces->config.ledger };
    return getrandom(upstream->random, sizeof upstream->random, 0) == sizeof upstream->random;
}

static bool make_loop(struct traces *traces)
{
    static const struct timeval second = { 1, 0 };

    traces->base = event_base_new();
    traces->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (traces->base == NULL || traces->stop_fd < 0)
        return false;
    traces->tick = event_new(traces->base, -1, EV_PERSIST, on_tick, traces);
    traces->stop = event_new(traces->base, traces->stop_fd, EV_READ, on_stop, traces);
    traces->asked = event_new(traces->base, traces->config.box->asked.wake_fd,
                              EV_READ | EV_PERSIST, on_asked, traces);
    return traces->tick != NULL && traces->stop != NULL && traces->asked != NULL &&
           event_add(traces->tick, &second) == 0 && event_add(traces->stop, NULL) == 0 &&
           event_add(traces->asked, NULL) == 0;
}

static bool make_door(struct traces *traces)
{
    const struct settings *settings = traces->config.settings;
    struct door_config config = {
        .base = traces->base,
        .taker = &traces->taker,
        .dogstatsd_port = settings->dogstatsd_port > 0 ? settings->dogstatsd_port : 0,
        .default_env = settings->env[0] != '\0' ? settings->env : "none",
    };

    traces->door = door_new(&config);
    return traces->door != NULL;
}

static bool listen_at(struct traces *traces, char *problem, size_t problem_size)
{
    const struct settings *settings = traces->config.settings;
    const char *path = settings->apm_config_receiver_socket;
    int port = settings->apm_config_receiver_port;
    bool all = settings->apm_config_apm_non_local_traffic;
    char address[512];

    snprintf(address, sizeof address, "%s:%d", all ? "0.0.0.0" : "127.0.0.1",
             port == PORT_RANDOM ? 0 : port);
    if (port != 0 &&
        !door_listen(traces->door, address, traces->config.inherited, problem, problem_size))
        return false;
    snprintf(address, sizeof address, "unix:%s", path);
    return path[0] == '\0' ||
           door_listen(traces->door, address, traces->config.inherited, problem, problem_size);
}

static void free_all(struct traces *given)
{
    door_free(given->door);
    concentrator_free(given->concentrator);
    trace_ring_free(given->ring);
    if (given->tick != NULL)
        event_free(given->tick);
    if (given->stop != NULL)
        event_free(given->stop);
    if (given->asked != NULL)
        event_free(given->asked);
    if (given->base != NULL)
        event_base_free(given->base);
    if (given->stop_fd >= 0)
        close(given->stop_fd);
    free(given);
}

struct traces *traces_start(const struct traces_config *config, char *problem,
                            size_t problem_size)
{
    struct traces *traces = calloc(1, sizeof *traces);

    snprintf(problem, problem_size, "traces: not enough memory or descriptors");
    if (traces == NULL)
        return NULL;
    traces->config = *config;
    traces->stop_fd = -1;
    atomic_store_explicit(&traces->alive_ms, clock_monotonic_ms(), memory_order_relaxed);
    arena_budget_init(&traces->budget, (long)config->settings->heeler_trace_max_bytes);
    if (make_ring(traces) && make_concentrator(traces) && make_upstream(traces) &&
        make_loop(traces) && make_door(traces) && listen_at(traces, problem, problem_size)) {
        snprintf(problem, problem_size, "traces: there is no thread left");
        traces->is_running = thread_start(&traces->thread, "traces", run, traces);
    }
    if (traces->is_running) {
        log_info("traces: they stay here: their numbers can be asked for%s, and traces are not "
                 "sent to the intake",
                 config->outbox != NULL ? " and are sent" : "");
        return traces;
    }
    free_all(traces);
    return NULL;
}

/* ---- the end ----------------------------------------------------------- */

void traces_leave(struct traces *given, struct inherited_sockets *to)
{
    const uint64_t one = 1;

    if (given == NULL)
        return;
    if (write(given->stop_fd, &one, sizeof one) != sizeof one)
        log_error("traces: the thread cannot be told to end");
    pthread_join(given->thread, NULL);
    if (to != NULL)
        door_leave(given->door, to);
    free_all(given);
}

void traces_stop(struct traces *given)
{
    traces_leave(given, NULL);
}

int traces_port(const struct traces *traces)
{
    return door_port(traces->door);
}

int64_t traces_alive_ms(const struct traces *traces)
{
    return atomic_load_explicit(&traces->alive_ms, memory_order_relaxed);
}
