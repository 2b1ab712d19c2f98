#include "flush/delivery/endpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/delivery/dead_letter.h"
#include "flush/redis/timer.h"

enum {
    REFUSAL_LOG_MS = 60000, /* one line about refused payloads this often */
    STALE_S = 3600,         /* the intake may ignore points older than this */
    READ_AGAIN_MS = 1000,   /* after a file could not be read for now */
};

void endpoint_fail(struct endpoint *endpoint, bool probe, int64_t least_ms)
{
    backoff_fail(&endpoint->backoff, &endpoint->backoff_config, probe, clock_monotonic_ms(),
                 backoff_random(), least_ms);
}

static bool is_blocked(const struct endpoint *endpoint)
{
    return endpoint->held || endpoint->backoff.state != BACKOFF_UNBLOCKED;
}

void endpoint_trim(struct endpoint *endpoint)
{
    if (endpoint->common->holding && !endpoint->common->stopping)
        return;
    int64_t more_ms = queue_trim(&endpoint->queue, is_blocked(endpoint), clock_monotonic_ms(),
                                 clock_wall_s());

    if (more_ms >= 0)
        timer_start(endpoint->more, more_ms);
}

/* ---- requests ---------------------------------------------------------- */

static struct request *free_slot(struct endpoint *endpoint)
{
    for (int i = 0; i < endpoint->n_requests; i++)
        if (endpoint->requests[i].errand == NULL)
            return &endpoint->requests[i];
    return NULL;
}

static void say_blocked(const struct endpoint *endpoint, const char *why, const char *note)
{
    int64_t wait_ms = endpoint->backoff.until_ms - clock_monotonic_ms();

    log_warn("delivery: %s fails: %s%s%s; next attempt in %.1f s, %zu payloads wait",
             endpoint->name, why, note[0] != '\0' ? ": " : "", note,
             (double)(wait_ms > 0 ? wait_ms : 0) / 1000, queue_waiting(&endpoint->queue));
}

/* An attempt failed: the payload goes back to the queue, and the endpoint waits before it tries
 * again. */
static void put_back(struct request *request, int64_t least_ms, const char *why,
                     const char *note)
{
    struct endpoint *endpoint = request->endpoint;
    bool was_unblocked = endpoint->backoff.state == BACKOFF_UNBLOCKED;

    endpoint_fail(endpoint, request->probe, least_ms);
    tally(&endpoint->ledger->retries, 1);
    queue_put_back(&endpoint->queue, request->errand);
    request->errand = NULL;
    if (was_unblocked)
        say_blocked(endpoint, why, note);
    endpoint_trim(endpoint);
}

/* False: there is nothing to send now. */
static bool start_request(struct endpoint *endpoint, struct request *request)
{
    struct errand *errand =
        queue_take(&endpoint->queue, endpoint->in_flight, clock_monotonic_ms());

    if (errand == NULL) {
        if (queue_waiting(&endpoint->queue) > 0 && endpoint->in_flight == 0)
            timer_start(endpoint->retry, READ_AGAIN_MS);
        return false;
    }
    request->errand = errand;
    request->probe = backoff_start(&endpoint->backoff);
    intake_request_prepare(&request->http, keyed_use(request), errand->payload);
    if (!transfers_start(&endpoint->common->transfers, request->http.easy,
                         &request->transfer)) {
        put_back(request, 0, "libcurl is out of memory", "");
        return false;
    }
    endpoint->in_flight++;
    return true;
}

static void dispatch(struct endpoint *endpoint)
{
    int64_t now_ms = clock_monotonic_ms();
    struct request *slot;

    if (endpoint->common->holding && !endpoint->common->stopping)
        return;

    while (!endpoint->held && queue_waiting(&endpoint->queue) > 0 &&
           backoff_allows(&endpoint->backoff, now_ms) && (slot = free_slot(endpoint)) != NULL)
        if (!start_request(endpoint, slot))
            break;
    if (endpoint->held && !endpoint->validating && backoff_allows(&endpoint->backoff, now_ms))
        endpoint_ask_about_key(endpoint, true);
    if ((endpoint->held || queue_waiting(&endpoint->queue) > 0) &&
        endpoint->backoff.state == BACKOFF_BLOCKED && endpoint->backoff.until_ms > now_ms)
        timer_start(endpoint->retry, endpoint->backoff.until_ms - now_ms);
}

void endpoint_dispatch(struct endpoint *endpoint)
{
    dispatch(endpoint);
    endpoint_show(endpoint);
}

void endpoint_advance(struct endpoint *endpoint)
{
    endpoint_dispatch(endpoint);
    endpoint->common->moved(endpoint->common->delivery);
}

/* ---- answers ----------------------------------------------------------- */

/* The answer ended the payload, for good or for bad, so the endpoint works. */
static void works(struct request *request)
{
    struct endpoint *endpoint = request->endpoint;
    bool was_blocked = endpoint->backoff.state != BACKOFF_UNBLOCKED;

    backoff_succeed(&endpoint->backoff, &endpoint->backoff_config, request->probe,
                    clock_monotonic_ms(), backoff_random());
    if (was_blocked && endpoint->backoff.state == BACKOFF_UNBLOCKED) {
        log_info("delivery: %s takes payloads again, %zu wait", endpoint->name,
                 queue_waiting(&endpoint->queue));
        endpoint->queue.shedding = false;
    }
}

static void on_answer(struct request *request, struct delivery_count *account)
{
    struct errand *errand = request->errand;

    works(request);
    request->errand = NULL;
    queue_settle(&request->endpoint->queue, errand, account);
}

static void on_delivered(struct request *request)
{
    struct endpoint *endpoint = request->endpoint;
    struct delivery_ledger *ledger = endpoint->ledger;
    int64_t now_ms = clock_wall_ms();
    bool stale = now_ms / 1000 - request->errand->created_s > STALE_S;

    atomic_store_explicit(&ledger->last_success_ms, now_ms, memory_order_relaxed);
    endpoint_set_key_state(endpoint, KEY_VALID);
    endpoint->key_wrong = false;
    on_answer(request, stale ? &ledger->delivered_stale : &ledger->delivered);
}

static void say_refused(struct request *request, long status, const char *note)
{
    struct endpoint *endpoint = request->endpoint;
    int64_t now_ms = clock_monotonic_ms();

    endpoint->refused_unsaid++;
    if (endpoint->refused_said_ms != 0 && now_ms - endpoint->refused_said_ms < REFUSAL_LOG_MS)
        return;
    log_warn("delivery: %s refused %" PRIu64 " payloads for good, last %s with %ld: %s",
             endpoint->name, endpoint->refused_unsaid,
             payload_route_kind(request->errand->payload->route), status, note);
    endpoint->refused_unsaid = 0;
    endpoint->refused_said_ms = now_ms;
}

static void keep_dead_letter(struct endpoint *endpoint, const struct payload *payload,
                             long status, const char *note)
{
    struct dead_letter letter = { endpoint->name, status, note, payload, clock_wall_ns() };

    if (endpoint->dead_letter_path == NULL)
        return;
    bool kept = dead_letter_write(endpoint->dead_letter_path, &letter);

    if (kept)
        tally(&endpoint->ledger->dead_letters, 1);
    else if (!endpoint->dead_letters_fail)
        log_warn("delivery: cannot keep refused payloads in %s: %m",
                 endpoint->dead_letter_path);
    endpoint->dead_letters_fail = !kept;
}

static void on_refused(struct request *request, long status)
{
    struct endpoint *endpoint = request->endpoint;
    const char *note = intake_request_note(&request->http, &request->keyed->intake);

    say_refused(request, status, note);
    tally(&endpoint->ledger->errors[ERROR_HTTP], 1);
    keep_dead_letter(endpoint, request->errand->payload, status, note);
    on_answer(request, &endpoint->ledger->refused[status == 400 ? REFUSED_400 : REFUSED_413]);
}

static void on_failed(struct request *request, enum intake_error error, const char *why)
{
    struct endpoint *endpoint = request->endpoint;
    int64_t wait_s = intake_request_retry_after(&request->http, clock_wall_s());

    tally(&endpoint->ledger->errors[error], 1);
    put_back(request, wait_s * 1000, why,
             intake_request_note(&request->http, &request->keyed->intake));
}

/* The intake may take the payload in halves; one of a single item is refused. */
static void on_too_large(struct request *request)
{
    struct endpoint *endpoint = request->endpoint;
    struct errand *errand = request->errand;
    struct payload *halves[2];
    enum payload_split split = payload_split(errand->payload, halves);

    if (split == SPLIT_DONE && !queue_split(&endpoint->queue, errand, halves))
        split = SPLIT_NO_MEMORY;
    switch (split) {
    case SPLIT_DONE:
        tally(&endpoint->ledger->errors[ERROR_HTTP], 1);
        works(request);
        request->errand = NULL;
        endpoint_trim(endpoint);
        break;
    case SPLIT_NO_MEMORY:
        on_failed(request, ERROR_HTTP, "status 413, and no memory to split the payload");
        break;
    case SPLIT_SINGLE:
    case SPLIT_DAMAGED:
        on_refused(request, 413);
        break;
    }
}

static void on_forbidden(struct request *request)
{
    if (request->keyed ==
        request->endpoint->keyed) { /* otherwise a new key has come meanwhile */
        endpoint_say_key_wrong(request->endpoint);
        request->endpoint->held = true;
    }
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
    case INTAKE_TOO_LARGE:
        on_too_large(request);
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

/* ---- loop -------------------------------------------------------------- */

static void say_done(const struct request *request, CURLcode code)
{
    const struct endpoint *endpoint = request->endpoint;
    const struct errand *errand = request->errand;
    curl_off_t took_us = 0;

    if (!log_enabled(LOG_LEVEL_DEBUG))
        return;
    curl_easy_getinfo(request->http.easy, CURLINFO_TOTAL_TIME_T, &took_us);
    log_debug("delivery: %s: %s of %" PRIu32 " points: %s, status %ld, %.1f ms", endpoint->name,
              errand != NULL ? payload_route_kind(errand->payload->route) : "key",
              errand != NULL ? errand->points : 0, curl_easy_strerror(code),
              intake_request_status(&request->http), (double)took_us / 1000);
}

void endpoint_on_done(struct transfer *transfer, CURLcode code)
{
    struct request *request = (struct request *)transfer;
    struct endpoint *endpoint = request->endpoint;

    say_done(request, code);
    endpoint_show_answer(request, code);
    if (request == &endpoint->validation) {
        endpoint_key_answered(endpoint, code);
    } else {
        endpoint->in_flight--;
        if (code == CURLE_OK)
            on_status(request, intake_request_status(&request->http));
        else
            on_failed(request, intake_classify(code),
                      intake_request_failure(&request->http, code));
    }
    endpoint_advance(endpoint);
}
