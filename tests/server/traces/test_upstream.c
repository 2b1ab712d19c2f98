/* The numbers of traces at an intake's door of traces, from a whole server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/clock.h"
#include "server/traces/traces_ledger.h"
#include "tests/support/beside.h"
#include "tests/support/fake_intake.h"
#include "tests/support/running.h"

enum { TRACES = 20, FAILED = 3 };

static struct running running;
static struct fake_intake *metrics, *traces; /* one intake's doors */
static char *more[2];                        /* settings */

static void start(char *key, char *set)
{
    static char dd_url[96], apm_dd_url[96];

    snprintf(dd_url, sizeof dd_url, "dd_url=%s",
             key[8] != '\0' ? fake_intake_url(metrics) : "");
    snprintf(apm_dd_url, sizeof apm_dd_url, "apm_config.apm_dd_url=%s",
             fake_intake_url(traces));
    if (!RUNNING_START(&running, NULL, "apm_config.enabled=true",
                       "apm_config.receiver_port=__random__", "env=test", key, dd_url,
                       apm_dd_url, "forwarder_storage_max_size_in_bytes=1048576",
                       "forwarder_storage_max_disk_ratio=1", set, more[0], more[1]))
        fail_msg("%s", running.problem);
}

static int set_up(void **state)
{
    (void)state;
    metrics = fake_intake_start();
    traces = fake_intake_start();
    more[0] = more[1] = "heeler_workers=1";
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    running_free(&running);
    fake_intake_stop(metrics);
    fake_intake_stop(traces);
    return 0;
}

/* A request that ended just now, and the call of a database in it. */
static void send_trace(int id)
{
    long long now_ns = (long long)clock_wall_ns();
    char body[1024], request[1400];
    int len =
        snprintf(body, sizeof body,
                 "[[{\"service\":\"shop\",\"name\":\"web.request\",\"resource\":\"GET /\","
                 "\"type\":\"web\",\"trace_id\":%d,\"span_id\":%d,\"parent_id\":0,"
                 "\"start\":%lld,\"duration\":250000000,\"error\":%d,"
                 "\"meta\":{\"user.id\":\"a secret\"}},"
                 "{\"service\":\"db\",\"name\":\"sql.query\","
                 "\"resource\":\"SELECT 'a secret'\",\"type\":\"sql\","
                 "\"trace_id\":%d,\"span_id\":1,\"parent_id\":%d,"
                 "\"start\":%lld,\"duration\":1000000,\"error\":0}]]",
                 id, id, now_ns - 250000000, id < 2 + FAILED, id, id, now_ns - 100000000);

    len = snprintf(request, sizeof request,
                   "POST /v0.4/traces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                   "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                   len, body);
    char *answer =
        running_exchange(&running, server_traces_port(running.server), request, (size_t)len);

    assert_non_null(strstr(answer, "HTTP/1.1 200 OK"));
    free(answer);
}

static void send_traces(void)
{
    for (int i = 2; i < 2 + TRACES; i++)
        send_trace(i);
}

/* What all groups of requests from the first one on have of that, for spans of that name. */
static json_int_t sum(size_t first, const char *name, const char *member)
{
    json_t *decoded, *client, *bucket, *group;
    const struct fake_request *request;
    json_int_t all = 0;
    size_t i, j, k;

    for (; (request = fake_intake_request(traces, first)) != NULL; first++) {
        assert_string_equal(request->path, "/api/v0.2/stats");
        decoded = fake_request_decode(request);
        assert_non_null(decoded);
        json_array_foreach(json_object_get(decoded, "Stats"), i, client)
            json_array_foreach(json_object_get(client, "Stats"), j, bucket) json_array_foreach(
                json_object_get(bucket, "Stats"), k,
                group) if (strcmp(json_string_value(json_object_get(group, "Name")), name) == 0)
                all += json_integer_value(json_object_get(group, member));
        json_decref(decoded);
    }
    return all;
}

static bool has_come(const struct fake_request *request, const char *text)
{
    return memmem(request->body, request->body_size, text, strlen(text)) != NULL;
}

static void the_numbers_are_sent_and_nothing_else(void **state)
{
    const struct fake_request *request;
    bool is_named = false; /* a span may be alone in the 10 seconds of its end */
    (void)state;

    start("api_key=0123456789abcdef", "apm_config.forward_stats=true");
    send_traces();
    assert_true(running_stop(&running));
    assert_string_equal(running_imbalance(&running), "0/0/0");
    assert_in_range(running_ledger(&running, "points"), 2, 2 * TRACES);
    assert_int_equal(running_ledger(&running, "points"), running_ledger(&running, "delivered"));
    assert_int_equal(sum(0, "web.request", "Hits"), TRACES);
    assert_int_equal(sum(0, "web.request", "Errors"), FAILED);
    assert_int_equal(sum(0, "web.request", "TopLevelHits"), TRACES);
    assert_int_equal(sum(0, "web.request", "Duration"), TRACES * INT64_C(250000000));
    assert_int_equal(sum(0, "sql.query", "Hits"), TRACES);
    for (size_t i = 0; (request = fake_intake_request(traces, i)) != NULL; i++) {
        assert_string_equal(fake_request_header(request, "content-type"),
                            "application/msgpack");
        assert_string_equal(fake_request_header(request, "content-encoding"), "gzip");
        assert_string_equal(fake_request_header(request, "dd-api-key"), "0123456789abcdef");
        assert_true(has_come(request, "test-host"));
        is_named = is_named || has_come(request, "GET /");
        assert_false(has_come(request, "secret") || has_come(request, "user.id"));
    }
    assert_true(is_named);
    for (size_t i = 0; (request = fake_intake_request(metrics, i)) != NULL; i++)
        assert_string_not_equal(request->path, "/api/v0.2/stats");
}

static void unless_it_is_asked_for_nothing_is_sent(void **state)
{
    (void)state;

    start("api_key=0123456789abcdef", "apm_config.forward_stats=false");
    send_traces();
    assert_true(running_stop(&running));
    assert_int_equal(fake_intake_count(traces), 0);
}

static void without_a_key_nothing_is_sent(void **state)
{
    (void)state;

    start("api_key=", "apm_config.forward_stats=true");
    send_traces();
    assert_true(running_stop(&running));
    assert_int_equal(fake_intake_count(traces), 0);
    assert_int_equal(fake_intake_count(metrics), 0);
    assert_non_null(strstr(running.log, "forward_stats is set and api_key is not"));
}

/* 400 and 413: what is refused for good is refused once. */
static void what_is_refused_is_counted(void **state)
{
    struct fake_answer refusals[TRACES] = { { .status = 413 } };
    (void)state;

    for (size_t i = 1; i < TRACES; i++)
        refusals[i].status = 400;
    fake_intake_script(traces, refusals, TRACES);
    start("api_key=0123456789abcdef", "apm_config.forward_stats=true");
    send_traces();
    assert_true(running_stop(&running));
    assert_in_range(fake_intake_count(traces), 1,
                    TRACES); /* the second, if a bucket ended meanwhile */
    assert_in_range(running_ledger(&running, "refused"), 2, 2 * TRACES);
    assert_string_equal(running_imbalance(&running), "0/0/0");
}

static void an_ill_intake_is_tried_again(void **state)
{
    static const struct fake_answer ill[] = { { .status = 503 }, { .status = 500 } };
    (void)state;

    more[0] = "forwarder_backoff_base=0.01";
    more[1] = "forwarder_backoff_max=0.02";
    fake_intake_script(traces, ill, 2);
    start("api_key=0123456789abcdef", "apm_config.forward_stats=true");
    send_traces();
    assert_true(running_stop(&running));
    assert_true(fake_intake_count(traces) >= 3);
    assert_int_equal(running_ledger(&running, "points"), running_ledger(&running, "delivered"));
    assert_string_equal(running_imbalance(&running), "0/0/0");
}

/* An intake that hangs at the stop gets the numbers after the next start. */
static void what_is_not_taken_waits_on_the_disk(void **state)
{
    static const struct fake_answer hang = { .trick = FAKE_HANG };
    static char path[TEMP_PATH_SIZE + 32], folder[TEMP_PATH_SIZE];
    (void)state;

    temp_folder_make(folder);
    snprintf(path, sizeof path, "forwarder_storage_path=%s", folder);
    more[0] = path;
    more[1] = "heeler_stop_timeout=2";
    fake_intake_script(traces, &hang, 1);
    start("api_key=0123456789abcdef", "apm_config.forward_stats=true");
    send_traces();
    running_stop(&running);
    assert_int_not_equal(running_ledger(&running, "spooled"), 0);
    assert_string_equal(running_imbalance(&running), "0/0/0");
    running_free(&running);
    more[1] = "heeler_workers=1";
    size_t before = fake_intake_count(traces);

    start("api_key=0123456789abcdef", "apm_config.forward_stats=true");
    assert_true(fake_intake_wait(traces, before + 1));
    assert_true(running_stop(&running));
    assert_int_not_equal(running_ledger(&running, "recovered"), 0);
    assert_int_equal(running_ledger(&running, "spooled"), 0);
    assert_string_equal(running_imbalance(&running), "0/0/0");
    assert_true(sum(1, "web.request", "Hits") >= TRACES); /* all but what hung */
    temp_folder_remove(folder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_numbers_are_sent_and_nothing_else),
        TEST(unless_it_is_asked_for_nothing_is_sent),
        TEST(without_a_key_nothing_is_sent),
        TEST(what_is_refused_is_counted),
        TEST(an_ill_intake_is_tried_again),
        TEST(what_is_not_taken_waits_on_the_disk),
    };

    return BESIDE_RUN(tests);
}
