#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/clock.h"
#include "server/http/http.h"
#include "tests/support/raw_http.h"

enum { BIG = 4 << 20, FDS_MAX = 100 };

/* A server of some routes; what a handler that answers later was asked waits in it. */
struct fixture {
    struct event_base *base;
    struct http *http;
    int port;
    struct http_exchange *later;
    int handled, ended;
    int fds[FDS_MAX]; /* of clients; 0: none */
};

static void on_hello(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    struct fixture *f = argument;

    (void)request;
    f->handled++;
    http_reply_text(exchange, 200, "text/plain", "hello\n");
}

/* The body backwards, so that no answer can be taken for its request. */
static void on_echo(struct http_exchange *exchange, const struct http_request *request,
                    void *argument)
{
    struct fixture *f = argument;
    struct evbuffer *body = evbuffer_new();

    f->handled++;
    for (size_t i = request->body.len; body != NULL && i > 0; i--)
        evbuffer_add(body, request->body.at + i - 1, 1);
    http_reply(exchange, 200, "text/plain", body);
}

static void on_big(struct http_exchange *exchange, const struct http_request *request,
                   void *argument)
{
    struct evbuffer *body = evbuffer_new();
    char *bytes = calloc(1, BIG);

    (void)request, (void)argument;
    evbuffer_add(body, bytes, BIG);
    free(bytes);
    http_reply(exchange, 200, "text/plain", body);
}

static void note_end(void *argument)
{
    struct fixture *f = argument;

    f->ended++;
    f->later = NULL;
}

static void on_later(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    struct fixture *f = argument;

    (void)request;
    f->later = exchange;
    http_on_end(exchange, note_end, f);
}

static bool admits(struct http_exchange *exchange, const struct http_request *request,
                   const struct http_route *route, void *argument)
{
    struct slice value;

    (void)route, (void)argument;
    if (!http_header(request, "X-Bad", &value))
        return true;
    http_reply_text(exchange, 403, "text/plain", "no\n");
    return false;
}

static const struct http_route routes[] = {
    { .path = "/hello", .methods = HTTP_GET, .handle = on_hello },
    { .path = "/echo", .methods = HTTP_POST, .handle = on_echo },
    { .path = "/big", .methods = HTTP_GET, .handle = on_big },
    { .path = "/later", .methods = HTTP_GET, .handle = on_later },
    { .path = "/ten", .methods = HTTP_POST, .handle = on_echo, .body_max = 10 },
};

static void on_nothing(struct http_exchange *exchange, const struct http_request *request,
                       void *argument)
{
    (void)request, (void)argument;
    http_reply_text(exchange, 404, "text/plain", "nothing here\n");
}

static int open_with(void **state, struct http_limits limits)
{
    struct fixture *f = calloc(1, sizeof *f);
    char why[256];

    signal(SIGPIPE, SIG_IGN);
    f->base = event_base_new();
    struct http_config config = {
        .base = f->base,
        .routes = routes,
        .n_routes = sizeof routes / sizeof routes[0],
        .other = { .methods = HTTP_ANY_METHOD, .handle = on_nothing },
        .admits = admits,
        .argument = f,
        .limits = limits,
    };
    f->http = http_new(&config);
    *state = f;
    if (f->http == NULL || !http_listen(f->http, "127.0.0.1:0", NULL, why, sizeof why))
        return -1;
    f->port = http_port(f->http);
    return 0;
}

static int open_usual(void **state)
{
    return open_with(state, (struct http_limits){ .places = 0 });
}

static int open_narrow(void **state)
{
    return open_with(state, (struct http_limits){ .places = 3 });
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < FDS_MAX; i++)
        if (f->fds[i] > 0)
            close(f->fds[i]);
    http_free(f->http);
    event_base_free(f->base);
    free(f);
    return 0;
}

/* A client that stays, in place i. */
static int client(struct fixture *f, int i, const char *text)
{
    f->fds[i] = raw_connect(f->port);
    raw_say(f->fds[i], text);
    raw_turn(f->base);
    return f->fds[i];
}

static int ask(struct fixture *f, const char *text, struct raw_answer *out)
{
    return raw_ask(f->base, f->port, text, strlen(text), out);
}

static int64_t later_ms(int64_t ms)
{
    return clock_monotonic_ns() / 1000000 + ms;
}

/* ---- answers ----------------------------------------------------------- */

static void requests_in_one_write_are_answered_in_turn(void **state)
{
    struct fixture *f = *state;
    struct raw_answer answer;

    int fd = client(f, 0,
                    "GET /hello HTTP/1.1\r\n\r\nPOST /echo HTTP/1.1\r\nContent-Length: "
                    "3\r\n\r\nabc\r\nGET /none HTTP/1.1\r\n\r\nHEAD /hello HTTP/1.1\r\n\r\n");
    raw_read(f->base, fd, &answer);
    const char *first = strstr(answer.text, "hello\n"), *second = strstr(answer.text, "cba"),
               *third = strstr(answer.text, "HTTP/1.1 404 "),
               *fourth = third != NULL ? strstr(third, "HTTP/1.1 200 ") : NULL;
    if (!(first < second && second < third && first != NULL && fourth != NULL))
        fail_msg("%s", answer.text);
    assert_string_equal(answer.text + answer.len - 4, "\r\n\r\n"); /* to HEAD: no body */
    assert_false(answer.closed);
}

static void the_connection_stays_or_ends_as_the_client_wants(void **state)
{
    static const struct {
        const char *request;
        bool closed;
    } cases[] = {
        { "GET /hello HTTP/1.1\r\n\r\n", false },
        { "GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n", true },
        { "GET /hello HTTP/1.1\r\nConnection: x, Close\r\n\r\n", true },
        { "GET /hello HTTP/1.0\r\n\r\n", true },
        { "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false },
        { "GET /none HTTP/1.1\r\n\r\n", false },
        { "POST /hello HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
          true }, /* its body is not read */
    };
    struct fixture *f = *state;
    struct raw_answer answer;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(ask(f, cases[i].request, &answer) > 0);
        if (answer.closed != cases[i].closed)
            fail_msg("%s", cases[i].request);
    }
}

/* Byte by byte, each read by itself: by length, and in chunks with all that they may have. */
static void a_body_is_read_however_it_comes(void **state)
{
    static const char *const requests[] = {
        "POST /echo HTTP/1.1\r\nContent-Length: 6\r\n\r\nabcdef",
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\na\r\n004;x=\"y\"\r\nbcde\r\n1 \r\nf\r\n0\r\nTrailer: 1\r\n\r\n",
    };
    struct fixture *f = *state;
    struct raw_answer answer;

    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        int fd = client(f, (int)i, "");
        for (const char *at = requests[i]; *at != '\0'; at++) {
            raw_send(fd, at, 1);
            raw_turn(f->base);
        }
        raw_read(f->base, fd, &answer);
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.text + answer.len - 6, "fedcba");
        raw_say(fd, "GET /hello HTTP/1.1\r\n\r\n");
        raw_read(f->base, fd, &answer);
        assert_int_equal(answer.status, 200);
    }
    /* And in two reads that meet in the middle of chunks, with the next request behind. */
    int fd = client(f, 2, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab");
    raw_say(fd, "\r\n2\r\ncd\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n\r\n");
    raw_read(f->base, fd, &answer);
    assert_non_null(strstr(answer.text, "dcba"));
    assert_non_null(strstr(answer.text, "hello"));
}

static void the_body_is_asked_for_only_if_it_is_wanted(void **state)
{
    struct fixture *f = *state;
    struct raw_answer answer;

    int fd = client(f, 0,
                    "POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    raw_read(f->base, fd, &answer);
    assert_int_equal(answer.status, 100);
    raw_say(fd, "ab");
    raw_read(f->base, fd, &answer);
    assert_int_equal(answer.status, 200);
    raw_say(fd, "POST /ten HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
    raw_read(f->base, fd, &answer);
    assert_int_equal(answer.status, 413);
    assert_int_equal(ask(f, "GET /hello HTTP/1.1\r\nExpect: more\r\n\r\n", &answer), 417);
}

static void what_is_refused_is_refused_before_its_body(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        { "POST /echo HTTP/1.1\r\nX-Bad: 1\r\nContent-Length: 9\r\n\r\n", 403 },
        { "PUT /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\n", 405 },
        { "POST /ten HTTP/1.1\r\nContent-Length: 11\r\n\r\n", 413 },
        { "POST /ten HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5", 413 },
        { "POST /echo HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", 413 },
        { "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
          400 },
        { "BREW /hello HTTP/1.1\r\n\r\n", 501 },
        { "GET /hello HTTP/2.0\r\n\r\n", 505 },
    };
    struct fixture *f = *state;
    struct raw_answer answer;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (ask(f, cases[i].request, &answer) != cases[i].status || !answer.closed)
            fail_msg("%s: %d", cases[i].request, answer.status);
    assert_int_equal(f->handled, 0);
}

static void a_head_without_end_is_refused(void **state)
{
    struct fixture *f = *state;
    struct raw_answer answer;
    static char bytes[HTTP_HEAD_MAX];

    memset(bytes, 'x', sizeof bytes);
    assert_int_equal(raw_ask(f->base, f->port, bytes, sizeof bytes, &answer), 414);
    memcpy(bytes, "GET / HTTP/1.1\r\n", 16);
    assert_int_equal(raw_ask(f->base, f->port, bytes, sizeof bytes, &answer), 431);
    /* The largest that is allowed is served. */
    memcpy(bytes, "GET /hello HTTP/1.1\r\nX:", 23);
    memcpy(bytes + sizeof bytes - 4, "\r\n\r\n", 4);
    assert_int_equal(raw_ask(f->base, f->port, bytes, sizeof bytes, &answer), 200);
}

/* ---- handlers that answer later ---------------------------------------- */

static void an_answer_may_come_later(void **state)
{
    struct fixture *f = *state;
    struct raw_answer answer;

    int fd = client(f, 0, "GET /later HTTP/1.1\r\n\r\nGET /hello HTTP/1.1\r\n\r\n");
    assert_non_null(f->later);
    assert_false(raw_is_readable(fd));
    http_expire(f->http, INT64_MAX - 1); /* no limit of this server holds for handlers */
    http_reply_text(f->later, 200, "text/plain", "late\n");
    assert_int_equal(f->ended, 1);
    raw_read(f->base, fd, &answer);
    assert_true(strstr(answer.text, "late") < strstr(answer.text, "hello"));
}

static void a_handler_is_told_when_its_client_goes(void **state)
{
    struct fixture *f = *state;

    close(client(f, 0, "GET /later HTTP/1.1\r\n\r\n"));
    f->fds[0] = 0;
    raw_turn(f->base);
    assert_int_equal(f->ended, 1);
    assert_int_equal(http_connections(f->http), 0);
    /* Or nobody is: the server ends first. */
    client(f, 1, "GET /later HTTP/1.1\r\n\r\n");
    assert_non_null(f->later);
}

/* ---- time -------------------------------------------------------------- */

static void who_is_slow_to_ask_is_told_and_sent_away(void **state)
{
    static const struct {
        const char *sent;
        int in_time_ms, too_late_ms, status;
    } cases[] = {
        { "", 4000, 5000, 0 },
        { "GET /hello HTTP/1.1\r\nX: ", 4000, 5000, 408 },
        { "POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", 9000, 10000, 408 },
        { "GET /hello HTTP/1.1\r\n\r\n", 59000, 60000, 200 }, /* idle then */
        { "GET /hello HTTP/1.1\r\n\r\nG", 4000, 5000, 200 },
    };
    struct fixture *f = *state;
    struct raw_answer answer;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t before_ms = later_ms(0);
        int fd = client(f, (int)i, cases[i].sent);
        http_expire(f->http, before_ms + cases[i].in_time_ms);
        assert_int_equal(http_connections(f->http), 1);
        http_expire(f->http, later_ms(cases[i].too_late_ms));
        raw_read(f->base, fd, &answer);
        assert_true(answer.closed);
        if (answer.status != cases[i].status)
            fail_msg("%s: %d", cases[i].sent, answer.status);
        close(fd);
        f->fds[i] = 0;
        raw_turn(f->base);
        assert_int_equal(http_connections(f->http), 0);
    }
}

/* From the first byte of a request on, more of them gain no time. */
static void a_byte_now_and_then_gains_no_time(void **state)
{
    struct fixture *f = *state;

    int fd = client(f, 0, "GET /hello HTTP/1.1\r\nX: ");
    int64_t begun_ms = later_ms(0);
    for (int i = 0; i < 5; i++) {
        raw_say(fd, "x");
        raw_turn(f->base);
    }
    http_expire(f->http, begun_ms + 5000);
    struct raw_answer answer;
    raw_read(f->base, fd, &answer);
    assert_int_equal(answer.status, 408);
}

static void an_answer_that_nobody_takes_is_given_up(void **state)
{
    struct fixture *f = *state;

    int64_t before_ms = later_ms(0);
    client(f, 0, "GET /big HTTP/1.1\r\n\r\n");
    http_expire(f->http, before_ms + 29000);
    assert_int_equal(http_connections(f->http), 1);
    http_expire(f->http, later_ms(30000));
    assert_int_equal(http_connections(f->http), 0);
}

/* ---- places ------------------------------------------------------------ */

static bool is_gone(struct fixture *f, int i)
{
    char byte;

    raw_turn(f->base);
    return recv(f->fds[i], &byte, 1, MSG_DONTWAIT) == 0;
}

static void take_answer(struct fixture *f, int i)
{
    struct raw_answer answer;

    raw_read(f->base, f->fds[i], &answer);
    assert_int_equal(answer.status, 200);
}

/* Three places. Who comes always gets one. */
static void the_least_worthy_gives_up_its_place(void **state)
{
    struct fixture *f = *state;

    client(f, 0, "GET /later HTTP/1.1\r\n\r\n"); /* has asked */
    client(f, 1, "GET /hello HTT");              /* asks since long */
    client(f, 2, "GET /hello HTTP/1.1\r\n\r\n"); /* idles */
    take_answer(f, 2);
    client(f, 3, "GET /hel");
    assert_true(is_gone(f, 2));
    client(f, 4, "GET /hello HTTP/1.1\r\n\r\n");
    take_answer(f, 4);
    assert_true(is_gone(f, 1));
    client(f, 5, "GET /hello HTTP/1.1\r\n\r\n");
    take_answer(f, 5);
    assert_true(is_gone(f, 4));
    assert_int_equal(http_connections(f->http), 3);
    assert_int_equal(f->ended, 0);
    client(f, 6, "GET /big HTTP/1.1\r\n\r\n"); /* 5 goes, then 3 */
    client(f, 7, "GET /big HTTP/1.1\r\n\r\n");
    client(
        f, 8,
        "GET /hello HTTP/1.1\r\n\r\n"); /* an answer that is stuck, before one that is owed */
    take_answer(f, 8);
    assert_int_equal(f->ended, 0);
    assert_int_equal(http_connections(f->http), 3);
}

/* Four of four megabytes are too many for sixteen, with what stands before them. */
static void answers_that_nobody_takes_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct raw_answer answer;
    int refused = 0;

    for (int i = 0; i < 20; i++) {
        char text[13] = "";

        client(f, i, "GET /big HTTP/1.1\r\n\r\n");
        assert_int_equal(recv(f->fds[i], text, 12, MSG_PEEK), 12);
        refused += strcmp(text, "HTTP/1.1 503") == 0;
    }
    assert_in_range(refused, 15, 17);
    assert_int_equal(ask(f, "GET /hello HTTP/1.1\r\n\r\n", &answer), 200);
    /* Who takes it gets it whole, and makes room. */
    raw_read(f->base, f->fds[0], &answer);
    assert_int_equal(answer.body_len, BIG);
    raw_read(f->base, f->fds[1], &answer);
    assert_int_equal(answer.body_len, BIG);
    int fd = client(f, 30, "GET /big HTTP/1.1\r\n\r\n");
    raw_read(f->base, fd, &answer);
    assert_int_equal(answer.body_len, BIG);
}

/* ---- without memory ---------------------------------------------------- */

static int allocations_left = INT_MAX;

static bool may_allocate(void)
{
    return allocations_left == INT_MAX || allocations_left-- > 0;
}

static void *fail_malloc(size_t size)
{
    return may_allocate() ? malloc(size) : NULL;
}

static void *fail_realloc(void *at, size_t size)
{
    return may_allocate() ? realloc(at, size) : NULL;
}

/* Each allocation of libevent fails once, and all behind it: nothing crashes, and the next
 * request is served. */
static void without_memory_the_next_one_is_served(void **state)
{
    static const char request[] = "GET /later HTTP/1.1\r\n\r\nPOST /echo HTTP/1.1\r\n"
                                  "Content-Length: 1\r\n\r\nxDELETE /echo HTTP/1.1\r\n\r\n";
    struct fixture *f = *state;
    struct raw_answer answer;

    for (int n = 0; n < 40; n++) {
        int fd = raw_connect(f->port);
        raw_send(fd, request, sizeof request - 1);
        allocations_left = n;
        raw_turn(f->base);
        if (f->later != NULL)
            http_reply_text(f->later, 200, "text/plain", "late\n");
        raw_turn(f->base);
        allocations_left = INT_MAX;
        close(fd);
        assert_int_equal(ask(f, "GET /hello HTTP/1.1\r\n\r\n", &answer), 200);
    }
}

int main(void)
{
#define USUAL(test) cmocka_unit_test_setup_teardown(test, open_usual, close_fixture)
    const struct CMUnitTest tests[] = {
        USUAL(requests_in_one_write_are_answered_in_turn),
        USUAL(the_connection_stays_or_ends_as_the_client_wants),
        USUAL(a_body_is_read_however_it_comes),
        USUAL(the_body_is_asked_for_only_if_it_is_wanted),
        USUAL(what_is_refused_is_refused_before_its_body),
        USUAL(a_head_without_end_is_refused),
        USUAL(an_answer_may_come_later),
        USUAL(a_handler_is_told_when_its_client_goes),
        USUAL(who_is_slow_to_ask_is_told_and_sent_away),
        USUAL(a_byte_now_and_then_gains_no_time),
        USUAL(an_answer_that_nobody_takes_is_given_up),
        cmocka_unit_test_setup_teardown(the_least_worthy_gives_up_its_place, open_narrow,
                                        close_fixture),
        USUAL(answers_that_nobody_takes_are_bounded),
        USUAL(without_memory_the_next_one_is_served),
    };

    event_set_mem_functions(fail_malloc, fail_realloc, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
