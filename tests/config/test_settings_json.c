#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/settings_json.h"
#include "tests/support/with_settings.h"

/* The text that is told of that setting. */
static void assert_told(const json_t *told, const char *key, const char *want)
{
    assert_string_equal(json_string_value(json_object_get(told, key)), want);
}

static void values_are_told_as_they_may_be_set(void **state)
{
    struct settings settings;
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "env=dev", "tags=[\"a b\",\"c\"]", "heeler_interval=7",
                              "histogram_percentiles=0.5 0.99", "dogstatsd_port=__random__",
                              "use_v2_api.series=false"));
    json_t *told = settings_json(&settings);

    assert_told(told, "env", "dev");
    assert_told(told, "tags", "[\"a b\",\"c\"]");
    assert_told(told, "heeler_interval", "7");
    assert_told(told, "dogstatsd_port", "__random__");
    assert_told(told, "use_v2_api.series", "false");
    json_decref(told);
    settings_free(&settings);
}

static void no_secret_is_told(void **state)
{
    struct settings settings;
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "api_key=0123456789abcdef0123456789abcdef",
                              "dd_url=http://me:hunter22@127.0.0.1:1",
                              "heeler_app_keys=application-key-1",
                              "heeler_redis_url=redis://me:hunter22@127.0.0.1:1"));
    json_t *told = settings_json(&settings);
    char *text = json_dumps(told, 0);

    assert_null(strstr(text, "0123456789abcdef"));
    assert_null(strstr(text, "hunter22"));
    assert_null(strstr(text, "application-key-1"));
    free(text);
    json_decref(told);
    settings_free(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_told_as_they_may_be_set),
        cmocka_unit_test(no_secret_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
