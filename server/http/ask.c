#include "server/http/ask.h"

#include <math.h>
#include <stdlib.h>

#include "protocol/number.h"

enum { WAITING_MAX = 8, TIMEOUT_S = 5 };

/* A question under way; it lives until its answer is back. */
struct pending {
    struct pending *next;
    struct ask *ask;
    struct asked_question *asked;   /* the flusher's */
    struct http_exchange *exchange; /* NULL: answered, or the client has gone */
    struct event *timer;
};

struct ask {
    struct event_base *base;
    struct question_box *questions;
    struct event *answered_event;
    struct pending *pending;
    int n_pending;
};

/* ---- replies ----------------------------------------------------------- */

static void free_text(const void *text, size_t len, void *argument)
{
    (void)text, (void)len;
    free(argument);
}

/* The answer, which may be large, is not copied; its bytes are taken from it. */
static void reply(struct http_exchange *exchange, int status, struct bytes *body)
{
    struct evbuffer *buffer = body->failed ? NULL : evbuffer_new();

    if (buffer != NULL && body->len > 0 &&
        evbuffer_add_reference(buffer, body->at, body->len, free_text, body->at) == 0) {
        *body = (struct bytes){ .at = NULL };
    } else if (buffer != NULL && body->len > 0) {
        evbuffer_free(buffer);
        buffer = NULL;
    }
    http_reply(exchange, status, "application/json", buffer);
}

static void refuse(struct http_exchange *exchange, int status, const char *sentence)
{
    struct asked_question answer = { 0 };

    asked_question_refuse(&answer, status, sentence);
    reply(exchange, status, &answer.answer);
    bytes_free(&answer.answer);
}

/* Takes the exchange away from its question, which goes on without it. */
static struct http_exchange *take_exchange(struct pending *pending)
{
    struct http_exchange *exchange = pending->exchange;

    pending->exchange = NULL;
    if (exchange != NULL)
        http_on_end(exchange, NULL, NULL);
    return exchange;
}

static void cancel(struct pending *pending)
{
    atomic_store_explicit(&pending->asked->cancelled, true, memory_order_relaxed);
}

static void on_timeout(evutil_socket_t fd, short what, void *argument)
{
    struct pending *pending = argument;
    struct http_exchange *exchange = take_exchange(pending);

    (void)fd, (void)what;
    cancel(pending);
    if (exchange != NULL)
        refuse(exchange, 504, "the answer took more than 5 seconds: ask for less");
}

static void on_gone(void *argument)
{
    struct pending *pending = argument;

    pending->exchange = NULL;
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

static void on_answered(evutil_socket_t fd, short what, void *argument)
{
    struct ask *ask = argument;
    struct asked_question *asked = question_box_take_answered(ask->questions);

    (void)fd, (void)what;
    while (asked != NULL) {
        struct asked_question *next = asked->next;
        struct pending *pending = asked->argument;
        struct http_exchange *exchange = take_exchange(pending);
        if (exchange != NULL && asked->answer.failed)
            refuse(exchange, 503, "not enough memory for the answer");
        else if (exchange != NULL)
            reply(exchange, asked->status, &asked->answer);
        pending_free(pending);
        asked_question_free(asked);
        asked = next;
    }
}

/* ---- requests ---------------------------------------------------------- */

/* The question in a target, decoded; the text is a view of room. */
struct target {
    struct slice text;
    int64_t from_s, to_s;
    char room[HTTP_HEAD_MAX];
};

static bool read_time(struct slice query, const char *name, struct target *target, int64_t *out)
{
    struct slice text;
    double seconds;

    if (!http_parameter(query, name, target->room, &text) || !number_double(text, &seconds) ||
        !(fabs(seconds) < 1e15))
        return false;
    *out = (int64_t)floor(seconds);
    return true;
}

/* Refuses a NUL: nobody would read what stands behind it. */
static bool read_target(struct slice query, struct target *out)
{
    return query.len <= sizeof out->room && read_time(query, "from", out, &out->from_s) &&
           read_time(query, "to", out, &out->to_s) &&
           http_parameter(query, "query", out->room, &out->text) &&
           (out->text.len == 0 || memchr(out->text.at, '\0', out->text.len) == NULL);
}

static struct pending *pending_new(struct ask *ask, struct http_exchange *exchange,
                                   const struct target *target)
{
    static const struct timeval timeout = { TIMEOUT_S, 0 };
    struct pending *pending = calloc(1, sizeof *pending);

    if (pending == NULL)
        return NULL;
    *pending = (struct pending){ .next = ask->pending, .ask = ask, .exchange = exchange };
    ask->pending = pending;
    ask->n_pending++;
    pending->timer = event_new(ask->base, -1, 0, on_timeout, pending);
    pending->asked = asked_question_new(target->text, target->from_s, target->to_s, pending);
    if (pending->asked != NULL && pending->timer != NULL &&
        event_add(pending->timer, &timeout) == 0)
        return pending;
    if (pending->asked != NULL)
        asked_question_free(pending->asked);
    pending_free(pending);
    return NULL;
}

static void ask_flusher(struct ask *ask, struct http_exchange *exchange,
                        const struct target *target)
{
    if (ask->n_pending >= WAITING_MAX) {
        refuse(exchange, 503, "too many questions wait already");
        return;
    }
    struct pending *pending = pending_new(ask, exchange, target);
    if (pending == NULL) {
        refuse(exchange, 503, "not enough memory for the question");
        return;
    }
    http_on_end(exchange, on_gone, pending);
    question_box_ask(ask->questions, pending->asked);
}

void ask_on_query(struct http_exchange *exchange, const struct http_request *request,
                  void *argument)
{
    struct target target;

    if (read_target(request->query, &target))
        ask_flusher(argument, exchange, &target);
    else
        refuse(exchange, 400, "expected ?from=SECONDS&to=SECONDS&query=TEXT");
}

/* ---- start and stop ---------------------------------------------------- */

struct ask *ask_new(struct event_base *base, struct question_box *questions)
{
    struct ask *ask = calloc(1, sizeof *ask);

    if (ask == NULL)
        return NULL;
    ask->base = base;
    ask->questions = questions;
    ask->answered_event =
        event_new(base, questions->answered.wake_fd, EV_READ | EV_PERSIST, on_answered, ask);
    if (ask->answered_event == NULL || event_add(ask->answered_event, NULL) != 0) {
        ask_free(ask);
        return NULL;
    }
    return ask;
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
