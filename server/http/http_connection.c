#include "server/http/http_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/clock.h"
#include "server/http/main_turn.h"
#include "server/receive/descriptors.h"

enum {
    IN_STEP = 2048,
    BODY_SLACK =
        4096, /* how much is read behind a body: its last lines, and the next request */
    FAREWELL_MS = 2000,    /* for what a refused client still sends */
    TURN_BYTES = 1 << 20,  /* written before others have their turn */
    PROGRESS_BYTES = 16384 /* a client that takes fewer makes no progress */
};

enum {
    SMALL_ANSWER = 256 * 1024
}; /* such an answer is never refused; there are only so many places, so this is a bound, too */

/* ---- events and phases ------------------------------------------------- */

/* How much is read before the answer is written: no more than the limits need. */
static size_t room_max(const struct http_exchange *exchange)
{
    return exchange->phase == HTTP_PHASE_BODY || exchange->phase == HTTP_PHASE_HANDLER
               ? exchange->body_at + exchange->body_max + BODY_SLACK
               : HTTP_HEAD_MAX;
}

static bool wants_to_read(const struct http_exchange *exchange)
{
    return !exchange->has_ended && exchange->phase != HTTP_PHASE_ANSWER &&
           exchange->in_len < room_max(exchange);
}

static bool set_event(struct event *event, bool *is_added, bool wanted)
{
    if (*is_added == wanted)
        return true;
    *is_added = wanted;
    return (wanted ? event_add(event, NULL) : event_del(event)) == 0;
}

static bool has_to_write(const struct http_exchange *exchange)
{
    return exchange->phase == HTTP_PHASE_ANSWER ||
           (exchange->phase == HTTP_PHASE_STREAM && evbuffer_get_length(exchange->out) > 0);
}

static bool set_events(struct http_exchange *exchange)
{
    return set_event(exchange->readable, &exchange->is_reading, wants_to_read(exchange)) &&
           set_event(exchange->writable, &exchange->is_writing, has_to_write(exchange));
}

static int64_t time_for(const struct http_exchange *exchange)
{
    const struct http_limits *limits = &exchange->http->config.limits;

    switch (exchange->phase) {
    case HTTP_PHASE_HEAD:
        return exchange->is_kept && exchange->in_len == 0 ? limits->idle_ms : limits->head_ms;
    case HTTP_PHASE_BODY:
        return limits->body_ms;
    case HTTP_PHASE_ANSWER:
        return limits->answer_ms;
    case HTTP_PHASE_STREAM:
        return has_to_write(exchange) ? limits->stuck_ms : INT64_MAX;
    case HTTP_PHASE_FAREWELL:
        return FAREWELL_MS;
    default: /* the handlers have limits of their own */
        return INT64_MAX;
    }
}

void http_connection_schedule(struct http *http, int64_t deadline_ms)
{
    int64_t now_ms = clock_monotonic_ms();

    if (deadline_ms >= http->timer_ms)
        return;
    int64_t wait_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    struct timeval wait = clock_wait_ms(wait_ms);
    if (event_add(http->deadline_timer, &wait) == 0)
        http->timer_ms = deadline_ms;
}

static void start_clock(struct http_exchange *exchange)
{
    int64_t time_ms = time_for(exchange);

    exchange->since_ms = clock_monotonic_ms();
    exchange->deadline_ms = time_ms == INT64_MAX ? INT64_MAX : exchange->since_ms + time_ms;
    http_connection_schedule(exchange->http, exchange->deadline_ms);
}

void http_connection_enter(struct http_exchange *exchange, enum http_phase phase)
{
    exchange->phase = phase;
    start_clock(exchange);
}

static void tell_end(struct http_exchange *exchange)
{
    http_end *tell = exchange->tell;

    exchange->tell = NULL;
    if (tell != NULL)
        tell(exchange->tell_argument);
}

/* ---- the end ----------------------------------------------------------- */

static void unlink_from_list(struct http_exchange *exchange)
{
    struct http *http = exchange->http;

    *(exchange->before != NULL ? &exchange->before->after : &http->first) = exchange->after;
    *(exchange->after != NULL ? &exchange->after->before : &http->last) = exchange->before;
    http->n_connections--;
    http->unsent -= exchange->unsent;
}

static void drop_out(struct http_exchange *exchange)
{
    if (exchange->out != NULL)
        evbuffer_free(exchange->out);
    if (exchange->headers != NULL)
        evbuffer_free(exchange->headers);
    exchange->out = exchange->headers = NULL;
}

static void release(struct http_exchange *given)
{
    if (given->readable != NULL)
        event_free(given->readable);
    if (given->writable != NULL)
        event_free(given->writable);
    drop_out(given);
    close(given->fd);
    free(given->in);
    free(given);
}

void http_connection_forget(struct http_exchange *given)
{
    unlink_from_list(given);
    descriptors_give_back(DESCRIPTOR_HTTP);
    release(given);
}

/* Forgets the exchange at once, unless somebody further up on the stack still works with it,
 * who then does so. */
void http_connection_close(struct http_exchange *given)
{
    given->phase = HTTP_PHASE_CLOSED;
    tell_end(given);
    if (!given->is_advancing)
        http_connection_forget(given);
}

/* ---- the answer -------------------------------------------------------- */

static void count_unsent(struct http_exchange *exchange)
{
    size_t unsent = exchange->out != NULL ? evbuffer_get_length(exchange->out) : 0;

    exchange->http->unsent += unsent - exchange->unsent;
    exchange->unsent = unsent;
}

/* The last words of one that has no memory for others. */
static void give_up(struct http_exchange *exchange)
{
    static const char last[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                               "Connection: close\r\n\r\n";

    (void)!send(exchange->fd, last, sizeof last - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    http_connection_close(exchange);
}

static bool is_too_much(const struct http *http, size_t length)
{
    return length > SMALL_ANSWER && http->unsent > 0 &&
           http->unsent + length > http->config.limits.unsent_bytes;
}

void http_reply(struct http_exchange *exchange, int status, const char *type,
                struct evbuffer *given)
{
    if (given == NULL || is_too_much(exchange->http, evbuffer_get_length(given))) {
        if (given != NULL)
            evbuffer_free(given);
        http_reply_text(exchange, 503, "text/plain; charset=utf-8",
                        "there is no memory for this answer\n");
        return;
    }
    exchange->keeps_alive = exchange->keeps_alive && !exchange->has_ended;
    bool composed = http_answer_compose(exchange, status, type, given);
    evbuffer_free(given);
    if (!composed) {
        give_up(exchange);
        return;
    }
    count_unsent(exchange);
    exchange->moved = 0;
    http_connection_enter(exchange, HTTP_PHASE_ANSWER);
    http_connection_advance(exchange);
}

void http_reply_text(struct http_exchange *exchange, int status, const char *type,
                     const char *text)
{
    struct evbuffer *body = evbuffer_new();

    if (body != NULL && evbuffer_add(body, text, strlen(text)) == 0) {
        http_reply(exchange, status, type, body);
        return;
    }
    if (body != NULL)
        evbuffer_free(body);
    give_up(exchange);
}

/* The answer is written. Without the farewell, a reset for bytes that nobody read could
 * overtake it. */
static void finish(struct http_exchange *exchange)
{
    drop_out(exchange);
    count_unsent(exchange);
    exchange->taken = NULL;
    tell_end(exchange);
    if (exchange->keeps_alive) {
        http_take_drop(exchange, exchange->body_end);
        exchange->is_kept = true;
        exchange->request = (struct http_request){ .minor = 0 };
        http_connection_enter(exchange, HTTP_PHASE_HEAD);
        return;
    }
    if (exchange->has_ended || shutdown(exchange->fd, SHUT_WR) != 0)
        http_connection_close(exchange);
    else
        http_connection_enter(exchange, HTTP_PHASE_FAREWELL);
}

static void note_progress(struct http_exchange *exchange, size_t written)
{
    if (exchange->phase == HTTP_PHASE_STREAM)
        exchange->taken(evbuffer_get_length(exchange->out), exchange->taken_argument);
    else
        count_unsent(exchange);
    exchange->moved += written;
    if (exchange->moved < PROGRESS_BYTES)
        return;
    exchange->moved = 0;
    start_clock(exchange);
}

/* False: the client has to take what is there first, or it is the turn of others: a reader as
 * fast as we are would have all of a long answer in one. */
static bool send_some(struct http_exchange *exchange)
{
    size_t sent = 0;

    while (evbuffer_get_length(exchange->out) > 0) {
        int n = evbuffer_write(exchange->out, exchange->fd);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return false;
        if (n <= 0) {
            http_connection_close(exchange);
            return true;
        }
        note_progress(exchange, (size_t)n);
        sent += (size_t)n;
        if (sent >= TURN_BYTES && evbuffer_get_length(exchange->out) > 0)
            return false;
    }
    if (exchange->phase == HTTP_PHASE_STREAM) {
        start_clock(exchange);
        return false;
    }
    finish(exchange);
    return true;
}

/* ---- the turn ---------------------------------------------------------- */

/* True: there may be more to do. */
static bool step(struct http_exchange *exchange)
{
    switch (exchange->phase) {
    case HTTP_PHASE_HEAD:
        return http_take_head(exchange);
    case HTTP_PHASE_BODY:
        return http_take_body(exchange);
    case HTTP_PHASE_HANDLER:
        if (exchange->has_ended)
            http_connection_close(exchange);
        return false;
    case HTTP_PHASE_STREAM:
        if (exchange->has_ended) {
            http_connection_close(exchange);
            return false;
        }
        return send_some(exchange);
    case HTTP_PHASE_ANSWER:
        return send_some(exchange);
    case HTTP_PHASE_FAREWELL:
        if (exchange->has_ended)
            http_connection_close(exchange);
        else if (exchange->in_len > 0)
            http_take_drop(exchange, exchange->in_len);
        return false;
    default:
        return false;
    }
}

/* As far as it goes. A handler that answers at once comes by here again, and returns to
 * this loop. */
void http_connection_advance(struct http_exchange *exchange)
{
    if (exchange->is_advancing)
        return;
    exchange->is_advancing = true;
    while (step(exchange))
        ;
    if (exchange->phase != HTTP_PHASE_CLOSED && !set_events(exchange))
        http_connection_close(exchange);
    exchange->is_advancing = false;
    if (exchange->phase == HTTP_PHASE_CLOSED)
        http_connection_forget(exchange);
}

/* False without memory. */
static bool make_room(struct http_exchange *exchange)
{
    size_t max = room_max(exchange), size = exchange->in_size * 2;

    if (exchange->in_len < exchange->in_size)
        return true;
    size = size < IN_STEP ? IN_STEP : size > max ? max : size;
    char *in = realloc(exchange->in, size);
    if (in == NULL)
        return false;
    exchange->in = in;
    exchange->in_size = size;
    return true;
}

/* One buffer, so that others get their turn. */
static void read_some(struct http_exchange *exchange)
{
    bool was_empty = exchange->in_len == 0;
    ssize_t n;

    if (!make_room(exchange)) {
        give_up(exchange);
        return;
    }
    do
        n = recv(exchange->fd, exchange->in + exchange->in_len,
                 exchange->in_size - exchange->in_len, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    exchange->has_ended = n <= 0;
    if (n < 0)
        http_connection_close(exchange);
    if (n <= 0)
        return;
    exchange->in_len += (size_t)n;
    if (was_empty && exchange->is_kept && exchange->phase == HTTP_PHASE_HEAD)
        start_clock(exchange);
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct http_exchange *exchange = argument;

    (void)fd, (void)what;
    main_turn_began();
    exchange->is_advancing = true; /* it is only forgotten at the end */
    read_some(exchange);
    exchange->is_advancing = false;
    http_connection_advance(exchange);
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    main_turn_began();
    http_connection_advance(argument);
}

void http_connection_expire(struct http_exchange *exchange)
{
    bool was_asking = exchange->phase == HTTP_PHASE_BODY ||
                      (exchange->phase == HTTP_PHASE_HEAD && exchange->in_len > 0);

    if (was_asking)
        http_answer_refuse(exchange, 408);
    else
        http_connection_close(exchange);
}

/* ---- the beginning ----------------------------------------------------- */

static void append_to_list(struct http_exchange *exchange)
{
    struct http *http = exchange->http;

    exchange->before = http->last;
    *(http->last != NULL ? &http->last->after : &http->first) = exchange;
    http->last = exchange;
    http->n_connections++;
}

bool http_connection_open(struct http *http, int given_fd, const struct sender *peer,
                          bool is_local, int64_t now_ms)
{
    struct http_exchange *exchange = calloc(1, sizeof *exchange);

    if (exchange == NULL) {
        close(given_fd);
        return false;
    }
    exchange->http = http;
    exchange->is_local = is_local;
    exchange->peer = *peer;
    exchange->fd = given_fd;
    exchange->since_ms = now_ms;
    exchange->readable =
        event_new(http->config.base, given_fd, EV_READ | EV_PERSIST, on_readable, exchange);
    exchange->writable =
        event_new(http->config.base, given_fd, EV_WRITE | EV_PERSIST, on_writable, exchange);
    if (exchange->readable == NULL || exchange->writable == NULL) {
        release(exchange);
        return false;
    }
    (void)descriptors_take(DESCRIPTOR_HTTP); /* http.c has made room for it */
    append_to_list(exchange);
    http_connection_enter(exchange, HTTP_PHASE_HEAD);
    on_readable(given_fd, EV_READ, exchange); /* most requests are there already */
    return true;
}
