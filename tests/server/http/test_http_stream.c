#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/clock.h"
#include "server/http/desk.h"
#include "server/http/http.h"
#include "tests/support/raw_http.h"

enum { WAIT_S = 60, ITEM_BYTES = 1000, ITEMS = 6000 };

/* ---- producers, on the desk's thread ----------------------------------- */

static _Atomic(int) n_open, n_gone;
static struct desk *desk_of_producers;
static struct counter items_lost;

/* Some items; then how many were lost, as soon as there is room to say it. */
struct producer {
    struct desk_stream *stream;
    struct event *timer;
    uint64_t lost;
    bool said;
};

static void producer_free(struct producer *given)
{
    event_free(given->timer);
    free(given);
    atomic_fetch_sub(&n_open, 1);
}

static void on_gone(void *argument)
{
    producer_free(argument);
    atomic_fetch_add(&n_gone, 1);
}

static void say_lost(evutil_socket_t fd, short what, void *argument)
{
    struct producer *producer = argument;
    char text[64];

    (void)fd, (void)what;
    producer->lost += desk_stream_take_lost(producer->stream);
    int len = snprintf(text, sizeof text, "lost %llu\n", (unsigned long long)producer->lost);
    if (!desk_stream_send(producer->stream, text, (size_t)len)) {
        (void)desk_stream_take_lost(producer->stream); /* these words are no item */
        event_add(producer->timer, &(struct timeval){ 0, 1000 });
        return;
    }
    desk_stream_end(producer->stream);
    producer_free(producer);
}

static struct producer *producer_new(struct desk_job *given, const char *type)
{
    struct producer *producer = calloc(1, sizeof *producer);

    producer->timer = event_new(desk_base(desk_of_producers), -1, 0, say_lost, producer);
    producer->stream = desk_stream_begin(given, type, on_gone, producer);
    atomic_fetch_add(&n_open, 1);
    return producer;
}

/* Two items, and the end. */
static void work_short(struct desk_job *given, const struct http_request *request,
                       void *argument)
{
    (void)request, (void)argument;
    desk_add_header(given, "X-Accel-Buffering", "no");
    struct producer *producer = producer_new(given, "text/event-stream");
    assert_true(desk_stream_send(producer->stream, "data: 1\n\n", 9));
    assert_true(desk_stream_send(producer->stream, "data: 2\n\n", 9));
    desk_stream_end(producer->stream);
    producer_free(producer);
}

/* More than may be unsent, at once. */
static void work_flood(struct desk_job *given, const struct http_request *request,
                       void *argument)
{
    struct producer *producer = producer_new(given, "application/x-ndjson");
    char item[ITEM_BYTES];

    (void)request, (void)argument;
    memset(item, 'x', sizeof item);
    item[sizeof item - 1] = '\n';
    for (int i = 0; i < ITEMS; i++)
        (void)desk_stream_send(producer->stream, item, sizeof item);
    event_add(producer->timer, &(struct timeval){ 0, 0 });
}

/* Says hello and stays. */
static void work_endless(struct desk_job *given, const struct http_request *request,
                         void *argument)
{
    (void)request, (void)argument;
    (void)desk_stream_send(producer_new(given, "text/event-stream")->stream, "hello\n", 6);
}

/* Fills what may be unsent, and stays. */
static void work_stuck(struct desk_job *given, const struct http_request *request,
                       void *argument)
{
    static char much[DESK_STREAM_UNSENT_MAX];
    struct desk_stream *stream = producer_new(given, "text/plain")->stream;

    (void)request, (void)argument;
    assert_false(desk_stream_send(stream, much, sizeof much + 1));
    assert_int_equal(desk_stream_take_lost(stream), 1);
    assert_true(desk_stream_send(stream, much, sizeof much));
    assert_int_equal(desk_stream_take_lost(stream), 0);
}

static void on_main(struct http_exchange *exchange, const struct http_request *request,
                    void *argument)
{
    (void)request, (void)argument;
    http_reply_text(exchange, 200, "text/plain", "main\n");
}

static const struct http_route routes[] = {
    { .path = "/short", .methods = HTTP_GET, .work = work_short, .streams = true },
    { .path = "/flood", .methods = HTTP_GET, .work = work_flood, .streams = true },
    { .path = "/endless", .methods = HTTP_GET, .work = work_endless, .streams = true },
    { .path = "/stuck", .methods = HTTP_GET, .work = work_stuck, .streams = true },
    { .path = "/main", .methods = HTTP_GET, .handle = on_main },
};

/* What a reload has left: whoever asks by an old version. */
static bool is_still_admitted(const struct http_exchange *exchange,
                              const struct http_request *request,
                              const struct http_route *route, int64_t now_ms, void *argument)
{
    (void)exchange, (void)argument;
    assert_true(route->streams);
    assert_int_equal(now_ms, 4711);
    return request->minor == 0;
}

/* ---- the fixture ------------------------------------------------------- */

struct fixture {
    struct event_base *base;
    struct desk *desk;
    struct http *http;
    int port;
};

static int open_with(void **state, struct http_limits limits)
{
    struct fixture *f = calloc(1, sizeof *f);
    char problem[256];

    signal(SIGPIPE, SIG_IGN);
    atomic_store(&n_open, 0);
    atomic_store(&n_gone, 0);
    *state = f;
    f->base = event_base_new();
    f->desk = desk_of_producers = desk_new(f->base, NULL, &items_lost, NULL);
    struct http_config config = {
        .base = f->base,
        .routes = routes,
        .n_routes = sizeof routes / sizeof routes[0],
        .other = { .methods = HTTP_ANY_METHOD, .handle = on_main },
        .desk = f->desk,
        .still_admits = is_still_admitted,
        .limits = limits,
    };
    f->http = http_new(&config);
    if (f->desk == NULL || f->http == NULL || !desk_start(f->desk) ||
        !http_listen(f->http, "127.0.0.1:0", NULL, problem, sizeof problem))
        return -1;
    f->port = http_port(f->http);
    return 0;
}

static int open_usual(void **state)
{
    return open_with(state, (struct http_limits){ .streams = 2 });
}

static int open_impatient(void **state)
{
    return open_with(state, (struct http_limits){ .streams = 1, .answer_ms = 1 });
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    http_free(f->http);
    if (!desk_end(f->desk, 60000))
        return -1;
    desk_free(f->desk);
    int left = atomic_load(&n_open); /* every producer was told */
    event_base_free(f->base);
    free(f);
    return left;
}

static void turn(struct fixture *f, int64_t end_ns)
{
    event_base_loop(f->base, EVLOOP_NONBLOCK);
    if (clock_monotonic_ns() > end_ns)
        fail_msg("nothing happens");
}

static int64_t in_a_minute(void)
{
    return clock_monotonic_ns() + WAIT_S * INT64_C(1000000000);
}

/* Reads until that came, or the end (NULL); owned. */
static char *read_until(struct fixture *f, int fd, const char *part)
{
    int64_t end_ns = in_a_minute();
    size_t len = 0, size = 1 << 16;
    char *text = calloc(1, size + 1);

    while (part == NULL || strstr(text, part) == NULL) {
        turn(f, end_ns);
        if (len == size)
            text = realloc(text, (size *= 2) + 1);
        ssize_t n = recv(fd, text + len, size - len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        len += n > 0 ? (size_t)n : 0;
        text[len] = '\0';
    }
    return text;
}

static int say(struct fixture *f, const char *path, const char *rest)
{
    int fd = raw_connect(f->port);
    char head[256];

    snprintf(head, sizeof head, "GET %s HTTP/1.%s\r\n\r\n", path, rest);
    raw_say(fd, head);
    return fd;
}

static void assert_main_answers(struct fixture *f)
{
    int fd = say(f, "/main", "1\r\nConnection: close");
    char *text = read_until(f, fd, NULL);

    assert_non_null(strstr(text, "\r\n\r\nmain\n"));
    free(text);
    close(fd);
}

/* ---- tests ------------------------------------------------------------- */

static void a_stream_comes_in_chunks(void **state)
{
    struct fixture *f = *state;
    int fd = raw_connect(f->port);

    raw_say(fd, "GET /short HTTP/1.1\r\n\r\nGET /main HTTP/1.1\r\nConnection: close\r\n\r\n");
    char *text = read_until(f, fd, NULL);
    assert_non_null(strstr(text,
                           "Content-Type: text/event-stream\r\n"
                           "Transfer-Encoding: chunked\r\n"
                           "X-Accel-Buffering: no\r\n\r\n"
                           "12\r\ndata: 1\n\ndata: 2\n\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(text, "\r\n\r\nmain\n")); /* the connection went on */
    free(text);
    close(fd);
}

static void an_old_client_gets_it_up_to_the_end(void **state)
{
    struct fixture *f = *state;
    int fd = say(f, "/short", "0\r\nConnection: keep-alive");
    char *text = read_until(f, fd, NULL);

    assert_null(strstr(text, "chunked"));
    assert_non_null(strstr(text, "Connection: close\r\n"));
    assert_non_null(strstr(text, "\r\n\r\ndata: 1\n\ndata: 2\n\n"));
    free(text);
    close(fd);
}

static void head_ends_it_at_once(void **state)
{
    struct fixture *f = *state;
    int fd = raw_connect(f->port);

    raw_say(fd, "HEAD /endless HTTP/1.1\r\nConnection: close\r\n\r\n");
    char *text = read_until(f, fd, NULL);
    assert_non_null(strstr(text, "Content-Type: text/event-stream\r\n"));
    assert_null(strstr(text, "hello"));
    free(text);
    close(fd);
    for (int64_t end_ns = in_a_minute(); atomic_load(&n_gone) < 1;)
        turn(f, end_ns);
}

/* Every item came whole or is among the lost ones. */
static void a_slow_reader_loses_whole_items_and_is_told(void **state)
{
    struct fixture *f = *state;
    uint64_t before = counter_read(&items_lost);
    int fd = say(f, "/flood", "0");
    unsigned long long lost = 0;

    /* It reads nothing, and others do not notice. */
    for (int64_t end_ns = in_a_minute(); counter_read(&items_lost) == before;) {
        assert_true(clock_monotonic_ns() < end_ns);
        assert_main_answers(f);
    }
    char *text = read_until(f, fd, NULL), *at = strstr(text, "\r\n\r\n") + 4;
    int items = 0;
    for (; *at == 'x'; at += ITEM_BYTES, items++)
        assert_int_equal(strspn(at, "x"), ITEM_BYTES - 1);
    assert_int_equal(sscanf(at, "lost %llu\n", &lost), 1);
    assert_int_equal(items + (int)lost, ITEMS);
    assert_true(items >= DESK_STREAM_UNSENT_MAX / ITEM_BYTES);
    assert_true(lost > 0);
    assert_true(counter_read(&items_lost) >= lost);
    free(text);
    close(fd);
}

static void what_has_no_room_need_not_be_written(void **state)
{
    struct desk_streams all = { .items_lost = &items_lost };
    struct desk_stream stream = { .all = &all, .unsent = DESK_STREAM_UNSENT_MAX };
    (void)state;

    assert_false(desk_stream_refuses(&stream)); /* nobody tried */
    assert_false(desk_stream_send(&stream, "x", 1));
    assert_true(desk_stream_refuses(&stream));
    assert_int_equal(desk_stream_take_lost(&stream), 2);
    atomic_store(&stream.unsent, DESK_STREAM_UNSENT_MAX - 1); /* it took a byte */
    assert_false(desk_stream_refuses(&stream));
    assert_int_equal(desk_stream_take_lost(&stream), 0);
}

static void a_client_that_leaves_is_told_of(void **state)
{
    struct fixture *f = *state;
    int fd = say(f, "/endless", "1");

    free(read_until(f, fd, "hello\n"));
    assert_int_equal(atomic_load(&n_gone), 0);
    close(fd);
    for (int64_t end_ns = in_a_minute(); atomic_load(&n_gone) < 1;)
        turn(f, end_ns);
    assert_main_answers(f);
}

static void no_more_than_so_many_stream(void **state)
{
    struct fixture *f = *state;
    int one = say(f, "/endless", "1"), two = say(f, "/endless", "1");

    free(read_until(f, one, "hello\n"));
    free(read_until(f, two, "hello\n"));
    int three = say(f, "/endless", "1\r\nConnection: close");
    char *text = read_until(f, three, NULL);
    assert_non_null(strstr(text, "HTTP/1.1 503 "));
    assert_non_null(strstr(text, "Retry-After: 1\r\n"));
    free(text);
    assert_main_answers(f);
    close(one);
    close(three);
    for (int64_t end_ns = in_a_minute(); atomic_load(&n_gone) < 1;)
        turn(f, end_ns);
    three = say(f, "/endless", "1");
    free(read_until(f, three, "hello\n"));
    close(two);
    close(three);
}

static void a_stuck_stream_makes_room(void **state)
{
    struct fixture *f = *state;
    int stuck = say(f, "/stuck", "1"), fd;
    int64_t end_ns = in_a_minute();
    bool served = false;

    while (!served) { /* not before it has been stuck for a while */
        fd = say(f, "/endless", "1\r\nConnection: close");
        char *text = read_until(f, fd, "\n\r\n");
        served = strstr(text, "HTTP/1.1 200 ") != NULL;
        free(text);
        close(fd);
        turn(f, end_ns);
    }
    close(stuck);
}

static void a_reader_that_takes_nothing_has_its_time(void **state)
{
    struct fixture *f = *state;
    int stuck = say(f, "/stuck", "1"), idle = say(f, "/endless", "1");

    free(read_until(f, idle, "hello\n"));
    for (int64_t end_ns = in_a_minute(); atomic_load(&n_open) < 2;)
        turn(f, end_ns);
    for (int64_t end_ns = in_a_minute(); atomic_load(&n_gone) < 1;) {
        turn(f, end_ns);
        http_expire(f->http, INT64_MAX - 1);
    }
    assert_int_equal(atomic_load(&n_open), 1); /* one that idles has no end */
    close(stuck);
    close(idle);
}

static void those_who_are_admitted_no_more_end(void **state)
{
    struct fixture *f = *state;
    int stays = say(f, "/endless", "0"), goes = say(f, "/endless", "1");
    int idle = say(f, "/main", "1");

    free(read_until(f, stays, "hello\n"));
    free(read_until(f, goes, "hello\n"));
    free(read_until(f, idle, "main\n"));
    http_review(f->http, 4711);
    assert_int_equal(http_connections(f->http), 2); /* idle ones are asked again anyway */
    free(read_until(f, goes, NULL));
    for (int64_t end_ns = in_a_minute(); atomic_load(&n_gone) < 1;)
        turn(f, end_ns);
    assert_int_equal(atomic_load(&n_open), 1);
    close(stays);
    close(goes);
    close(idle);
}

static void producers_are_told_of_the_stop(void **state)
{
    struct fixture *f = *state;
    int fd = say(f, "/endless", "1"), stuck = say(f, "/stuck", "1");

    free(read_until(f, fd, "hello\n"));
    close(fd);
    close(stuck);
}

/* Then a reader knows that nothing broke, and may ask a successor. */
static void the_end_of_the_server_ends_a_stream_as_it_should(void **state)
{
    struct fixture *f = *state;
    int fd = say(f, "/endless", "1"), stuck = say(f, "/stuck", "1");
    char text[256];
    size_t len = 0;
    ssize_t n;

    free(read_until(f, fd, "hello\n"));
    for (int64_t end_ns = in_a_minute(); atomic_load(&n_open) < 2;)
        turn(f, end_ns);
    http_free(f->http);
    f->http = NULL;
    while ((n = recv(fd, text + len, sizeof text - len, 0)) > 0)
        len += (size_t)n;
    assert_int_equal(n, 0);
    assert_true(len >= 5);
    assert_memory_equal(text + len - 5, "0\r\n\r\n", 5);
    close(fd);
    close(stuck);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_usual, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(a_stream_comes_in_chunks),
        TEST(an_old_client_gets_it_up_to_the_end),
        TEST(head_ends_it_at_once),
        TEST(a_slow_reader_loses_whole_items_and_is_told),
        cmocka_unit_test(what_has_no_room_need_not_be_written),
        TEST(a_client_that_leaves_is_told_of),
        TEST(no_more_than_so_many_stream),
        cmocka_unit_test_setup_teardown(a_stuck_stream_makes_room, open_impatient,
                                        close_fixture),
        TEST(a_reader_that_takes_nothing_has_its_time),
        TEST(those_who_are_admitted_no_more_end),
        TEST(producers_are_told_of_the_stop),
        TEST(the_end_of_the_server_ends_a_stream_as_it_should),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
