#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/log.h"
#include "tests/support/beside.h"
#include "tests/support/fake_intake.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"

static char *dd_url(struct fake_intake *fake)
{
    static char text[96];

    snprintf(text, sizeof text, "dd_url=%s", fake_intake_url(fake));
    return text;
}

static bool reload(struct running *running, struct reload *out)
{
    *out = (struct reload){ .problems = { .n_unlisted = 0 } };
    return server_reload(running->server, out, "test");
}

static void must_reload(struct running *running, char *set)
{
    struct reload out;

    running_set(running, set);
    assert_true(reload(running, &out));
    reload_free(&out);
}

/* ---- what the intake got ----------------------------------------------- */

static bool has_tag(json_t *item, const char *tag)
{
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(item, "tags"), i,
                       one) if (strcmp(json_string_value(one), tag) == 0) return true;
    return false;
}

/* Of all points of that metric with that tag: value times interval. */
static double total_of(json_t *items, const char *metric, const char *tag)
{
    double sum = 0;
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item)
    {
        json_t *point = json_array_get(json_object_get(item, "points"), 0);
        if (strcmp(json_string_value(json_object_get(item, "metric")), metric) == 0 &&
            has_tag(item, tag))
            sum += round(json_number_value(json_array_get(point, 1)) *
                         (double)json_integer_value(json_object_get(item, "interval")));
    }
    return sum;
}

static bool same_point(json_t *a, json_t *b)
{
    json_t *left = json_array_get(json_object_get(a, "points"), 0);
    json_t *right = json_array_get(json_object_get(b, "points"), 0);

    return json_equal(json_object_get(a, "metric"), json_object_get(b, "metric")) &&
           json_equal(json_object_get(a, "tags"), json_object_get(b, "tags")) &&
           json_equal(json_array_get(left, 0), json_array_get(right, 0));
}

static void assert_no_point_twice(json_t *items)
{
    size_t n = json_array_size(items);

    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            if (same_point(json_array_get(items, i), json_array_get(items, j)))
                fail_msg("one series and timestamp twice");
}

/* ---- rules ------------------------------------------------------------- */

/* Sends until an interval more has been sealed; never more than the socket's queue holds. */
static void send_an_interval(struct running *running, int fd, uint64_t *sent)
{
    struct server_view view;

    server_view(running->server, &view);
    uint64_t sealed = counter_read(&view.flusher_ledger->snapshots);
    do {
        for (int i = 0; i < 20; i++, (*sent)++)
            udp_send(fd, "hits:1|c|#own:x");
        assert_true(running_until(running, running_datagrams, *sent));
    } while (counter_read(&view.flusher_ledger->snapshots) == sealed);
}

static void reload_under_traffic(char *workers)
{
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    uint64_t sent = 0;

    assert_true(RUNNING_START(&running, NULL, dd_url(fake), "api_key=k", "heeler_interval=1",
                              "tags=generation:1", workers));
    int fd = udp_sender(running_listener(&running, 0));
    send_an_interval(&running, fd, &sent);
    must_reload(&running, "tags=generation:replaced"); /* at once, if no interval ends now */
    must_reload(&running, "tags=generation:2");
    for (int i = 0; i < 3; i++)
        send_an_interval(&running, fd, &sent);
    must_reload(&running, "tags=generation:3"); /* and stopped at once */
    assert_true(running_stop(&running));

    json_t *items = fake_intake_items(fake, "/api/v2/series");
    double first = total_of(items, "hits", "generation:1");
    double second = total_of(items, "hits", "generation:2");
    double replaced = total_of(items, "hits", "generation:replaced");
    assert_true(first > 0 && second > 0);
    assert_true(first + replaced + second == (double)sent);
    assert_true(total_of(items, "hits", "own:x") == (double)sent);
    assert_no_point_twice(items);
    json_decref(items);
    assert_int_equal(running_ledger(&running, "datagrams"), sent);
    assert_int_equal(running_ledger(&running, "shed"), 0);
    assert_string_equal(running_imbalance(&running), "0/0/0");
    close(fd);
    running_free(&running);
    fake_intake_stop(fake);
}

static void a_reload_under_traffic_loses_and_doubles_nothing(void **state)
{
    (void)state;
    reload_under_traffic("heeler_workers=1");
}

static void several_workers_reload_as_well(void **state)
{
    (void)state;
    reload_under_traffic("heeler_workers=3");
}

static void a_wrong_setting_keeps_all_as_it_was(void **state)
{
    static char *const wrong[] = {
        "heeler_interval=61",
        "hostname=no such_name",
        "heeler_socket_owner=nobody-of-that-name",
        "heeler_rollups=60 often",
        "dogstatsd_mapper_profiles=[{\"name\":\"a\"}]",
        "metric_tag_filterlist=[{\"tags\":1}]",
        "api_key=",
        "api_key=a\nb",
        "additional_endpoints={\"http://other\":5}",
    };
    struct fake_intake *fake = fake_intake_start();
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        static struct running running;
        struct reload out;
        assert_true(
            RUNNING_START(&running, NULL, dd_url(fake), "api_key=k", "tags=a:1",
                          "dogstatsd_stream_socket=", "metric_tag_filterlist_adp_only=false"));
        const struct settings *before = server_settings(running.server);
        running_set(&running, "tags=a:2");
        running_set(&running, i == 2 ? "dogstatsd_socket=/tmp/never-bound" : "env=x");
        running_set(&running, wrong[i]);
        if (reload(&running, &out) || out.problems.errors.n != 1)
            fail_msg("%s: %zu errors", wrong[i], out.problems.errors.n);
        reload_free(&out);
        assert_ptr_equal(server_settings(running.server), before);
        assert_string_equal(before->tags.at[0], "a:1");
        assert_true(running_stop(&running));
        assert_non_null(strstr(running.log, "the settings stay as they were"));
        running_free(&running);
    }
    fake_intake_stop(fake);
}

static void what_needs_a_restart_is_told_and_kept(void **state)
{
    static struct running running;
    struct reload out;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_workers=1", "log_level=info"));
    running_set(&running, "heeler_workers=2");
    running_set(&running, "log_level=error");
    assert_true(reload(&running, &out));
    assert_int_equal(out.change.reloaded.n, 1);
    assert_string_equal(out.change.reloaded.at[0], "log_level");
    assert_int_equal(out.change.needs_restart.n, 1);
    assert_string_equal(out.change.needs_restart.at[0], "heeler_workers");
    assert_int_equal(server_settings(running.server)->heeler_workers, 1);
    assert_false(log_enabled(LOG_LEVEL_INFO));
    reload_free(&out);
    assert_true(running_stop(&running));
    running_free(&running);
}

/* ---- keys -------------------------------------------------------------- */

static bool key_is_wrong(const struct server_view *view, uint64_t n)
{
    (void)n;
    return atomic_load(&view->delivery_ledger->key) == KEY_INVALID;
}

static void a_new_key_delivers_what_was_held(void **state)
{
    static const struct fake_answer forbidden = { .status = 403 };
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    (void)state;

    fake_intake_script(fake, &forbidden, 1);
    assert_true(RUNNING_START(&running, NULL, dd_url(fake), "api_key=old-key-0123456789",
                              "heeler_interval=1", "forwarder_backoff_base=3600",
                              "forwarder_backoff_max=3600"));
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, "a:5|g");
    assert_true(running_until(&running, key_is_wrong, 1));
    must_reload(&running, "api_key=new-key-9876543210");
    assert_true(running_until(&running, running_delivered, 1));
    size_t last = fake_intake_count(fake) - 1;
    assert_string_equal(fake_request_header(fake_intake_request(fake, last), "dd-api-key"),
                        "new-key-9876543210");
    assert_true(running_stop(&running));
    assert_null(strstr(running.log, "old-key"));
    assert_null(strstr(running.log, "new-key"));
    close(fd);
    running_free(&running);
    fake_intake_stop(fake);
}

static void other_intakes_need_a_restart(void **state)
{
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    struct reload out;
    (void)state;

    assert_true(RUNNING_START(
        &running, NULL, dd_url(fake), "api_key=k",
        "additional_endpoints={\"http://a\":[\"1\",\"2\"],\"http://b\":[\"3\"]}"));
    running_set(&running, "additional_endpoints={\"http://a\":[\"1\",\"2\"]}");
    assert_true(reload(&running, &out));
    assert_int_equal(out.change.reloaded.n, 0);
    assert_string_equal(out.change.needs_restart.at[0], "additional_endpoints");
    reload_free(&out);

    /* Another order, and one other key: it is the one that has gone. */
    running_set(&running,
                "additional_endpoints={\"http://b\":[\"3\"],\"http://a\":[\"2\",\"4\"]}");
    assert_true(reload(&running, &out));
    assert_int_equal(out.change.needs_restart.n, 0);
    assert_string_equal(out.change.reloaded.at[0], "additional_endpoints");
    reload_free(&out);
    struct server_view view;
    server_view(running.server, &view);
    assert_int_equal(view.n_sinks, 4);
    assert_string_equal(view.sinks[1].api_key, "4");
    assert_string_equal(view.sinks[2].api_key, "2");
    assert_string_equal(view.sinks[3].api_key, "3");
    assert_true(running_stop(&running));
    running_free(&running);
    fake_intake_stop(fake);
}

/* All three at one address: the doors are told apart by what they take. */
static void both_doors_of_an_intake_get_its_new_key(void **state)
{
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    char traces[128], more[128];
    struct server_view view;
    struct reload out;
    (void)state;

    snprintf(traces, sizeof traces, "apm_config.apm_dd_url=%s", fake_intake_url(fake));
    snprintf(more, sizeof more, "additional_endpoints={\"%s\":[\"other\"]}",
             fake_intake_url(fake));
    assert_true(RUNNING_START(&running, NULL, dd_url(fake), "api_key=old", more, traces,
                              "apm_config.enabled=true", "apm_config.forward_stats=true",
                              "apm_config.receiver_port=__random__"));
    running_set(&running, "api_key=new");
    assert_true(reload(&running, &out));
    assert_int_equal(out.change.needs_restart.n, 0);
    reload_free(&out);
    server_view(running.server, &view);
    assert_int_equal(view.n_sinks, 3);
    assert_string_equal(view.sinks[0].api_key, "new");
    assert_string_equal(view.sinks[1].api_key, "other");
    assert_string_equal(view.sinks[2].api_key, "new");
    assert_int_equal(view.sinks[2].door, DOOR_TRACES);
    running_set(&running, "apm_config.forward_stats=false");
    assert_true(reload(&running, &out));
    assert_string_equal(out.change.needs_restart.at[0], "apm_config.forward_stats");
    reload_free(&out);
    assert_true(running_stop(&running));
    running_free(&running);
    fake_intake_stop(fake);
}

static void local_mode_ends_with_a_restart(void **state)
{
    static struct running running;
    struct reload out;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "heeler_interval=60"));
    running_set(&running, "api_key=k");
    running_set(&running, "tags=a:1");
    assert_true(reload(&running, &out));
    assert_string_equal(out.change.reloaded.at[0], "tags");
    assert_string_equal(out.change.needs_restart.at[0], "api_key");
    reload_free(&out);
    assert_true(running_stop(&running));
    running_free(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_under_traffic_loses_and_doubles_nothing),
        cmocka_unit_test(several_workers_reload_as_well),
        cmocka_unit_test(a_wrong_setting_keeps_all_as_it_was),
        cmocka_unit_test(what_needs_a_restart_is_told_and_kept),
        cmocka_unit_test(a_new_key_delivers_what_was_held),
        cmocka_unit_test(other_intakes_need_a_restart),
        cmocka_unit_test(both_doors_of_an_intake_get_its_new_key),
        cmocka_unit_test(local_mode_ends_with_a_restart),
    };

    return BESIDE_RUN(tests);
}
