#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/sinks.h"
#include "tests/support/fake_intake.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"
#include "tests/support/with_settings.h"

static void each_pair_of_url_and_key_is_one_sink(void **state)
{
    static const struct {
        char *more;
        size_t n; /* 0: refused */
        const char *why;
    } cases[] = {
        { "additional_endpoints={}", 1, "the main one alone" },
        { "additional_endpoints={\"http://a\":[\"x\",\"y\"]}", 3, "two keys" },
        { "additional_endpoints={\"http://a\":[\"x\",\"x\"]}", 2, "a key twice" },
        { "additional_endpoints={\"http://a\":[\"x\"],\"http://a/\":[\"x\"]}", 2,
          "a URL twice" },
        { "additional_endpoints={\"http://main\":[\"k\"]}", 1, "the main one again" },
        { "additional_endpoints={\"http://main\":[\"x\"]}", 2, "another key of the main one" },
        { "additional_endpoints={\"http://a\":[]}", 1, "no key" },
        { "additional_endpoints={\"http://a\":[\"\"]}", 1, "an empty key" },
        { "additional_endpoints={\"http://a\":[\" \",null,\"x\"]}", 2, "empty keys and one" },
        { "additional_endpoints={\"http://a\":[\"x\",\" x\\n\"]}", 2, "blanks around it" },
        { "additional_endpoints={\"http://a\":\"x\"}", 2, "one key, no list" },
        { "additional_endpoints={\"http://a\":\"x y\"}", 3, "two keys in one text" },
        { "additional_endpoints={\"http://a\":null}", 1, "nothing" },
        { "additional_endpoints={\"\":[\"x\"]}", 1, "no URL" },
        { "additional_endpoints={\"http://[a\":[\"x\"]}", 0, "a URL that is none" },
        { "additional_endpoints={\"http://a\":5}", 0, "a number" },
        { "additional_endpoints={\"http://a\":[1]}", 0, "no text" },
        { "additional_endpoints={\"nonsense\":[\"x\"]}", 0, "no URL" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings;
        struct sinks sinks;
        char problem[256];

        assert_true(WITH_SETTINGS(&settings, "dd_url=http://main", "api_key=k", cases[i].more));
        bool read = sinks_read(&sinks, &settings, problem, sizeof problem);

        if (read != (cases[i].n > 0) || (read && sinks.n != cases[i].n))
            fail_msg("%s: %zu", cases[i].why, sinks.n);
        sinks_free(&sinks);
        settings_free(&settings);
    }
}

static void local_mode_has_one_sink_without_a_url(void **state)
{
    struct settings settings;
    struct sinks sinks;
    char problem[256];
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "api_key="));
    assert_true(sinks_read(&sinks, &settings, problem, sizeof problem));
    assert_int_equal(sinks.n, 1);
    assert_null(sinks.at[0].base_url);
    sinks_free(&sinks);
    settings_free(&settings);
}

/* One door of the first intake, behind all others; additional_endpoints have none. */
static void numbers_of_traces_go_to_one_more_sink_if_they_are_to(void **state)
{
    static const struct {
        char *set;
        bool has;
    } cases[] = {
        { "apm_config.forward_stats=false", false },
        { "apm_config.forward_stats=true", true },
        { "apm_config.enabled=false", false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings;
        struct sinks sinks;
        char problem[256];

        assert_true(WITH_SETTINGS(&settings, "dd_url=http://main", "api_key=k",
                                  "apm_config.apm_dd_url=http://main",
                                  "apm_config.enabled=true", "apm_config.forward_stats=true",
                                  "additional_endpoints={\"http://a\":[\"x\"]}", cases[i].set));
        assert_true(sinks_read(&sinks, &settings, problem, sizeof problem));
        assert_int_equal(sinks.n, cases[i].has ? 3 : 2);
        assert_int_equal(sinks_have_traces(&sinks), cases[i].has);
        assert_int_equal(sinks.at[1].door, DOOR_METRICS);
        if (cases[i].has)
            assert_string_equal(sinks.at[2].base_url, "http://main");
        sinks_free(&sinks);
        settings_free(&settings);
    }
}

/* The largest: an interval may end before anything has come. -1: there is none. */
static double value_of(const json_t *items, const char *name)
{
    const json_t *item;
    double largest = -1;
    size_t i;

    json_array_foreach(items, i, item)
    {
        const char *metric = json_string_value(json_object_get(item, "metric"));
        double value;

        if (metric != NULL && strcmp(metric, name) == 0 &&
            json_unpack((json_t *)(uintptr_t)item, "{s:[[i,f]]}", "points", &(int){ 0 },
                        &value) == 0 &&
            value > largest)
            largest = value;
    }
    return largest;
}

static void both_intakes_get_everything_and_what_the_server_says_of_itself(void **state)
{
    struct fake_intake *fakes[2] = { fake_intake_start(), fake_intake_start() };
    static struct running running;
    char url[96], more[128];
    (void)state;

    snprintf(url, sizeof url, "dd_url=%s", fake_intake_url(fakes[0]));
    snprintf(more, sizeof more, "additional_endpoints={\"%s\":[\"other\"]}",
             fake_intake_url(fakes[1]));
    assert_true(RUNNING_START(&running, NULL, url, "api_key=k", more, "heeler_interval=60",
                              "heeler_self_telemetry=true"));
    int fd = udp_sender(running_listener(&running, 0));

    udp_send(fd, "hits:5|g");
    assert_true(running_until(&running, running_datagrams, 1));
    assert_true(running_stop(&running));
    for (int i = 0; i < 2; i++) {
        json_t *items = fake_intake_items(fakes[i], "/api/v2/series");

        assert_true(value_of(items, "hits") == 5);
        assert_true(value_of(items, "datadog.dogstatsd.running") == 1);
        assert_true(value_of(items, "heeler.lines.received") == 1);
        assert_true(value_of(items, "heeler.ledger.imbalance") == 0);
        assert_string_equal(fake_request_header(fake_intake_request(fakes[i], 0), "dd-api-key"),
                            i == 0 ? "k" : "other");
        json_decref(items);
    }
    assert_string_equal(running_imbalance(&running), "0/0/0");
    close(fd);
    running_free(&running);
    fake_intake_stop(fakes[0]);
    fake_intake_stop(fakes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_of_url_and_key_is_one_sink),
        cmocka_unit_test(local_mode_has_one_sink_without_a_url),
        cmocka_unit_test(numbers_of_traces_go_to_one_more_sink_if_they_are_to),
        cmocka_unit_test(both_intakes_get_everything_and_what_the_server_says_of_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
