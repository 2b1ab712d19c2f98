#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "config/clock.h"
#include "server/http/desk.h"
#include "server/http/http.h"
#include "tests/support/raw_http.h"

enum { LARGE = 300 * 1024, LARGEST_BODY = 512 * 1024, WAIT_NS = 60 };

static pthread_t main_thread;

/* The body backwards, and whether it was another thread that did it. */
static void work_echo(struct desk_job *given, const struct http_request *request,
                      void *argument)
{
    struct bytes body = { 0 };

    assert_string_equal(argument, "the argument");
    for (size_t i = request->body.len; i > 0; i--)
        bytes_add(&body, request->body.at + i - 1, 1);
    desk_add_header(given, "X-Thread",
                    pthread_equal(pthread_self(), main_thread) ? "main" : "desk");
    desk_add_header(given, "X-Path", "as said");
    desk_reply(given, 200, "text/plain", &body);
}

static void work_large(struct desk_job *given, const struct http_request *request,
                       void *argument)
{
    struct bytes body = { 0 };

    (void)request, (void)argument;
    memset(bytes_room(&body, LARGE), 'x', LARGE);
    body.len = LARGE;
    desk_reply(given, 200, "text/plain", &body);
}

static void work_without_memory(struct desk_job *given, const struct http_request *request,
                                void *argument)
{
    struct bytes body = { .failed = true };

    (void)request, (void)argument;
    desk_reply(given, 200, "text/plain", &body);
}

/* Waits until somebody lets it go on. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void work_gated(struct desk_job *given, const struct http_request *request,
                       void *argument)
{
    (void)request, (void)argument;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    desk_reply_text(given, 200, "text/plain", "through\n");
}

/* Answered by a timer of the desk's loop. */
static void on_time(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    desk_reply_text(argument, 200, "text/plain", "later\n");
}

static struct desk *desk_of_later;

static void work_later(struct desk_job *given, const struct http_request *request,
                       void *argument)
{
    (void)request, (void)argument;
    event_base_once(desk_base(desk_of_later), -1, EV_TIMEOUT, on_time, given,
                    &(struct timeval){ 0, 1000 });
}

/* Done when it is asked for the third time, with its body as it came. */
static int times_put_off;

static void work_put_off(struct desk_job *given, const struct http_request *request,
                         void *argument)
{
    if (times_put_off++ < 2 && desk_put_off(given, WAIT_NS * 1000))
        return;
    work_echo(given, request, argument);
}

static void work_put_off_in_vain(struct desk_job *given, const struct http_request *request,
                                 void *argument)
{
    (void)request, (void)argument;
    if (!desk_put_off(given, 1))
        desk_reply_text(given, 503, "text/plain", "in vain\n");
}

static void on_main(struct http_exchange *exchange, const struct http_request *request,
                    void *argument)
{
    (void)request, (void)argument;
    http_reply_text(exchange, 200, "text/plain", "main\n");
}

static const struct http_route routes[] = {
    { .path = "/echo", .methods = HTTP_POST, .work = work_echo, .body_max = LARGEST_BODY },
    { .path = "/json",
      .methods = HTTP_POST,
      .work = work_echo,
      .body_max = 64,
      .json_errors = true },
    { .path = "/large", .methods = HTTP_GET, .work = work_large },
    { .path = "/memory", .methods = HTTP_GET, .work = work_without_memory },
    { .path = "/gated", .methods = HTTP_GET, .work = work_gated },
    { .path = "/later", .methods = HTTP_GET, .work = work_later },
    { .path = "/put-off",
      .methods = HTTP_POST,
      .work = work_put_off,
      .body_max = LARGEST_BODY },
    { .path = "/in-vain", .methods = HTTP_GET, .work = work_put_off_in_vain },
    { .path = "/main",
      .methods = HTTP_GET | HTTP_POST,
      .handle = on_main,
      .use = HTTP_USE_HEALTH },
    { .path = "/asked", .methods = HTTP_GET, .handle = on_main },
};

struct fixture {
    struct event_base *base;
    struct desk *desk;
    struct http *http;
    int port;
};

static int open_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    static char argument[] = "the argument";
    char problem[256];

    signal(SIGPIPE, SIG_IGN);
    main_thread = pthread_self();
    *state = f;
    f->base = event_base_new();
    f->desk = desk_of_later = desk_new(f->base, argument, NULL, NULL);
    struct http_config config = {
        .base = f->base,
        .routes = routes,
        .n_routes = sizeof routes / sizeof routes[0],
        .other = { .methods = HTTP_ANY_METHOD, .handle = on_main },
        .desk = f->desk,
        .limits = { .askers = 3, .bodies = 2 },
    };
    f->http = http_new(&config);
    if (f->desk == NULL || f->http == NULL || !desk_start(f->desk) ||
        !http_listen(f->http, "127.0.0.1:0", NULL, problem, sizeof problem))
        return -1;
    f->port = http_port(f->http);
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    http_free(f->http);
    if (!desk_end(f->desk, 60000))
        return -1;
    desk_free(f->desk);
    event_base_free(f->base);
    free(f);
    return 0;
}

/* Reads until the server ends the connection; owned, NUL-terminated. */
static char *read_all(struct fixture *f, int fd)
{
    int64_t end_ns = clock_monotonic_ns() + WAIT_NS * INT64_C(1000000000);
    size_t len = 0, size = 4096;
    char *text = malloc(size + 1);

    for (;;) {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
        if (len == size)
            text = realloc(text, (size *= 2) + 1);
        ssize_t n = recv(fd, text + len, size - len, MSG_DONTWAIT);
        if (n == 0)
            break;
        len += n > 0 ? (size_t)n : 0;
        if (clock_monotonic_ns() > end_ns)
            fail_msg("no end of \"%.*s\"", (int)len, text);
    }
    text[len] = '\0';
    return text;
}

static char *ask(struct fixture *f, const char *head, const void *body, size_t len)
{
    int fd = raw_connect(f->port);

    raw_say(fd, head);
    for (size_t sent = 0; sent < len;) {
        ssize_t n =
            send(fd, (const char *)body + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        event_base_loop(f->base, EVLOOP_NONBLOCK);
        if (n < 0 && errno != EAGAIN)
            break; /* refused by now */
        sent += n > 0 ? (size_t)n : 0;
    }
    char *text = read_all(f, fd);
    close(fd);
    return text;
}

static void assert_has(char *given, const char *part)
{
    if (strstr(given, part) == NULL)
        fail_msg("no \"%s\" in \"%.300s\"", part, given);
    free(given);
}

static void work_is_done_on_another_thread(void **state)
{
    struct fixture *f = *state;
    char *text = ask(f, "POST /echo HTTP/1.1\r\nConnection: close\r\nContent-Length: 5\r\n\r\n",
                     "hello", 5);

    assert_non_null(strstr(text, "X-Thread: desk\r\nX-Path: as said\r\n"));
    assert_has(text, "\r\n\r\nolleh");
}

static void answers_keep_their_connections(void **state)
{
    struct fixture *f = *state;

    assert_has(ask(f,
                   "POST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"
                   "GET /main HTTP/1.1\r\n\r\n"
                   "POST /echo HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\ncd",
                   NULL, 0),
               "dc");
}

static void a_long_answer_comes_whole(void **state)
{
    struct fixture *f = *state;
    char *text = ask(f, "GET /large HTTP/1.1\r\nConnection: close\r\n\r\n", NULL, 0);

    assert_int_equal(strlen(strstr(text, "\r\n\r\n")), LARGE + 4);
    free(text);
}

static void without_memory_it_is_503(void **state)
{
    assert_has(ask(*state, "GET /memory HTTP/1.1\r\nConnection: close\r\n\r\n", NULL, 0),
               "HTTP/1.1 503 ");
}

static void an_answer_may_come_later(void **state)
{
    assert_has(ask(*state, "GET /later HTTP/1.1\r\nConnection: close\r\n\r\n", NULL, 0),
               "\r\n\r\nlater\n");
}

static void work_may_be_put_off_for_so_long(void **state)
{
    times_put_off = 0;
    assert_has(ask(*state,
                   "POST /put-off HTTP/1.1\r\nConnection: close\r\nContent-Length: 5\r\n\r\n",
                   "hello", 5),
               "\r\n\r\nolleh");
    assert_int_equal(times_put_off, 3);
    assert_has(ask(*state, "GET /in-vain HTTP/1.1\r\nConnection: close\r\n\r\n", NULL, 0),
               "\r\n\r\nin vain\n");
}

static void main_answers_while_the_desk_is_busy(void **state)
{
    struct fixture *f = *state;
    int fd = raw_connect(f->port);

    pthread_mutex_lock(&gate);
    raw_say(fd, "GET /gated HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_has(ask(f, "GET /main HTTP/1.1\r\nConnection: close\r\n\r\n", NULL, 0), "main\n");
    pthread_mutex_unlock(&gate);
    assert_has(read_all(f, fd), "through\n");
    close(fd);
}

static void no_more_than_so_many_wait_and_health_always_answers(void **state)
{
    struct fixture *f = *state;
    int fds[3];

    pthread_mutex_lock(&gate);
    for (int i = 0; i < 3; i++) {
        fds[i] = raw_connect(f->port);
        raw_say(fds[i], "GET /gated HTTP/1.1\r\nConnection: close\r\n\r\n");
    }
    raw_turn(f->base);
    assert_has(ask(f, "GET /asked HTTP/1.1\r\nConnection: close\r\n\r\n", NULL, 0),
               "HTTP/1.1 503 ");
    assert_has(ask(f, "GET /main HTTP/1.1\r\nConnection: close\r\n\r\n", NULL, 0), "main\n");
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < 3; i++) {
        assert_has(read_all(f, fds[i]), "through\n");
        close(fds[i]);
    }
    assert_has(ask(f, "GET /asked HTTP/1.1\r\nConnection: close\r\n\r\n", NULL, 0), "main\n");
}

static void a_client_that_leaves_leaves_nothing(void **state)
{
    struct fixture *f = *state;

    pthread_mutex_lock(&gate);
    for (int i = 0; i < 3; i++) {
        int fd = raw_connect(f->port);
        raw_say(fd, "GET /gated HTTP/1.1\r\n\r\n");
        raw_turn(f->base);
        close(fd);
    }
    raw_turn(f->base);
    pthread_mutex_unlock(&gate);
    assert_has(ask(f, "GET /gated HTTP/1.1\r\nConnection: close\r\n\r\n", NULL, 0),
               "through\n");
}

/* Those who went leave their jobs to a desk that hangs; only so many. */
static void jobs_of_those_who_went_are_bounded(void **state)
{
    static const char head[] = "GET /gated HTTP/1.1\r\nConnection: close\r\n\r\n";
    struct fixture *f = *state;
    int fd = raw_connect(f->port);

    pthread_mutex_lock(&gate);
    raw_say(fd, head);
    raw_turn(f->base);
    for (int i = 0; i < 300; i++) {
        int other = raw_connect(f->port);
        raw_say(other, head);
        raw_turn(f->base);
        close(other);
        raw_turn(f->base);
    }
    assert_has(ask(f, head, NULL, 0), "HTTP/1.1 503 ");
    assert_has(ask(f, "GET /main HTTP/1.1\r\nConnection: close\r\n\r\n", NULL, 0), "main\n");
    pthread_mutex_unlock(&gate);
    assert_has(read_all(f, fd), "through\n");
    close(fd);
    assert_has(ask(f, head, NULL, 0), "through\n");
}

/* ---- compressed bodies ------------------------------------------------- */

/* window: as zlib counts it. Returns the length. */
static size_t compress_with(int window, const void *at, size_t len, unsigned char *out,
                            size_t size)
{
    z_stream zlib = { .next_in = (unsigned char *)(uintptr_t)at,
                      .avail_in = (unsigned)len,
                      .next_out = out,
                      .avail_out = (unsigned)size };

    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    deflateEnd(&zlib);
    return zlib.total_out;
}

static char *post(struct fixture *f, const char *path, const char *encoding, const void *body,
                  size_t len)
{
    char head[256];

    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nConnection: close\r\nContent-Encoding: %s\r\n"
             "Content-Length: %zu\r\n\r\n",
             path, encoding, len);
    return ask(f, head, body, len);
}

static void compressed_bodies_are_inflated(void **state)
{
    static const struct {
        const char *encoding;
        int window;
    } cases[] = {
        { "gzip", 31 }, { "GZIP", 31 }, { "x-gzip", 31 }, { "deflate", 15 }, { "deflate", -15 },
    };
    unsigned char body[256];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = compress_with(cases[i].window, "hello", 5, body, sizeof body);
        assert_has(post(*state, "/echo", cases[i].encoding, body, len), "\r\n\r\nolleh");
    }
    assert_has(post(*state, "/echo", "identity", "hello", 5), "\r\n\r\nolleh");
    size_t one = compress_with(31, "he", 2, body, sizeof body);
    size_t two = compress_with(31, "llo", 3, body + one, sizeof body - one);
    times_put_off = 0; /* once more each time */
    assert_has(post(*state, "/put-off", "gzip", body, one + two), "\r\n\r\nolleh");
    assert_has(post(*state, "/echo", "gzip", body, one + two), "\r\n\r\nolleh");
}

static void a_body_is_bounded_before_and_after(void **state)
{
    static char zeros[LARGEST_BODY + 1];
    static unsigned char body[LARGEST_BODY];
    size_t len = compress_with(31, zeros, LARGEST_BODY, body, sizeof body);

    assert_has(post(*state, "/echo", "gzip", body, len), "HTTP/1.1 200 ");
    len = compress_with(31, zeros, sizeof zeros, body, sizeof body);
    assert_true(len < 2000);
    assert_has(post(*state, "/echo", "gzip", body, len), "HTTP/1.1 413 ");
    assert_has(post(*state, "/echo", "identity", zeros, sizeof zeros), "HTTP/1.1 413 ");
    assert_has(post(*state, "/echo", "identity", zeros, LARGEST_BODY), "HTTP/1.1 200 ");
}

/* Their bytes lie in memory until they are answered. */
static void no_more_than_so_many_large_bodies_come_at_a_time(void **state)
{
    static const char large[] = "POST /echo HTTP/1.1\r\nConnection: close\r\n"
                                "Content-Length: 100000\r\n\r\n";
    static const char chunked[] = "POST /echo HTTP/1.1\r\nConnection: close\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n";
    struct fixture *f = *state;
    int first = raw_connect(f->port), second = raw_connect(f->port);

    raw_say(first, large);
    raw_say(second, chunked);
    raw_turn(f->base);
    assert_has(ask(f, large, NULL, 0), "HTTP/1.1 503 ");
    assert_has(ask(f, chunked, NULL, 0), "Retry-After: 1\r\n");
    assert_has(post(f, "/echo", "identity", "hello", 5), "\r\n\r\nolleh");
    raw_say(second, "2\r\nab\r\n0\r\n\r\n");
    assert_has(read_all(f, second), "\r\n\r\nba");
    assert_has(ask(f, chunked, "0\r\n\r\n", 5), "HTTP/1.1 200 ");
    close(first);
}

static void what_cannot_be_inflated_is_refused(void **state)
{
    unsigned char body[256];
    size_t len = compress_with(31, "hello", 5, body, sizeof body);

    assert_has(post(*state, "/echo", "br", body, len), "HTTP/1.1 415 ");
    assert_has(post(*state, "/echo", "gzip, gzip", body, len), "HTTP/1.1 415 ");
    assert_has(post(*state, "/main", "gzip", body, len), "HTTP/1.1 415 ");
    assert_has(post(*state, "/echo", "gzip", body, len - 1), "HTTP/1.1 400 ");
    assert_has(post(*state, "/echo", "gzip", "no gzip", 7), "HTTP/1.1 400 ");
    assert_has(post(*state, "/echo", "deflate", "\xff\xff", 2), "HTTP/1.1 400 ");
    assert_has(post(*state, "/echo", "gzip", "", 0), "HTTP/1.1 400 ");
    body[len - 5] ^= 1; /* its checksum */
    assert_has(post(*state, "/echo", "gzip", body, len), "HTTP/1.1 400 ");
}

/* Clients of Datadog's API read the body of a 400 as JSON. */
static void refusals_have_the_form_of_the_route(void **state)
{
    static const char zeros[65];
    unsigned char body[256];
    size_t len = compress_with(31, zeros, sizeof zeros, body, sizeof body);

    assert_has(post(*state, "/json", "gzip", "no gzip", 7),
               "{\"errors\":[\"the body is damaged\"]}");
    assert_has(post(*state, "/json", "gzip", body, len),
               "{\"errors\":[\"the body is too large\"]}");
    assert_has(post(*state, "/echo", "gzip", "no gzip", 7), "\r\n\r\nthe body is damaged\n");
}

/* What is under way at the stop is freed, and nobody waits for it. */
static void it_stops_with_work_to_do(void **state)
{
    struct fixture *f = *state;

    pthread_mutex_lock(&gate);
    for (int i = 0; i < 3; i++)
        raw_say(raw_connect(f->port), "GET /gated HTTP/1.1\r\n\r\n");
    raw_turn(f->base);
    pthread_mutex_unlock(&gate);
}

/* As with a disk that hangs: nobody waits for ever, and it may be asked again. */
static void what_hangs_does_not_hold_the_stop(void **state)
{
    struct fixture *f = *state;

    pthread_mutex_lock(&gate);
    raw_say(raw_connect(f->port), "GET /gated HTTP/1.1\r\n\r\n");
    raw_turn(f->base);
    assert_false(desk_end(f->desk, 0));
    pthread_mutex_unlock(&gate);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(work_is_done_on_another_thread),
        TEST(answers_keep_their_connections),
        TEST(a_long_answer_comes_whole),
        TEST(without_memory_it_is_503),
        TEST(an_answer_may_come_later),
        TEST(work_may_be_put_off_for_so_long),
        TEST(main_answers_while_the_desk_is_busy),
        TEST(no_more_than_so_many_wait_and_health_always_answers),
        TEST(a_client_that_leaves_leaves_nothing),
        TEST(jobs_of_those_who_went_are_bounded),
        TEST(compressed_bodies_are_inflated),
        TEST(a_body_is_bounded_before_and_after),
        TEST(no_more_than_so_many_large_bodies_come_at_a_time),
        TEST(what_cannot_be_inflated_is_refused),
        TEST(refusals_have_the_form_of_the_route),
        TEST(it_stops_with_work_to_do),
        TEST(what_hangs_does_not_hold_the_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
