#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flush/memory/json_view.h"
#include "flush/monitors/monitor.h"
#include "tests/support/guard.h"

#define SEED                                                                                  \
    "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:my_metric{*} by {host} > 800\"," \
    "\"name\":\"my metric\",\"message\":\"{{#is_alert}}{{value}}{{/is_alert}} @a@b.org\","    \
    "\"tags\":[\"team:web\",\"x\"],\"priority\":\"2\",\"restricted_roles\":null,"

#define ANOMALIES \
    "{\"type\":\"query alert\",\"query\":\"avg(last_4h):anomalies(avg:x{*}, 'basic', 2"

static struct slice value_of(const char *text)
{
    struct slice value;
    struct json_fault fault;

    assert_true(json_view_check(guarded_text(text), 1000, &value, &fault));
    return value;
}

static void read_whole(const char *text, struct monitor *out)
{
    char problem[512] = "";

    if (!monitor_read(value_of(text), out, problem, sizeof problem))
        fail_msg("%s: %s", text, problem);
}

static void is_text(struct slice got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.at, wanted, got.len);
}

static void reads_the_seed(void **state)
{
    struct monitor monitor;

    (void)state;
    read_whole(SEED "\"options\":{\"thresholds\":{\"critical\":800,\"warning\":\"500\"},"
                    "\"notify_no_data\":true,\"no_data_timeframe\":10,\"silenced\":{},"
                    "\"renotify_interval\":null,\"locked\":false,\"unheard_of\":[1]}}",
               &monitor);
    assert_int_equal(monitor.type, MONITOR_METRIC);
    is_text(monitor.name, "my metric");
    is_text(monitor.tags[0], "team:web");
    assert_int_equal(monitor.n_tags, 2);
    assert_int_equal(monitor.priority, 2);
    assert_int_equal(monitor.condition.window_s, 300);
    is_text(monitor.condition.by[0], "host");
    assert_true(monitor.rules.critical.set && monitor.rules.warning.set);
    assert_int_equal(monitor.rules.missing, MISSING_NOTIFIES);
    assert_int_equal(monitor.rules.no_data_s, 600);
    assert_int_equal(monitor.rules.renotify_s, 0);
    assert_int_equal(monitor.new_group_delay_s, 60);
    assert_true(monitor.include_tags);
    assert_false(monitor.require_full_window);
    monitor_free(&monitor);
}

static void has_defaults(void **state)
{
    struct monitor monitor;

    (void)state;
    read_whole(
        "{\"type\":\"query alert\",\"query\":\"avg(last_1h):avg:x{*} < 1\",\"name\":null,"
        "\"message\":null,\"tags\":null,\"options\":null}",
        &monitor);
    assert_int_equal(monitor.rules.no_data_s, 7200);
    assert_int_equal(monitor.rules.missing, MISSING_KEEPS);
    assert_int_equal(monitor.rules.renotify_states,
                     1U << MONITOR_ALERT | 1U << MONITOR_NO_DATA);
    assert_int_equal(monitor.group_retention_s, 86400);
    assert_int_equal(monitor.name.len, 0);
    monitor_free(&monitor);

    read_whole(
        "{\"type\":\"service check\",\"query\":\"\\\"a\\\".over(\\\"*\\\").by(\\\"host\\\")"
        ".last(4).count_by_status()\",\"options\":{\"thresholds\":{\"critical\":3}}}",
        &monitor);
    assert_int_equal(monitor.counts.critical, 3);
    assert_int_equal(monitor.counts.ok, 1);
    assert_int_equal(monitor.rules.no_data_s, 86400);
    assert_false(monitor.rules.critical.set);
    monitor_free(&monitor);

    read_whole("{\"type\":\"composite\",\"query\":\"1 && 2\"}", &monitor);
    assert_int_equal(monitor.condition.n_operands, 2);
    monitor_free(&monitor);
}

static void reads_options(void **state)
{
    struct monitor monitor;

    (void)state;
    read_whole(SEED "\"options\":{\"on_missing_data\":\"resolve\",\"renotify_interval\":15,"
                    "\"renotify_occurrences\":3,\"renotify_statuses\":[\"warn\"],"
                    "\"escalation_message\":\"\\u00e9 again\",\"timeout_h\":2,"
                    "\"evaluation_delay\":900,\"new_host_delay\":300,"
                    "\"require_full_window\":true,\"include_tags\":false,"
                    "\"group_retention_duration\":\"2h\",\"notify_by\":[\"host\"],"
                    "\"threshold_windows\":{\"trigger_window\":\"last_15m\","
                    "\"recovery_window\":\"last_1h\"},"
                    "\"scheduling_options\":{\"custom_schedule\":null}}}",
               &monitor);
    assert_int_equal(monitor.rules.missing, MISSING_RESOLVES);
    assert_int_equal(monitor.rules.no_data_s, 300);
    assert_int_equal(monitor.rules.renotify_s, 900);
    assert_int_equal(monitor.rules.renotify_occurrences, 3);
    assert_int_equal(monitor.rules.renotify_states, 1U << MONITOR_WARN);
    is_text(monitor.escalation, "\xc3\xa9 again");
    assert_int_equal(monitor.rules.timeout_s, 7200);
    assert_int_equal(monitor.evaluation_delay_s, 900);
    assert_int_equal(monitor.new_group_delay_s, 300);
    assert_true(monitor.require_full_window);
    assert_false(monitor.include_tags);
    assert_int_equal(monitor.group_retention_s, 7200);
    assert_int_equal(monitor.trigger_window_s, 900);
    assert_int_equal(monitor.recovery_window_s, 3600);
    monitor_free(&monitor);
}

static void names_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        { "{}", "The value provided for parameter 'type' is invalid: Heeler has metric alert, "
                "query alert, service check and composite" },
        { "{\"type\":\"log alert\"}",
          "The value provided for parameter 'type' is invalid: Heeler has metric alert, query "
          "alert, service check and composite" },
        { "{\"type\":\"metric alert\"}",
          "The value provided for parameter 'query' is invalid" },
        { "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*}\"}",
          "The value provided for parameter 'query' is invalid: column 22: expected a "
          "comparison: >, >=, <, <=, == or !=" },
        { "{\"type\":\"composite\",\"query\":\"avg(last_5m):avg:x{*} > 1\"}",
          "The value provided for parameter 'query' is invalid: monitors of type 'composite' "
          "have another kind of query" },
        { SEED "\"options\":{\"thresholds\":{\"critical\":90}}}",
          "Alert threshold (90.0) does not match that used in the query (800.0)." },
        { SEED "\"options\":{\"thresholds\":{\"warning\":900.5}}}",
          "The warning threshold (900.5) must be less than the critical threshold (800.0)." },
        { SEED "\"options\":{\"thresholds\":{\"critical_recovery\":800}}}",
          "The critical recovery threshold (800.0) must be less than the critical threshold "
          "(800.0)." },
        { SEED "\"options\":{\"thresholds\":{\"warning_recovery\":100}}}",
          "There is a warning recovery threshold and no warning threshold." },
        { "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} == 5\",\"options\":"
          "{\"thresholds\":{\"critical_recovery\":3}}}",
          "A recovery threshold goes with >, >=, < and <= alone." },
        { SEED "\"options\":{\"notify_by\":[\"*\"]}}",
          "'notify_by': Heeler tells of each group; coarser ones are not there" },
        { SEED "\"options\":{\"notify_by\":[\"env\"]}}",
          "'notify_by': Heeler tells of each group; coarser ones are not there" },
        { ANOMALIES ", alert_window='last_15m') >= 1\",\"options\":{\"threshold_windows\":"
                    "{\"trigger_window\":\"last_10m\"}}}",
          "'threshold_windows.trigger_window' is not the alert_window of the query" },
        { ANOMALIES ") >= 1\",\"options\":{\"threshold_windows\":{\"trigger_window\":"
                    "\"last_5h\"}}}",
          "a window of 'threshold_windows' is longer than the query's" },
        { ANOMALIES ") >= 1\",\"options\":{\"threshold_windows\":{\"recovery_window\":"
                    "\"last_5h\"}}}",
          "a window of 'threshold_windows' is longer than the query's" },
        { "{\"type\":\"service check\",\"query\":\"app.up.last(2).count_by_status()\"}",
          "The value provided for parameter 'query' is invalid: monitors of type 'service "
          "check' have another kind of query" },
        { SEED "\"options\":{\"thresholds\":{\"warning\":\"much\"}}}",
          "'thresholds.warning' is a number" },
        { SEED "\"options\":{\"timeout_h\":25}}",
          "'timeout_h' is a whole number from 0 to 24" },
        { SEED "\"options\":{\"timeout_h\":1.5}}",
          "'timeout_h' is a whole number from 0 to 24" },
        { SEED "\"options\":{\"notify_no_data\":1}}", "'notify_no_data' is true or false" },
        { SEED "\"options\":{\"notify_no_data\":true,\"on_missing_data\":\"resolve\"}}",
          "'on_missing_data' and 'notify_no_data' do not go together" },
        { SEED "\"options\":{\"on_missing_data\":\"x\"}}",
          "'on_missing_data' is default, show_no_data, show_and_notify_no_data or resolve" },
        { SEED "\"options\":{\"renotify_statuses\":[\"ok\"]}}",
          "'renotify_statuses' has alert, warn and no data" },
        { SEED "\"options\":{\"group_retention_duration\":\"5m\"}}",
          "'group_retention_duration' is 60m at least" },
        { SEED "\"options\":{\"group_retention_duration\":\"99999999999999999999h\"}}",
          "'group_retention_duration' is a time like 90m, 24h or 3d, no more than 72 h" },
        { SEED "\"options\":{\"notify_by\":[\"a\",\"b\"]}}",
          "'notify_by': Heeler tells of each group; coarser ones are not there" },
        { SEED "\"options\":{\"notification_preset_name\":\"hide_it\"}}",
          "'notification_preset_name' is show_all, hide_query, hide_handles, hide_all, "
          "hide_query_and_handles, hide_handles_and_footer or show_only_snapshot" },
        { SEED "\"options\":{\"scheduling_options\":{\"evaluation_window\":{}}}}",
          "'scheduling_options': Heeler evaluates each minute, and has no schedules" },
        { SEED "\"options\":{\"silenced\":{\"*\":\"soon\"}}}",
          "an end in 'silenced' is in seconds since 1970, or null" },
        { SEED "\"options\":7}", "'options' is an object" },
        { SEED "\"options\":{\"escalation_message\":\"{{#is_alert}}\"}}",
          "'escalation_message': byte 1: this block does not end: #is_alert" },
        { "{\"type\":\"composite\",\"query\":\"1\",\"message\":\"{{x\"}",
          "'message': byte 1: it does not end" },
        { "{\"type\":\"composite\",\"query\":\"1\",\"name\":7}", "'name' is a text" },
        { "{\"type\":\"composite\",\"query\":\"1\",\"tags\":[7]}",
          "'tags' is a list of texts" },
        { "{\"type\":\"composite\",\"query\":\"1\",\"priority\":6}",
          "'priority' is a whole number from 1 to 5" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct monitor monitor;
        char problem[512] = "taken";

        assert_false(monitor_read(value_of(cases[i].text), &monitor, problem, sizeof problem));
        assert_string_equal(problem, cases[i].sentence);
        assert_null(monitor.room);
    }
}

/* Such a scope would mute nobody. */
static void a_scope_that_is_too_long_is_refused(void **state)
{
    char scope[MONITOR_NAME_MAX + 1], body[2 * MONITOR_NAME_MAX], problem[256];
    struct monitor monitor;
    (void)state;

    for (int len = MONITOR_NAME_MAX - 2; len <= MONITOR_NAME_MAX; len++) {
        memset(scope, 'a', (size_t)len);
        scope[len] = '\0';
        snprintf(body, sizeof body,
                 "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:a{*} > 5\","
                 "\"options\":{\"silenced\":{\"%s\":null}}}",
                 scope);
        bool read = monitor_read(value_of(body), &monitor, problem, sizeof problem);

        assert_int_equal(read, len == MONITOR_NAME_MAX - 2);
        if (read)
            monitor_free(&monitor);
        else
            assert_non_null(strstr(problem, "a scope of 'silenced' has at most 1022 bytes"));
    }
}

static void is_muted_by_itself(void **state)
{
    static const struct slice tags[] = { { "env:prod", 8 }, { "host:a", 6 } };
    static const struct {
        const char *silenced;
        bool is;
    } cases[] = {
        { "{}", false },
        { "{\"*\":null}", true },
        { "{\"*\":1000}", false },
        { "{\"*\":1001}", true },
        { "{\"host:a\":null}", true },
        { "{\"host:b\":null}", false },
        { "{\"host:a,env:prod\":null}", true },
        { "{\"host:a,env:dev\":null}", false },
        { "{\"host:b\":null,\"env:prod\":null}", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct monitor monitor = { .silenced = value_of(cases[i].silenced) };

        assert_int_equal(monitor_is_silenced(&monitor, tags, 2, 1000), cases[i].is);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_seed),
        cmocka_unit_test(has_defaults),
        cmocka_unit_test(reads_options),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(a_scope_that_is_too_long_is_refused),
        cmocka_unit_test(is_muted_by_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
