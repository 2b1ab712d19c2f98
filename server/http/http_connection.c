#include "server/http/http_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/clock.h"
#include "server/receive/descriptors.h"

enum {
    IN_STEP = 2048,
    BODY_SLACK =
        4096, /* how much is read behind a body: its last lines, and the next request */
    FAREWELL_MS = 2000,    /* for what a refused client still sends */
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

static bool set_events(struct http_exchange *exchange)
{
    return set_event(exchange->readable, &exchange->is_reading, wants_to_read(exchange)) &&
           set_event(exchange->writable, &exchange->is_writing,
                     exchange->phase == HTTP_PHASE_ANSWER);
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

static void enter(struct http_exchange *exchange, enum http_phase phase)
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

/* ---- the request ------------------------------------------------------- */

static void refuse(struct http_exchange *exchange, int status, const char *sentence)
{
    exchange->keeps_alive = false;
    http_reply_text(exchange, status, "text/plain; charset=utf-8", sentence);
}

static void refuse_plainly(struct http_exchange *exchange, int status)
{
    refuse(exchange, status, http_answer_sentence(status));
}

static const struct http_route *route_of(const struct http *http, struct slice path)
{
    for (size_t i = 0; i < http->config.n_routes; i++)
        if (slice_equal(path, slice_of(http->config.routes[i].path)))
            return &http->config.routes[i];
    return &http->config.other;
}

static bool has_body(const struct http_request *request)
{
    return request->chunked || request->length > 0;
}

static void refuse_method(struct http_exchange *exchange)
{
    bool post = (exchange->route->methods & HTTP_POST) != 0;

    http_add_header(exchange, "Allow", post ? "POST" : "GET, HEAD");
    http_reply_text(exchange, 405, "text/plain; charset=utf-8",
                    post ? "only POST here\n" : "only GET and HEAD here\n");
}

/* Refuses a request that can be refused before its body has come. True: it was refused. */
static bool refuse_head(struct http_exchange *exchange)
{
    const struct http_config *config = &exchange->http->config;
    const struct http_request *request = &exchange->request;
    unsigned method = request->method == HTTP_HEAD ? HTTP_GET : request->method;
    const char *sentence = NULL;

    exchange->keeps_alive = request->keeps_alive && !has_body(request);
    if ((exchange->route->methods & method) == 0) {
        refuse_method(exchange);
        return true;
    }
    if (config->refuses != NULL)
        sentence = config->refuses(request, exchange->route, config->argument);
    if (sentence != NULL)
        http_reply_text(exchange, 403, "text/plain; charset=utf-8", sentence);
    else if (request->length > exchange->body_max)
        refuse_plainly(exchange, 413);
    else
        exchange->keeps_alive = request->keeps_alive;
    return exchange->phase != HTTP_PHASE_HEAD;
}

/* If this does not fit into the socket it is lost; the client then sends the body after a while
 * all the same. */
static void say_continue(const struct http_exchange *exchange)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (exchange->request.expects_100 && has_body(&exchange->request) &&
        exchange->in_len == exchange->body_at)
        (void)!send(exchange->fd, line, sizeof line - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void drop_front(struct http_exchange *exchange, size_t n)
{
    exchange->in_len -= n;
    exchange->seen = 0;
    if (exchange->in_len > 0) {
        memmove(exchange->in, exchange->in + n, exchange->in_len);
        return;
    }
    free(exchange->in);
    exchange->in = NULL;
    exchange->in_size = 0;
}

/* Some clients send an empty line behind a body. */
static void skip_empty_lines(struct http_exchange *exchange)
{
    size_t n = 0;

    while (n < exchange->in_len && (exchange->in[n] == '\r' || exchange->in[n] == '\n'))
        n++;
    if (n > 0)
        drop_front(exchange, n);
}

static void head_is_missing(struct http_exchange *exchange)
{
    if (exchange->in_len >= HTTP_HEAD_MAX)
        refuse_plainly(exchange,
                       memchr(exchange->in, '\n', exchange->in_len) == NULL ? 414 : 431);
    else if (exchange->has_ended)
        http_connection_close(exchange);
}

/* False: more bytes are needed. */
static bool take_head(struct http_exchange *exchange)
{
    skip_empty_lines(exchange);
    size_t end = exchange->in_len == 0
                     ? 0
                     : http_head_end(exchange->in, exchange->in_len, &exchange->seen);
    if (end == 0 || end > HTTP_HEAD_MAX) {
        head_is_missing(exchange);
        return exchange->phase != HTTP_PHASE_HEAD;
    }
    int status = http_head_parse(&exchange->request, (struct slice){ exchange->in, end });
    exchange->body_at = exchange->body_end = end;
    if (status != 0) {
        refuse_plainly(exchange, status);
        return true;
    }
    exchange->route = route_of(exchange->http, exchange->request.path);
    exchange->body_max =
        exchange->route->body_max > 0 ? exchange->route->body_max : HTTP_BODY_MAX;
    if (refuse_head(exchange))
        return true;
    exchange->chunks = (struct http_chunks){ 0 };
    say_continue(exchange);
    enter(exchange, HTTP_PHASE_BODY);
    return true;
}

/* 0: it is whole; -1: more bytes are needed; else the status to refuse it with. What came
 * behind the chunks that were read moves up to them. */
static int take_chunks(struct http_exchange *exchange)
{
    char *body = exchange->in + exchange->body_at, *from = exchange->in + exchange->body_end;
    struct slice bytes = { from, exchange->in_len - exchange->body_end };
    size_t used;
    enum http_chunks_result result =
        http_chunks_read(&exchange->chunks, bytes, body, exchange->body_max, &used);
    size_t end = exchange->body_at + exchange->chunks.body_len, left = bytes.len - used;

    memmove(exchange->in + end, from + used, left);
    exchange->body_end = end;
    exchange->in_len = end + left;
    return result == HTTP_CHUNKS_DONE    ? 0
           : result == HTTP_CHUNKS_MORE  ? -1
           : result == HTTP_CHUNKS_LARGE ? 413
                                         : 400;
}

static int take_length(struct http_exchange *exchange)
{
    exchange->body_end = exchange->body_at + (size_t)exchange->request.length;
    return exchange->in_len >= exchange->body_end ? 0 : -1;
}

/* The head is read once more, as what it lies in may have moved since. */
static void call_handler(struct http_exchange *exchange)
{
    struct http_request request;

    (void)http_head_parse(&request, (struct slice){ exchange->in, exchange->body_at });
    request.body = (struct slice){ exchange->in + exchange->body_at,
                                   exchange->body_end - exchange->body_at };
    enter(exchange, HTTP_PHASE_HANDLER);
    exchange->route->handle(exchange, &request, exchange->http->config.argument);
}

/* False: more bytes are needed. */
static bool take_body(struct http_exchange *exchange)
{
    int status = exchange->request.chunked ? take_chunks(exchange) : take_length(exchange);

    if (status == 0)
        call_handler(exchange);
    else if (status > 0)
        refuse_plainly(exchange, status);
    else if (exchange->has_ended)
        http_connection_close(exchange);
    return exchange->phase != HTTP_PHASE_BODY;
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

static void advance(struct http_exchange *exchange);

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
    enter(exchange, HTTP_PHASE_ANSWER);
    advance(exchange);
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
    tell_end(exchange);
    if (exchange->keeps_alive) {
        drop_front(exchange, exchange->body_end);
        exchange->is_kept = true;
        exchange->request = (struct http_request){ .minor = 0 };
        enter(exchange, HTTP_PHASE_HEAD);
        return;
    }
    if (exchange->has_ended || shutdown(exchange->fd, SHUT_WR) != 0)
        http_connection_close(exchange);
    else
        enter(exchange, HTTP_PHASE_FAREWELL);
}

static void note_progress(struct http_exchange *exchange, size_t written)
{
    count_unsent(exchange);
    exchange->moved += written;
    if (exchange->moved < PROGRESS_BYTES)
        return;
    exchange->moved = 0;
    start_clock(exchange);
}

/* False: the client has to take what is there first. */
static bool send_some(struct http_exchange *exchange)
{
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
        return take_head(exchange);
    case HTTP_PHASE_BODY:
        return take_body(exchange);
    case HTTP_PHASE_HANDLER:
        if (exchange->has_ended)
            http_connection_close(exchange);
        return false;
    case HTTP_PHASE_ANSWER:
        return send_some(exchange);
    case HTTP_PHASE_FAREWELL:
        if (exchange->has_ended)
            http_connection_close(exchange);
        else if (exchange->in_len > 0)
            drop_front(exchange, exchange->in_len);
        return false;
    default:
        return false;
    }
}

/* As far as it goes. A handler that answers at once comes by here again, and returns to
 * this loop. */
static void advance(struct http_exchange *exchange)
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
    exchange->is_advancing = true; /* it is only forgotten at the end */
    read_some(exchange);
    exchange->is_advancing = false;
    advance(exchange);
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    advance(argument);
}

void http_connection_expire(struct http_exchange *exchange)
{
    bool was_asking = exchange->phase == HTTP_PHASE_BODY ||
                      (exchange->phase == HTTP_PHASE_HEAD && exchange->in_len > 0);

    if (was_asking)
        refuse_plainly(exchange, 408);
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

bool http_connection_open(struct http *http, int given_fd, int64_t now_ms)
{
    struct http_exchange *exchange = calloc(1, sizeof *exchange);

    if (exchange == NULL) {
        close(given_fd);
        return false;
    }
    exchange->http = http;
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
    enter(exchange, HTTP_PHASE_HEAD);
    on_readable(given_fd, EV_READ, exchange); /* most requests are there already */
    return true;
}
