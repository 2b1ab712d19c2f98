#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "server/http/http_connection.h"

/* A machine that went without a word is found out within two minutes. */
enum { KEEPALIVE_IDLE_S = 60, KEEPALIVE_EACH_S = 20, KEEPALIVE_TIMES = 3 };

static void ask_for_signs_of_life(int fd)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){ 1 }, sizeof(int));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){ KEEPALIVE_IDLE_S }, sizeof(int));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &(int){ KEEPALIVE_EACH_S }, sizeof(int));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &(int){ KEEPALIVE_TIMES }, sizeof(int));
}

static bool is_chunked(const struct http_exchange *exchange)
{
    return exchange->request.minor > 0;
}

static void ignore_taken(size_t left, void *argument)
{
    (void)left, (void)argument;
}

bool http_stream_begin(struct http_exchange *exchange, const char *type)
{
    exchange->keeps_alive =
        exchange->keeps_alive && !exchange->has_ended && is_chunked(exchange);
    if (exchange->request.method == HTTP_HEAD) {
        http_reply_text(exchange, 200, type, "");
        return false;
    }
    if (!http_answer_compose_stream(exchange, type)) {
        http_connection_close(exchange);
        return false;
    }
    if (exchange->taken == NULL)
        exchange->taken = ignore_taken;
    exchange->moved = 0;
    ask_for_signs_of_life(exchange->fd);
    http_connection_enter(exchange, HTTP_PHASE_STREAM);
    http_connection_advance(exchange);
    return true;
}

static bool add_chunk(const struct http_exchange *exchange, struct evbuffer *chunk)
{
    size_t len = evbuffer_get_length(chunk);
    struct evbuffer *out = exchange->out;

    if (!is_chunked(exchange))
        return evbuffer_add_buffer(out, chunk) == 0;
    return evbuffer_add_printf(out, "%zx\r\n", len) > 0 &&
           evbuffer_add_buffer(out, chunk) == 0 && evbuffer_add(out, "\r\n", 2) == 0;
}

void http_stream_add(struct http_exchange *exchange, struct evbuffer *given)
{
    bool was_idle = evbuffer_get_length(exchange->out) == 0;
    bool added = evbuffer_get_length(given) == 0 || add_chunk(exchange, given);

    evbuffer_free(given);
    if (!added) {
        http_connection_close(exchange);
        return;
    }
    if (was_idle) /* the time in which some of it has to be taken begins */
        http_connection_enter(exchange, HTTP_PHASE_STREAM);
    http_connection_advance(exchange);
}

static bool add_end(struct http_exchange *exchange)
{
    return !is_chunked(exchange) || evbuffer_add(exchange->out, "0\r\n\r\n", 5) == 0;
}

void http_stream_end(struct http_exchange *exchange)
{
    if (!add_end(exchange)) {
        http_connection_close(exchange);
        return;
    }
    http_connection_enter(exchange, HTTP_PHASE_ANSWER);
    http_connection_advance(exchange);
}

void http_stream_last_word(struct http_exchange *exchange)
{
    if (exchange->phase == HTTP_PHASE_STREAM && add_end(exchange))
        (void)evbuffer_write(exchange->out, exchange->fd);
}

void http_on_taken(struct http_exchange *exchange, http_taken *tell, void *argument)
{
    exchange->taken = tell;
    exchange->taken_argument = argument;
}
