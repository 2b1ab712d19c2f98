#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/assert_json.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"

static struct running running;
static int port;

static void begin(void)
{
    assert_true(
        RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0", "heeler_interval=1"));
    port = server_http_port(running.server);
}

static void end(void)
{
    assert_true(running_stop(&running));
    running_free(&running);
}

static json_t *ask(const char *method, const char *path, const char *json, int status)
{
    char *body;
    int got = running_json(&running, port, method, path, json, &body);
    json_t *answer = json_loads(body, 0, NULL);

    if (got != status || answer == NULL)
        fail_msg("%s %s: %d %s", method, path, got, body);
    free(body);
    return answer;
}

static bool is_flushed(const struct server_view *view, uint64_t n)
{
    return counter_read(&view->flusher_ledger->rollup_series) >= n;
}

static void what_is_known_can_be_asked(void **state)
{
    begin();
    int fd = udp_sender(running_listener(&running, 0));
    (void)state;

    udp_send(fd, "read.a:1|g|#x:1");
    assert_true(running_until(&running, is_flushed, 1));
    assert_answer(ask("GET", "/api/v1/metrics?from=0", NULL, 200),
                  "{\"from\":\"0\",\"metrics\":[\"read.a\"]}");
    assert_answer(ask("GET", "/api/v1/search?q=metrics:read", NULL, 200),
                  "{\"results\":{\"metrics\":[\"read.a\"],\"hosts\":[]}}");
    assert_answer(ask("GET", "/api/v1/tags/hosts", NULL, 200),
                  "{\"tags\":{\"x:1\":[\"test-host\"]}}");
    assert_answer(ask("GET", "/api/v1/tags/hosts/test-host?source=users", NULL, 200),
                  "{\"tags\":[\"x:1\"]}");
    assert_answer(ask("GET", "/api/v1/hosts/totals", NULL, 200),
                  "{\"total_up\":1,\"total_active\":1}");
    assert_answer(ask("GET", "/api/v1/hosts/totals?from=99999999999", NULL, 200),
                  "{\"total_up\":1,\"total_active\":0}");
    assert_answer(ask("GET", "/api/v1/hosts?from=99999999999", NULL, 200),
                  "{\"host_list\":[],\"total_returned\":0,\"total_matching\":0,"
                  "\"exact_total_matching\":true}");
    json_t *hosts =
        ask("GET", "/api/v1/hosts?filter=test-h&start=0&count=10&from_=1", NULL, 200);

    assert_int_equal(json_array_size(json_object_get(hosts, "host_list")), 1);
    json_decref(hosts);
    close(fd);
    end();
}

static const char *error_of(json_t *answer)
{
    return json_string_value(json_array_get(json_object_get(answer, "errors"), 0));
}

static void what_is_not_done_is_refused(void **state)
{
    static const struct {
        const char *method, *path, *json, *sentence;
        int status;
    } cases[] = {
        { "GET", "/api/v1/metrics", NULL,
          "expected ?from=SECONDS, and perhaps host=NAME; tag_filter is not done here", 400 },
        { "GET", "/api/v1/metrics?from=1&tag_filter=a", NULL,
          "expected ?from=SECONDS, and perhaps host=NAME; tag_filter is not done here", 400 },
        { "GET", "/api/v1/events?start=1", NULL,
          "expected ?start=SECONDS&end=SECONDS, and perhaps priority=normal|low, tags=TAG,TAG, "
          "sources=NAME,NAME, page=N and limit=N, which is 1 to 1000",
          400 },
        { "GET", "/api/v1/events/17", NULL, "no event of that id is kept", 404 },
        { "GET", "/api/v1/events/x", NULL, "expected the id of an event, which is a number",
          400 },
        { "GET", "/api/v1/tags/hosts/nobody", NULL, "no series of that host is known", 404 },
        { "PUT", "/api/v1/tags/hosts/h", "{\"tags\":[\"a\"]}",
          "the tags of a host are those that all of its series have: set them where they are "
          "made, in the setting tags",
          400 },
        { "PUT", "/api/v1/metrics/a", "{\"type\":\"set\"}",
          "type: expected gauge, rate, count or distribution", 400 },
        { "PUT", "/api/v1/metrics/a", "{\"unit\":7}", "unit: expected text", 400 },
        { "POST", "/api/v1/host/h/mute", "{}", "hosts are not muted here", 404 },
    };
    (void)state;

    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *answer = ask(cases[i].method, cases[i].path, cases[i].json, cases[i].status);

        assert_string_equal(error_of(answer), cases[i].sentence);
        json_decref(answer);
    }
    end();
}

static void what_is_written_about_a_metric_is_kept(void **state)
{
    begin();
    (void)state;

    assert_answer(ask("GET", "/api/v1/metrics/a.b%2Fc", NULL, 200),
                  "{\"type\":null,\"description\":null,\"short_name\":null,\"unit\":null,"
                  "\"per_unit\":null,\"integration\":null,\"statsd_interval\":null}");
    json_decref(ask("PUT", "/api/v1/metrics/a.b%2Fc",
                    "{\"unit\":\"byte\",\"description\":\"what it is\",\"mine\":[1]}", 200));
    json_decref(ask("PUT", "/api/v1/metrics/a.b%2Fc",
                    "{\"description\":null,\"type\":\"gauge\",\"statsd_interval\":10}", 200));
    assert_answer(ask("GET", "/api/v1/metrics/a.b%2Fc", NULL, 200),
                  "{\"type\":\"gauge\",\"description\":null,\"short_name\":null,"
                  "\"unit\":\"byte\",\"per_unit\":null,\"integration\":null,"
                  "\"statsd_interval\":10,\"mine\":[1]}");
    end();
}

static bool has_recent(const struct server_view *view, uint64_t n)
{
    return counter_read(&view->flusher_ledger->recent_bytes) >= n;
}

static void an_event_that_was_submitted_is_found(void **state)
{
    char path[160];
    (void)state;

    begin();
    json_t *made = ask("POST", "/api/v1/events",
                       "{\"title\":\"deployed\",\"text\":\"a\\nb\",\"tags\":[\"env:x\"],"
                       "\"priority\":\"low\",\"host\":\"box\"}",
                       202);
    json_t *said = json_object_get(made, "event");

    assert_true(running_until(&running, has_recent, 1));
    snprintf(path, sizeof path, "/api/v1/events/%lld",
             (long long)json_integer_value(json_object_get(said, "id")));
    json_t *got = ask("GET", path, NULL, 200), *event = json_object_get(got, "event");

    assert_string_equal(json_string_value(json_object_get(event, "text")), "a\nb");
    assert_string_equal(json_string_value(json_object_get(event, "host")), "box");
    assert_string_equal(json_string_value(json_object_get(event, "resource")), path);
    assert_true(json_equal(json_object_get(event, "url"), json_object_get(said, "url")));
    json_decref(got);

    long long at_s = (long long)json_integer_value(json_object_get(said, "date_happened"));
    static const struct {
        const char *more;
        size_t n;
    } cases[] = { { "", 1 },
                  { "&tags=env:x", 1 },
                  { "&tags=env:x,other", 0 },
                  { "&priority=low", 1 },
                  { "&page=0", 1 },
                  { "&page=1", 0 }, /* or who turns pages would never end */
                  { "&priority=normal", 0 } };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(path, sizeof path, "/api/v1/events?start=%lld&end=%lld%s", at_s, at_s,
                 cases[i].more);
        got = ask("GET", path, NULL, 200);
        assert_int_equal(json_array_size(json_object_get(got, "events")), cases[i].n);
        json_decref(got);
    }
    snprintf(path, sizeof path, "/api/v1/events?start=%lld&end=%lld", at_s - 9, at_s - 1);
    assert_answer(ask("GET", path, NULL, 200), "{\"events\":[]}");
    json_decref(made);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_can_be_asked),
        cmocka_unit_test(what_is_not_done_is_refused),
        cmocka_unit_test(what_is_written_about_a_metric_is_kept),
        cmocka_unit_test(an_event_that_was_submitted_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
