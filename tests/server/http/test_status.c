#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "config/log.h"
#include "server/http/findings.h"
#include "server/http/http_ledger.h"
#include "server/http/rates.h"
#include "server/http/status.h"
#include "server/http/totals.h"
#include "tests/support/api_table.h"
#include "tests/support/fake_intake.h"
#include "tests/support/running.h"
#include "tests/support/server_rig.h"
#include "tests/support/udp.h"

static struct server_rig rig;

static json_t *parse(const void *text, size_t len)
{
    json_error_t error;
    json_t *json = json_loadb(text, len, JSON_ALLOW_NUL, &error);

    if (json == NULL)
        fail_msg("%s at %d: %.*s", error.text, error.position, (int)len, (const char *)text);
    return json;
}

static json_t *written(const struct server_view *view)
{
    struct json_out out = { .comma = false };
    struct status_moment moment = { view, "host\xff", SERVER_RIG_NOW_MS,
                                    INT64_C(1000) * SERVER_RIG_WALL_S };

    status_write(&out, &moment);
    assert_false(out.bytes.failed);
    json_t *json = parse(out.bytes.at, out.bytes.len);
    bytes_free(&out.bytes);
    return json;
}

/* "ledger.parsed.lines": a number or a text; NULL: it is not there. */
static json_t *find(json_t *json, const char *path)
{
    char copy[128], *rest = NULL;

    snprintf(copy, sizeof copy, "%s", path);
    for (char *name = strtok_r(copy, ".", &rest); name != NULL;
         name = strtok_r(NULL, ".", &rest))
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(name))
                                   : json_object_get(json, name);
    return json;
}

static void assert_number(json_t *json, const char *path, double value)
{
    if (!json_is_number(find(json, path)) || json_number_value(find(json, path)) != value)
        fail_msg("%s is %f, not %f", path, json_number_value(find(json, path)), value);
}

static void assert_text(json_t *json, const char *path, const char *text)
{
    if (!json_is_string(find(json, path)))
        fail_msg("%s is no text", path);
    assert_string_equal(json_string_value(find(json, path)), text);
}

/* ---- the table of docs/api.md ------------------------------------------ */

/* All of the answer is in the table, and all of the table in the answer. */
static void the_answer_is_as_the_page_says(void **state)
{
    static struct findings findings;
    static struct http_ledger http;
    static struct rates rates;
    struct totals sums = { .lines = 0 };
    (void)state;

    assert_true(server_rig_make(&rig));
    findings = (struct findings){ .looked = false };
    log_set_level(LOG_LEVEL_OFF); /* of what is found here */
    rig.survey = (struct tag_survey){ .n = 1, .at = { { "user", 7000, true } } };
    findings_look(&findings, &rig.view, SERVER_RIG_NOW_MS, SERVER_RIG_WALL_S);
    log_set_level(LOG_LEVEL_INFO);
    rates_init(&rates);
    rates_look(&rates, &sums, 1000, 1000);
    rates_look(&rates, &sums, 11000, 11000);
    rig.view.findings = &findings;
    rig.view.rates = &rates;
    rig.view.http = &http;
    api_table_read("status", 50);
    json_t *json = written(&rig.view);
    api_table_walk(json);
    api_table_end();
    json_decref(json);
    server_rig_free(&rig);
}

/* ---- what it says ------------------------------------------------------ */

static void secrets_are_masked_and_bad_bytes_are_replaced(void **state)
{
    (void)state;
    assert_true(server_rig_make(&rig));
    snprintf(rig.listener[1].name, sizeof rig.listener[1].name, "unix /\x1b[2J\xff/<img>");
    json_t *json = written(&rig.view);
    char *text = json_dumps(json, 0);
    assert_null(strstr(text, "secret"));
    assert_null(strstr(text, "0123456789"));
    assert_text(json, "endpoints.0.key", "***cdef");
    assert_text(json, "host", "host\xef\xbf\xbd");
    assert_text(json, "listeners.1.name", "unix /\x1b[2J\xef\xbf\xbd/<img>");
    free(text);
    json_decref(json);
    server_rig_free(&rig);
}

static void a_thread_that_hangs_is_told_and_keeps_nobody(void **state)
{
    (void)state;
    assert_true(server_rig_make(&rig));
    rig.view.flusher_alive_ms = SERVER_RIG_NOW_MS - 45000;
    json_t *json = written(&rig.view);
    assert_text(json, "threads.2.name", "flusher");
    assert_number(json, "threads.2.silent_ms", 45000);
    assert_true(json_is_false(find(json, "threads.2.turns")));
    assert_true(json_is_true(find(json, "threads.0.turns")));
    json_decref(json);
    server_rig_free(&rig);
}

static void a_blocked_intake_says_how_and_until_when(void **state)
{
    struct delivery_standing *now = &rig.sinks[1].now;
    (void)state;

    assert_true(server_rig_make(&rig));
    now->state = DELIVERY_BLOCKED;
    now->failures = 3;
    now->retry_at_ms = SERVER_RIG_NOW_MS + 1500;
    now->answered_ms = 49999000;
    now->answer_error = ERROR_TLS;
    json_t *json = written(&rig.view);
    assert_text(json, "endpoints.1.state", "blocked");
    assert_number(json, "endpoints.1.failures", 3);
    assert_number(json, "endpoints.1.retry_in_ms", 1500);
    assert_text(json, "endpoints.1.last_answer.error", "tls");
    assert_text(json, "endpoints.0.last_answer.error", "");
    assert_text(json, "endpoints.0.state", "sending");
    json_decref(json);
    server_rig_free(&rig);
}

static void without_redis_and_watch_these_are_null_and_absent(void **state)
{
    (void)state;
    assert_true(server_rig_make(&rig));
    rig.view.mirror = NULL;
    rig.view.tag_survey = NULL;
    json_t *json = written(&rig.view);
    assert_true(json_is_null(find(json, "redis")));
    assert_null(find(json, "rates"));
    assert_int_equal(json_array_size(find(json, "findings")), 0);
    json_decref(json);
    server_rig_free(&rig);
}

/* ---- a whole server ---------------------------------------------------- */

static json_t *ask(struct running *running)
{
    char *text;

    assert_int_equal(
        running_get(running, server_http_port(running->server), "/api/v1/status", &text), 200);
    json_t *json = parse(text, strlen(text));
    free(text);
    return json;
}

static void the_ledger_follows_a_datagram_to_the_intake(void **state)
{
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    char url[96];
    (void)state;

    snprintf(url, sizeof url, "dd_url=%s", fake_intake_url(fake));
    assert_true(RUNNING_START(&running, NULL, url, "api_key=0123456789abcdef0123456789abcdef",
                              "heeler_interval=1", "heeler_http_listen=127.0.0.1:0"));
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, "a:1|c|#k:v\nb:1:2|g\nbad\n<img onerror=alert(1)>\x1b[2J:1|c\nc:1|q");
    assert_true(running_until(&running, running_delivered, 1));
    json_t *json = ask(&running);
    assert_number(json, "ledger.received.datagrams", 1);
    assert_number(json, "ledger.received.lines", 5);
    assert_number(json, "ledger.parsed.lines", 3);
    assert_number(json, "ledger.parsed.values", 4);
    assert_number(json, "ledger.parsed.rejected", 2);
    assert_number(json, "ledger.parsed.rejected_by_reason.no_type", 1);
    assert_number(json, "ledger.parsed.rejected_by_reason.bad_type", 1);
    assert_number(json, "ledger.folded.values", 4);
    assert_number(json, "ledger.folded.in_flight", 0);
    assert_number(json, "ledger.imbalance.values", 0);
    assert_text(json, "endpoints.0.state", "sending");
    assert_text(json, "endpoints.0.key_state", "valid");
    assert_number(json, "endpoints.0.last_answer.status", 202);
    assert_true(json_number_value(find(json, "endpoints.0.last_success_ms")) > 0);
    assert_true(json_number_value(find(json, "ledger.delivered.points")) >= 3);
    assert_true(json_number_value(find(json, "memory.resident_bytes")) > 1e6);
    assert_true(json_number_value(find(json, "memory.parts.catalogue_bytes")) > 0);
    assert_number(json, "series.contexts_max", 1000000);
    assert_number(json, "http.refused_by_reason.foreign", 0);
    json_decref(json);
    close(fd);
    assert_true(running_stop(&running));
    running_free(&running);
    fake_intake_stop(fake);
}

/* The flusher's thread stands in a write to a console that nobody reads; who asks meanwhile is
 * answered at once, and told. */
static void an_answer_comes_while_the_flusher_hangs(void **state)
{
    static struct running running;
    static const char filling[4096];
    int ends[2], silent_ms = 0;
    (void)state;

    void (*before)(int) = signal(SIGPIPE, SIG_IGN); /* of the end, when nobody reads any more */
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(ends[1], filling, sizeof filling) > 0)
        ;
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0); /* from now on a write waits */
    FILE *console = fdopen(ends[1], "w");
    assert_non_null(console);
    assert_true(RUNNING_START(&running, console, "heeler_interval=1",
                              "heeler_http_listen=127.0.0.1:0"));
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, "a:1|c");
    for (int i = 0; i < 3000 && silent_ms < 3000; i++, poll(NULL, 0, 20)) {
        json_t *json = ask(&running);

        assert_text(json, "threads.1.name", "flusher");
        silent_ms = (int)json_number_value(find(json, "threads.1.silent_ms"));
        json_decref(json);
    }
    assert_true(silent_ms >= 3000); /* it turns each second otherwise */
    close(ends[0]);
    assert_true(running_stop(&running));
    running_free(&running);
    close(fd);
    fclose(console);
    signal(SIGPIPE, before);
}

static bool key_is_wrong(const struct server_view *view, uint64_t n)
{
    (void)n;
    return atomic_load(&view->delivery_ledger->key) == KEY_INVALID &&
           view->findings->at[FINDING_KEY].active;
}

static void a_wrong_key_is_found(void **state)
{
    static const struct fake_answer forbidden[] = { { .status = 403 }, { .status = 403 } };
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    char url[96];
    (void)state;

    fake_intake_script(fake, forbidden, 2);
    snprintf(url, sizeof url, "dd_url=%s", fake_intake_url(fake));
    assert_true(RUNNING_START(&running, NULL, url, "api_key=0123456789abcdef0123456789abcdef",
                              "heeler_interval=60", "forwarder_apikey_validation_interval=60",
                              "heeler_http_listen=127.0.0.1:0"));
    assert_true(running_until(&running, key_is_wrong, 1));
    json_t *json = ask(&running);
    assert_text(json, "findings.0.id", "api_key_invalid");
    assert_text(json, "findings.0.severity", "error");
    assert_text(json, "endpoints.0.key_state", "invalid");
    assert_text(json, "endpoints.0.key", "***cdef");
    json_decref(json);
    assert_true(running_stop(&running));
    running_free(&running);
    fake_intake_stop(fake);
}

static bool clock_is_apart(const struct server_view *view, uint64_t n)
{
    (void)n;
    return view->findings->at[FINDING_CLOCK].active;
}

static void an_intake_of_another_time_is_found(void **state)
{
    static const struct fake_answer late = { .date = "Sun, 06 Nov 1994 08:49:37 GMT" };
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    char url[96];
    (void)state;

    fake_intake_script(fake, &late, 1);
    snprintf(url, sizeof url, "dd_url=%s", fake_intake_url(fake));
    assert_true(RUNNING_START(&running, NULL, url, "api_key=k", "heeler_interval=60",
                              "forwarder_apikey_validation_interval=60",
                              "heeler_http_listen=127.0.0.1:0"));
    assert_true(running_until(&running, clock_is_apart, 1));
    json_t *json = ask(&running);
    assert_text(json, "findings.0.id", "clock_apart");
    assert_true(json_number_value(find(json, "endpoints.0.clock_ahead_s")) < -1e8);
    json_decref(json);
    assert_true(running_stop(&running));
    running_free(&running);
    fake_intake_stop(fake);
}

/* The page has a row for each id, or for its family. */
static void every_finding_is_in_the_page(void **state)
{
    static const char *const families[] = { "rejected_", "shed_", "points_", "unsent_" };
    char *page = temp_file_read("docs/api.md"), row[64];
    (void)state;

    for (int i = 0; i < FINDING_COUNT; i++) {
        const char *label = finding_label((enum finding_id)i);

        snprintf(row, sizeof row, "\n| `%s` | ", label);
        for (size_t f = 0; f < 4; f++)
            if (strncmp(label, families[f], strlen(families[f])) == 0)
                snprintf(row, sizeof row, "\n| `%s\xe2\x80\xa6` | ", families[f]);
        if (strstr(page, row) == NULL)
            fail_msg("docs/api.md has no row for %s", label);
    }
    free(page);
}

static void settings_and_log_are_there_and_hold_no_secret(void **state)
{
    static struct running running;
    char *text;
    (void)state;

    assert_true(RUNNING_START(
        &running, NULL, "dd_url=http://127.0.0.1:1", "api_key=0123456789abcdef0123456789abcdef",
        "heeler_interval=60", "heeler_redis_url=redis://me:hunter2@127.0.0.1:1/0",
        "additional_endpoints={\"http://127.0.0.1:1\": "
        "[\"fedcba9876543210fedcba9876543210\"]}",
        "proxy.http=http://me:hunter3@127.0.0.1:1", "heeler_http_listen=127.0.0.1:0"));
    int port = server_http_port(running.server);
    static const struct {
        const char *path, *holds;
    } cases[] = {
        { "/api/v1/status", "\"ledger\"" },
        { "/api/v1/settings", "heeler_interval = 60  (--set)" },
        { "/api/v1/settings?as=json", "\"heeler_interval\":\"60\"" },
        { "/api/v1/settings?as=text", "heeler_interval = 60  (--set)" },
        { "/api/v1/log", "http: listening on" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(running_get(&running, port, cases[i].path, &text), 200);
        assert_non_null(strstr(text, cases[i].holds));
        assert_null(strstr(text, "hunter"));
        assert_null(strstr(text, "456789abcdef"));
        assert_null(strstr(text, "876543210fed"));
        free(text);
    }
    assert_true(running_stop(&running));
    running_free(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_as_the_page_says),
        cmocka_unit_test(secrets_are_masked_and_bad_bytes_are_replaced),
        cmocka_unit_test(a_thread_that_hangs_is_told_and_keeps_nobody),
        cmocka_unit_test(a_blocked_intake_says_how_and_until_when),
        cmocka_unit_test(without_redis_and_watch_these_are_null_and_absent),
        cmocka_unit_test(the_ledger_follows_a_datagram_to_the_intake),
        cmocka_unit_test(an_answer_comes_while_the_flusher_hangs),
        cmocka_unit_test(a_wrong_key_is_found),
        cmocka_unit_test(an_intake_of_another_time_is_found),
        cmocka_unit_test(every_finding_is_in_the_page),
        cmocka_unit_test(settings_and_log_are_there_and_hold_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
