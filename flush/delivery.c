#include "flush/delivery.h"

#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/backlog.h"
#include "flush/transfers.h"

enum {
    ENDPOINTS = 1,
    REFUSAL_LOG_MS = 60000, /* one line about refused payloads this often */
    STOP_MARGIN_MS = 100,   /* at most, to count what is left before the deadline */
};

/* A slot for one request in flight. */
struct request {
    struct intake_request http;
    struct endpoint *endpoint;
    struct payload *payload; /* owned while in flight; NULL: the slot is free */
    bool probe;
};

/* One intake with a queue and a breaker of its own. */
struct endpoint {
    struct delivery *delivery;
    struct intake intake;
    bool local; /* no intake at all */
    struct backlog backlog;
    uint64_t waiting; /* payloads in backlog */
    struct backoff backoff;
    struct backoff_config backoff_config;
    struct event *retry; /* when a block is over */
    struct request *requests;
    int n_requests;
    int in_flight;
    bool forbidden; /* said so */
    bool shedding;  /* said so */
    uint64_t refused_unsaid;
    int64_t refused_said_ms; /* 0: never */
};

struct delivery {
    struct delivery_config config; /* its texts are not kept */
    struct outbox *outbox;
    struct delivery_ledger *ledger;
    struct event_base *base;
    struct transfers transfers;
    struct event *wake;
    struct event *deadline;
    struct endpoint endpoints[ENDPOINTS];
    uint64_t taken;
    bool stopping;
    int64_t give_up_ms; /* while stopping */

    _Atomic(int64_t) stop_ns; /* delivery_stop writes once, the thread reads; 0: run */

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    bool has_ended; /* under mutex */
};

const char *delivery_refusal_name(enum delivery_refusal refusal)
{
    static const char *const names[] = { "400", "413", "other" };
    return names[refusal];
}

const char *delivery_shed_name(enum delivery_shed shed)
{
#define DELIVERY_SHED_NAME(id, word) word,
    static const char *const names[] = { DELIVERY_SHEDS(DELIVERY_SHED_NAME) };
    return names[shed];
}

static int64_t monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

static double random_fraction(void)
{
    return arc4random() / 4294967296.0;
}

/* ----------------------------------------------------------------- ledger */

/* One writer: a load and a store are enough, no locked addition. */
static void tally(_Atomic(uint64_t) *counter, uint64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

static void count(struct delivery_count *into, const struct payload *payload)
{
    tally(&into->points, payload->points);
    tally(&into->payloads, 1);
}

static void uncount(struct delivery_count *from, const struct payload *payload)
{
    tally(&from->points, -(uint64_t)payload->points);
    tally(&from->payloads, -(uint64_t)1);
}

static uint64_t points(const struct delivery_count *account)
{
    return atomic_load_explicit(&account->points, memory_order_relaxed);
}

/* Points that were accepted and are on no account, or on two. */
static uint64_t imbalance(const struct delivery_ledger *ledger)
{
    uint64_t accounted =
        points(&ledger->delivered) + points(&ledger->discarded_local) + points(&ledger->queued);

    for (int i = 0; i < REFUSED_COUNT; i++)
        accounted += points(&ledger->refused[i]);
    for (int i = 0; i < SHED_COUNT; i++)
        accounted += points(&ledger->shed[i]);
    uint64_t accepted = points(&ledger->accepted);
    return accepted > accounted ? accepted - accounted : accounted - accepted;
}

/* The step is over and the ledger balanced. */
static void observe(struct delivery *delivery)
{
    atomic_store_explicit(&delivery->ledger->imbalance, imbalance(delivery->ledger),
                          memory_order_relaxed);
    if (delivery->config.observe != NULL)
        delivery->config.observe(delivery->config.observe_context, delivery->ledger);
}

static void close_account(struct delivery *delivery, const struct payload *payload,
                          struct delivery_count *account)
{
    uncount(&delivery->ledger->queued, payload);
    tally(&delivery->ledger->queued_bytes, -(uint64_t)outbox_weight(payload));
    count(account, payload);
    observe(delivery);
}

/* The end of a payload that was queued or in flight. */
static void settle(struct delivery *delivery, struct payload *given,
                   struct delivery_count *account)
{
    close_account(delivery, given, account);
    outbox_settle(delivery->outbox, given);
}

/* ------------------------------------------------------------------ queue */

static void enqueue(struct endpoint *endpoint, struct payload *given)
{
    backlog_put(&endpoint->backlog, given);
    endpoint->waiting++;
}

static struct payload *dequeue(struct endpoint *endpoint, bool newest)
{
    struct payload *payload = newest ? backlog_take_newest(&endpoint->backlog)
                                     : backlog_take_oldest(&endpoint->backlog);

    endpoint->waiting -= payload != NULL;
    return payload;
}

/* Sheds the oldest that wait until the rest keeps the bound. */
static void trim(struct endpoint *endpoint)
{
    struct delivery *delivery = endpoint->delivery;
    struct delivery_ledger *ledger = delivery->ledger;

    while (endpoint->waiting > 0 &&
           atomic_load_explicit(&ledger->queued_bytes, memory_order_relaxed) >
               delivery->config.queue_bytes) {
        settle(delivery, dequeue(endpoint, false), &ledger->shed[SHED_QUEUE_FULL]);
        if (!endpoint->shedding)
            log_warn("delivery: %s: the retry queue is full, the oldest payloads are dropped",
                     endpoint->intake.name);
        endpoint->shedding = true;
    }
}

/* --------------------------------------------------------------- requests */

static struct request *free_slot(struct endpoint *endpoint)
{
    for (int i = 0; i < endpoint->n_requests; i++)
        if (endpoint->requests[i].payload == NULL)
            return &endpoint->requests[i];
    return NULL;
}

static void say_blocked(const struct endpoint *endpoint, const char *why, const char *note)
{
    int64_t wait_ms = endpoint->backoff.until_ms - monotonic_ms();

    log_warn("delivery: %s fails: %s%s%s; next attempt in %.1f s, %" PRIu64 " payloads wait",
             endpoint->intake.name, why, note[0] != '\0' ? ": " : "", note,
             (double)(wait_ms > 0 ? wait_ms : 0) / 1000, endpoint->waiting);
}

/* An attempt failed: the payload waits again, and so does the endpoint. */
static void put_back(struct request *request, int64_t least_ms, const char *why,
                     const char *note)
{
    struct endpoint *endpoint = request->endpoint;
    bool was_unblocked = endpoint->backoff.state == BACKOFF_UNBLOCKED;

    backoff_fail(&endpoint->backoff, &endpoint->backoff_config, request->probe, monotonic_ms(),
                 random_fraction(), least_ms);
    enqueue(endpoint, request->payload);
    request->payload = NULL;
    tally(&endpoint->delivery->ledger->retries, 1);
    if (was_unblocked)
        say_blocked(endpoint, why, note);
    observe(endpoint->delivery);
    trim(endpoint);
}

static bool start_request(struct endpoint *endpoint, struct request *request)
{
    request->payload = dequeue(endpoint, true);
    request->probe = backoff_start(&endpoint->backoff);
    intake_request_prepare(&request->http, &endpoint->intake, request->payload);
    if (!transfers_start(&endpoint->delivery->transfers, request->http.easy, request)) {
        put_back(request, 0, "libcurl is out of memory", "");
        return false;
    }
    endpoint->in_flight++;
    return true;
}

static void arm(struct event *timer, int64_t wait_ms)
{
    struct timeval wait = { wait_ms / 1000, wait_ms % 1000 * 1000 };

    evtimer_add(timer, wait_ms > 0 ? &wait : &(struct timeval){ 0 });
}

/* Starts what may be started; otherwise comes back when a block is over. */
static void dispatch(struct endpoint *endpoint)
{
    int64_t now_ms = monotonic_ms();
    struct request *slot;

    while (endpoint->waiting > 0 && backoff_allows(&endpoint->backoff, now_ms) &&
           (slot = free_slot(endpoint)) != NULL)
        if (!start_request(endpoint, slot))
            break;
    if (endpoint->waiting > 0 && endpoint->backoff.state == BACKOFF_BLOCKED)
        arm(endpoint->retry, endpoint->backoff.until_ms - now_ms);
}

/* While stopping: nothing is left, or nothing that could be tried in time. */
static bool is_drained(const struct endpoint *endpoint)
{
    if (endpoint->in_flight > 0)
        return false;
    return endpoint->waiting == 0 ||
           (endpoint->backoff.state == BACKOFF_BLOCKED &&
            endpoint->backoff.until_ms >= endpoint->delivery->give_up_ms);
}

static void advance(struct endpoint *endpoint)
{
    struct delivery *delivery = endpoint->delivery;
    bool drained = delivery->stopping;

    dispatch(endpoint);
    for (int i = 0; i < ENDPOINTS; i++)
        drained = drained && is_drained(&delivery->endpoints[i]);
    if (drained)
        event_base_loopbreak(delivery->base);
}

/* ---------------------------------------------------------------- answers */

/* An answer that ends the payload, for good or for bad: the endpoint works. */
static void on_answer(struct request *request, struct delivery_count *account)
{
    struct endpoint *endpoint = request->endpoint;
    struct payload *payload = request->payload;
    bool was_blocked = endpoint->backoff.state != BACKOFF_UNBLOCKED;

    backoff_succeed(&endpoint->backoff, &endpoint->backoff_config, request->probe,
                    monotonic_ms(), random_fraction());
    if (was_blocked && endpoint->backoff.state == BACKOFF_UNBLOCKED) {
        log_info("delivery: %s takes payloads again, %" PRIu64 " wait", endpoint->intake.name,
                 endpoint->waiting);
        endpoint->forbidden = endpoint->shedding = false;
    }
    request->payload = NULL;
    settle(endpoint->delivery, payload, account);
}

static void on_delivered(struct request *request)
{
    struct delivery_ledger *ledger = request->endpoint->delivery->ledger;

    atomic_store_explicit(&ledger->last_success_ms, clock_wall_ns() / 1000000,
                          memory_order_relaxed);
    on_answer(request, &ledger->delivered);
}

static void on_refused(struct request *request, long status)
{
    struct endpoint *endpoint = request->endpoint;
    struct delivery_ledger *ledger = endpoint->delivery->ledger;
    enum delivery_refusal refusal = status == 400   ? REFUSED_400
                                    : status == 413 ? REFUSED_413
                                                    : REFUSED_OTHER;
    int64_t now_ms = monotonic_ms();

    endpoint->refused_unsaid++;
    if (endpoint->refused_said_ms == 0 ||
        now_ms - endpoint->refused_said_ms >= REFUSAL_LOG_MS) {
        log_warn("delivery: %s refused %" PRIu64 " payloads for good, last %s with %ld: %s",
                 endpoint->intake.name, endpoint->refused_unsaid,
                 payload_route_kind(request->payload->route), status,
                 intake_request_note(&request->http, &endpoint->intake));
        endpoint->refused_unsaid = 0;
        endpoint->refused_said_ms = now_ms;
    }
    tally(&ledger->errors[ERROR_HTTP], 1);
    on_answer(request, &ledger->refused[refusal]);
}

static void on_failed(struct request *request, enum intake_error error, const char *why)
{
    struct endpoint *endpoint = request->endpoint;
    int64_t wait_s = intake_request_retry_after(&request->http, clock_wall_ns() / 1000000000);

    tally(&endpoint->delivery->ledger->errors[error], 1);
    put_back(request, wait_s * 1000, why,
             intake_request_note(&request->http, &endpoint->intake));
}

static void on_forbidden(struct request *request)
{
    struct endpoint *endpoint = request->endpoint;

    if (!endpoint->forbidden)
        log_error("delivery: %s does not accept the API key %s (403); payloads are kept and "
                  "sent when it does",
                  endpoint->intake.name, endpoint->intake.masked_key);
    endpoint->forbidden = true;
    on_failed(request, ERROR_HTTP, "status 403");
}

static void on_status(struct request *request, long status)
{
    char why[32];

    switch (intake_judge(status)) {
    case INTAKE_DELIVERED:
        on_delivered(request);
        break;
    case INTAKE_REFUSED:
        on_refused(request, status);
        break;
    case INTAKE_FORBIDDEN:
        on_forbidden(request);
        break;
    case INTAKE_RETRY:
        snprintf(why, sizeof why, "status %ld", status);
        on_failed(request, ERROR_HTTP, why);
        break;
    }
}

static void on_done(void *context, void *private, CURLcode code)
{
    struct request *request = private;
    const char *detail = request->http.error;

    (void)context;
    request->endpoint->in_flight--;
    if (code == CURLE_OK)
        on_status(request, intake_request_status(&request->http));
    else
        on_failed(request, intake_classify(code),
                  detail[0] != '\0' ? detail : curl_easy_strerror(code));
    advance(request->endpoint);
}

/* ------------------------------------------------------------------- loop */

static void accept_payload(struct delivery *delivery, struct payload *given)
{
    struct endpoint *endpoint = &delivery->endpoints[0];
    struct delivery_ledger *ledger = delivery->ledger;

    given->order = delivery->taken++;
    count(&ledger->accepted, given);
    count(&ledger->queued, given);
    tally(&ledger->queued_bytes, outbox_weight(given));
    if (endpoint->local) {
        settle(delivery, given, &ledger->discarded_local);
        return;
    }
    enqueue(endpoint, given);
    observe(delivery);
    dispatch(endpoint); /* first, so that the bound never keeps a free slot empty */
    trim(endpoint);
}

static void accept_all(struct delivery *delivery)
{
    struct payload *payload = outbox_take(delivery->outbox);

    while (payload != NULL) {
        struct payload *next = payload->next;

        accept_payload(delivery, payload);
        payload = next;
    }
}

/* One attempt at once for what waits, and one success is enough to go on. */
static void begin_stop(struct delivery *delivery, int64_t stop_ns)
{
    int64_t now_ms = monotonic_ms();
    int64_t left_ms = stop_ns / 1000000 - now_ms;
    int64_t margin_ms = left_ms / 10 < STOP_MARGIN_MS ? left_ms / 10 : STOP_MARGIN_MS;

    delivery->stopping = true;
    delivery->give_up_ms = now_ms + left_ms - margin_ms;
    arm(delivery->deadline, delivery->give_up_ms - now_ms);
    for (int i = 0; i < ENDPOINTS; i++) {
        backoff_hurry(&delivery->endpoints[i].backoff);
        delivery->endpoints[i].backoff_config.recovery_reset = true;
        advance(&delivery->endpoints[i]);
    }
}

static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    struct delivery *delivery = argument;
    eventfd_t ignored;

    (void)what;
    eventfd_read(fd, &ignored);
    int64_t stop_ns = atomic_load_explicit(&delivery->stop_ns, memory_order_acquire);

    accept_all(delivery);
    if (stop_ns != 0 && !delivery->stopping)
        begin_stop(delivery, stop_ns);
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    advance(argument);
}

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
    struct delivery *delivery = argument;

    (void)fd;
    (void)what;
    event_base_loopbreak(delivery->base);
}

/* Counts what is left, before libcurl is touched, which may take its time. */
static void shed_rest(struct endpoint *endpoint)
{
    struct delivery *delivery = endpoint->delivery;
    struct delivery_count *stopped = &delivery->ledger->shed[SHED_STOPPED];
    uint64_t before = atomic_load_explicit(&stopped->points, memory_order_relaxed);
    struct payload *payload;

    while ((payload = dequeue(endpoint, false)) != NULL)
        settle(delivery, payload, stopped);
    for (int i = 0; i < endpoint->n_requests; i++)
        if (endpoint->requests[i].payload != NULL)
            close_account(delivery, endpoint->requests[i].payload, stopped);
    uint64_t points = atomic_load_explicit(&stopped->points, memory_order_relaxed) - before;

    if (points > 0)
        log_warn("delivery: %s: stopped with %" PRIu64 " points unsent", endpoint->intake.name,
                 points);
}

/* Only now may libcurl no longer look at the bytes of these payloads. */
static void end_requests(struct endpoint *endpoint)
{
    struct delivery *delivery = endpoint->delivery;

    for (int i = 0; i < endpoint->n_requests; i++) {
        struct request *request = &endpoint->requests[i];

        if (request->payload != NULL) {
            transfers_stop(&delivery->transfers, request->http.easy);
            outbox_settle(delivery->outbox, request->payload);
        }
        intake_request_close(&request->http);
    }
}

/* Frees all that the thread used, and no memory that others wait on. */
static void delivery_clear(struct delivery *delivery)
{
    for (int i = 0; i < ENDPOINTS; i++) {
        struct endpoint *endpoint = &delivery->endpoints[i];

        end_requests(endpoint);
        free(endpoint->requests);
        if (endpoint->retry != NULL)
            event_free(endpoint->retry);
    }
    transfers_close(&delivery->transfers);
    for (int i = 0; i < ENDPOINTS; i++)
        intake_close(&delivery->endpoints[i].intake);
    if (delivery->wake != NULL)
        event_free(delivery->wake);
    if (delivery->deadline != NULL)
        event_free(delivery->deadline);
    if (delivery->base != NULL)
        event_base_free(delivery->base);
}

static void *delivery_run(void *argument)
{
    struct delivery *delivery = argument;

    event_base_dispatch(delivery->base);
    for (int i = 0; i < ENDPOINTS; i++)
        shed_rest(&delivery->endpoints[i]);
    delivery_clear(delivery);

    pthread_mutex_lock(&delivery->mutex);
    delivery->has_ended = true;
    pthread_cond_signal(&delivery->ended);
    pthread_mutex_unlock(&delivery->mutex);
    return NULL;
}

/* ------------------------------------------------------------ start, stop */

static bool open_requests(struct endpoint *endpoint, int concurrent)
{
    endpoint->requests = calloc((size_t)concurrent, sizeof *endpoint->requests);
    if (endpoint->requests == NULL)
        return false;
    for (int i = 0; i < concurrent; i++) {
        struct request *request = &endpoint->requests[i];

        if (!intake_request_open(&request->http))
            return false;
        request->endpoint = endpoint;
        endpoint->n_requests++;
    }
    return true;
}

static bool open_endpoint(struct delivery *delivery, struct endpoint *endpoint)
{
    const struct delivery_config *config = &delivery->config;
    struct intake_config intake = {
        .base_url = config->base_url,
        .api_key = config->api_key != NULL ? config->api_key : "",
        .user_agent = config->user_agent,
        .timeout_ms = config->timeout_ms,
        .http1 = config->http1,
    };

    endpoint->delivery = delivery;
    endpoint->backoff_config = config->backoff;
    endpoint->local = config->base_url == NULL;
    endpoint->retry = evtimer_new(delivery->base, on_retry, endpoint);
    if (endpoint->local || endpoint->retry == NULL)
        return endpoint->local;
    return intake_open(&endpoint->intake, &intake) &&
           open_requests(endpoint, config->concurrent);
}

static bool delivery_open(struct delivery *delivery)
{
    delivery->base = event_base_new();
    if (delivery->base == NULL ||
        !transfers_open(&delivery->transfers, delivery->base, delivery->config.concurrent,
                        on_done, delivery))
        return false;
    delivery->deadline = evtimer_new(delivery->base, on_deadline, delivery);
    delivery->wake = event_new(delivery->base, delivery->outbox->wake_fd, EV_READ | EV_PERSIST,
                               on_wake, delivery);
    if (delivery->deadline == NULL || delivery->wake == NULL ||
        event_add(delivery->wake, NULL) != 0)
        return false;
    for (int i = 0; i < ENDPOINTS; i++)
        if (!open_endpoint(delivery, &delivery->endpoints[i]))
            return false;
    return true;
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

/* Signals belong to the main thread; SIGPIPE of a broken connection then stays
 * pending here and does no harm. */
static bool start_thread(struct delivery *delivery)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&delivery->thread, NULL, delivery_run, delivery) == 0;

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* The thread has ended, or never began. */
static void delivery_free(struct delivery *delivery)
{
    pthread_cond_destroy(&delivery->ended);
    pthread_mutex_destroy(&delivery->mutex);
    free(delivery);
    curl_global_cleanup();
}

struct delivery *delivery_start(const struct delivery_config *config, struct outbox *outbox,
                                struct delivery_ledger *ledger)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);

    if (delivery == NULL)
        return NULL;
    delivery->config = *config;
    delivery->outbox = outbox;
    delivery->ledger = ledger;
    open_condition(delivery);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(delivery);
        return NULL;
    }
    if (delivery_open(delivery) && start_thread(delivery))
        return delivery;
    log_error("delivery: cannot start: bad intake URL or API key, or out of memory");
    delivery_clear(delivery);
    delivery_free(delivery);
    return NULL;
}

/* A deadline that is over still leaves a moment to count what is left. */
static int64_t fair_deadline(int64_t deadline_ns)
{
    int64_t soonest_ns = clock_monotonic_ns() + STOP_MARGIN_MS * INT64_C(1000000);

    return deadline_ns > soonest_ns ? deadline_ns : soonest_ns;
}

bool delivery_stop(struct delivery *given, int64_t deadline_monotonic_ns)
{
    int64_t deadline_ns = fair_deadline(deadline_monotonic_ns);
    struct timespec until = { deadline_ns / 1000000000, deadline_ns % 1000000000 };
    int waited = 0;

    atomic_store_explicit(&given->stop_ns, deadline_ns, memory_order_release); /* on_wake */
    outbox_wake(given->outbox);
    pthread_mutex_lock(&given->mutex);
    while (!given->has_ended && waited == 0)
        waited = pthread_cond_timedwait(&given->ended, &given->mutex, &until);
    bool has_ended = given->has_ended;

    pthread_mutex_unlock(&given->mutex);
    if (!has_ended) {
        pthread_detach(given->thread);
        return false;
    }
    pthread_join(given->thread, NULL);
    delivery_free(given);
    return true;
}
