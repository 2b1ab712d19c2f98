/* Reading order: delivery_start(), which opens the sinks and starts the thread; delivery_run(),
 * the whole life of the thread; on_wake(), which is called when somebody wants something of it:
 * accept_all() gives pushed payloads to the sinks, follow() brings what a reload changed, and
 * begin_stop() begins a stop, which on_moved() or on_deadline() ends. From other threads:
 * delivery_stop() and delivery_hand_over(), which wait for the thread; for a successor it calls
 * hand_over(). Which sinks there are: sink_list.h; what becomes of a payload in that of an
 * intake: endpoint.c, then queue.c. */
#include "flush/delivery/delivery.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/patience.h"
#include "config/thread.h"
#include "flush/delivery/sink_list.h"
#include "flush/memory/loop.h"
#include "flush/redis/timer.h"

/* A stop gives up so long before its deadline, at most, to have time to count what is left. */
enum { STOP_MARGIN_MS = 100 };

/* The same if what is left is written to disk. */
enum { SPOOL_MARGIN_MS = 1000 };

/* Behind the deadline: on a loaded machine, a thread that gave up in time may still be
 * counting what is left. A thread that hangs does not come to that in this time either. */
enum { GRACE_MS = 800 };

/* How often a loop that has nothing to do stamps that it is alive. */
enum { ALIVE_S = 2 };

/* What a reload brings. */
struct change {
    struct delivery_config config; /* numbers, and the keys of its targets */
    struct delivery_target more[DELIVERY_ENDPOINTS_MAX - 1];
    size_t n_keys; /* one a target */
    char *keys[DELIVERY_ENDPOINTS_MAX];
};

struct delivery {
    struct delivery_config config; /* its texts are not kept */
    struct sink_common common;
    struct sink_list sinks;
    struct event *wake;
    struct event *deadline;
    struct event *alive;

    /* delivery_follow puts, the thread takes; whoever exchanges it out owns it. */
    _Atomic(struct change *) change;
    _Atomic(int64_t) alive_ms; /* the thread writes, delivery_alive_ms reads */
    _Atomic(bool) hold;        /* delivery_hold and _resume write, the thread reads */
    /* delivery_hand_over puts it; only who exchanges it out may write to it. */
    _Atomic(struct state_writer *) successor_state;
    _Atomic(int64_t) stop_ns; /* delivery_stop writes once, the thread reads; 0: run */

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    bool has_held, is_quiet, has_ended, has_handed; /* under mutex */
};

/* ---- loop -------------------------------------------------------------- */

static void say(struct delivery *delivery, bool *what)
{
    pthread_mutex_lock(&delivery->mutex);
    *what = true;
    pthread_cond_signal(&delivery->ended);
    pthread_mutex_unlock(&delivery->mutex);
}

static void note_quiet(struct delivery *delivery)
{
    if (sink_list_is_quiet(&delivery->sinks))
        say(delivery, &delivery->is_quiet);
}

/* Called after every step of a sink. Ends the loop of a stop if there is nothing left to wait
 * for. */
static void on_moved(void *argument)
{
    struct delivery *delivery = argument;
    const struct sink_common *common = &delivery->common;

    if (common->holding && !common->stopping)
        note_quiet(delivery);
    if (common->stopping && sink_list_is_drained(&delivery->sinks))
        event_base_loopbreak(common->base);
}

static void accept_all(struct delivery *delivery)
{
    struct payload *payload = outbox_take(delivery->common.outbox);

    while (payload != NULL) {
        struct payload *next = payload->next;

        sink_list_accept(&delivery->sinks, delivery->common.outbox, payload);
        payload = next;
    }
}

static void begin_stop(struct delivery *delivery, int64_t stop_ns)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t left_ms = stop_ns / 1000000 - now_ms;
    int64_t most_ms = delivery->config.spool.max_bytes > 0 ? SPOOL_MARGIN_MS : STOP_MARGIN_MS;
    int64_t share_ms = left_ms / (delivery->config.spool.max_bytes > 0 ? 2 : 10);
    int64_t margin_ms = share_ms < most_ms ? share_ms : most_ms;

    delivery->common.stopping = true;
    delivery->common.give_up_ms = now_ms + left_ms - margin_ms;
    timer_start(delivery->deadline, delivery->common.give_up_ms - now_ms);
    for (size_t i = 0; i < delivery->sinks.n; i++)
        sink_hurry(delivery->sinks.at[i]);
    on_moved(delivery);
}

static void change_free(struct change *given)
{
    for (size_t i = 0; given != NULL && i < given->n_keys; i++)
        free(given->keys[i]);
    free(given);
}

static void follow(struct delivery *delivery)
{
    struct change *change =
        atomic_exchange_explicit(&delivery->change, NULL, memory_order_acquire);

    if (change == NULL)
        return;
    delivery->config.timeout_ms = change->config.timeout_ms;
    delivery->config.reset_s = change->config.reset_s;
    delivery->config.queue_bytes = change->config.queue_bytes;
    delivery->config.backoff = change->config.backoff;
    delivery->config.validation_interval_ms = change->config.validation_interval_ms;
    for (size_t i = 0; i < delivery->sinks.n && !delivery->common.stopping; i++)
        sink_follow(delivery->sinks.at[i], &change->config);
    change_free(change);
}

/* While delivery is held no request begins and no disk is asked. It ends when a successor gets
 * what is unsent, or when delivery_resume() says that none does. */
static void follow_hold(struct delivery *delivery)
{
    bool hold = atomic_load_explicit(&delivery->hold, memory_order_relaxed);
    bool held = delivery->common.holding;

    delivery->common.holding = hold;
    if (hold) {
        say(delivery, &delivery->has_held);
        note_quiet(delivery);
    } else if (held) {
        for (size_t i = 0; i < delivery->sinks.n; i++)
            sink_resume(delivery->sinks.at[i]);
    }
}

static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    struct delivery *delivery = argument;

    (void)fd, (void)what;
    mailbox_quieten(&delivery->common.outbox->mail);
    int64_t stop_ns = atomic_load_explicit(&delivery->stop_ns, memory_order_acquire);

    follow(delivery);
    follow_hold(delivery);
    accept_all(delivery);
    if (stop_ns != 0 &&
        atomic_load_explicit(&delivery->successor_state, memory_order_relaxed) != NULL)
        event_base_loopbreak(delivery->common.base);
    else if (stop_ns != 0 && !delivery->common.stopping)
        begin_stop(delivery, stop_ns);
}

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
    struct delivery *delivery = argument;

    (void)fd, (void)what;
    event_base_loopbreak(delivery->common.base);
}

static void note_alive(struct delivery *delivery)
{
    atomic_store_explicit(&delivery->alive_ms, clock_monotonic_ms(), memory_order_relaxed);
}

static void on_alive(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    note_alive(argument);
}

int64_t delivery_alive_ms(const struct delivery *delivery)
{
    return atomic_load_explicit(&delivery->alive_ms, memory_order_relaxed);
}

/* Frees all that the thread used. The struct stays, because others wait on it for the end. */
static void delivery_clear(struct delivery *delivery)
{
    sink_list_free(&delivery->sinks);
    syncer_stop(&delivery->common.syncer);
    transfers_close(&delivery->common.transfers);
    if (delivery->wake != NULL)
        event_free(delivery->wake);
    if (delivery->deadline != NULL)
        event_free(delivery->deadline);
    if (delivery->alive != NULL)
        event_free(delivery->alive);
    if (delivery->common.base != NULL)
        event_base_free(delivery->common.base);
}

/* ---- a successor ------------------------------------------------------- */

/* Writes the payloads into the state of the successor. If that fails they stay on their
 * accounts, and go to disk or are shed as at a stop. */
static void hand_over(struct delivery *delivery)
{
    struct state_writer *out =
        atomic_exchange_explicit(&delivery->successor_state, NULL, memory_order_acquire);

    if (out == NULL) /* nobody asked for it, or waits for it any more */
        return;
    if (!sink_list_hand_over(&delivery->sinks, out))
        log_error("delivery: no memory to hand over what is unsent: kept as at a stop");
    say(delivery, &delivery->has_handed);
}

static void take_over(struct delivery *delivery)
{
    struct state *state = delivery->config.inherited;

    if (state == NULL)
        return;
    sink_list_take_over(&delivery->sinks, delivery->common.outbox,
                        state->parts[STATE_PAYLOADS]);
    state_done(state);
}

static void *delivery_run(void *argument)
{
    struct delivery *delivery = argument;

    for (size_t i = 0; i < delivery->sinks.n; i++)
        sink_begin(delivery->sinks.at[i]);
    take_over(delivery);
    event_base_dispatch(delivery->common.base);
    hand_over(delivery);
    for (size_t i = 0; i < delivery->sinks.n; i++)
        sink_keep_rest(delivery->sinks.at[i]);
    delivery_clear(delivery);
    say(delivery, &delivery->has_ended);
    return NULL;
}

/* ---- start, stop ------------------------------------------------------- */

static bool delivery_open(struct delivery *delivery)
{
    static const struct timeval alive = { ALIVE_S, 0 };
    struct sink_common *common = &delivery->common;
    /* Each endpoint has its requests in flight, and one question about its key. */
    int connections = (delivery->config.concurrent + 1) * (int)(delivery->config.n_more + 1);

    common->base = loop_new();
    if (common->base == NULL || !transfers_open(&common->transfers, common->base, connections))
        return false;
    if (delivery->config.spool.max_bytes > 0)
        syncer_start(&common->syncer); /* if it does not start, the kernel writes files to the
                                          disk when it likes */
    delivery->deadline = evtimer_new(common->base, on_deadline, delivery);
    delivery->wake = event_new(common->base, common->outbox->mail.wake_fd, EV_READ | EV_PERSIST,
                               on_wake, delivery);
    delivery->alive = event_new(common->base, -1, EV_PERSIST, on_alive, delivery);
    note_alive(delivery);
    return delivery->deadline != NULL && delivery->wake != NULL && delivery->alive != NULL &&
           event_add(delivery->wake, NULL) == 0 && event_add(delivery->alive, &alive) == 0 &&
           sink_list_open(&delivery->sinks, common);
}

static void open_condition(struct delivery *delivery)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&delivery->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&delivery->ended, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* For when the thread has ended, or never began. */
static void delivery_free(struct delivery *given)
{
    pthread_cond_destroy(&given->ended);
    pthread_mutex_destroy(&given->mutex);
    change_free(given->change);
    free(given);
    curl_global_cleanup();
}

struct delivery *delivery_start(const struct delivery_config *config, struct outbox *outbox,
                                struct delivery_ledger *ledgers)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);

    if (delivery == NULL)
        return NULL;
    delivery->config = *config;
    delivery->common = (struct sink_common){ .config = &delivery->config,
                                             .ledgers = ledgers,
                                             .outbox = outbox,
                                             .moved = on_moved,
                                             .delivery = delivery };
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);

    if (code != CURLE_OK) {
        log_error("delivery: cannot start: libcurl: %s", curl_easy_strerror(code));
        free(delivery);
        return NULL;
    }
    if (config->inherited != NULL)
        state_use(config->inherited);
    open_condition(delivery);
    if (delivery_open(delivery) &&
        thread_start(&delivery->thread, "delivery", delivery_run, delivery))
        return delivery;
    log_error(
        "delivery: cannot start: bad intake URL or API key, or out of memory or descriptors");
    if (config->inherited != NULL)
        state_done(config->inherited);
    delivery_clear(delivery);
    delivery_free(delivery);
    return NULL;
}

static bool copy_key(struct change *change, const char *key)
{
    char *copy = strdup(key != NULL ? key : "");

    if (copy != NULL)
        change->keys[change->n_keys++] = copy;
    return copy != NULL;
}

static bool copy_keys(struct change *change, const struct delivery_config *config)
{
    for (size_t i = 0; i < delivery_targets(config); i++)
        if (!copy_key(change, delivery_target_at(config, i).api_key))
            return false;
    change->config.api_key = change->keys[0];
    for (size_t i = 1; i < change->n_keys; i++)
        change->more[i - 1] = (struct delivery_target){ .api_key = change->keys[i] };
    change->config.more = change->more;
    return true;
}

bool delivery_follow(struct delivery *delivery, const struct delivery_config *config)
{
    bool same = delivery_targets(config) == delivery_targets(&delivery->config);
    struct change *change = same ? calloc(1, sizeof *change) : NULL;

    if (change == NULL)
        return false;
    change->config = *config;
    if (!copy_keys(change, config)) {
        change_free(change);
        return false;
    }
    change_free(atomic_exchange_explicit(&delivery->change, change, memory_order_acq_rel));
    mailbox_wake(&delivery->common.outbox->mail);
    return true;
}

/* Even if the deadline is over, the thread gets a moment to count what is left. */
static int64_t fair_deadline(int64_t deadline_ns)
{
    int64_t soonest_ns = clock_monotonic_ns() + STOP_MARGIN_MS * INT64_C(1000000);

    return deadline_ns > soonest_ns ? deadline_ns : soonest_ns;
}

/* Waits until *what is true. False: the deadline came first. */
static bool wait_for(struct delivery *delivery, const bool *what, int64_t deadline_ns)
{
    struct timespec until = { deadline_ns / 1000000000, deadline_ns % 1000000000 };
    int waited = 0;

    pthread_mutex_lock(&delivery->mutex);
    while (!*what && waited == 0)
        waited = pthread_cond_timedwait(&delivery->ended, &delivery->mutex, &until);
    bool came = *what;

    pthread_mutex_unlock(&delivery->mutex);
    return came;
}

static void begin_end(struct delivery *delivery, int64_t deadline_ns)
{
    atomic_store_explicit(&delivery->stop_ns, deadline_ns, memory_order_release); /* on_wake */
    mailbox_wake(&delivery->common.outbox->mail);
}

/* Waits for the thread to end, and frees the delivery. False: the thread runs on and still uses
 * it, so it is not freed. */
static bool wait_for_end(struct delivery *given, int64_t deadline_ns)
{
    if (!wait_for(given, &given->has_ended, deadline_ns)) {
        pthread_detach(given->thread);
        return false;
    }
    pthread_join(given->thread, NULL);
    delivery_free(given);
    return true;
}

bool delivery_stop(struct delivery *given, int64_t deadline_monotonic_ns)
{
    int64_t deadline_ns = fair_deadline(deadline_monotonic_ns);

    begin_end(given, deadline_ns);
    return wait_for_end(given, deadline_ns + patience_ms(GRACE_MS) * 1000000);
}

void delivery_hold(struct delivery *delivery)
{
    syncer_hold(&delivery->common.syncer, true);
    atomic_store_explicit(&delivery->hold, true, memory_order_relaxed);
    mailbox_wake(&delivery->common.outbox->mail);
}

enum delivery_held delivery_held(struct delivery *delivery, int64_t until_monotonic_ns)
{
    bool quiet = wait_for(delivery, &delivery->is_quiet, until_monotonic_ns);

    pthread_mutex_lock(&delivery->mutex);
    bool held = delivery->has_held;

    pthread_mutex_unlock(&delivery->mutex);
    if (!held || !syncer_is_idle(&delivery->common.syncer))
        return DELIVERY_SILENT;
    return quiet ? DELIVERY_QUIET : DELIVERY_BUSY;
}

void delivery_resume(struct delivery *delivery)
{
    pthread_mutex_lock(&delivery->mutex);
    delivery->has_held = delivery->is_quiet = false;
    pthread_mutex_unlock(&delivery->mutex);
    atomic_store_explicit(&delivery->hold, false, memory_order_relaxed);
    syncer_hold(&delivery->common.syncer, false);
    mailbox_wake(&delivery->common.outbox->mail);
}

enum delivery_end delivery_hand_over(struct delivery *given, int64_t deadline_monotonic_ns,
                                     struct state_writer *out)
{
    int64_t deadline_ns = fair_deadline(deadline_monotonic_ns);

    atomic_store_explicit(&given->successor_state, out, memory_order_release); /* hand_over */
    begin_end(given, deadline_ns);
    if (!wait_for(given, &given->has_handed, deadline_ns)) {
        if (atomic_exchange_explicit(&given->successor_state, NULL, memory_order_relaxed) !=
            NULL) {
            pthread_detach(given->thread);
            return DELIVERY_STUCK;
        }
        wait_for(given, &given->has_handed,
                 INT64_MAX); /* it has begun to write, to memory only, so it soon ends */
    }
    return wait_for_end(given, fair_deadline(deadline_ns)) ? DELIVERY_ENDED : DELIVERY_LINGERS;
}
