#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fake_intake.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"

static void assert_post(struct running *running, const char *path, int status, const char *part)
{
    char *body;
    int got = running_ask(running, server_http_port(running->server), EVHTTP_REQ_POST, path,
                          NULL, &body);

    if (got != status || strstr(body, part) == NULL)
        fail_msg("%s: %d %s", path, got, body != NULL ? body : "");
    free(body);
}

static void only_post_and_only_from_programs(void **state)
{
    static const char *const paths[] = { "/flush", "/drain", "/reload" };
    static struct running running;
    char *body;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
    int port = server_http_port(running.server);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_int_equal(running_get(&running, port, paths[i], &body), 405);
        free(body);
        assert_int_equal(running_ask(&running, port, EVHTTP_REQ_PUT, paths[i], NULL, &body),
                         405);
        free(body);
        assert_int_equal(
            running_ask(&running, port, EVHTTP_REQ_POST, paths[i], "Origin", &body), 403);
        free(body);
        assert_int_equal(
            running_ask(&running, port, EVHTTP_REQ_POST, paths[i], "Sec-Fetch-Site", &body),
            403);
        free(body);
    }
    assert_false(running.asked_to_stop);
    assert_int_equal(running_ask(&running, port, EVHTTP_REQ_POST, "/live", NULL, &body), 405);
    free(body);
    assert_true(running_stop(&running));
    running_free(&running);
}

static void a_flush_sends_what_is_open(void **state)
{
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    char url[96];
    (void)state;

    snprintf(url, sizeof url, "dd_url=%s", fake_intake_url(fake));
    assert_true(RUNNING_START(&running, NULL, url, "api_key=k", "heeler_interval=60",
                              "heeler_http_listen=127.0.0.1:0"));
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, "a:6|g\n_sc|check|0\nb:1|c|T1700000000");
    assert_true(running_until(&running, running_datagrams, 1));
    assert_post(&running, "/flush", 200, "\"settled\":true");
    json_t *items = fake_intake_items(fake, "/api/v2/series");
    json_t *checks = fake_intake_items(fake, "/api/v1/check_run");
    assert_int_equal(json_array_size(items), 2);
    assert_int_equal(json_array_size(checks), 1);
    json_decref(items);
    json_decref(checks);
    assert_true(running_stop(&running));
    assert_string_equal(running_imbalance(&running), "0/0/0");
    close(fd);
    running_free(&running);
    fake_intake_stop(fake);
}

/* The answer to a drain is there before the stop begins. */
static void a_drain_is_answered_and_asks_for_the_stop(void **state)
{
    static struct running running;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
    assert_post(&running, "/drain", 202, "\"draining\":true");
    for (int i = 0; i < 1000 && !running.asked_to_stop; i++)
        event_base_loop(running.base, EVLOOP_ONCE);
    assert_true(running.asked_to_stop);
    assert_true(running_stop(&running));
    running_free(&running);
}

static void who_lingers_is_live_and_not_ready(void **state)
{
    static struct running running;
    char *body;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
    int port = server_http_port(running.server);
    server_linger(running.server);
    assert_int_equal(running_get(&running, port, "/live", &body), 200);
    free(body);
    assert_int_equal(running_get(&running, port, "/ready", &body), 503);
    assert_non_null(strstr(body, "\"Unhealthy\":[\"lifecycle\"]"));
    free(body);
    assert_true(running_stop(&running));
    running_free(&running);
}

static void a_reload_answers_with_keys_and_sentences(void **state)
{
    static struct running running;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_http_listen=127.0.0.1:0"));
    assert_post(&running, "/reload", 200, "\"changed\":[],\"needs_restart\":[]");
    running_set(&running, "tags=b:2");
    running_set(&running, "heeler_workers=2");
    assert_post(&running, "/reload", 200,
                "\"changed\":[\"tags\"],\"needs_restart\":[\"heeler_workers\"]");
    running_set(&running, "heeler_workers=none");
    assert_post(&running, "/reload", 400,
                "{\"status\":\"error\",\"errors\":[\"--set: heeler_w");
    assert_true(running_stop(&running));
    running_free(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_post_and_only_from_programs),
        cmocka_unit_test(a_flush_sends_what_is_open),
        cmocka_unit_test(a_drain_is_answered_and_asks_for_the_stop),
        cmocka_unit_test(who_lingers_is_live_and_not_ready),
        cmocka_unit_test(a_reload_answers_with_keys_and_sentences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
