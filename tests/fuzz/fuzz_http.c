/* Any bytes from a client of the HTTP server. First the parser: every view must lie inside
 * the input, and chunks must read the same in one piece as byte by byte. Then a connection
 * of a real server, which gets them in pieces: it must answer with HTTP or not at all, and
 * end when its time is over. */
#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http/http.h"
#include "server/http/http_connection.h"
#include "server/http/http_guard.h"
#include "server/http/http_keys.h"

enum { MOST_BYTES = 65536, CHUNKS_BODY = 4096 };

static void inside(struct slice part, struct slice whole)
{
    if (part.len > 0 && (part.at < whole.at || part.at + part.len > whole.at + whole.len))
        abort();
}

/* ---- the parser -------------------------------------------------------- */

static void check_parameters(struct slice query)
{
    static const char *const names[] = { "from", "to", "query", "" };
    static char room[MOST_BYTES];
    struct slice value;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (http_parameter(query, names[i], room, &value))
            inside(value, (struct slice){ room, query.len });
}

static void check_head(struct slice bytes)
{
    static struct http_guard guard;
    static struct http_keys keys;
    static const struct string_list more;
    struct http_request request;
    struct slice value;
    size_t seen = 0, end = http_head_end(bytes.at, bytes.len, &seen);

    if (end > bytes.len)
        abort();
    struct slice head = { bytes.at, end > 0 ? end : bytes.len };
    if (http_head_parse(&request, head) != 0)
        return;
    if (!slice_equal(request.path, SLICE("/"))) /* of "http://host?query" it is static */
        inside(request.path, head);
    inside(request.query, head);
    inside(request.authority, head);
    if (http_header(&request, "Content-Type", &value))
        inside(value, head);
    check_parameters(request.query);
    for (int use = 0; use < HTTP_USES; use++)
        (void)http_guard_refuses(&guard, &request, (enum http_use)use, &more);
    (void)http_keys_admit(&keys, &request, &more, true, 0);
}

static void check_chunks(struct slice bytes)
{
    static char whole[CHUNKS_BODY], pieces[CHUNKS_BODY];
    struct http_chunks a = { 0 }, b = { 0 };
    enum http_chunks_result one, two = HTTP_CHUNKS_MORE;
    size_t used, used_in_pieces = 0, n;

    one = http_chunks_read(&a, bytes, whole, sizeof whole, &used);
    while (two == HTTP_CHUNKS_MORE && used_in_pieces < bytes.len) {
        two = http_chunks_read(&b, (struct slice){ bytes.at + used_in_pieces, 1 }, pieces,
                               sizeof pieces, &n);
        used_in_pieces += n;
    }
    if (one != two || used != used_in_pieces || a.body_len != b.body_len ||
        memcmp(whole, pieces, a.body_len) != 0)
        abort();
}

/* ---- the server -------------------------------------------------------- */

static void on_echo(struct http_exchange *exchange, const struct http_request *request,
                    void *argument)
{
    struct evbuffer *body = evbuffer_new();

    (void)argument;
    evbuffer_add(body, request->path.at, request->path.len);
    evbuffer_add(body, request->body.at, request->body.len);
    http_reply(exchange, 200, "text/plain", body);
}

static struct http_exchange *later;

static void forget(void *argument)
{
    (void)argument;
    later = NULL;
}

static void on_later(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    (void)request, (void)argument;
    later = exchange;
    http_on_end(exchange, forget, NULL);
}

/* An answer that goes on in the next turns. */
static struct http_exchange *streaming;

static void forget_stream(void *argument)
{
    (void)argument;
    streaming = NULL;
}

static void on_stream(struct http_exchange *exchange, const struct http_request *request,
                      void *argument)
{
    (void)request, (void)argument;
    streaming = exchange;
    http_on_end(exchange, forget_stream, NULL);
    (void)http_stream_begin(exchange, "text/plain");
}

static void go_on_streaming(void)
{
    struct evbuffer *chunk = evbuffer_new();

    evbuffer_add(chunk, "some", 4);
    http_stream_add(streaming, chunk);
    if (streaming != NULL)
        http_stream_end(streaming);
}

static struct event_base *base;

static struct http *make_server(void)
{
    static const struct http_route routes[] = {
        { .path = "/live", .methods = HTTP_GET, .handle = on_echo },
        { .path = "/flush", .methods = HTTP_POST, .handle = on_echo },
        { .path = "/ten", .methods = HTTP_POST, .handle = on_echo, .body_max = 10 },
        { .path = "/later", .methods = HTTP_GET | HTTP_POST, .handle = on_later },
        { .path = "/stream",
          .methods = HTTP_GET | HTTP_POST,
          .handle = on_stream,
          .streams = true },
    };

    signal(SIGPIPE, SIG_IGN);
    base = event_base_new();
    struct http_config config = {
        .base = base,
        .routes = routes,
        .n_routes = sizeof routes / sizeof routes[0],
        .other = { .methods = HTTP_ANY_METHOD, .handle = on_echo },
    };
    return http_new(&config);
}

/* Reads what was answered; *n_seen is how much came before. */
static void read_answers(int fd, size_t *n_seen)
{
    static char bytes[1 << 20];
    static const char first[] = "HTTP/1.1 ";
    ssize_t n;

    while ((n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        if (*n_seen == 0 &&
            ((size_t)n < sizeof first - 1 || memcmp(bytes, first, sizeof first - 1) != 0))
            abort();
        *n_seen += (size_t)n;
    }
}

static void turn(int fd, size_t *n_seen)
{
    for (int i = 0; i < 2; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        read_answers(fd, n_seen);
    }
    if (streaming != NULL)
        go_on_streaming();
    if (later != NULL)
        http_reply_text(later, 200, "text/plain", "late");
}

static void check_connection(struct http *http, struct slice bytes, size_t piece)
{
    int pair[2];
    size_t n_seen = 0;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0 ||
        !http_connection_open(http, pair[0], &(struct sender){ .family = AF_UNIX }, true, 0))
        abort();
    for (struct slice rest = bytes; rest.len > 0;) {
        size_t n = rest.len < piece ? rest.len : piece;
        ssize_t sent = send(pair[1], rest.at, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        turn(pair[1], &n_seen);
        if (sent <= 0)
            break; /* it was sent away */
        rest = slice_skip(rest, (size_t)sent);
    }
    if (piece % 2 == 0)
        shutdown(pair[1], SHUT_WR);
    turn(pair[1], &n_seen);
    for (int i = 0; i < 3 && http_connections(http) > 0; i++) { /* 408, then farewell */
        http_expire(http, INT64_MAX - 1);
        turn(pair[1], &n_seen);
    }
    if (http_connections(http) != 0 || http->unsent != 0)
        abort();
    close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http *http;
    static const size_t pieces[] = { 1, 7, 64, 1000, MOST_BYTES };

    if (http == NULL)
        http = make_server();
    if (size < 2 || size > MOST_BYTES)
        return 0;
    struct slice bytes = { (const char *)data + 1, size - 1 };
    size_t piece = pieces[data[0] % (sizeof pieces / sizeof pieces[0])];
    check_head(bytes);
    check_chunks(bytes);
    check_connection(http, bytes, piece == 1 && bytes.len > 512 ? 7 : piece);
    return 0;
}
