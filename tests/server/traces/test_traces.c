/* From a request of a tracing library to an answer about its numbers, through a whole server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "server/traces/traces_ledger.h"
#include "tests/support/beside.h"
#include "tests/support/fake_intake.h"
#include "tests/support/raw_http.h"
#include "tests/support/running.h"

static struct running running;

static void start(char *set)
{
    if (!RUNNING_START(&running, NULL, "apm_config.enabled=true",
                       "apm_config.receiver_port=__random__", "heeler_http_listen=127.0.0.1:0",
                       "heeler_interval=1", "env=test", "api_key=k", set))
        fail_msg("%s", running.problem);
}

static const struct traces_ledger *ledger(void)
{
    struct server_view view;

    server_view(running.server, &view);
    return view.traces;
}

/* ---- requests ---------------------------------------------------------- */

/* Whole answer to one request, owned; headers: whole lines. */
static char *ask(const char *method, const char *path, const char *headers, const char *body)
{
    static char request[70000];
    int len = snprintf(request, sizeof request,
                       "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s"
                       "Content-Length: %zu\r\n\r\n%s",
                       method, path, headers, strlen(body), body);

    return running_exchange(&running, server_traces_port(running.server), request, (size_t)len);
}

static void expect(const char *method, const char *path, const char *headers, const char *body,
                   const char *begin, const char *part)
{
    char *answer = ask(method, path, headers, body);

    if (strncmp(answer, begin, strlen(begin)) != 0 || strstr(answer, part) == NULL)
        fail_msg("%s %s: %s", method, path, answer);
    free(answer);
}

/* A trace of a request that ended just now: the root, and a call of a database in it. */
static const char *a_trace(uint64_t id, int error)
{
    static char text[1024];
    long long now_ns = (long long)clock_wall_ns();

    snprintf(text, sizeof text,
             "[[{\"service\":\"shop\",\"name\":\"web.request\",\"resource\":\"GET /cart\","
             "\"type\":\"web\",\"trace_id\":%llu,\"span_id\":%llu,\"parent_id\":0,"
             "\"start\":%lld,\"duration\":250000000,\"error\":%d,"
             "\"meta\":{\"span.kind\":\"server\",\"http.status_code\":\"200\"},\"metrics\":{}},"
             "{\"service\":\"db\",\"name\":\"sql.query\",\"resource\":\"SELECT 1\","
             "\"type\":\"sql\","
             "\"trace_id\":%llu,\"span_id\":1,\"parent_id\":%llu,"
             "\"start\":%lld,\"duration\":1000000,\"error\":0}]]",
             (unsigned long long)id, (unsigned long long)id, now_ns - 250000000, error,
             (unsigned long long)id, (unsigned long long)id, now_ns - 100000000);
    return text;
}

#define JSON "Content-Type: application/json\r\n"

/* ---- what they become -------------------------------------------------- */

/* Whether a series of spans is among them. */
static bool was_sent(struct fake_intake *fake, const char *path)
{
    json_t *items = fake_intake_items(fake, path), *item;
    bool found = false;
    size_t i;

    json_array_foreach(items, i, item)
    {
        const char *name = json_string_value(json_object_get(item, "metric"));

        found = found || (name != NULL && strncmp(name, "trace.", 6) == 0);
    }
    json_decref(items);
    return found;
}

/* Each span is in the books, the groups come out when the thread ends, and nothing is sent. */
static void spans_become_numbers_that_stay_here(void **state)
{
    struct fake_intake *fake = fake_intake_start();
    char dd_url[96];
    (void)state;

    snprintf(dd_url, sizeof dd_url, "dd_url=%s", fake_intake_url(fake));
    start(dd_url);
    for (uint64_t i = 2; i < 22; i++)
        expect("POST", "/v0.4/traces", JSON, a_trace(i, i < 5), "HTTP/1.1 200 OK\r\n",
               "{\"rate_by_service\":{\"service:,env:\":1.0}}");
    assert_int_equal(counter_read(&ledger()->traces), 20);
    assert_int_equal(counter_read(&ledger()->spans), 40);
    assert_int_equal(counter_read(&ledger()->counted), 40);
    assert_int_equal(traces_ledger_imbalance(ledger()), 0);
    assert_true(running_stop(&running));
    assert_string_equal(running_imbalance(&running), "0/0/0");
    /* Two groups of three counts and twenty durations, or more if buckets ended meanwhile. */
    assert_in_range(running_ledger(&running, "values"), 2 * (3 + 20), 2 * (20 * 3 + 20));
    assert_false(was_sent(fake, "/api/v2/series") || was_sent(fake, "/api/beta/sketches"));
    fake_intake_stop(fake);
    running_free(&running);
}

/* ---- the door ---------------------------------------------------------- */

static void each_client_is_answered_as_it_expects(void **state)
{
    static const struct {
        const char *method, *path, *headers, *body, *begin, *part;
    } cases[] = {
        { "GET", "/info", "", "", "HTTP/1.1 200 OK\r\n", "\"/v0.5/traces\"" },
        { "GET", "/info", "", "", "HTTP/1.1 200 OK\r\n", "\"default_env\":\"test\"" },
        { "PUT", "/v0.3/traces", JSON, "[]", "HTTP/1.1 200 OK\r\n", "\r\n\r\nOK\n" },
        { "POST", "/v0.4/traces", JSON, "[]", "HTTP/1.1 200 OK\r\n", "rate_by_service" },
        { "POST", "/v0.5/traces", JSON, "[[],[]]", "HTTP/1.1 200 OK\r\n", "rate_by_service" },
        { "POST", "/v0.4/traces", JSON "Datadog-Rates-Payload-Version: old\r\n", "[]",
          "HTTP/1.1 200 OK\r\n", "Datadog-Rates-Payload-Version: 1\r\n" },
        { "POST", "/v0.4/traces", JSON "Datadog-Rates-Payload-Version: 1\r\n", "[]",
          "HTTP/1.1 200 OK\r\n", "\r\n\r\n{}" },
        { "POST", "/v0.4/traces", JSON, "[", "HTTP/1.1 400 ", "unexpected-eof: byte " },
        { "POST", "/v0.4/traces", JSON, "[7]", "HTTP/1.1 400 ", "decoding-error: byte " },
        { "POST", "/v0.4/traces", "Content-Type: application/msgpack\r\n", "\xc1",
          "HTTP/1.1 400 ", "decoding-error" },
        { "POST", "/v0.7/traces", JSON, "{}", "HTTP/1.1 415 ", "msgpack" },
        { "POST", "/v0.6/stats", JSON, "{}", "HTTP/1.1 415 ", "msgpack" },
        { "POST", "/v0.6/stats", "Content-Type: application/msgpack\r\n", "\x80",
          "HTTP/1.1 200 OK\r\n", "{}" },
        { "PUT", "/v0.4/services", JSON, "{}", "HTTP/1.1 200 OK\r\n", "OK\n" },
        { "POST", "/telemetry/proxy/api/v2/apmtelemetry", JSON, "{\"a\":1}", "HTTP/1.1 202 ",
          "{}" },
        { "POST", "/v0.7/config", JSON, "{}", "HTTP/1.1 404 ", "/info" },
        { "POST", "/profiling/v1/input", JSON, "{}", "HTTP/1.1 404 ", "/info" },
        { "POST", "/v1.0/traces", JSON, "{}", "HTTP/1.1 404 ", "/info" },
        { "GET", "/v0.4/traces", "", "", "HTTP/1.1 405 ", "POST" },
        { "POST", "/v0.4/traces", JSON "Sec-Fetch-Site: cross-site\r\n", "[]", "HTTP/1.1 403 ",
          "browser" },
        { "POST", "/v0.4/traces", JSON "Origin: http://evil.example\r\n", "[]", "HTTP/1.1 403 ",
          "browser" },
    };
    (void)state;

    start("heeler_workers=1");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(cases[i].method, cases[i].path, cases[i].headers, cases[i].body, cases[i].begin,
               cases[i].part);
    assert_int_equal(counter_read(&ledger()->telemetry), 1);
    assert_int_equal(counter_read(&ledger()->foreign_pages), 2);
    assert_int_equal(counter_read(&ledger()->bad_payloads[TRACE_V04]), 3);
    assert_int_equal(counter_read(&ledger()->bad_payloads[TRACE_V07]), 1);
    assert_int_equal(counter_read(&ledger()->bad_stats_payloads), 1);
    assert_true(running_stop(&running));
    running_free(&running);
}

/* /info is what clients compare the state of every other answer with. */
static void the_state_is_the_hash_of_the_info(void **state)
{
    char *one, *two, *with_state, *other;
    (void)state;

    start("heeler_workers=1");
    one = ask("GET", "/info", "", "");
    two = ask("GET", "/info", "", "");
    assert_string_equal(strstr(one, "\r\n\r\n"), strstr(two, "\r\n\r\n"));
    assert_null(strstr(one, "Datadog-Agent-State"));
    with_state = ask("PUT", "/v0.4/services", JSON, "{}");
    other = ask("POST", "/nowhere", JSON, "{}");
    const char *first = strstr(with_state, "Datadog-Agent-State: ");
    const char *second = strstr(other, "Datadog-Agent-State: ");

    assert_non_null(first);
    assert_non_null(second);
    assert_memory_equal(first, second, strlen("Datadog-Agent-State: ") + 64);
    free(one);
    free(two);
    free(with_state);
    free(other);
    assert_true(running_stop(&running));
    running_free(&running);
}

/* A body that memory has no room for is not read: the newest goes, with the usual answer. */
static void above_its_memory_the_newest_is_answered_and_not_taken(void **state)
{
    static const char head[] = "POST /v0.4/traces HTTP/1.1\r\nHost: localhost\r\n"
                               "Connection: close\r\nContent-Length: 20000000\r\n%s\r\n";
    char request[256];
    char *answer;
    int port, len;
    (void)state;

    start("heeler_trace_max_bytes=4194304");
    port = server_traces_port(running.server);
    len = snprintf(request, sizeof request, head, "");
    answer = running_exchange(&running, port, request, (size_t)len);
    assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(answer, "rate_by_service"));
    free(answer);
    len = snprintf(request, sizeof request, head, "Datadog-Send-Real-Http-Status: true\r\n");
    answer = running_exchange(&running, port, request, (size_t)len);
    assert_non_null(strstr(answer, "HTTP/1.1 429 "));
    free(answer);
    assert_int_equal(counter_read(&ledger()->overloaded), 2);
    expect("POST", "/v0.4/traces", JSON, a_trace(7, 0), "HTTP/1.1 200 OK\r\n", "rate");
    assert_int_equal(counter_read(&ledger()->spans), 2);
    assert_true(running_stop(&running));
    running_free(&running);
}

/* Nor is one that nobody reads outside of the bound: a sender that was admitted and is slow has
 * all but 44,000 bytes at most, and the ring 16,000 of these. */
static void a_body_that_is_not_read_is_held_too(void **state)
{
    static const char head[] = "POST /v0.4/traces HTTP/1.1\r\nHost: localhost\r\n"
                               "Expect: 100-continue\r\nContent-Length: 4150000\r\n\r\n";
    static char body[40001], answer[64];
    (void)state;

    memset(body, ' ', sizeof body - 1);
    start("heeler_trace_max_bytes=4194304");
    int fd = raw_connect(server_traces_port(running.server));

    assert_int_equal(write(fd, head, sizeof head - 1), sizeof head - 1);
    assert_true(read(fd, answer, sizeof answer - 1) > 0);
    assert_non_null(strstr(answer, "100 Continue"));
    expect("PUT", "/v0.4/services", JSON, body, "HTTP/1.1 200 OK\r\n", "rate_by_service");
    assert_int_equal(counter_read(&ledger()->overloaded), 1);
    close(fd);
    assert_true(running_stop(&running));
    running_free(&running);
}

static void read_answer(int fd, char *out, size_t size)
{
    ssize_t n;
    size_t len = 0;

    while (len < size - 1 && (n = read(fd, out + len, size - 1 - len)) > 0)
        len += (size_t)n;
    out[len] = '\0';
}

#define CHUNKED                                                                   \
    "POST /v0.4/traces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" JSON \
    "Transfer-Encoding: chunked\r\n\r\n"

/* Nobody says how long they become, so each holds only what has come of it. */
static void bodies_in_chunks_come_beside_each_other(void **state)
{
    char answer[1024];
    int fds[8];
    (void)state;

    start("heeler_trace_max_bytes=4194304");
    for (size_t i = 0; i < 8; i++) {
        fds[i] = raw_connect(server_traces_port(running.server));
        raw_say(fds[i], CHUNKED "1\r\n[\r\n");
    }
    for (size_t i = 0; i < 8; i++) {
        raw_say(fds[i], "1\r\n]\r\n0\r\n\r\n");
        read_answer(fds[i], answer, sizeof answer);
        assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
        close(fds[i]);
    }
    assert_int_equal(counter_read(&ledger()->overloaded), 0);
    assert_true(running_stop(&running));
    running_free(&running);
}

/* Another holds all but 194,000 bytes: one in chunks is admitted, and is more than that. */
static void a_body_in_chunks_that_grows_beyond_the_bound_is_answered_and_not_taken(void **state)
{
    static const char head[] = "POST /v0.4/traces HTTP/1.1\r\nHost: localhost\r\n"
                               "Expect: 100-continue\r\nContent-Length: 4000000\r\n\r\n";
    enum { LEN = 250000 };
    static char request[LEN + 512];
    char answer[64];
    (void)state;

    start("heeler_trace_max_bytes=4194304");
    int fd = raw_connect(server_traces_port(running.server));

    raw_say(fd, head);
    assert_true(read(fd, answer, sizeof answer - 1) > 0);
    size_t len = (size_t)sprintf(request, CHUNKED "%x\r\n%*s\r\n0\r\n\r\n", LEN, LEN, "[]");

    char *refused =
        running_exchange(&running, server_traces_port(running.server), request, len);

    assert_non_null(strstr(refused, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(refused, "rate_by_service"));
    free(refused);
    assert_int_equal(counter_read(&ledger()->overloaded), 1);
    close(fd);
    /* Whose room is free again, soon: the server has to hear of it. */
    for (uint64_t before = 0; before < counter_read(&ledger()->overloaded);) {
        before = counter_read(&ledger()->overloaded);
        free(running_exchange(&running, server_traces_port(running.server), request, len));
    }
    assert_true(running_stop(&running));
    running_free(&running);
}

static void everybody_may_write_to_the_unix_socket(void **state)
{
    char folder[] = "/tmp/heeler-traces-XXXXXX", set[96], path[64];
    struct stat status;
    (void)state;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/apm.socket", folder);
    snprintf(set, sizeof set, "apm_config.receiver_socket=%s", path);
    start(set);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0722);
    assert_true(running_stop(&running));
    assert_int_not_equal(stat(path, &status), 0);
    rmdir(folder);
    running_free(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_become_numbers_that_stay_here),
        cmocka_unit_test(each_client_is_answered_as_it_expects),
        cmocka_unit_test(the_state_is_the_hash_of_the_info),
        cmocka_unit_test(above_its_memory_the_newest_is_answered_and_not_taken),
        cmocka_unit_test(a_body_that_is_not_read_is_held_too),
        cmocka_unit_test(bodies_in_chunks_come_beside_each_other),
        cmocka_unit_test(
            a_body_in_chunks_that_grows_beyond_the_bound_is_answered_and_not_taken),
        cmocka_unit_test(everybody_may_write_to_the_unix_socket),
    };

    return BESIDE_RUN(tests);
}
