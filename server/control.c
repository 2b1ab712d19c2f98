#include "server/control.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "config/log.h"
#include "server/reload.h"

enum { WAITING_MAX = 8, FLUSH_WAIT_MS = 5000, LOOK_MS = 10, DRAIN_WAIT_MS = 500 };

/* A flush that somebody waits for. */
struct waiting {
    struct waiting *next;
    struct evhttp_request *request; /* NULL: the client has gone */
    int64_t second;                 /* at which the interval ends */
    int64_t until_ms;               /* monotonic */
    bool encoded;                   /* all of it is in the outbox */
};

struct control {
    struct event_base *base;
    struct server *server;
    struct event *look_timer;  /* ticks while somebody waits */
    struct event *drain_timer; /* the answer has had its time */
    struct waiting *waiting;
    int n_waiting;
    bool draining;
};

/* ---- replies ----------------------------------------------------------- */

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 202:
        return "Accepted";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 503:
        return "Service Unavailable";
    default:
        return "Gateway Timeout";
    }
}

static void reply(struct evhttp_request *request, int status, const char *json)
{
    struct evbuffer *body = evbuffer_new();

    if (body != NULL)
        evbuffer_add_printf(body, "%s\n", json);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "application/json");
    evhttp_send_reply(request, status, reason_of(status), body);
    if (body != NULL)
        evbuffer_free(body);
}

bool control_refuses(struct evhttp_request *request)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);

    if (evhttp_find_header(headers, "Origin") == NULL &&
        evhttp_find_header(headers, "Sec-Fetch-Site") == NULL)
        return false;
    reply(request, 403,
          "{\"status\":\"error\",\"errors\":[\"a browser sent this (Origin or "
          "Sec-Fetch-Site): pages may not\"]}");
    return true;
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

static void on_close(struct evhttp_connection *connection, void *context)
{
    struct waiting *waiting = context;

    (void)connection;
    waiting->request = NULL; /* freed with its connection */
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
    struct evhttp_request *request = waiting->request;

    snprintf(json, sizeof json,
             "{\"status\":\"%s\",\"sealed_at\":%lld,\"encoded\":%s,\"settled\":%s,"
             "\"queued_payloads\":%llu,\"spooled_payloads\":%llu}",
             status == 504 ? "error" : "ok", (long long)waiting->second,
             waiting->encoded ? "true" : "false", status == 200 ? "true" : "false",
             (unsigned long long)payloads_in(view, false),
             (unsigned long long)payloads_in(view, true));
    waiting_free(control, waiting);
    if (request == NULL)
        return;
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
    reply(request, status, json);
}

/* Settled: delivered, refused for good or shed, each of them counted; on disk too. */
static void look_at(struct control *control, struct waiting *waiting,
                    const struct server_view *view, int64_t now_ms)
{
    int64_t flushed_s =
        (int64_t)atomic_load_explicit(&view->flusher_ledger->flushed_until_s.n,
                                      memory_order_acquire); /* with the flusher's */

    waiting->encoded = waiting->encoded || flushed_s >= waiting->second;
    if (waiting->encoded && outbox_bytes(view->outbox) == 0)
        answer_flush(control, waiting, view, 200);
    else if (now_ms >= waiting->until_ms || waiting->request == NULL)
        answer_flush(control, waiting, view, waiting->encoded ? 202 : 504);
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
    struct control *control = context;
    struct waiting *next;
    struct server_view view;

    (void)fd, (void)what;
    server_view(control->server, &view);
    for (struct waiting *waiting = control->waiting; waiting != NULL; waiting = next) {
        next = waiting->next;
        look_at(control, waiting, &view, clock_monotonic_ns() / 1000000);
    }
    if (control->waiting == NULL)
        event_del(control->look_timer);
}

void control_on_flush(struct evhttp_request *request, void *context)
{
    static const struct timeval look = { 0, LOOK_MS * 1000 };
    struct control *control = context;
    struct waiting *waiting =
        control->n_waiting < WAITING_MAX ? calloc(1, sizeof *waiting) : NULL;

    if (waiting == NULL) {
        reply(request, 503,
              "{\"status\":\"error\",\"errors\":[\"too many flushes wait already\"]}");
        return;
    }
    waiting->next = control->waiting;
    waiting->request = request;
    waiting->second = server_flush(control->server);
    waiting->until_ms = clock_monotonic_ns() / 1000000 + FLUSH_WAIT_MS;
    control->waiting = waiting;
    control->n_waiting++;
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_close, waiting);
    event_add(control->look_timer, &look);
}

/* ---- drain ------------------------------------------------------------- */

static void on_drain_time(evutil_socket_t fd, short what, void *context)
{
    struct control *control = context;

    (void)fd, (void)what;
    if (!control->draining)
        return;
    control->draining = false;
    server_ask_to_stop(control->server);
}

/* The answer is on its way: the rest may begin. */
static void on_replied(struct evhttp_request *request, void *context)
{
    (void)request;
    on_drain_time(-1, 0, context);
}

void control_on_drain(struct evhttp_request *request, void *context)
{
    static const struct timeval wait = { 0, DRAIN_WAIT_MS * 1000 };
    struct control *control = context;

    log_info("server: POST /drain");
    control->draining = true;
    event_add(control->drain_timer, &wait); /* for a client that does not take its answer */
    evhttp_request_set_on_complete_cb(request, on_replied, control);
    reply(request, 202, "{\"status\":\"ok\",\"draining\":true}");
}

/* ---- reload ------------------------------------------------------------ */

void control_on_reload(struct evhttp_request *request, void *context)
{
    struct control *control = context;
    struct reload reload = { .problems = { .n_unlisted = 0 } };
    bool done = server_reload(control->server, &reload, "POST /reload");
    char *json = reload_json(&reload, done);

    reply(request, done ? 200 : 400, json != NULL ? json : "{\"status\":\"error\"}");
    free(json);
    reload_free(&reload);
}

/* ---- start and stop ---------------------------------------------------- */

struct control *control_new(struct event_base *base, struct server *server)
{
    struct control *control = calloc(1, sizeof *control);

    if (control == NULL)
        return NULL;
    control->base = base;
    control->server = server;
    control->look_timer = event_new(base, -1, EV_PERSIST, on_look, control);
    control->drain_timer = event_new(base, -1, 0, on_drain_time, control);
    if (control->look_timer == NULL || control->drain_timer == NULL) {
        control_free(control);
        return NULL;
    }
    return control;
}

/* Requests that wait are freed with the HTTP server, and must not find us. */
void control_stop(struct control *control)
{
    if (control == NULL)
        return;
    for (struct waiting *waiting = control->waiting; waiting != NULL; waiting = waiting->next)
        if (waiting->request != NULL)
            evhttp_connection_set_closecb(evhttp_request_get_connection(waiting->request), NULL,
                                          NULL);
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
