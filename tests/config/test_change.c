#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "config/change.h"
#include "tests/support/with_settings.h"

static void load(struct settings *out, char **sets, size_t n)
{
    assert_true(with_settings(out, sets, n));
}
#define LOAD(out, ...) \
    load(out, (char *[]){ __VA_ARGS__ }, sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *))

static void nothing_changes_by_loading_twice(void **state)
{
    struct settings before, after;
    struct settings_change change = { .renames = false };
    (void)state;

    LOAD(&before, "tags=a:1 b:2", "metric_tag_filterlist=[{\"a\":\"b\"}]", "heeler_interval=3");
    LOAD(&after, "tags=a:1 b:2", "metric_tag_filterlist=[{\"a\":\"b\"}]", "heeler_interval=3");
    assert_true(settings_compare(&after, &before, &change));
    assert_int_equal(change.reloaded.n, 0);
    assert_int_equal(change.needs_restart.n, 0);
    settings_change_free(&change);
    settings_free(&before);
    settings_free(&after);
}

/* One of each type that there is, both ways. */
static void what_needs_a_restart_keeps_its_value(void **state)
{
    struct settings before, after;
    struct settings_change change = { .renames = false };
    (void)state;

    LOAD(&before, "heeler_interval=3", "dogstatsd_port=1", "heeler_nap=true",
         "forwarder_storage_max_disk_ratio=0.5", "dogstatsd_socket=/a", "heeler_spread=flow",
         "heeler_rollups=60");
    LOAD(&after, "heeler_interval=4", "dogstatsd_port=2", "heeler_nap=false",
         "forwarder_storage_max_disk_ratio=0.6", "dogstatsd_socket=/b", "heeler_spread=random",
         "heeler_rollups=60 120");
    assert_true(settings_compare(&after, &before, &change));
    assert_int_equal(change.reloaded.n, 0);
    assert_int_equal(change.needs_restart.n, 7);
    assert_int_equal(after.heeler_interval, 3);
    assert_int_equal(after.dogstatsd_port, 1);
    assert_true(after.heeler_nap);
    assert_float_equal(after.forwarder_storage_max_disk_ratio, 0.5, 0);
    assert_string_equal(after.dogstatsd_socket, "/a");
    assert_string_equal(after.heeler_spread, "flow");
    assert_int_equal(after.heeler_rollups.n, 1);
    settings_free(&before); /* nothing is shared */
    assert_string_equal(after.heeler_rollups.at[0], "60");
    settings_change_free(&change);
    settings_free(&after);
}

static void what_reloads_takes_the_new_value(void **state)
{
    struct settings before, after;
    struct settings_change change = { .renames = false };
    (void)state;

    LOAD(&before, "api_key=old");
    LOAD(&after, "api_key=new", "log_level=debug");
    assert_true(settings_compare(&after, &before, &change));
    assert_int_equal(change.reloaded.n, 2);
    assert_string_equal(change.reloaded.at[0], "api_key");
    assert_string_equal(change.reloaded.at[1], "log_level");
    assert_false(change.renames);
    assert_string_equal(after.api_key, "new");

    /* A second thought: it cannot be taken over after all. */
    assert_true(settings_keep(&after, &before, &options[SETTING_api_key], &change));
    assert_int_equal(change.reloaded.n, 1);
    assert_string_equal(change.needs_restart.at[0], "api_key");
    assert_string_equal(after.api_key, "old");
    settings_change_free(&change);
    settings_free(&before);
    settings_free(&after);
}

static void tags_and_mapper_rename(void **state)
{
    static char *sets[] = { "tags=x",
                            "env=x",
                            "statsd_metric_namespace=x",
                            "metric_filterlist=x",
                            ("dogstatsd_mapper_profiles=[{\"name\":\"a\",\"prefix\":\"b\","
                             "\"mappings\":[]}]"),
                            "histogram_copy_to_distribution_prefix=x" };
    struct settings before, after;
    (void)state;

    LOAD(&before, "env=");
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        struct settings_change change = { .renames = false };
        load(&after, &sets[i], 1);
        assert_true(settings_compare(&after, &before, &change));
        if (!change.renames)
            fail_msg("%s", sets[i]);
        settings_change_free(&change);
        settings_free(&after);
    }
    settings_free(&before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changes_by_loading_twice),
        cmocka_unit_test(what_needs_a_restart_keeps_its_value),
        cmocka_unit_test(what_reloads_takes_the_new_value),
        cmocka_unit_test(tags_and_mapper_rename),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
