#include "server/http/control.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/patience.h"
#include "server/http/main_turn.h"

enum { WAITING_MAX = 8, FLUSH_WAIT_MS = 5000, LOOK_MS = 10, DRAIN_WAIT_MS = 500 };

/* A flush that somebody waits for. */
struct waiting {
    struct waiting *next;
    struct http_exchange *exchange; /* NULL: the client has gone */
    int64_t second;                 /* at which the interval ends */
    int64_t until_ms;               /* monotonic */
    bool encoded;                   /* all of it is in the outbox */
};

struct control {
    struct event_base *base;
    struct server_access server;
    struct event *look_timer;  /* ticks while somebody waits */
    struct event *drain_timer; /* when the stop begins in any case */
    struct waiting *waiting;
    int n_waiting;
    bool draining;
};

/* ---- replies ----------------------------------------------------------- */

static void reply(struct http_exchange *exchange, int status, const char *json)
{
    struct evbuffer *body = evbuffer_new();

    if (body != NULL && evbuffer_add_printf(body, "%s\n", json) < 0) {
        evbuffer_free(body);
        body = NULL;
    }
    http_reply(exchange, status, "application/json", body);
}

/* ---- flush ------------------------------------------------------------- */

static void waiting_free(struct control *control, struct waiting *given)
{
    struct waiting **at = &control->waiting;

    while (*at != given)
        at = &(*at)->next;
    *at = given->next;
    control->n_waiting--;
    free(given);
}

static void on_gone(void *argument)
{
    struct waiting *waiting = argument;

    waiting->exchange = NULL;
}

static uint64_t payloads_in(const struct server_view *view, bool spooled)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < view->n_sinks; i++) {
        const struct delivery_ledger *ledger = &view->delivery_ledger[i];
        sum +=
            atomic_load_explicit(spooled ? &ledger->spooled.payloads : &ledger->queued.payloads,
                                 memory_order_relaxed);
    }
    return sum;
}

static void answer_flush(struct control *control, struct waiting *waiting,
                         const struct server_view *view, int status)
{
    char json[256];
    struct http_exchange *exchange = waiting->exchange;

    snprintf(json, sizeof json,
             "{\"status\":\"%s\",\"sealed_at\":%lld,\"encoded\":%s,\"settled\":%s,"
             "\"queued_payloads\":%llu,\"spooled_payloads\":%llu}",
             status == 504 ? "error" : "ok", (long long)waiting->second,
             waiting->encoded ? "true" : "false", status == 200 ? "true" : "false",
             (unsigned long long)payloads_in(view, false),
             (unsigned long long)payloads_in(view, true));
    waiting_free(control, waiting);
    if (exchange == NULL)
        return;
    http_on_end(exchange, NULL, NULL);
    reply(exchange, status, json);
}

/* A payload counts as settled when it was delivered, refused for good or shed, or is on disk.
 */
static void look_at(struct control *control, struct waiting *waiting,
                    const struct server_view *view, int64_t now_ms)
{
    int64_t flushed_s =
        (int64_t)atomic_load_explicit(&view->flusher_ledger->flushed_until_s.n,
                                      memory_order_acquire); /* with the flusher's */

    waiting->encoded = waiting->encoded || flushed_s >= waiting->second;
    if (waiting->encoded && outbox_bytes(view->outbox) == 0)
        answer_flush(control, waiting, view, 200);
    else if (now_ms >= waiting->until_ms || waiting->exchange == NULL)
        answer_flush(control, waiting, view, waiting->encoded ? 202 : 504);
}

static void on_look(evutil_socket_t fd, short what, void *argument)
{
    struct control *control = argument;
    struct waiting *next;
    struct server_view view;

    (void)fd, (void)what;
    main_turn_began();
    control->server.look(control->server.server, &view);
    for (struct waiting *waiting = control->waiting; waiting != NULL; waiting = next) {
        next = waiting->next;
        look_at(control, waiting, &view, clock_monotonic_ms());
    }
    if (control->waiting == NULL)
        event_del(control->look_timer);
}

void control_on_flush(struct http_exchange *exchange, const struct http_request *request,
                      void *argument)
{
    static const struct timeval look = { 0, LOOK_MS * 1000 };
    struct control *control = argument;
    struct waiting *waiting =
        control->n_waiting < WAITING_MAX ? calloc(1, sizeof *waiting) : NULL;

    (void)request;
    if (waiting == NULL) {
        reply(exchange, 503,
              "{\"status\":\"error\",\"errors\":[\"too many flushes wait already\"]}");
        return;
    }
    waiting->next = control->waiting;
    waiting->exchange = exchange;
    waiting->second = control->server.flush(control->server.server);
    waiting->until_ms = clock_monotonic_ms() + patience_ms(FLUSH_WAIT_MS);
    control->waiting = waiting;
    control->n_waiting++;
    http_on_end(exchange, on_gone, waiting);
    event_add(control->look_timer, &look);
}

/* ---- drain ------------------------------------------------------------- */

static void on_drain_time(evutil_socket_t fd, short what, void *argument)
{
    struct control *control = argument;

    (void)fd, (void)what;
    if (!control->draining)
        return;
    control->draining = false;
    control->server.ask_to_stop(control->server.server);
}

/* The answer was taken: the stop may begin. */
static void on_replied(void *argument)
{
    on_drain_time(-1, 0, argument);
}

void control_on_drain(struct http_exchange *exchange, const struct http_request *request,
                      void *argument)
{
    static const struct timeval wait = { 0, DRAIN_WAIT_MS * 1000 };
    struct control *control = argument;

    (void)request;
    log_info("server: POST /drain");
    control->draining = true;
    event_add(control->drain_timer,
              &wait); /* in case that the client does not take its answer */
    http_on_end(exchange, on_replied, control);
    reply(exchange, 202, "{\"status\":\"ok\",\"draining\":true}");
}

/* ---- reload ------------------------------------------------------------ */

void control_on_reload(struct http_exchange *exchange, const struct http_request *request,
                       void *argument)
{
    struct control *control = argument;
    bool done;
    char *json = control->server.reload(control->server.server, &done);

    (void)request;
    reply(exchange, done ? 200 : 400, json != NULL ? json : "{\"status\":\"error\"}");
    free(json);
}

/* ---- start and stop ---------------------------------------------------- */

struct control *control_new(struct event_base *base, const struct server_access *server)
{
    struct control *control = calloc(1, sizeof *control);

    if (control == NULL)
        return NULL;
    control->base = base;
    control->server = *server;
    control->look_timer = event_new(base, -1, EV_PERSIST, on_look, control);
    control->drain_timer = event_new(base, -1, 0, on_drain_time, control);
    if (control->look_timer == NULL || control->drain_timer == NULL) {
        control_free(control);
        return NULL;
    }
    return control;
}

void control_free(struct control *given)
{
    if (given == NULL)
        return;
    while (given->waiting != NULL)
        waiting_free(given, given->waiting);
    if (given->look_timer != NULL)
        event_free(given->look_timer);
    if (given->drain_timer != NULL)
        event_free(given->drain_timer);
    free(given);
}
