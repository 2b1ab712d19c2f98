#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "server/usable.h"
#include "tests/support/temp_file.h"
#include "tests/support/with_settings.h"

/* What is found wrong, each with the beginning of its sentence. */
static void what_would_stop_a_start_is_told(void **state)
{
    static const struct {
        char *set, *also;
        const char *sentence;
    } cases[] = {
        { "hostname=a_b", "env=", "hostname" },
        { "dogstatsd_mapper_profiles=[{\"name\":\"a\"}]", "env=", "dogstatsd_mapper_profiles" },
        { "metric_tag_filterlist=[{\"tags\":1}]", "metric_tag_filterlist_adp_only=false",
          "metric_tag_filterlist" },
        { "heeler_socket_owner=nobody-of-that-name", "dogstatsd_socket=/a",
          "heeler_socket_owner" },
        { "heeler_socket_group=nobody-of-that-name", "dogstatsd_stream_socket=/a",
          "heeler_socket_group" },
        { "heeler_rollups=60 often", "env=", "heeler_rollups" },
        { "api_key=a\nb", "env=", "api_key or additional_endpoints" },
        { "additional_endpoints={\"http://u:secret@h\":\"no list\"}", "api_key=k",
          "additional_endpoints: \"http://***@h\"" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings;
        struct usable usable;
        struct problems problems = { .n_unlisted = 0 };
        char *sets[] = { cases[i].set, cases[i].also };
        assert_true(with_settings(&settings, sets, 2));
        assert_false(usable_check(&usable, &settings, &problems));
        assert_int_equal(problems.errors.n, 1);
        if (strstr(problems.errors.at[0], cases[i].sentence) == NULL)
            fail_msg("%s: %s", cases[i].set, problems.errors.at[0]);
        problems_free(&problems);
        settings_free(&settings);
    }
}

static void what_is_not_used_may_be_wrong(void **state)
{
    struct settings settings;
    struct usable usable;
    struct problems problems = { .n_unlisted = 0 };
    char *sets[] = { "heeler_socket_owner=nobody-of-that-name",
                     "dogstatsd_socket=", "heeler_rollups=often", "heeler_rollup_max_bytes=0",
                     "hostname=h" };
    (void)state;

    assert_true(with_settings(&settings, sets, sizeof sets / sizeof sets[0]));
    assert_true(usable_check(&usable, &settings, &problems));
    assert_string_equal(usable.hostname, "h");
    problems_free(&problems);
    settings_free(&settings);
}

/* A socket in a folder where everybody may write: a warning, with an owner an error. */
static void a_folder_that_is_open_to_all_is_told(void **state)
{
    char folder[TEMP_PATH_SIZE], path[TEMP_PATH_SIZE + 32];
    struct settings settings;
    struct usable usable;
    (void)state;

    temp_folder_make(folder);
    assert_int_equal(chmod(folder, 0777), 0);
    snprintf(path, sizeof path, "dogstatsd_stream_socket=%s/s", folder);
    for (int i = 0; i < 2; i++) {
        struct problems problems = { .n_unlisted = 0 };
        char *sets[] = { path, "hostname=h", i == 0 ? "env=" : "heeler_socket_group=0" };
        assert_true(with_settings(&settings, sets, 3));
        assert_int_equal(usable_check(&usable, &settings, &problems), i == 0);
        const struct string_list *told = i == 0 ? &problems.warnings : &problems.errors;
        assert_int_equal(told->n, 1);
        assert_non_null(strstr(told->at[0], "everybody may write in"));
        problems_free(&problems);
        settings_free(&settings);
    }
    temp_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_would_stop_a_start_is_told),
        cmocka_unit_test(what_is_not_used_may_be_wrong),
        cmocka_unit_test(a_folder_that_is_open_to_all_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
