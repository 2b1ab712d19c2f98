/* From the body of a tracing library to traces as JSON, through a whole server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/clock.h"
#include "server/api/kept_traces.h"
#include "server/traces/traces_ledger.h"
#include "tests/support/api_table.h"
#include "tests/support/asking.h"
#include "tests/support/beside.h"

static struct running running;

static void start(char *set)
{
    if (!RUNNING_START(&running, NULL, "apm_config.receiver_port=__random__",
                       "heeler_http_listen=127.0.0.1:0", "api_key=k", set))
        fail_msg("%s", running.problem);
}

static void stop(void)
{
    assert_true(running_stop(&running));
    running_free(&running);
}

static json_t *get(const char *path)
{
    return asking_json(&running, "GET", path, NULL, 200);
}

static void send_body(const char *body)
{
    char *answer = NULL;
    int status = running_json(&running, server_traces_port(running.server), "POST",
                              "/v0.4/traces", body, &answer);

    if (status != 200)
        fail_msg("%d: %s", status, answer);
    free(answer);
}

/* A request of the shop that took so long, with a call of the database in it. */
static void send_trace(unsigned id, const char *resource, unsigned ms, int error)
{
    static char body[4096];
    long long now_ns = (long long)clock_wall_ns();

    snprintf(body, sizeof body,
             "[[{\"service\":\"shop\",\"name\":\"web.request\",\"resource\":\"%s\","
             "\"type\":\"web\",\"trace_id\":%u,\"span_id\":18446744073709551615,"
             "\"parent_id\":0,\"start\":%lld,\"duration\":%u000000,\"error\":%d,"
             "\"meta\":{\"component\":\"express\",\"a\\\"b\":\"\\u202e<b>\"},"
             "\"metrics\":{\"process_id\":4711}},"
             "{\"service\":\"db\",\"name\":\"sql.query\",\"resource\":\"SELECT 1\","
             "\"trace_id\":%u,\"span_id\":2,\"parent_id\":18446744073709551615,"
             "\"start\":%lld,\"duration\":1000000,\"error\":0}]]",
             resource, id, now_ns - 5000000000, ms, error, id, now_ns - 4999000000);
    send_body(body);
}

/* "3 1 2": the ids of a list. */
static const char *ids(const char *query)
{
    static char text[512];
    char path[256];
    json_t *list, *trace;
    size_t i, len = 0;

    snprintf(path, sizeof path, "/api/v1/traces%s", query);
    list = get(path);
    text[0] = '\0';
    json_array_foreach(json_object_get(list, "traces"), i, trace) len +=
        (size_t)snprintf(text + len, sizeof text - len, "%s%s", i > 0 ? " " : "",
                         json_string_value(json_object_get(trace, "trace_id")));
    json_decref(list);
    return text;
}

static void traces_are_listed_by_what_is_asked(void **state)
{
    (void)state;

    start("apm_config.enabled=true");
    assert_string_equal(ids(""), "");
    send_trace(1, "GET /cart", 30, 0);
    send_trace(2, "GET /cart", 10, 1);
    send_trace(3, "GET /pay", 20, 0);
    assert_string_equal(ids(""), "1 3 2");
    assert_string_equal(ids("?order=latest"), "3 2 1");
    assert_string_equal(ids("?service=shop&resource=GET%20/cart"), "1 2");
    assert_string_equal(ids("?service=shop&name=web.request&limit=1"), "1");
    assert_string_equal(ids("?errors=1"), "2");
    assert_string_equal(ids("?service=db&resource=SELECT+1&order=latest"), "3 2 1");
    assert_string_equal(ids("?service=blog"), "");
    json_t *list = get("/api/v1/traces?service=db");

    api_table_read("traces", 15);
    api_table_walk(list);
    api_table_end();
    json_decref(list);
    stop();
}

static void one_trace_has_all_spans_with_what_they_say(void **state)
{
    const char *name, *text;
    (void)state;

    start("apm_config.enabled=true");
    send_trace(4294967291u, "GET /cart", 30, 1);
    json_t *trace = get("/api/v1/traces/000000000000000000000000fffffffb");
    json_t *same = get("/api/v1/traces/4294967291");

    assert_true(json_equal(trace, same));
    json_decref(same);
    json_t *spans = json_object_get(trace, "spans"), *root = json_array_get(spans, 0),
           *call = json_array_get(spans, 1);

    assert_int_equal(json_array_size(spans), 2);
    name = json_string_value(json_object_get(root, "span_id"));
    assert_string_equal(name, "18446744073709551615");
    assert_string_equal(name, json_string_value(json_object_get(call, "parent_id")));
    assert_int_equal(json_integer_value(json_object_get(root, "offset_ns")), 0);
    assert_int_equal(json_integer_value(json_object_get(call, "offset_ns")), 1000000);
    json_t *meta = json_object_get(root, "meta");

    text = json_string_value(json_object_get(meta, "a\"b"));
    assert_string_equal(text, "\xe2\x80\xae<b>");
    assert_int_equal(json_object_size(meta), 2);
    api_table_read("trace", 15);
    api_table_walk(trace);
    api_table_end();
    json_decref(trace);
    stop();
}

/* A body of v0.5 in which all that spans say is one text of 2,000 bytes: a hundredth of what
 * the answer would have. */
static void an_answer_has_a_bound(void **state)
{
    enum { SPANS = 300, PAIRS = 40, PARTS = 3 };
    static char body[SPANS * (PAIRS * 10 + 100) + 8000];
    size_t len = 0;
    char *text, *answer = NULL;
    (void)state;

    start("apm_config.enabled=true");
    len += (size_t)sprintf(body + len, "[[\"\",\"shop\",\"%02000d\"", 7);
    for (int i = 0; i < PAIRS; i++)
        len += (size_t)sprintf(body + len, ",\"key%d\"", i);
    len += (size_t)sprintf(body + len, "],[[");
    for (int i = 0; i < SPANS; i++) {
        len += (size_t)sprintf(body + len, "%s[1,1,1,9,%d,%d,1600000000000000000,%d,0,{",
                               i > 0 ? "," : "", i + 1, i, 1000 - i);
        for (int j = 0; j < PAIRS; j++)
            len += (size_t)sprintf(body + len, "%s\"%d\":2", j > 0 ? "," : "", j + 3);
        len += (size_t)sprintf(body + len, "},{},0]");
    }
    len += (size_t)sprintf(body + len, "]]]");
    assert_true(len < sizeof body);
    for (int i = 0; i < PARTS; i++) {
        int status = running_json(&running, server_traces_port(running.server), "POST",
                                  "/v0.5/traces", body, &answer);

        if (status != 200)
            fail_msg("%d: %s", status, answer);
        free(answer);
    }
    json_t *trace = get("/api/v1/traces/9"), *spans = json_object_get(trace, "spans");
    json_t *first = json_array_get(spans, 0), *last = json_array_get(spans, PARTS * SPANS - 1);

    assert_int_equal(json_array_size(spans), PARTS * SPANS);
    assert_int_equal(json_object_size(json_object_get(first, "meta")), PAIRS);
    assert_true(json_is_false(json_object_get(first, "is_cut")));
    assert_int_equal(json_object_size(json_object_get(last, "meta")), 0);
    assert_true(json_is_true(json_object_get(last, "is_cut")));
    text = json_dumps(trace, JSON_COMPACT);
    assert_in_range(strlen(text), KEPT_TRACES_ANSWER_MAX, KEPT_TRACES_ANSWER_MAX + (256 << 10));
    free(text);
    json_decref(trace);
    stop();
}

/* Whose spans are not counted here. */
static void those_of_who_counts_himself_are_kept_too(void **state)
{
    static const char body[] = "[[{\"service\":\"shop\",\"name\":\"web.request\","
                               "\"resource\":\"GET /\",\"trace_id\":5,\"span_id\":1,"
                               "\"start\":1600000000000000000,\"duration\":1000}]]";
    struct server_view view;
    char request[1024];
    (void)state;

    start("apm_config.enabled=true");
    int len = snprintf(request, sizeof request,
                       "PUT /v0.4/traces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                       "Content-Type: application/json\r\n"
                       "Datadog-Client-Computed-Stats: true\r\nContent-Length: %zu\r\n\r\n%s",
                       strlen(body), body);

    free(running_exchange(&running, server_traces_port(running.server), request, (size_t)len));
    assert_string_equal(ids("?service=shop"), "5");
    server_view(running.server, &view);
    assert_int_equal(counter_read(&view.traces->client_computed), 1);
    assert_int_equal(counter_read(&view.traces->ring_traces), 1);
    stop();
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *path;
        int status;
        const char *sentence;
    } cases[] = {
        { "/api/v1/traces?order=oldest", 400, "order: expected slowest or latest" },
        { "/api/v1/traces?errors=yes", 400, "errors: expected 1 or 0" },
        { "/api/v1/traces?limit=0", 400, "limit: expected a whole number from 1 to 100" },
        { "/api/v1/traces?limit=101", 400, "limit: expected a whole number from 1 to 100" },
        { "/api/v1/traces/x", 400, "a trace id is a decimal number, or 32 hexadecimal digits" },
        { "/api/v1/traces/18446744073709551616", 400,
          "a trace id is a decimal number, or 32 hexadecimal digits" },
        { "/api/v1/traces/7", 404,
          "no trace of that id is kept: only the slowest and the last that failed of each "
          "resource are, for 15 minutes" },
    };
    (void)state;

    start("apm_config.enabled=true");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        asking_error(&running, "GET", cases[i].path, NULL, cases[i].status, cases[i].sentence);
    stop();
}

static void a_closed_door_says_how_it_is_opened(void **state)
{
    static const char sentence[] = "no traces are taken here: set apm_config.enabled";
    (void)state;

    start("apm_config.enabled=false");
    asking_error(&running, "GET", "/api/v1/traces", NULL, 404, sentence);
    asking_error(&running, "GET", "/api/v1/traces/7", NULL, 404, sentence);
    stop();
}

static void a_ring_without_bytes_keeps_nothing(void **state)
{
    (void)state;

    if (!RUNNING_START(&running, NULL, "apm_config.receiver_port=__random__",
                       "heeler_http_listen=127.0.0.1:0", "api_key=k", "apm_config.enabled=true",
                       "heeler_trace_ring_bytes=0"))
        fail_msg("%s", running.problem);
    send_trace(1, "GET /cart", 30, 0);
    assert_string_equal(ids(""), "");
    stop();
}

/* Many ask while many send: the list is whole each time. */
static void asking_and_sending_go_together(void **state)
{
    struct server_view view;
    (void)state;

    start("apm_config.enabled=true");
    for (unsigned i = 1; i <= 40; i++) {
        send_trace(i, "GET /cart", i, i % 2);
        json_t *list = get("/api/v1/traces?limit=100");
        json_t *first = json_array_get(json_object_get(list, "traces"), 0);

        assert_int_equal(atoi(json_string_value(json_object_get(first, "trace_id"))), i);
        json_decref(list);
    }
    server_view(running.server, &view);
    assert_int_equal(counter_read(&view.traces->spans), 80);
    assert_in_range(counter_read(&view.traces->ring_traces), 8, 24);
    assert_true(counter_read(&view.traces->ring_bytes) > 0);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traces_are_listed_by_what_is_asked),
        cmocka_unit_test(one_trace_has_all_spans_with_what_they_say),
        cmocka_unit_test(an_answer_has_a_bound),
        cmocka_unit_test(those_of_who_counts_himself_are_kept_too),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_closed_door_says_how_it_is_opened),
        cmocka_unit_test(a_ring_without_bytes_keeps_nothing),
        cmocka_unit_test(asking_and_sending_go_together),
    };

    return BESIDE_RUN(tests);
}
