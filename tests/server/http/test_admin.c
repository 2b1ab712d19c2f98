#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/clock.h"
#include "server/http/admin.h"
#include "tests/support/fake_intake.h"
#include "tests/support/raw_http.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"

static const char healthy[] =
    "{\"Healthy\":[\"dogstatsd-main\",\"aggregator\",\"forwarder\",\"api-key\"],"
    "\"Unhealthy\":[]}\n";

static void assert_answer(struct running *running, int port, const char *path, int status,
                          const char *body)
{
    char *got;

    if (running_get(running, port, path, &got) != status)
        fail_msg("%s does not answer %d", path, status);
    char *findings = strstr(got, ",\"Findings\":["); /* they depend on the machine */
    if (findings != NULL)
        strcpy(findings, "}\n");
    if (body != NULL)
        assert_string_equal(got, body);
    free(got);
}

static void live_and_ready_answer_json(void **state)
{
    static struct running running;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
    int port = server_http_port(running.server);
    assert_int_not_equal(port, 0);
    assert_answer(&running, port, "/live", 200, healthy);
    assert_answer(&running, port, "/ready", 200, healthy);
    assert_answer(&running, port, "/startup", 200, healthy);
    assert_answer(&running, port, "/live?verbose=1", 200, healthy);
    assert_answer(&running, port, "/nothing", 404, NULL);
    assert_answer(&running, port, "/metrics/", 404, NULL);
    assert_true(running_stop(&running));
    running_free(&running);
}

static bool has_retried(const struct server_view *view, uint64_t n)
{
    return atomic_load(&view->delivery_ledger->retries) >= n &&
           atomic_load(&view->delivery_ledger->queued.payloads) > 0;
}

/* An intake that refuses everything is no reason to be killed, but one to get no
 * traffic. */
static void a_refusing_intake_is_live_and_not_ready(void **state)
{
    enum { REFUSALS = 200 };
    struct fake_answer refusals[REFUSALS];
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    char url[96];
    (void)state;

    for (int i = 0; i < REFUSALS; i++)
        refusals[i] = (struct fake_answer){ .status = 503 };
    fake_intake_script(fake, refusals, REFUSALS);
    snprintf(url, sizeof url, "dd_url=%s", fake_intake_url(fake));
    assert_true(RUNNING_START(&running, NULL, url, "api_key=k", "heeler_interval=1",
                              "heeler_http_listen=127.0.0.1:0", "forwarder_backoff_base=3600",
                              "forwarder_backoff_max=7200"));
    int fd = udp_sender(running_listener(&running, 0)), port = server_http_port(running.server);
    udp_send(fd, "a:1|c");
    assert_answer(&running, port, "/ready", 200, healthy);
    assert_true(running_until(&running, has_retried, 1));
    assert_answer(&running, port, "/live", 200, healthy);
    assert_answer(&running, port, "/ready", 500,
                  "{\"Healthy\":[\"dogstatsd-main\",\"aggregator\",\"api-key\"],"
                  "\"Unhealthy\":[\"forwarder\"]}\n");
    assert_true(running_stop(&running));
    close(fd);
    running_free(&running);
    fake_intake_stop(fake);
}

static bool key_is_wrong(const struct server_view *view, uint64_t n)
{
    (void)n;
    return atomic_load(&view->delivery_ledger->key) == KEY_INVALID;
}

static void a_wrong_key_is_not_ready(void **state)
{
    static const struct fake_answer forbidden = { .status = 403 };
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    char url[96];
    (void)state;

    fake_intake_script(fake, &forbidden, 1);
    snprintf(url, sizeof url, "dd_url=%s", fake_intake_url(fake));
    assert_true(RUNNING_START(&running, NULL, url, "api_key=k", "heeler_interval=60",
                              "forwarder_apikey_validation_interval=60",
                              "heeler_http_listen=127.0.0.1:0"));
    assert_true(running_until(&running, key_is_wrong, 1));
    assert_answer(&running, server_http_port(running.server), "/ready", 500,
                  "{\"Healthy\":[\"dogstatsd-main\",\"aggregator\",\"forwarder\"],"
                  "\"Unhealthy\":[\"api-key\"]}\n");
    assert_true(running_stop(&running));
    running_free(&running);
    fake_intake_stop(fake);
}

/* The setting health_port cannot be 0 for "any", so the endpoint is started here. */
static void a_health_port_answers_every_path_with_health(void **state)
{
    static struct running running;
    char problem[128];
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_interval=60"));
    struct server_access access = server_access(running.server);
    struct admin *health = admin_start(running.base, false, &access);
    assert_non_null(health);
    assert_true(admin_listen(health, "0.0.0.0:0", NULL, problem, sizeof problem));
    assert_answer(&running, admin_port(health), "/live", 200, healthy);
    assert_answer(&running, admin_port(health), "/ready", 200, healthy);
    assert_answer(&running, admin_port(health), "/", 200, healthy);
    assert_answer(&running, admin_port(health), "/metrics", 200, healthy); /* and no metrics */
    admin_stop(health);
    assert_true(running_stop(&running));
    running_free(&running);
}

static void the_setting_health_port_opens_one(void **state)
{
    static struct running running;
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t size = sizeof at;
    char set[64];
    int held = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;

    /* A port that is free: the kernel's choice, given back. */
    assert_int_equal(bind(held, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(held, (struct sockaddr *)&at, &size), 0);
    assert_int_equal(listen(held, 1), 0);
    snprintf(set, sizeof set, "health_port=%d", ntohs(at.sin_port));
    assert_false(RUNNING_START(&running, NULL, set));
    assert_non_null(strstr(running.problem, "in use"));
    running_stop(&running);
    running_free(&running);
    close(held);
    assert_true(RUNNING_START(&running, NULL, set));
    assert_answer(&running, ntohs(at.sin_port), "/live", 200, healthy);
    assert_int_equal(server_http_port(running.server), 0);
    assert_true(running_stop(&running));
    running_free(&running);
    /* Beside the others: it sees what is theirs, and frees none of it. */
    assert_true(RUNNING_START(&running, NULL, set, "heeler_http_listen=127.0.0.1:0"));
    assert_answer(&running, ntohs(at.sin_port), "/live", 200, healthy);
    assert_true(running_stop(&running));
    running_free(&running);
}

static int connect_to(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void raw_request(struct running *running, int port, const char *text, const char *want)
{
    char got[512] = "", *ignored;
    int fd = connect_to(port);

    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    for (int i = 0; i < 100 && got[0] == '\0'; i++) {
        running_get(running, port, "/live", &ignored); /* turns the loop */
        free(ignored);
        ssize_t len = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);
        got[len > 0 ? len : 0] = '\0';
    }
    if (strstr(got, want) == NULL)
        fail_msg("no %s in \"%s\"", want, got);
    close(fd);
}

static void junk_is_refused_and_the_next_one_served(void **state)
{
    static struct running running;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
    int port = server_http_port(running.server);
    raw_request(&running, port, "POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "405");
    raw_request(&running, port, "DELETE /live HTTP/1.0\r\n\r\n", "405");
    raw_request(&running, port, "no http at all\r\n\r\n", "400");
    assert_answer(&running, port, "/live", 200, healthy);
    assert_true(running_stop(&running));
    running_free(&running);
}

/* Health is answered by any name, the rest by the server's own and those that are set. */
static void a_host_is_looked_at_and_names_can_be_loaded(void **state)
{
    static const char metrics[] = "GET /metrics HTTP/1.1\r\nHost: x.example:8127\r\n\r\n",
                      own[] = "GET /metrics HTTP/1.1\r\nHost: test-host\r\n\r\n",
                      live[] = "GET /live HTTP/1.1\r\nHost: x.example\r\n\r\n";
    static struct running running;
    struct reload reload = { .problems = { .n_unlisted = 0 } };
    struct raw_answer answer;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
    int port = server_http_port(running.server);
    assert_int_equal(raw_ask(running.base, port, metrics, sizeof metrics - 1, &answer), 403);
    assert_int_equal(raw_ask(running.base, port, own, sizeof own - 1, &answer), 200);
    assert_int_equal(raw_ask(running.base, port, live, sizeof live - 1, &answer), 200);
    running_set(&running, "heeler_http_hosts=y.example x.example");
    assert_true(server_reload(running.server, &reload, "the test"));
    reload_free(&reload);
    assert_int_equal(raw_ask(running.base, port, metrics, sizeof metrics - 1, &answer), 200);
    assert_true(running_stop(&running));
    running_free(&running);
}

/* The status, and what it must have in it. */
static void assert_says(struct running *running, int port, const char *request, int status,
                        const char *part)
{
    struct raw_answer answer;

    assert_int_equal(raw_ask(running->base, port, request, strlen(request), &answer), status);
    if (strstr(answer.text, part) == NULL)
        fail_msg("no \"%s\" in \"%s\"", part, answer.text);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"

/* Whoever asks: from this machine too. */
static void an_address_that_others_reach_answers_health_and_metrics_only(void **state)
{
    static struct running running;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=0.0.0.0:0"));
    int port = server_http_port(running.server);
    assert_says(&running, port, GET("/live") "\r\n", 200, "{\"Healthy\":");
    assert_says(&running, port, GET("/metrics") "\r\n", 200, "heeler_");
    assert_says(&running, port, GET("/api/v1/query") "\r\n", 403, "heeler_app_keys");
    assert_says(&running, port, GET("/nothing") "\r\n", 403, "heeler_app_keys");
    assert_says(&running, port,
                "POST /drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 403,
                "heeler_app_keys");
    assert_false(running.asked_to_stop);
    assert_true(running_stop(&running));
    running_free(&running);
}

static void a_key_opens_the_rest(void **state)
{
    static struct running running;
    struct reload reload = { .problems = { .n_unlisted = 0 } };
    char *metrics;
    static const char key[] =
        GET("/api/v1/query") "DD-APPLICATION-KEY: 0123456789abcdef\r\n\r\n";
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=0.0.0.0:0",
                              "heeler_app_keys=0123456789abcdef"));
    int port = server_http_port(running.server);
    assert_says(&running, port, GET("/live") "\r\n", 200, "{\"Healthy\":");
    assert_says(&running, port, GET("/api/v1/query") "\r\n", 401, "DD-APPLICATION-KEY");
    assert_says(&running, port, GET("/api/v1/validate") "\r\n", 401, "DD-API-KEY or");
    assert_says(&running, port, GET("/api/v1/query") "DD-APPLICATION-KEY: no\r\n\r\n", 401,
                "missing or wrong");
    assert_says(&running, port, GET("/api/v1/events?start=1&end=2") "\r\n", 401,
                "{\"errors\":[\"a key");
    assert_says(&running, port, key, 400, "expected ?from");
    running_set(&running, "heeler_app_keys=another_of_sixteen_and_more");
    assert_true(server_reload(running.server, &reload, "the test"));
    reload_free(&reload);
    assert_says(&running, port, key, 401, "missing or wrong");
    assert_says(&running, port, GET("/metrics") "Origin: null\r\n\r\n", 403, "another origin");
    running_get(&running, port, "/metrics", &metrics);
    assert_non_null(strstr(metrics, "heeler_http_requests_refused_total{reason=\"key\"} 5\n"));
    assert_non_null(
        strstr(metrics, "heeler_http_requests_refused_total{reason=\"foreign\"} 1\n"));
    assert_non_null(strstr(metrics, "heeler_http_stream_items_lost_total 0\n"));
    free(metrics);
    assert_true(running_stop(&running));
    assert_null(strstr(running.log, "0123456789abcdef"));
    running_free(&running);
}

static void the_form_of_the_page_gives_a_cookie(void **state)
{
    static struct running running;
    struct raw_answer answer;
    char request[1024];
    static const char form[] = "POST /login HTTP/1.1\r\nHost: localhost\r\n"
                               "Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n"
                               "Content-Type: application/x-www-form-urlencoded\r\n"
                               "Connection: close\r\nContent-Length: 20\r\n\r\n";
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=0.0.0.0:0",
                              "heeler_app_keys=0123456789abcde%"));
    int port = server_http_port(running.server);
    snprintf(request, sizeof request, "%s%s", form, "key=0123456789abcdef");
    assert_says(&running, port, request, 401, "none of the keys");
    snprintf(request, sizeof request, "%s%s", form, "key=0123456789abcde%");
    assert_says(&running, port, request, 303, "Location: /\r\n");
    raw_ask(running.base, port, request, strlen(request), &answer);
    const char *cookie = strstr(answer.text, "heeler_session_80=");
    assert_non_null(cookie);
    assert_non_null(strstr(cookie, "HttpOnly; SameSite=Strict; Path=/; Max-Age=43200\r\n"));
    snprintf(request, sizeof request, "%sCookie: %.*s\r\n\r\n", GET("/api/v1/query"),
             (int)strcspn(cookie, ";"), cookie);
    assert_says(&running, port, request, 400, "expected ?from");
    snprintf(request, sizeof request,
             "POST /drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
             "Connection: close\r\nCookie: %.*s\r\n\r\n",
             (int)strcspn(cookie, ";"), cookie);
    assert_says(&running, port, request, 401, "DD-APPLICATION-KEY"); /* for programs only */
    assert_false(running.asked_to_stop);
    assert_true(running_stop(&running));
    running_free(&running);
}

/* Shows the key of the settings, and asks with the cookie for what arrives. */
static int look_on_by_cookie(struct running *running, int port)
{
    static const char form[] = "POST /login HTTP/1.1\r\nHost: localhost:8127\r\n"
                               "Connection: close\r\nContent-Length: 20\r\n\r\n"
                               "key=0123456789abcdef";
    struct raw_answer answer;
    char request[1024];

    assert_int_equal(raw_ask(running->base, port, form, sizeof form - 1, &answer), 303);
    const char *cookie = strstr(answer.text, "heeler_session_8127=");
    assert_non_null(cookie);
    snprintf(request, sizeof request,
             "GET /api/v1/tail HTTP/1.1\r\nHost: localhost:8127\r\nCookie: %.*s\r\n\r\n",
             (int)strcspn(cookie, ";"), cookie);
    int fd = raw_connect(port);
    raw_say(fd, request);
    raw_read(running->base, fd, &answer);
    assert_int_equal(answer.status, 200);
    assert_false(answer.closed);
    return fd;
}

static void a_stream_ends_with_its_cookie(void **state)
{
    static struct running running;
    const int64_t long_ms = INT64_C(1000) * 12 * 3600;
    char problem[128], byte;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_app_keys=0123456789abcdef"));
    struct server_access access = server_access(running.server);
    struct admin *admin = admin_start(running.base, true, &access);
    assert_non_null(admin);
    assert_true(admin_listen(admin, "0.0.0.0:0", NULL, problem, sizeof problem));
    int fd = look_on_by_cookie(&running, admin_port(admin));
    int64_t now_ms = clock_monotonic_ms();
    admin_follow(admin, now_ms + long_ms / 2);
    raw_turn(running.base);
    assert_false(raw_is_readable(fd));
    admin_follow(admin, now_ms + long_ms);
    raw_turn(running.base);
    assert_true(raw_is_readable(fd));
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
    assert_true(admin_stop(admin));
    assert_true(running_stop(&running));
    running_free(&running);
}

static void a_unix_socket_is_one_of_the_addresses(void **state)
{
    static struct running running;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char folder[TEMP_PATH_SIZE], set[256];
    struct raw_answer answer;
    (void)state;

    temp_folder_make(folder);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/http.sock", folder);
    snprintf(set, sizeof set, "heeler_http_listen=127.0.0.1:0 unix:%s", address.sun_path);
    assert_true(RUNNING_START(&running, NULL, set));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    raw_say(fd, GET("/api/v1/query") "\r\n");
    raw_read(running.base, fd, &answer);
    assert_int_equal(answer.status, 400);
    assert_answer(&running, server_http_port(running.server), "/live", 200, healthy);
    close(fd);
    assert_true(running_stop(&running));
    running_free(&running);
    assert_int_not_equal(access(address.sun_path, F_OK), 0);
    temp_folder_remove(folder);
}

/* Whoever opens all connections that there are must not make main spin and log. */
static void without_descriptors_accepting_pauses(void **state)
{
    static struct running running;
    struct rlimit before, tight;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
    int port = server_http_port(running.server), fd = connect_to(port);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight = before;
    tight.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    for (int i = 0; i < 20; i++)
        event_base_loop(running.base, EVLOOP_NONBLOCK);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_answer(&running, port, "/live", 200, healthy); /* once the pause is over */
    assert_true(running_stop(&running));
    const char *first = strstr(running.log, "http: cannot accept a connection");
    assert_non_null(first);
    assert_null(strstr(first + 1, "http: cannot accept"));
    running_free(&running);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_and_ready_answer_json),
        cmocka_unit_test(a_refusing_intake_is_live_and_not_ready),
        cmocka_unit_test(a_wrong_key_is_not_ready),
        cmocka_unit_test(a_health_port_answers_every_path_with_health),
        cmocka_unit_test(the_setting_health_port_opens_one),
        cmocka_unit_test(junk_is_refused_and_the_next_one_served),
        cmocka_unit_test(a_host_is_looked_at_and_names_can_be_loaded),
        cmocka_unit_test(an_address_that_others_reach_answers_health_and_metrics_only),
        cmocka_unit_test(a_key_opens_the_rest),
        cmocka_unit_test(the_form_of_the_page_gives_a_cookie),
        cmocka_unit_test(a_stream_ends_with_its_cookie),
        cmocka_unit_test(a_unix_socket_is_one_of_the_addresses),
        cmocka_unit_test(without_descriptors_accepting_pauses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
