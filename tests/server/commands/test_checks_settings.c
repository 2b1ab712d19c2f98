#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "config/options.h"
#include "server/commands/checks_settings.h"
#include "tests/support/with_settings.h"

/* Owned. */
static json_t *written(const struct settings *settings)
{
    struct json_out out = { .comma = false };
    json_error_t error;

    checks_settings_write(&out, settings, "h.example", "/var/lib/checks");
    assert_false(out.bytes.failed);
    json_t *root =
        json_loadb((const char *)out.bytes.at, out.bytes.len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        fail_msg("%s: %.*s", error.text, (int)out.bytes.len, (const char *)out.bytes.at);
    bytes_free(&out.bytes);
    return root;
}

static void assert_member(json_t *root, const char *name, const char *want)
{
    char *got = json_dumps(json_object_get(root, name), JSON_COMPACT | JSON_ENCODE_ANY);

    assert_string_equal(got != NULL ? got : "none", want);
    free(got);
}

/* Each member that a runner reads. */
static void a_runner_gets_what_it_needs(void **state)
{
    static const struct {
        const char *name, *want;
    } members[] = {
        { "version", "\"" HEELER_VERSION "\"" },
        { "hostname", "\"h.example\"" },
        { "confd_path", "\"/c\"" },
        { "additional_checksd", "\"/etc/heeler/checks.d\"" },
        { "integration_check_status_enabled", "true" },
        { "log_level", "\"info\"" },
        { "state_path", "\"/var/lib/checks\"" },
        { "run_timeout_s", "7" },
        { "memory_max_bytes", "536870912" },
        { "dogstatsd_socket", "\"/var/run/datadog/dsd.socket\"" },
        { "dogstatsd_address", "\"127.0.0.1:8125\"" },
        { "http", "[\"http://127.0.0.1:8127\"]" },
        { "app_key", "\"0123456789abcdef\"" },
        { "histogram_aggregates", "[\"max\",\"sum\"]" },
        { "histogram_percentiles", "[0.5,0.94999999999999996]" }, /* 0.95 */
    };
    struct settings settings;
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "confd_path=/c",
                              "integration_check_status_enabled=true",
                              "heeler_checks_run_timeout=7", "histogram_aggregates=sum max p99",
                              "histogram_percentiles=0.95 0.5 95",
                              "heeler_app_keys=0123456789abcdef fedcba9876543210"));
    json_t *root = written(&settings);

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        assert_member(root, members[i].name, members[i].want);
    /* And the settings of an Agent. */
    assert_int_equal(json_object_size(root), sizeof members / sizeof members[0] + 1);
    json_decref(root);
    settings_free(&settings);
}

static void the_server_is_found_where_it_listens(void **state)
{
    static const struct {
        char *set, *also;
        const char *udp, *http;
    } cases[] = {
        { "dogstatsd_port=9", "env=", "\"127.0.0.1:9\"", "[\"http://127.0.0.1:8127\"]" },
        { "dogstatsd_port=0", "heeler_http_listen=", "\"\"", "[]" },
        { "dogstatsd_port=__random__", "heeler_http_listen=127.0.0.1:0", "\"\"", "[]" },
        { "bind_host=192.0.2.1", "heeler_http_listen=0.0.0.0:80 [::]:81 [::1]:82",
          "\"192.0.2.1:8125\"",
          "[\"http://127.0.0.1:80\",\"http://[::1]:81\",\"http://[::1]:82\"]" },
        { "bind_host=::1", "heeler_http_listen=localhost:80 unix:///run/h.sock",
          "\"[::1]:8125\"", "[\"http://localhost:80\",\"unix:/run/h.sock\"]" },
        { "dogstatsd_non_local_traffic=true", "bind_host=192.0.2.1", "\"127.0.0.1:8125\"",
          "[\"http://127.0.0.1:8127\"]" },
        { "heeler_udp_listen=127.0.0.1:0 [::]:7 192.0.2.1:8", "env=", "\"[::1]:7\"",
          "[\"http://127.0.0.1:8127\"]" },
        { "use_dogstatsd=false", "env=", "\"\"", "[\"http://127.0.0.1:8127\"]" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings;

        assert_true(WITH_SETTINGS(&settings, cases[i].set, cases[i].also));
        json_t *root = written(&settings);
        assert_member(root, "dogstatsd_address", cases[i].udp);
        assert_member(root, "http", cases[i].http);
        json_decref(root);
        settings_free(&settings);
    }
}

/* Each with its own type, as the Agent's datadog_agent.get_config() gives it. */
static void settings_have_their_types(void **state)
{
    static const struct {
        const char *key, *want;
    } members[] = {
        { "use_dogstatsd", "true" },
        { "heeler_interval", "10" },
        { "dogstatsd_port", "0" }, /* the kernel's choice, which nobody knows here */
        { "forwarder_storage_max_disk_ratio", "0.80000000000000004" },
        { "env", "\"a \\\"b\\\"\"" },
        { "log_level", "\"debug\"" },
        { "tags", "[\"a\",\"b\"]" },
        { "dogstatsd_mapper_profiles", "[{\"name\":\"x\"}]" },
        { "enable_payloads.series", "true" },
        { "dd_url", "\"https://***@intake\"" },
    };
    struct settings settings;
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "dogstatsd_port=__random__", "env=a \"b\"",
                              "log_level=debug", "tags=a,b",
                              "dogstatsd_mapper_profiles=[{\"name\":\"x\"}]", "api_key=k",
                              "dd_url=https://user:password@intake"));
    json_t *root = written(&settings), *agent = json_object_get(root, "agent");

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        assert_member(agent, members[i].key, members[i].want);
    json_decref(root);
    settings_free(&settings);
}

/* A secret is known by its row of the table alone. */
static void no_check_gets_a_secret(void **state)
{
    struct settings settings;
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "api_key=k"));
    json_t *root = written(&settings), *agent = json_object_get(root, "agent");

    for (int i = 0; i < SETTING_COUNT; i++)
        if ((json_object_get(agent, options[i].key) != NULL) == options[i].secret)
            fail_msg("%s", options[i].key);
    json_decref(root);
    settings_free(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_runner_gets_what_it_needs),
        cmocka_unit_test(the_server_is_found_where_it_listens),
        cmocka_unit_test(settings_have_their_types),
        cmocka_unit_test(no_check_gets_a_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
