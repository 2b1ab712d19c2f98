#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <time.h>
#include <unistd.h>

#include "flush/rollups/question_box.h"
#include "server/http/ask.h"
#include "server/http/http.h"
#include "tests/support/api_table.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"

/* So long that no test meets its end. */
enum { INTERVAL_S = 1 << 30 };

/* A real HTTP server on a port of the kernel's choice; the test is the flusher. */
struct fixture {
    struct event_base *base;
    struct http *http;
    struct question_box questions;
    struct counter flushed_s;
    struct ask *ask;
    int port;
    struct evhttp_connection *clients[40];
    int n_clients;
    int replies, status;
    char body[512];
};

static void on_query(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    ask_on(argument, INQUIRY_QUERY, exchange, request);
}

static void on_list(struct http_exchange *exchange, const struct http_request *request,
                    void *argument)
{
    ask_on(argument, INQUIRY_LIST, exchange, request);
}

static void on_metric(struct http_exchange *exchange, const struct http_request *request,
                      void *argument)
{
    ask_on(argument, INQUIRY_METRIC, exchange, request);
}

static void on_host(struct http_exchange *exchange, const struct http_request *request,
                    void *argument)
{
    ask_on(argument, INQUIRY_HOST, exchange, request);
}

static void on_events(struct http_exchange *exchange, const struct http_request *request,
                      void *argument)
{
    ask_on(argument, INQUIRY_RECENT, exchange, request);
}

static const struct http_route routes[] = {
    { .path = "/api/v1/catalogue", .methods = HTTP_GET, .handle = on_list },
    { .path = "/api/v1/catalogue/metric", .methods = HTTP_GET, .handle = on_metric },
    { .path = "/api/v1/catalogue/host", .methods = HTTP_GET, .handle = on_host },
    { .path = "/api/v1/events", .methods = HTTP_GET, .handle = on_events },
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){ .base = event_base_new() };
    assert_true(question_box_open(&f->questions));
    f->ask = ask_new(f->base, &f->questions, &f->flushed_s, INTERVAL_S);
    struct http_config config = {
        .base = f->base,
        .routes = routes,
        .n_routes = sizeof routes / sizeof routes[0],
        .other = { .methods = HTTP_GET, .handle = on_query },
        .argument = f->ask,
    };
    char why[256];
    f->http = http_new(&config);
    assert_true(http_listen(f->http, "127.0.0.1:0", NULL, why, sizeof why));
    f->port = http_port(f->http);
}

static void close_fixture(struct fixture *f)
{
    for (int i = 0; i < f->n_clients; i++)
        if (f->clients[i] != NULL)
            evhttp_connection_free(f->clients[i]);
    http_free(f->http);
    ask_free(f->ask);
    question_box_close(&f->questions);
    event_base_free(f->base);
}

static void on_reply(struct evhttp_request *request, void *argument)
{
    struct fixture *f = argument;

    f->replies++;
    f->status = request != NULL ? evhttp_request_get_response_code(request) : 0;
    if (request == NULL)
        return;
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(body);
    len = len < sizeof f->body - 1 ? len : sizeof f->body - 1;
    evbuffer_copyout(body, f->body, len);
    f->body[len] = '\0';
}

static void get(struct fixture *f, const char *uri)
{
    struct evhttp_connection *client =
        evhttp_connection_base_new(f->base, NULL, "127.0.0.1", (uint16_t)f->port);

    f->clients[f->n_clients++] = client;
    evhttp_make_request(client, evhttp_request_new(on_reply, f), EVHTTP_REQ_GET, uri);
}

/* Turns the loop until the flusher is asked something. */
static struct asked_question *wait_asked(struct fixture *f)
{
    struct asked_question *asked;

    while ((asked = question_box_take_asked(&f->questions)) == NULL)
        event_base_loop(f->base, EVLOOP_ONCE);
    return asked;
}

static void wait_reply(struct fixture *f, int n)
{
    while (f->replies < n)
        event_base_loop(f->base, EVLOOP_ONCE);
}

static void a_question_travels_to_the_flusher_and_back(void **state)
{
    struct fixture f;
    (void)state;

    open_fixture(&f);
    get(&f, "/api/v1/query?from=100&to=200.5&query=sum%3Am%7B*%7D+by+%7Ba%7D");
    struct asked_question *asked = wait_asked(&f);
    assert_int_equal(asked->inquiry.from_s, 100);
    assert_int_equal(asked->inquiry.to_s, 200);
    assert_true(slice_equal(asked->inquiry.text, SLICE("sum:m{*} by {a}")));
    asked->status = 200;
    bytes_add(&asked->answer, "{}", 2);
    question_box_answer(&f.questions, asked);
    wait_reply(&f, 1);
    assert_int_equal(f.status, 200);
    assert_string_equal(f.body, "{}");
    close_fixture(&f);
}

static void a_refusal_has_the_fields_that_clients_look_for(void **state)
{
    struct fixture f;
    (void)state;

    open_fixture(&f);
    get(&f, "/api/v1/query?from=100&to=200&query=x");
    struct asked_question *asked = wait_asked(&f);
    asked_question_refuse(asked, 400, "column 2: \"no\"");
    question_box_answer(&f.questions, asked);
    wait_reply(&f, 1);
    assert_int_equal(f.status, 400);
    assert_string_equal(f.body, "{\"status\":\"error\",\"error\":\"column 2: \\\"no\\\"\","
                                "\"errors\":[\"column 2: \\\"no\\\"\"]}\n");
    close_fixture(&f);
}

static void what_is_no_question_never_reaches_the_flusher(void **state)
{
    static const char *const uris[] = {
        "/api/v1/query",
        "/api/v1/query?from=1&to=2",
        "/api/v1/query?from=1&query=m",
        "/api/v1/query?from=x&to=2&query=m",
        "/api/v1/query?from=nan&to=2&query=m",
        "/api/v1/query?from=1&to=1e30&query=m",
        "/api/v1/query?from=1&to=2&query=m%00behind",
        "/api/v1/query?from=1%00&to=2&query=m",
    };
    struct fixture f;
    (void)state;

    open_fixture(&f);
    for (int i = 0; i < (int)(sizeof uris / sizeof uris[0]); i++) {
        get(&f, uris[i]);
        wait_reply(&f, i + 1);
        assert_int_equal(f.status, 400);
    }
    assert_null(question_box_take_asked(&f.questions));
    close_fixture(&f);
}

static void get_number(struct fixture *f, int n)
{
    char uri[64];

    snprintf(uri, sizeof uri, "/api/v1/query?from=1&to=2&query=m%d", n);
    get(f, uri);
}

static void answer_with(struct fixture *f, struct asked_question *asked, const char *text)
{
    asked->status = 200;
    bytes_add(&asked->answer, text, strlen(text));
    question_box_answer(&f->questions, asked);
}

/* All that the connections have to say is read. */
static void settle(struct fixture *f)
{
    for (int i = 0; i < 20; i++)
        event_base_loop(f->base, EVLOOP_NONBLOCK);
}

/* Two are at the flusher, which answers one and has the next; the others wait. */
static void questions_take_turns(void **state)
{
    enum { N = 20 };
    struct fixture f;
    int n = 0;
    (void)state;

    open_fixture(&f);
    for (int i = 0; i < N; i++)
        get_number(&f, i);
    settle(&f);
    while (n < N) {
        struct asked_question *next, *asked = wait_asked(&f);
        int together = 0;

        for (; asked != NULL; asked = next, n++, together++) {
            next = asked->next;
            answer_with(&f, asked, "{}");
        }
        assert_in_range(together, 1, 2);
        settle(&f);
    }
    wait_reply(&f, N);
    assert_int_equal(f.status, 200);
    close_fixture(&f);
}

static void no_more_than_32_wait(void **state)
{
    struct fixture f;
    int n = 0;
    (void)state;

    open_fixture(&f);
    for (int i = 0; i < 33; i++)
        get_number(&f, i);
    wait_reply(&f, 1); /* the last one; the others wait */
    assert_int_equal(f.status, 503);
    while (n < 32) {
        struct asked_question *next, *asked = wait_asked(&f);
        for (; asked != NULL; asked = next, n++) {
            next = asked->next;
            answer_with(&f, asked, "{}");
        }
    }
    wait_reply(&f, 33);
    assert_int_equal(f.status, 200);
    close_fixture(&f);
}

static void equal_questions_are_answered_once(void **state)
{
    struct fixture f;
    (void)state;

    open_fixture(&f);
    for (int i = 0; i < 5; i++)
        get_number(&f, 7);
    settle(&f);
    struct asked_question *asked = wait_asked(&f);
    assert_null(asked->next);
    answer_with(&f, asked, "{\"one\":1}");
    wait_reply(&f, 5);
    assert_string_equal(f.body, "{\"one\":1}");
    get_number(&f, 7); /* and one that comes later in the same interval */
    wait_reply(&f, 6);
    assert_string_equal(f.body, "{\"one\":1}");
    assert_null(question_box_take_asked(&f.questions));
    get(&f, "/api/v1/query?from=1&to=3&query=m7"); /* another one */
    answer_with(&f, wait_asked(&f), "{\"two\":2}");
    wait_reply(&f, 7);
    assert_string_equal(f.body, "{\"two\":2}");
    close_fixture(&f);
}

static void a_flush_makes_answers_old(void **state)
{
    struct fixture f;
    (void)state;

    open_fixture(&f);
    get_number(&f, 1);
    struct asked_question *before = wait_asked(&f);
    counter_set(&f.flushed_s, 10); /* while it is under way */
    get_number(&f, 1);
    struct asked_question *after = wait_asked(&f);
    answer_with(&f, before, "{\"old\":1}");
    wait_reply(&f, 1);
    assert_string_equal(f.body, "{\"old\":1}");
    answer_with(&f, after, "{\"new\":1}");
    wait_reply(&f, 2);
    assert_string_equal(f.body, "{\"new\":1}");
    counter_set(&f.flushed_s, 20);
    get_number(&f, 1);
    answer_with(&f, wait_asked(&f), "{\"newer\":1}");
    wait_reply(&f, 3);
    assert_string_equal(f.body, "{\"newer\":1}");
    close_fixture(&f);
}

static void refusals_are_not_kept(void **state)
{
    struct fixture f;
    (void)state;

    open_fixture(&f);
    for (int i = 1; i <= 2; i++) {
        get_number(&f, 1);
        struct asked_question *asked = wait_asked(&f);
        asked_question_refuse(asked, 503, "no memory");
        question_box_answer(&f.questions, asked);
        wait_reply(&f, i);
        assert_int_equal(f.status, 503);
    }
    close_fixture(&f);
}

static void who_leaves_the_queue_is_never_asked_for(void **state)
{
    struct fixture f;
    (void)state;

    open_fixture(&f);
    for (int i = 0; i < 4; i++)
        get_number(&f, i);
    settle(&f);
    struct asked_question *one = wait_asked(&f), *two = one->next;
    assert_non_null(two);
    evhttp_connection_free(f.clients[2]);
    f.clients[2] = NULL;
    settle(&f);
    answer_with(&f, one, "{}");
    struct asked_question *last = wait_asked(&f);
    assert_memory_equal(last->inquiry.text.at, "m3", 2);
    answer_with(&f, two, "{}");
    answer_with(&f, last, "{}");
    wait_reply(&f, 3);
    close_fixture(&f);
}

/* What is waited for by two is not given up as one of them goes. */
static void one_of_two_may_leave(void **state)
{
    struct fixture f;
    (void)state;

    open_fixture(&f);
    get_number(&f, 1);
    get_number(&f, 1);
    settle(&f);
    struct asked_question *asked = wait_asked(&f);
    evhttp_connection_free(f.clients[0]);
    f.clients[0] = NULL;
    settle(&f);
    assert_false(atomic_load(&asked->cancelled));
    answer_with(&f, asked, "{}");
    wait_reply(&f, 1);
    assert_int_equal(f.status, 200);
    close_fixture(&f);
}

static void a_client_that_leaves_cancels_its_question(void **state)
{
    struct fixture f;
    (void)state;

    open_fixture(&f);
    get(&f, "/api/v1/query?from=1&to=2&query=m");
    struct asked_question *asked = wait_asked(&f);
    evhttp_connection_free(f.clients[0]);
    f.clients[0] = NULL;
    while (!atomic_load(&asked->cancelled))
        event_base_loop(f.base, EVLOOP_ONCE);
    question_box_answer(&f.questions, asked); /* comes back to nobody */
    get(&f, "/api/v1/query?from=1&to=2&query=m");
    asked = wait_asked(&f);
    asked->status = 200;
    question_box_answer(&f.questions, asked);
    int before = f.replies;
    wait_reply(&f, before + 1);
    assert_int_equal(f.status, 200);
    close_fixture(&f);
}

static void stopping_with_questions_under_way_frees_them(void **state)
{
    struct fixture f;
    (void)state;

    open_fixture(&f);
    get(&f, "/api/v1/query?from=1&to=2&query=m");
    asked_question_free(wait_asked(&f)); /* the flusher ended with it */
    close_fixture(&f);
}

static void every_kind_travels(void **state)
{
    static const struct {
        const char *uri;
        struct inquiry wanted;
    } cases[] = {
        { "/api/v1/catalogue?match=%3Cimg&sort=values",
          { INQUIRY_LIST, { "<img", 4 }, .limit = 200, .order = ORDER_VALUES } },
        { "/api/v1/catalogue/metric?name=m", { INQUIRY_METRIC, { "m", 1 }, .limit = 500 } },
        { "/api/v1/catalogue/host?name=h", { INQUIRY_HOST, { "h", 1 }, .limit = 200 } },
        { "/api/v1/events", { .kind = INQUIRY_RECENT } },
    };
    struct fixture f;
    (void)state;

    open_fixture(&f);
    for (int i = 0; i < (int)(sizeof cases / sizeof cases[0]); i++) {
        get(&f, cases[i].uri);
        struct asked_question *asked = wait_asked(&f);
        assert_true(inquiry_equal(&asked->inquiry, &cases[i].wanted));
        answer_with(&f, asked, "{}");
        wait_reply(&f, i + 1);
        assert_int_equal(f.status, 200);
    }
    close_fixture(&f);
}

/* What series did is new with each flush; events come at any time. */
static void events_are_asked_for_each_time(void **state)
{
    struct fixture f;
    (void)state;

    open_fixture(&f);
    for (int i = 1; i <= 2; i++) {
        get(&f, "/api/v1/events");
        answer_with(&f, wait_asked(&f), "{}");
        wait_reply(&f, i);
    }
    close_fixture(&f);
}

/* Whatever the server answers is in the tables of docs/api.md, and the other way round. */
static void check_table(struct running *running, const char *path, const char *name)
{
    char *body = NULL;

    assert_int_equal(running_get(running, server_http_port(running->server), path, &body), 200);
    json_t *json = json_loads(body, 0, NULL);
    if (json == NULL)
        fail_msg("%s", body);
    api_table_read(name, 10);
    api_table_walk(json);
    api_table_end();
    json_decref(json);
    free(body);
}

static void a_running_server_lists(void **state)
{
    static struct running running;
    struct server_view view;
    char *body = NULL;
    (void)state;

    assert_true(
        RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0", "heeler_interval=1"));
    int port = server_http_port(running.server);
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, "<img onerror=x>\x1b[2J\xff:2|g|#\x1bk:\xfe\nm:1|c|#host:web "
                 "1\n_e{1,1}:t|x|#a:b\n_sc|disk|2|#a:b");
    assert_true(running_until(&running, running_datagrams, 1));
    server_view(running.server, &view);
    assert_true(running_until(&running, running_snapshots,
                              counter_read(&view.flusher_ledger->snapshots) + 2));
    check_table(&running, "/api/v1/catalogue?match=onerror", "catalogue");
    check_table(&running, "/api/v1/catalogue/metric?name=%3Cimg+onerror%3Dx%3E%1b[2J%ef%bf%bd",
                "metric");
    check_table(&running, "/api/v1/catalogue/host?name=web+1", "host");
    check_table(&running, "/api/v1/events", "events");
    assert_int_equal(running_get(&running, port, "/api/v1/catalogue/metric?name=nix", &body),
                     404);
    free(body);
    close(fd);
    assert_true(running_stop(&running));
    running_free(&running);
}

static void a_running_server_answers(void **state)
{
    static struct running running;
    struct server_view view;
    char *body = NULL, path[200];
    (void)state;

    assert_true(
        RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0", "heeler_interval=1"));
    int port = server_http_port(running.server);
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, "asked:2|c\nasked:40|c");
    assert_true(running_until(&running, running_datagrams, 1));
    server_view(running.server, &view);
    assert_true(running_until(&running, running_snapshots,
                              counter_read(&view.flusher_ledger->snapshots) + 2));
    snprintf(path, sizeof path, "/api/v1/query?from=%lld&to=%lld&query=%s",
             (long long)time(NULL) - 100, (long long)time(NULL) + 100,
             "sum:asked%7B*%7D.rollup(sum,3600)");
    assert_int_equal(running_get(&running, port, path, &body), 200);
    if (strstr(body, ".0,42]") == NULL) /* of this hour, or of the one before */
        fail_msg("%s", body);
    free(body);
    assert_int_equal(
        running_get(&running, port, "/api/v1/query?from=1&to=2&query=sum:asked", &body), 400);
    assert_non_null(strstr(body, "column 10: expected {"));
    free(body);
    close(fd);
    assert_true(running_stop(&running));
    running_free(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_travels_to_the_flusher_and_back),
        cmocka_unit_test(a_refusal_has_the_fields_that_clients_look_for),
        cmocka_unit_test(what_is_no_question_never_reaches_the_flusher),
        cmocka_unit_test(questions_take_turns),
        cmocka_unit_test(no_more_than_32_wait),
        cmocka_unit_test(equal_questions_are_answered_once),
        cmocka_unit_test(a_flush_makes_answers_old),
        cmocka_unit_test(refusals_are_not_kept),
        cmocka_unit_test(who_leaves_the_queue_is_never_asked_for),
        cmocka_unit_test(one_of_two_may_leave),
        cmocka_unit_test(a_client_that_leaves_cancels_its_question),
        cmocka_unit_test(stopping_with_questions_under_way_frees_them),
        cmocka_unit_test(every_kind_travels),
        cmocka_unit_test(events_are_asked_for_each_time),
        cmocka_unit_test(a_running_server_answers),
        cmocka_unit_test(a_running_server_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
