#include "server/ask.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <math.h>
#include <stdlib.h>

#include "protocol/number.h"

enum { WAITING_MAX = 8, TIMEOUT_S = 5 };

/* A question under way; it lives until its answer is back. */
struct pending {
    struct pending *next;
    struct ask *ask;
    struct asked *asked;            /* the flusher's */
    struct evhttp_request *request; /* NULL: answered, or the client has gone */
    struct event *timer;
};

struct ask {
    struct event_base *base;
    struct questions *questions;
    struct event *answered_event;
    struct pending *pending;
    int n_pending;
    bool stopped;
};

/* ---- replies ----------------------------------------------------------- */

static const char *reason_of(int status)
{
    return status == 200   ? "OK"
           : status == 400 ? "Bad Request"
           : status == 503 ? "Service Unavailable"
                           : "Gateway Timeout";
}

static void reply(struct evhttp_request *request, int status, const struct bytes *body)
{
    struct evbuffer *buffer = evbuffer_new();

    if (buffer != NULL && body->len > 0)
        evbuffer_add(buffer, body->at, body->len);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "application/json");
    evhttp_send_reply(request, status, reason_of(status), buffer);
    if (buffer != NULL)
        evbuffer_free(buffer);
}

static void refuse(struct evhttp_request *request, int status, const char *sentence)
{
    struct asked answer = { 0 };

    asked_refuse(&answer, status, sentence);
    reply(request, status, &answer.answer);
    bytes_free(&answer.answer);
}

/* The request leaves the question behind. */
static struct evhttp_request *take_request(struct pending *pending)
{
    struct evhttp_request *request = pending->request;

    pending->request = NULL;
    if (request != NULL)
        evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
    return request;
}

static void cancel(struct pending *pending)
{
    if (!pending->ask->stopped)
        atomic_store_explicit(&pending->asked->cancelled, true, memory_order_relaxed);
}

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
    struct pending *pending = context;
    struct evhttp_request *request = take_request(pending);

    (void)fd, (void)what;
    cancel(pending);
    if (request != NULL)
        refuse(request, 504, "the answer took more than 5 seconds: ask for less");
}

static void on_close(struct evhttp_connection *connection, void *context)
{
    struct pending *pending = context;

    (void)connection;
    pending->request = NULL; /* freed with its connection */
    cancel(pending);
}

static void pending_free(struct pending *given)
{
    struct pending **at = &given->ask->pending;

    while (*at != given)
        at = &(*at)->next;
    *at = given->next;
    given->ask->n_pending--;
    if (given->timer != NULL)
        event_free(given->timer);
    free(given);
}

static void on_answered(evutil_socket_t fd, short what, void *context)
{
    struct ask *ask = context;
    struct asked *asked = questions_take_answered(ask->questions);

    (void)fd, (void)what;
    while (asked != NULL) {
        struct asked *next = asked->next;
        struct pending *pending = asked->context;
        struct evhttp_request *request = take_request(pending);
        if (request != NULL && asked->answer.failed)
            refuse(request, 503, "not enough memory for the answer");
        else if (request != NULL)
            reply(request, asked->status, &asked->answer);
        pending_free(pending);
        asked_free(asked);
        asked = next;
    }
}

/* ---- requests ---------------------------------------------------------- */

static bool read_time(const struct evkeyvalq *parameters, const char *name, int64_t *out)
{
    const char *text = evhttp_find_header(parameters, name);
    double seconds;

    if (text == NULL || !number_double(slice_of(text), &seconds) || !(fabs(seconds) < 1e15))
        return false;
    *out = (int64_t)floor(seconds);
    return true;
}

static struct pending *pending_new(struct ask *ask, struct evhttp_request *request,
                                   const char *text, int64_t from_s, int64_t to_s)
{
    static const struct timeval timeout = { TIMEOUT_S, 0 };
    struct pending *pending = calloc(1, sizeof *pending);

    if (pending == NULL)
        return NULL;
    *pending = (struct pending){ .next = ask->pending, .ask = ask, .request = request };
    ask->pending = pending;
    ask->n_pending++;
    pending->timer = event_new(ask->base, -1, 0, on_timeout, pending);
    pending->asked = asked_new(slice_of(text), from_s, to_s, pending);
    if (pending->asked != NULL && pending->timer != NULL &&
        event_add(pending->timer, &timeout) == 0)
        return pending;
    if (pending->asked != NULL)
        asked_free(pending->asked);
    pending_free(pending);
    return NULL;
}

static void ask_flusher(struct ask *ask, struct evhttp_request *request,
                        const struct evkeyvalq *parameters)
{
    const char *text = evhttp_find_header(parameters, "query");
    int64_t from_s, to_s;

    if (text == NULL || !read_time(parameters, "from", &from_s) ||
        !read_time(parameters, "to", &to_s)) {
        refuse(request, 400, "expected ?from=SECONDS&to=SECONDS&query=TEXT");
        return;
    }
    if (ask->n_pending >= WAITING_MAX) {
        refuse(request, 503, "too many questions wait already");
        return;
    }
    struct pending *pending = pending_new(ask, request, text, from_s, to_s);
    if (pending == NULL) {
        refuse(request, 503, "not enough memory for the question");
        return;
    }
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_close, pending);
    questions_ask(ask->questions, pending->asked);
}

void ask_on_query(struct evhttp_request *request, void *context)
{
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    struct evkeyvalq parameters = { 0 };

    if (query == NULL || evhttp_parse_query_str(query, &parameters) != 0)
        refuse(request, 400, "expected ?from=SECONDS&to=SECONDS&query=TEXT");
    else
        ask_flusher(context, request, &parameters);
    evhttp_clear_headers(&parameters);
}

/* ---- start and stop ---------------------------------------------------- */

struct ask *ask_new(struct event_base *base, struct questions *questions)
{
    struct ask *ask = calloc(1, sizeof *ask);

    if (ask == NULL)
        return NULL;
    ask->base = base;
    ask->questions = questions;
    ask->answered_event =
        event_new(base, questions->answered_fd, EV_READ | EV_PERSIST, on_answered, ask);
    if (ask->answered_event == NULL || event_add(ask->answered_event, NULL) != 0) {
        ask_free(ask);
        return NULL;
    }
    return ask;
}

void ask_stop(struct ask *ask)
{
    if (ask != NULL)
        ask->stopped = true;
}

void ask_free(struct ask *given)
{
    if (given == NULL)
        return;
    while (given->pending != NULL)
        pending_free(given->pending);
    if (given->answered_event != NULL)
        event_free(given->answered_event);
    free(given);
}
