/* What the runner of checks tells a server, and who gets to know it: the desk takes it, main
 * shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "server/api/checks_report.h"
#include "tests/support/beside.h"
#include "tests/support/running.h"

#define REPORT(name, state) \
    "{\"instances\":[{\"name\":\"" name "\",\"state\":\"" state "\",\"traceback\":\"t\"}]}"

static struct running running;
static int port;

static int start(void **state)
{
    (void)state;
    if (!RUNNING_START(&running, NULL, "hostname=h", "heeler_http_listen=127.0.0.1:0"))
        return -1;
    port = server_http_port(running.server);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return running_end(&running);
}

static void post(const char *json, int status, const char *answer)
{
    char *body;
    int got = running_json(&running, port, "POST", "/api/v1/checks/status", json, &body);

    if (got != status || strcmp(body, answer) != 0)
        fail_msg("%.200s: %d %s", json, got, body);
    free(body);
}

/* Owned. */
static json_t *get(const char *path)
{
    char *body;

    assert_int_equal(running_get(&running, port, path, &body), 200);
    json_t *json = json_loads(body, 0, NULL);
    if (json == NULL)
        fail_msg("%s: %s", path, body);
    free(body);
    return json;
}

static json_t *first_of(json_t *checks)
{
    return json_array_get(json_object_get(json_object_get(checks, "last"), "instances"), 0);
}

static void assert_member(json_t *object, const char *name, const char *want)
{
    const char *found = json_string_value(json_object_get(object, name));

    assert_string_equal(found != NULL ? found : "(none)", want);
}

static void nothing_is_known_before_it_is_told(void **state)
{
    (void)state;

    json_t *all = get("/api/v1/checks"), *status = get("/api/v1/status");
    assert_true(json_is_null(json_object_get(all, "last")));
    assert_true(json_is_null(json_object_get(all, "heard_s")));
    assert_true(json_is_null(json_object_get(status, "checks")));
    json_decref(all);
    json_decref(status);
}

static void the_last_report_is_shown_to_all(void **state)
{
    char *text;
    (void)state;

    post(REPORT("a", "ok"), 202, "{\"status\":\"ok\"}\n");
    post(REPORT("b", "error"), 202, "{\"status\":\"ok\"}\n");
    json_t *all = get("/api/v1/checks"), *status = get("/api/v1/status");
    assert_member(first_of(all), "name", "b");
    assert_member(first_of(all), "traceback", "t");
    assert_member(first_of(json_object_get(status, "checks")), "name", "b");
    assert_member(first_of(json_object_get(status, "checks")), "traceback", "(none)");
    json_decref(all);
    json_decref(status);
    assert_int_equal(running_get(&running, port, "/metrics", &text), 200);
    assert_non_null(strstr(text, "\nheeler_checks_instances{state=\"error\"} 1\n"));
    free(text);
}

/* Main reads while the desk takes the next one. */
static void each_report_is_seen_whole(void **state)
{
    static const char *const names[] = { "a", "b" };
    (void)state;

    for (int i = 0; i < 20; i++) {
        post(i % 2 == 0 ? REPORT("a", "ok") : REPORT("b", "killed"), 202,
             "{\"status\":\"ok\"}\n");
        json_t *status = get("/api/v1/status");
        assert_member(first_of(json_object_get(status, "checks")), "name", names[i % 2]);
        json_decref(status);
    }
}

static void what_is_wrong_is_refused_and_the_last_one_stays(void **state)
{
    char *large = malloc(CHECKS_BODY_MAX + 64), *body;
    (void)state;

    assert_non_null(large);
    post(REPORT("a", "ok"), 202, "{\"status\":\"ok\"}\n");
    post("[]", 400, "{\"errors\":[\"the body must be a JSON object\"]}\n");
    post("{\"instances\":[}", 400,
         "{\"errors\":[\"the body is no valid JSON: expected a value, at byte 14\"]}\n");
    post("{\"instances\":[{}]}", 400, "{\"errors\":[\"instances[0].name: expected text\"]}\n");
    memset(large, ' ', CHECKS_BODY_MAX + 63);
    memcpy(large, "{\"instances\":[]}", 16);
    large[CHECKS_BODY_MAX + 63] = '\0';
    assert_int_equal(
        running_json(&running, port, "POST", "/api/v1/checks/status", large, &body), 413);
    free(body);
    large[CHECKS_BODY_MAX] = '\0';
    post(large, 202, "{\"status\":\"ok\"}\n");
    post(REPORT("a", "ok"), 202, "{\"status\":\"ok\"}\n");
    json_t *all = get("/api/v1/checks");
    assert_member(first_of(all), "name", "a");
    json_decref(all);
    free(large);
}

/* As who submits metrics: a page of another origin neither tells nor reads. */
static void pages_of_others_have_no_part_in_it(void **state)
{
    static const char *const heads[] = {
        "Content-Type: application/json\r\nSec-Fetch-Site: cross-site\r\n",
        "Content-Type: application/json\r\nOrigin: http://evil.example\r\n",
        "Content-Type: text/plain\r\n",
    };
    static const char report[] = REPORT("evil", "ok");
    char request[512], *body;
    (void)state;

    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        int len = snprintf(request, sizeof request,
                           "POST /api/v1/checks/status HTTP/1.1\r\nHost: localhost\r\n%s"
                           "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                           heads[i], strlen(report), report);
        char *answer = running_exchange(&running, port, request, (size_t)len);
        assert_memory_equal(answer, "HTTP/1.1 403", 12);
        free(answer);
    }
    assert_int_equal(running_ask(&running, port, EVHTTP_REQ_GET, "/api/v1/checks",
                                 "Origin: http://evil.example", &body),
                     403);
    free(body);
    json_t *all = get("/api/v1/checks");
    assert_true(json_is_null(json_object_get(all, "last")));
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_known_before_it_is_told, start, stop),
        cmocka_unit_test_setup_teardown(the_last_report_is_shown_to_all, start, stop),
        cmocka_unit_test_setup_teardown(each_report_is_seen_whole, start, stop),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_refused_and_the_last_one_stays, start,
                                        stop),
        cmocka_unit_test_setup_teardown(pages_of_others_have_no_part_in_it, start, stop),
    };

    return BESIDE_RUN(tests);
}
