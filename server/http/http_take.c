#include "server/http/http_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "config/clock.h"
#include "server/http/desk.h"
#include "server/http/http_inflate.h"

void http_take_drop(struct http_exchange *exchange, size_t n)
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

/* "/monitor/17/mute" of "/monitor/", "*" and "/mute". */
static bool is_between(struct slice path, struct slice before, struct slice after)
{
    if (path.len <= before.len + after.len || !slice_starts(path, before))
        return false;
    struct slice name = slice_skip(path, before.len);
    struct slice end = slice_skip(name, name.len - after.len);

    name.len -= after.len;
    return slice_equal(end, after) && memchr(name.at, '/', name.len) == NULL;
}

static bool is_at(const struct http_route *route, struct slice path)
{
    struct slice folder = slice_of(route->path), after = folder;
    struct slice before = slice_cut(&after, '*');

    if (before.len < folder.len)
        return is_between(path, before, after);
    if (!route->below && !route->deep)
        return slice_equal(path, folder);
    return path.len > folder.len && slice_starts(path, folder) &&
           (route->deep || memchr(path.at + folder.len, '/', path.len - folder.len) == NULL);
}

static unsigned method_of(const struct http_request *request)
{
    return request->method == HTTP_HEAD ? HTTP_GET : request->method;
}

/* The row of the path that has the method, or else its first one. */
static const struct http_route *route_of(const struct http *http,
                                         const struct http_request *request)
{
    const struct http_route *first = NULL;

    for (size_t i = 0; i < http->config.n_routes; i++) {
        const struct http_route *route = &http->config.routes[i];

        if (!is_at(route, request->path))
            continue;
        if ((route->methods & method_of(request)) != 0)
            return route;
        first = first != NULL ? first : route;
    }
    return first != NULL ? first : &http->config.other;
}

/* Of all rows of the path. */
static unsigned methods_at(const struct http *http, struct slice path)
{
    unsigned methods = 0;

    for (size_t i = 0; i < http->config.n_routes; i++)
        if (is_at(&http->config.routes[i], path))
            methods |= http->config.routes[i].methods;
    return methods;
}

static bool has_body(const struct http_request *request)
{
    return request->chunked || request->length > 0;
}

static void refuse_method(struct http_exchange *exchange)
{
    static const struct {
        unsigned method;
        const char *names;
    } rows[] = {
        { HTTP_GET, "GET, HEAD" },
        { HTTP_POST, "POST" },
        { HTTP_PUT, "PUT" },
        { HTTP_DELETE, "DELETE" },
    };
    unsigned methods = methods_at(exchange->http, exchange->request.path);
    char allowed[64] = "", sentence[sizeof allowed + 16];
    size_t len = 0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((methods & rows[i].method) != 0)
            len += (size_t)snprintf(allowed + len, sizeof allowed - len, "%s%s",
                                    len > 0 ? ", " : "", rows[i].names);
    snprintf(sentence, sizeof sentence, "only %s here\n", allowed);
    http_add_header(exchange, "Allow", allowed);
    http_refuse(exchange, 405, sentence);
}

/* Only the desk inflates. */
static bool understands_body(const struct http_exchange *exchange)
{
    struct slice encoding;

    return !http_header(&exchange->request, "Content-Encoding", &encoding) ||
           http_same_word(encoding, SLICE("identity")) ||
           (exchange->route->handle == NULL && http_inflate_knows(encoding));
}

/* What such a body takes lies in memory until it is answered. */
static bool is_large(const struct http_exchange *exchange)
{
    return exchange->body_max > HTTP_BODY_MAX &&
           (exchange->request.chunked || exchange->request.length > HTTP_BODY_MAX);
}

static bool is_full_of_bodies(const struct http_exchange *exchange)
{
    int n = 0;

    for (const struct http_exchange *at = exchange->http->first; at != NULL; at = at->after)
        n += at != exchange && is_large(at) &&
             (at->phase == HTTP_PHASE_BODY || at->phase == HTTP_PHASE_HANDLER);
    return n >= exchange->http->config.limits.bodies;
}

static void refuse_busy(struct http_exchange *exchange)
{
    http_answer_count(exchange->http, HTTP_REFUSAL_BUSY);
    http_add_header(exchange, "Retry-After", "1");
    http_refuse(exchange, 503, "too many ask at the same time\n");
}

/* Refuses a request that can be refused before its body has come. True: it was refused. */
static bool refuse_head(struct http_exchange *exchange)
{
    const struct http_config *config = &exchange->http->config;
    const struct http_request *request = &exchange->request;

    exchange->keeps_alive = request->keeps_alive && !has_body(request);
    if ((exchange->route->methods & method_of(request)) == 0) {
        refuse_method(exchange);
        return true;
    }
    if (config->admits != NULL &&
        !config->admits(exchange, request, exchange->route, config->argument))
        return true;
    if (!understands_body(exchange))
        http_answer_refuse(exchange, 415);
    else if (request->length > exchange->body_max)
        http_answer_refuse(exchange, 413);
    else if (is_large(exchange) && is_full_of_bodies(exchange))
        refuse_busy(exchange);
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

/* Some clients send an empty line behind a body. */
static void skip_empty_lines(struct http_exchange *exchange)
{
    size_t n = 0;

    while (n < exchange->in_len && (exchange->in[n] == '\r' || exchange->in[n] == '\n'))
        n++;
    if (n > 0)
        http_take_drop(exchange, n);
}

static void head_is_missing(struct http_exchange *exchange)
{
    if (exchange->in_len >= HTTP_HEAD_MAX)
        http_answer_refuse(exchange,
                           memchr(exchange->in, '\n', exchange->in_len) == NULL ? 414 : 431);
    else if (exchange->has_ended)
        http_connection_close(exchange);
}

bool http_take_head(struct http_exchange *exchange)
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
        http_answer_refuse(exchange, status);
        return true;
    }
    exchange->route = route_of(exchange->http, &exchange->request);
    exchange->body_max =
        exchange->route->body_max > 0 ? exchange->route->body_max : HTTP_BODY_MAX;
    if (refuse_head(exchange))
        return true;
    exchange->chunks = (struct http_chunks){ 0 };
    say_continue(exchange);
    http_connection_enter(exchange, HTTP_PHASE_BODY);
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

/* ---- places ------------------------------------------------------------ */

/* Health, metrics and what controls the server never wait behind others. */
static bool is_asker(const struct http_route *route)
{
    return route->use == HTTP_USE_READING || route->use == HTTP_USE_PAGE ||
           route->use == HTTP_USE_WRITING || route->use == HTTP_USE_SUBMITTING ||
           route->use == HTTP_USE_PICTURE;
}

bool http_take_is_stream(const struct http_exchange *exchange)
{
    return exchange->phase == HTTP_PHASE_STREAM ||
           (exchange->phase == HTTP_PHASE_HANDLER && exchange->route->streams);
}

static bool is_full_of_streams(const struct http *http)
{
    int n = 0;

    for (const struct http_exchange *at = http->first; at != NULL; at = at->after)
        n += http_take_is_stream(at);
    return n >= http->config.limits.streams;
}

static bool is_full_of_askers(const struct http *http)
{
    int n = 0;

    for (const struct http_exchange *at = http->first; at != NULL; at = at->after)
        n += at->phase == HTTP_PHASE_HANDLER && !at->route->streams && is_asker(at->route);
    return n >= http->config.limits.askers;
}

/* The reader has taken nothing for as long as an answer may be stuck: others get its place. */
static void end_stuck_stream(const struct http *http)
{
    int64_t now_ms = clock_monotonic_ms();

    for (struct http_exchange *at = http->first; at != NULL; at = at->after) {
        if (at->phase != HTTP_PHASE_STREAM || at->deadline_ms == INT64_MAX ||
            now_ms - at->since_ms < http->config.limits.answer_ms)
            continue;
        http_connection_close(at);
        return;
    }
}

static bool has_place(const struct http_exchange *exchange)
{
    const struct http *http = exchange->http;

    if (!exchange->route->streams)
        return !is_asker(exchange->route) || !is_full_of_askers(http);
    if (is_full_of_streams(http))
        end_stuck_stream(http);
    return !is_full_of_streams(http);
}

/* ---- the request ------------------------------------------------------- */

/* It is read once more, as what it lies in may have moved since. */
static void read_head(const struct http_exchange *exchange, struct http_request *out)
{
    (void)http_head_parse(out, (struct slice){ exchange->in, exchange->body_at });
}

/* False: it was answered, and the connection ends behind that unless the body is whole. */
static bool still_fits(struct http_exchange *exchange, bool is_whole)
{
    const struct http_config *config = &exchange->http->config;
    bool keeps_alive = exchange->keeps_alive;
    struct http_request request;

    if (!exchange->request.chunked || config->still_fits == NULL)
        return true;
    read_head(exchange, &request);
    exchange->keeps_alive = keeps_alive && is_whole;
    if (!config->still_fits(exchange, &request, exchange->route,
                            exchange->in_len - exchange->body_at, config->argument))
        return false;
    exchange->keeps_alive = keeps_alive;
    return true;
}

static void call_handler(struct http_exchange *exchange)
{
    const struct http_config *config = &exchange->http->config;
    struct slice body = { exchange->in + exchange->body_at,
                          exchange->body_end - exchange->body_at };
    struct http_request request;

    if (!has_place(exchange)) {
        refuse_busy(exchange);
        return;
    }
    http_connection_enter(exchange, HTTP_PHASE_HANDLER);
    if (exchange->route->handle == NULL) {
        struct slice head = { exchange->in, exchange->body_at };
        size_t inflated_max = exchange->route->inflated_max;

        desk_take(config->desk, exchange, head, body,
                  inflated_max > 0 ? inflated_max : exchange->body_max, exchange->route->work);
        return;
    }
    read_head(exchange, &request);
    request.body = body;
    exchange->route->handle(exchange, &request, config->argument);
}

bool http_take_body(struct http_exchange *exchange)
{
    int status = exchange->request.chunked ? take_chunks(exchange) : take_length(exchange);

    if (status > 0)
        http_answer_refuse(exchange, status);
    else if (!still_fits(exchange, status == 0))
        return true;
    else if (status == 0)
        call_handler(exchange);
    else if (exchange->has_ended)
        http_connection_close(exchange);
    return exchange->phase != HTTP_PHASE_BODY;
}
