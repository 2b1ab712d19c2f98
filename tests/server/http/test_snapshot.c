#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/server.h"
#include "tests/support/chart_program.h"
#include "tests/support/raw_http.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"

static struct running running; /* ended by the teardown, whatever the tests did */
static char program[CHART_PROGRAM_SIZE + 32] = "heeler_chart_path=";

/* ---- a server with a series -------------------------------------------- */

static int port(void)
{
    return server_http_port(running.server);
}

static int start_running(void **state)
{
    char *body;
    (void)state;

    signal(SIGPIPE, SIG_IGN);
    chart_program_find(program + strlen(program));
    if (!RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0", "heeler_interval=1",
                       program)) {
        print_error("%s\n", running.problem);
        return 1;
    }
    undo_forget_all();
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, "load:7|g|#host:a");
    close(fd);
    if (!running_until(&running, running_datagrams, 1) ||
        running_ask(&running, port(), EVHTTP_REQ_POST, "/flush", NULL, &body) != 200)
        return 1;
    free(body);
    return 0;
}

static int stop_running(void **state)
{
    (void)state;
    running_stop(&running);
    running_free(&running);
    return 0;
}

/* ---- asking ------------------------------------------------------------ */

static char *path_of(const char *more)
{
    static char path[1024];

    snprintf(path, sizeof path, "/api/v1/graph/snapshot?start=%lld&end=%lld&%s",
             (long long)time(NULL) - 600, (long long)time(NULL) + 1, more);
    return path;
}

/* The path of the picture; it is asked for by the name that was asked by. */
static void take_path(const char *answer, const char *host, char path[128])
{
    json_t *json = json_loads(answer, 0, NULL);
    const char *url = json_string_value(json_object_get(json, "snapshot_url"));
    char begin[64];

    snprintf(begin, sizeof begin, "http://%s/", host);
    if (url == NULL || strncmp(url, begin, strlen(begin)) != 0)
        fail_msg("%s", answer);
    snprintf(path, 128, "%s", url + strlen(begin) - 1);
    assert_non_null(json_object_get(json, "graph_def"));
    assert_null(json_object_get(json, "errors"));
    json_decref(json);
}

/* A picture is made; the path to it. */
static void make_picture(const char *more, char path[128])
{
    char *body;
    int status = running_get(&running, port(), path_of(more), &body);

    if (status != 200)
        fail_msg("%d: %s", status, body);
    take_path(body, "localhost", path);
    free(body);
}

/* The whole answer to a GET with these lines of headers. */
static void get_raw(const char *path, const char *headers, struct raw_answer *out)
{
    char request[512];

    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n%sConnection: close\r\n\r\n", path,
             headers);
    (void)raw_ask(running.base, port(), request, strlen(request), out);
}

static void assert_picture(const char *path, const char *headers)
{
    struct raw_answer answer;

    get_raw(path, headers, &answer);
    if (answer.status != 200 || strstr(answer.text, "Content-Type: image/png\r\n") == NULL)
        fail_msg("%s", answer.text);
    assert_memory_equal(strstr(answer.text, "\r\n\r\n") + 4, "\x89PNG\r\n\x1a\n", 8);
}

/* ---- tests ------------------------------------------------------------- */

static void a_picture_is_made_and_given(void **state)
{
    char path[128];
    (void)state;

    make_picture("metric_query=avg:load%7B*%7D", path);
    assert_memory_equal(path, "/snapshot/view/", 15);
    assert_int_equal(strlen(path), 15 + 32 + 4);
    assert_picture(path, "Host: localhost\r\n");
}

static void a_graph_def_is_taken_by_post_too(void **state)
{
    char body[512], path[128], request[1024];
    struct raw_answer answer;
    (void)state;

    snprintf(
        body, sizeof body,
        "{\"start\":%lld,\"end\":%lld,\"graph_def\":\"{\\\"requests\\\":[{\\\"q\\\":\\\"avg:"
        "load"
        "{*}\\\"},{\\\"q\\\":\\\"max:load{*} by {host}\\\"}],\\\"markers\\\":[{\\\"value\\\":"
        "\\\"y = 8\\\"}]}\",\"title\":\"two\"}",
        (long long)time(NULL) - 600, (long long)time(NULL) + 1);
    snprintf(request, sizeof request,
             "POST /api/v1/graph/snapshot HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
             "Content-Type: application/json; charset=utf-8\r\nConnection: close\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             port(), strlen(body), body);
    (void)raw_ask(running.base, port(), request, strlen(request), &answer);
    if (answer.status != 200)
        fail_msg("%s", answer.text);
    snprintf(body, sizeof body, "127.0.0.1:%d", port());
    take_path(strstr(answer.text, "\r\n\r\n") + 4, body, path);
    assert_picture(path, "Host: localhost\r\n");
}

/* It is told as it can be asked for: by TLS where a proxy says that it came so. */
static void an_address_begins_as_the_request_came(void **state)
{
    static const struct {
        const char *header, *scheme;
    } cases[] = {
        { "", "http" },
        { "X-Forwarded-Proto: https\r\n", "https" },
        { "X-Forwarded-Proto: HTTPS , http\r\n", "https" },
        { "X-Forwarded-Proto: http, https\r\n", "http" },
        { "X-Forwarded-Proto: javascript\r\n", "http" },
        { "X-Forwarded-Proto:\r\n", "http" },
    };
    struct raw_answer answer;
    char headers[128], begin[64];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(headers, sizeof headers, "Host: localhost\r\n%s", cases[i].header);
        snprintf(begin, sizeof begin, "\"snapshot_url\":\"%s://localhost/snapshot/view/",
                 cases[i].scheme);
        get_raw(path_of("metric_query=avg:load%7B*%7D"), headers, &answer);
        if (strstr(answer.text, begin) == NULL)
            fail_msg("%s%s", cases[i].header, answer.text);
    }
}

/* Whoever knows the name: by any name of the machine, without a key, from any page. */
static void a_picture_is_for_whoever_knows_its_name(void **state)
{
    static const char foreign[] = "Host: elsewhere.example\r\nOrigin: https://chat.example\r\n"
                                  "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: image\r\n";
    struct raw_answer answer;
    char path[128];
    (void)state;

    make_picture("metric_query=avg:load%7B*%7D", path);
    assert_picture(path, foreign);
    get_raw(path, foreign, &answer);
    assert_non_null(strstr(answer.text, "Cross-Origin-Resource-Policy: cross-origin\r\n"));
    assert_null(strstr(answer.text, "same-origin"));
    assert_non_null(
        strstr(answer.text, "Content-Security-Policy: default-src 'none'; sandbox"));
    /* And nothing else is. */
    get_raw("/api/v1/status", foreign, &answer);
    assert_int_equal(answer.status, 403);
    get_raw(path_of("metric_query=avg:load%7B*%7D"), foreign, &answer);
    assert_int_equal(answer.status, 403);
    path[20] = path[20] == '0' ? '1' : '0';
    get_raw(path, foreign, &answer);
    assert_int_equal(answer.status, 404);
    get_raw("/snapshot/view/", foreign, &answer);
    assert_int_equal(answer.status, 403);
    get_raw("/snapshot/view/a/b.png", foreign, &answer);
    assert_int_equal(answer.status, 403);
}

static void whether_there_is_one_is_told(void **state)
{
    char path[128], status[128], *body;
    (void)state;

    make_picture("metric_query=avg:load%7B*%7D", path);
    snprintf(status, sizeof status, "/api/v1/graph/snapshot_status/%.32s", path + 15);
    assert_int_equal(running_get(&running, port(), status, &body), 200);
    assert_string_equal(body, "{\"status_code\":200}\n");
    free(body);
    assert_int_equal(running_get(&running, port(), "/api/v1/graph/snapshot_status/none", &body),
                     200);
    assert_string_equal(body, "{\"status_code\":404}\n");
    free(body);
}

static void what_is_wrong_is_told_as_errors(void **state)
{
    static const struct {
        const char *parameters, *sentence;
    } cases[] = {
        { "metric_query=avg:load%7B", "column " },                     /* the flusher's */
        { "metric_query=avg:load%7B*%7D&width=9", "width: expected" }, /* heeler-chart's */
        { "metric_query=avg:load%7B*%7D&event_query=x", "event_query: " },
        { "", "metric_query and graph_def: expected one of them" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *body;
        int status = running_get(&running, port(), path_of(cases[i].parameters), &body);
        json_t *json = json_loads(body, 0, NULL);
        const char *sentence =
            json_string_value(json_array_get(json_object_get(json, "errors"), 0));
        if (status != 400 || sentence == NULL ||
            strncmp(sentence, cases[i].sentence, strlen(cases[i].sentence)) != 0)
            fail_msg("%s: %d %s", cases[i].parameters, status, body);
        json_decref(json);
        free(body);
    }
}

/* A page may send this form without being asked whether it may. */
static void a_form_makes_no_picture(void **state)
{
    static const char request[] = "POST /api/v1/graph/snapshot HTTP/1.1\r\nHost: "
                                  "localhost\r\nContent-Type: text/plain\r\n"
                                  "Content-Length: 2\r\nConnection: close\r\n\r\n{}";
    struct raw_answer answer;
    (void)state;

    assert_int_equal(raw_ask(running.base, port(), request, sizeof request - 1, &answer), 403);
}

static void what_became_of_pictures_is_counted(void **state)
{
    char *body;
    (void)state;

    assert_int_equal(running_get(&running, port(), "/metrics", &body), 200);
    assert_non_null(strstr(body, "heeler_pictures_total{result=\"refused\"} 1\n"));
    assert_non_null(strstr(body, "heeler_pictures_total{result=\"slow\"} 0\n"));
    assert_null(strstr(body, "heeler_pictures_total{result=\"drawn\"} 0\n"));
    free(body);
}

/* Those who go before their question is answered, or their picture is drawn, leave nothing. */
static void who_goes_is_forgotten(void **state)
{
    (void)state;

    for (int i = 0; i < 20; i++) {
        int fd = raw_connect(port());
        char request[1200];
        snprintf(request, sizeof request, "GET %s%d HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 path_of("metric_query=avg:load%7B*%7D&title=goes"), i);
        raw_say(fd, request);
        for (int turn = 0; turn < i; turn++)
            event_base_loop(running.base, EVLOOP_NONBLOCK);
        close(fd);
    }
    char path[128];
    make_picture("metric_query=avg:load%7B*%7D&title=stays", path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_is_made_and_given),
        cmocka_unit_test(a_graph_def_is_taken_by_post_too),
        cmocka_unit_test(an_address_begins_as_the_request_came),
        cmocka_unit_test(a_picture_is_for_whoever_knows_its_name),
        cmocka_unit_test(whether_there_is_one_is_told),
        cmocka_unit_test(what_is_wrong_is_told_as_errors),
        cmocka_unit_test(a_form_makes_no_picture),
        cmocka_unit_test(what_became_of_pictures_is_counted),
        cmocka_unit_test(who_goes_is_forgotten),
    };

    return cmocka_run_group_tests(tests, start_running, stop_running);
}
