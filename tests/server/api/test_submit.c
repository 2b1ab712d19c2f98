#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/support/beside.h"
#include "tests/support/fake_intake.h"
#include "tests/support/running.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct running running;
static struct fake_intake *fake;
static int port;
static long long now_s;

static int start(void **state)
{
    static char url[96];

    (void)state;
    fake = fake_intake_start();
    snprintf(url, sizeof url, "dd_url=%s", fake_intake_url(fake));
    if (!RUNNING_START(&running, NULL, url, "api_key=k", "hostname=h", "heeler_interval=1",
                       "heeler_http_listen=127.0.0.1:0"))
        return -1;
    port = server_http_port(running.server);
    now_s = (long long)time(NULL);
    return 0;
}

/* The books must balance in the end, whatever the tests sent. */
static int stop(void **state)
{
    (void)state;
    bool ended = running_stop(&running);

    if (strcmp(running_imbalance(&running), "0/0/0") != 0)
        print_error("the books do not balance: %s\n", running_imbalance(&running));
    ended = ended && strcmp(running_imbalance(&running), "0/0/0") == 0;
    running_free(&running);
    fake_intake_stop(fake);
    return ended ? 0 : -1;
}

static void post(const char *path, const char *json, int status, const char *answer)
{
    char *body;
    int got = running_json(&running, port, "POST", path, json, &body);

    if (got != status || strcmp(body, answer) != 0)
        fail_msg("%s %s: %d %s", path, json, got, body);
    free(body);
}

static bool has_folded(const struct server_view *view, uint64_t n)
{
    return counter_read(&view->flusher_ledger->folded) >= n;
}

/* The first item of that name; a view of items. */
static json_t *find(const json_t *items, const char *member, const char *name)
{
    json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        const char *found = json_string_value(json_object_get(item, member));

        if (found != NULL && strcmp(found, name) == 0)
            return item;
    }
    return NULL;
}

/* Turns until the intake has an item of that name; it is owned. */
static json_t *until_item(const char *path, const char *member, const char *name)
{
    for (;;) {
        size_t n =
            fake_intake_count(fake); /* before they are looked through, or one is missed */
        json_t *items = fake_intake_items(fake, path), *found = find(items, member, name);

        json_incref(found);
        json_decref(items);
        if (found != NULL)
            return found;
        if (!fake_intake_wait(fake, n + 1))
            fail_msg("%s did not come", name);
    }
}

static void assert_dump(json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

    assert_string_equal(text, expected);
    free(text);
}

static void a_series_of_v1_keeps_its_type_and_times(void **state)
{
    char body[512], points[128];
    (void)state;

    snprintf(body, sizeof body,
             "{\"series\":[{\"metric\":\"sub.count\",\"points\":[[%lld,3],[%lld.7,4.5]],"
             "\"type\":\"count\",\"interval\":20,\"host\":\"box\",\"device\":\"sda\","
             "\"tags\":[\"b:2\",\"a:1\"]}]}",
             now_s - 60, now_s - 30);
    post("/api/v1/series", body, 202, "{\"status\":\"ok\"}\n");
    json_t *item = until_item("/api/v2/series", "metric", "sub.count");

    assert_string_equal(json_string_value(json_object_get(item, "type")), "count");
    assert_string_equal(json_string_value(json_object_get(item, "host")), "box");
    assert_int_equal(json_integer_value(json_object_get(item, "interval")), 20);
    assert_dump(json_object_get(item, "tags"), "[\"a:1\",\"b:2\"]");
    assert_dump(json_object_get(item, "resources"), "[[\"device\",\"sda\"]]");
    snprintf(points, sizeof points, "[[%lld,3.0],[%lld,4.5]]", now_s - 60, now_s - 30);
    assert_dump(json_object_get(item, "points"), points);
    json_decref(item);
}

static void a_series_without_type_is_a_gauge_and_without_host_has_none(void **state)
{
    char body[256];
    (void)state;

    snprintf(body, sizeof body,
             "{\"series\":[{\"metric\":\"sub.plain\",\"points\":[[%lld,1]]}]}", now_s);
    post("/api/v1/series", body, 202, "{\"status\":\"ok\"}\n");
    json_t *item = until_item("/api/v2/series", "metric", "sub.plain");

    assert_string_equal(json_string_value(json_object_get(item, "type")), "gauge");
    assert_string_equal(json_string_value(json_object_get(item, "host")), "");
    json_decref(item);
}

static const char v2[] = "{\"series\":[{\"metric\":\"sub.v2.%s\",\"type\":2,\"interval\":10,"
                         "\"unit\":\"byte\",\"points\":[{\"timestamp\":%lld,\"value\":0.25}],"
                         "\"resources\":[{\"type\":\"host\",\"name\":\"r\"},"
                         "{\"type\":\"device\",\"name\":\"sdb\"},"
                         "{\"type\":\"rack\",\"name\":\"7\"}]}]}";

static void a_series_of_v2_says_its_resources_and_unit(void **state)
{
    char body[512], *known;
    (void)state;

    snprintf(body, sizeof body, v2, "plain", now_s);
    post("/api/v2/series", body, 202, "{\"errors\":[]}\n");
    json_t *item = until_item("/api/v2/series", "metric", "sub.v2.plain");

    assert_string_equal(json_string_value(json_object_get(item, "type")), "rate");
    assert_string_equal(json_string_value(json_object_get(item, "host")), "r");
    assert_string_equal(json_string_value(json_object_get(item, "unit")), "byte");
    assert_dump(json_object_get(item, "resources"), "[[\"device\",\"sdb\"],[\"rack\",\"7\"]]");
    json_decref(item);
    running_get(&running, port, "/api/v1/catalogue/metric?name=sub.v2.plain", &known);
    assert_non_null(strstr(known, "{\"key\":\"device\",\"values\":1,\"examples\":[\"sdb\"]}"));
    free(known);
}

static size_t compress_as(const char *encoding, const char *text, unsigned char *out,
                          size_t size)
{
    int window = strcmp(encoding, "gzip") == 0 ? 31 : 15;
    z_stream zlib = { .next_in = (unsigned char *)(uintptr_t)text,
                      .avail_in = (unsigned)strlen(text),
                      .next_out = out,
                      .avail_out = (unsigned)size };

    if (strncmp(encoding, "zstd", 4) == 0)
        return ZSTD_compress(out, size, text, strlen(text), 1);
    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    deflateEnd(&zlib);
    return zlib.total_out;
}

static void bodies_may_be_compressed(void **state)
{
    static const char *const encodings[] = { "deflate", "gzip", "zstd", "zstd1" };
    (void)state;

    for (size_t i = 0; i < COUNT(encodings); i++) {
        char body[512], request[2048], name[64];

        snprintf(body, sizeof body, v2, encodings[i], now_s);
        unsigned char packed[1024];
        size_t len = compress_as(encodings[i], body, packed, sizeof packed);
        int head = snprintf(request, sizeof request,
                            "POST /api/v2/series HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                            "Content-Type: application/json\r\nContent-Encoding: %s\r\n"
                            "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                            encodings[i], len);

        memcpy(request + head, packed, len);
        char *answer = running_exchange(&running, port, request, (size_t)head + len);

        if (strncmp(answer, "HTTP/1.1 202 ", 13) != 0)
            fail_msg("%s: %s", encodings[i], answer);
        free(answer);
        snprintf(name, sizeof name, "sub.v2.%s", encodings[i]);
        json_decref(until_item("/api/v2/series", "metric", name));

        /* cut off */
        head = snprintf(request, sizeof request,
                        "POST /api/v2/series HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                        "Content-Type: application/json\r\nContent-Encoding: %s\r\n"
                        "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                        encodings[i], len - 3);
        memcpy(request + head, packed, len - 3);
        answer = running_exchange(&running, port, request, (size_t)head + len - 3);
        if (strncmp(answer, "HTTP/1.1 400 ", 13) != 0)
            fail_msg("%s cut off: %s", encodings[i], answer);
        free(answer);
    }
}

static void a_distribution_becomes_a_sketch(void **state)
{
    char body[256];
    (void)state;

    snprintf(
        body, sizeof body,
        "{\"series\":[{\"metric\":\"sub.dist\",\"points\":[[%lld,[1,2,3]]],\"host\":\"box\","
        "\"type\":\"distribution\"}]}",
        now_s - 5);
    post("/api/v1/distribution_points", body, 202, "{\"status\":\"ok\"}\n");
    json_t *item = until_item("/api/beta/sketches", "metric", "sub.dist");
    json_t *point = json_array_get(json_object_get(item, "points"), 0);

    assert_int_equal(json_integer_value(json_object_get(point, "ts")), now_s - 5);
    assert_int_equal(json_integer_value(json_object_get(point, "cnt")), 3);
    assert_true(json_number_value(json_object_get(point, "sum")) == 6);
    json_decref(item);
}

static void checks_come_one_or_many(void **state)
{
    char body[512];
    (void)state;

    snprintf(body, sizeof body,
             "{\"check\":\"sub.one\",\"host_name\":\"box\",\"status\":1,\"timestamp\":%lld,"
             "\"message\":\"a|b\\nc\",\"tags\":[\"a,b:1\"]}",
             now_s);
    post("/api/v1/check_run", body, 202, "{\"status\":\"ok\"}\n");
    post("/api/v1/check_run",
         "[{\"check\":\"sub.two\",\"host_name\":\"box\",\"status\":0},"
         "{\"check\":\"sub.three\",\"host_name\":\"box\",\"status\":2,\"tags\":null}]",
         202, "{\"status\":\"ok\"}\n");
    json_t *item = until_item("/api/v1/check_run", "check", "sub.one");

    assert_string_equal(json_string_value(json_object_get(item, "host_name")), "box");
    assert_int_equal(json_integer_value(json_object_get(item, "status")), 1);
    assert_int_equal(json_integer_value(json_object_get(item, "timestamp")), now_s);
    assert_string_equal(json_string_value(json_object_get(item, "message")), "a/b\nc");
    assert_dump(json_object_get(item, "tags"), "[\"a_b:1\"]");
    json_decref(item);
    json_decref(until_item("/api/v1/check_run", "check", "sub.three"));
}

static void an_event_is_answered_with_itself(void **state)
{
    char body[512], *answer;
    (void)state;

    snprintf(
        body, sizeof body,
        "{\"title\":\"sub|title\",\"text\":\"a\\nb\",\"date_happened\":%lld,\"priority\":"
        "\"low\","
        "\"alert_type\":\"error\",\"tags\":[\"x:1\"],\"aggregation_key\":\"k\",\"host\":null,"
        "\"related_event_id\":null,\"handle\":null}",
        now_s - 10);
    assert_int_equal(running_json(&running, port, "POST", "/api/v1/events", body, &answer),
                     202);
    json_t *said = json_loads(answer, 0, NULL), *event = json_object_get(said, "event");

    assert_string_equal(json_string_value(json_object_get(said, "status")), "ok");
    assert_string_equal(json_string_value(json_object_get(event, "title")), "sub|title");
    assert_true(json_is_integer(json_object_get(event, "id")));
    assert_true(json_is_null(json_object_get(event, "handle")));
    assert_dump(json_object_get(event, "tags"), "[\"x:1\"]");
    json_decref(said);
    free(answer);
    json_t *item = until_item("/intake/", "msg_title", "sub|title");

    assert_string_equal(json_string_value(json_object_get(item, "msg_text")), "a\nb");
    assert_string_equal(json_string_value(json_object_get(item, "priority")), "low");
    assert_string_equal(json_string_value(json_object_get(item, "alert_type")), "error");
    assert_int_equal(json_integer_value(json_object_get(item, "timestamp")), now_s - 10);
    json_decref(item);
}

#define ERRORS(sentence) "{\"errors\":[\"" sentence "\"]}\n"

static void a_bad_body_is_refused_whole(void **state)
{
    static const struct {
        const char *path, *body, *answer;
    } cases[] = {
        { "/api/v1/series", "{}", ERRORS("series: expected a list") },
        { "/api/v1/series", "{\"series\":[{}]}",
          ERRORS("series[0].metric: expected a text that is not empty") },
        { "/api/v1/series",
          "{\"series\":[{\"metric\":\"bad.a\",\"points\":[[1,1]]},{\"metric\":7}]}",
          ERRORS("series[1].metric: expected a text that is not empty") },
        { "/api/v1/series", "{\"series\":[{\"metric\":\"bad.a\"}]}",
          ERRORS("series[0].points: expected a list") },
        { "/api/v1/series", "{\"series\":[{\"metric\":\"bad.a\",\"points\":[[1,2],[1,null]]}]}",
          ERRORS("series[0].points[1]: expected [SECONDS, NUMBER]") },
        { "/api/v1/series", "{\"series\":[{\"metric\":\"bad.a\",\"points\":[[1,2,3]]}]}",
          ERRORS("series[0].points[0]: expected [SECONDS, NUMBER]") },
        { "/api/v1/series", "{\"series\":[{\"metric\":\"bad.a\",\"points\":[[-1,2]]}]}",
          ERRORS("series[0].points[0]: expected [SECONDS, NUMBER]") },
        { "/api/v1/series",
          "{\"series\":[{\"metric\":\"bad.a\",\"points\":[],\"type\":\"set\"}]}",
          ERRORS("series[0].type: expected gauge, count or rate") },
        { "/api/v1/series", "{\"series\":[{\"metric\":\"bad.a\",\"points\":[],\"tags\":[1]}]}",
          ERRORS("series[0].tags: expected a list of texts") },
        { "/api/v1/series", "{\"series\":[{\"metric\":\"bad.a\",\"points\":[[1,NaN]]}]}",
          ERRORS("the body is no valid JSON: expected a value, at byte 42") },
        { "/api/v2/series",
          "{\"series\":[{\"metric\":\"bad.a\",\"points\":[],\"resources\":\"box\"}]}",
          ERRORS("series[0].resources: expected a list") },
        { "/api/v2/series", "{\"series\":[{\"metric\":\"bad.a\",\"type\":9,\"points\":[]}]}",
          ERRORS("series[0].type: expected 0 (gauge), 1 (count), 2 (rate) or 3 (gauge)") },
        { "/api/v2/series",
          "{\"series\":[{\"metric\":\"bad.a\",\"points\":[{\"timestamp\":1}]}]}",
          ERRORS("series[0].points[0]: expected {\\\"timestamp\\\": SECONDS, "
                 "\\\"value\\\": NUMBER}") },
        { "/api/v1/check_run", "{\"check\":\"a\"}", ERRORS("status: expected 0, 1, 2 or 3") },
        { "/api/v1/check_run",
          "[{\"check\":\"a\",\"status\":0},{\"check\":\"a\",\"status\":4}]",
          ERRORS("[1].status: expected 0, 1, 2 or 3") },
        { "/api/v1/events", "{\"title\":\"a\"}", ERRORS("text: expected text") },
        { "/api/v1/events", "{\"title\":\"a\",\"text\":\"\",\"date_happened\":1000}",
          ERRORS("Event too far in the past") },
        { "/api/v1/events", "{\"title\":\"a\",\"text\":\"\",\"priority\":\"high\"}",
          ERRORS("priority: expected normal or low") },
        { "/api/v1/events", "{\"title\":\"a\",\"text\":\"\",\"related_event_id\":7}",
          ERRORS("related_event_id: events are not linked to each other here") },
    };
    json_t *items;
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++)
        post(cases[i].path, cases[i].body, 400, cases[i].answer);
    items = fake_intake_items(fake, "/api/v2/series");
    assert_null(find(items, "metric", "bad.a"));
    json_decref(items);
}

/* Over ten minutes ahead is shed, as of lines; the others of the series are not. */
static void points_far_ahead_are_shed(void **state)
{
    struct server_view view;
    char body[256];
    (void)state;

    server_view(running.server, &view);
    uint64_t folded = counter_read(&view.flusher_ledger->folded);

    snprintf(body, sizeof body,
             "{\"series\":[{\"metric\":\"sub.ahead\",\"points\":[[%lld,1],[%lld,2]]}]}",
             now_s + 3600, now_s);
    post("/api/v1/series", body, 202, "{\"status\":\"ok\"}\n");
    assert_true(running_until(&running, has_folded, folded + 1));
    assert_int_equal(counter_read(&view.flusher_ledger->shed[SHED_REFUSED_TIME]), 1);
    json_decref(until_item("/api/v2/series", "metric", "sub.ahead"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_series_of_v1_keeps_its_type_and_times, start, stop),
        cmocka_unit_test_setup_teardown(
            a_series_without_type_is_a_gauge_and_without_host_has_none, start, stop),
        cmocka_unit_test_setup_teardown(a_series_of_v2_says_its_resources_and_unit, start,
                                        stop),
        cmocka_unit_test_setup_teardown(bodies_may_be_compressed, start, stop),
        cmocka_unit_test_setup_teardown(a_distribution_becomes_a_sketch, start, stop),
        cmocka_unit_test_setup_teardown(checks_come_one_or_many, start, stop),
        cmocka_unit_test_setup_teardown(an_event_is_answered_with_itself, start, stop),
        cmocka_unit_test_setup_teardown(a_bad_body_is_refused_whole, start, stop),
        cmocka_unit_test_setup_teardown(points_far_ahead_are_shed, start, stop),
    };

    return BESIDE_RUN(tests);
}
