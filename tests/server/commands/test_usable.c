#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "server/commands/usable.h"
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
        { "heeler_history_retention=60:1d", "env=", "\"60:1d\" is not a window" },
        { "api_key=a\nb", "env=", "api_key or additional_endpoints" },
        { "additional_endpoints={\"http://u:secret@h\":5}", "api_key=k",
          "additional_endpoints: \"http://***@h\"" },
        { "dd_url=http://[h", "api_key=k", "dd_url gives no usable address" },
        { "heeler_app_keys=0123456789abcdef short",
          "env=", "--set: heeler_app_keys: key 2 has fewer than 16 characters." },
        { "proxy.https=ftp://u:secret@h", "env=", "--set: proxy.https is not the URL" },
        { "proxy.http=http://[h", "env=", "--set: proxy.http is not the URL" },
        { "heeler_chart_path=/nonexistent/x",
          "env=", "--set: heeler_chart_path: /nonexistent/x is no program: No such" },
        { "heeler_calendar_path=/nonexistent/x",
          "env=", "--set: heeler_calendar_path: /nonexistent/x is no program: No such" },
        { "heeler_dashboards_path=/nonexistent/x",
          "env=", "--set: heeler_dashboards_path: /nonexistent/x: No such" },
        { "heeler_monitors_path=/nonexistent/x",
          "env=", "--set: heeler_monitors_path: /nonexistent/x: No such" },
        { "heeler_smtp_url=smtp://relay",
          "env=", "heeler_smtp_url is set and heeler_smtp_from" },
        { "heeler_webhooks=[{\"name\":\"a\"}]", "env=", "heeler_webhooks: a: it needs a url" },
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

/* rep-005: the start logs the same. */
static void what_is_skipped_is_told(void **state)
{
    static const struct {
        char *set;
        size_t n;
        const char *first;
    } cases[] = {
        { "histogram_aggregates=max,median,avg,count", 1, /* the Agent's, not by commas */
          "histogram_aggregates: \"max,median,avg,count\" is skipped: allowed are max median "
          "avg "
          "count min sum." },
        { "histogram_aggregates=max p99", 1,
          "histogram_aggregates: \"p99\" is skipped: allowed are max median avg count min "
          "sum." },
        { "histogram_percentiles=0.5,0.95", 1,
          "histogram_percentiles: \"0.5,0.95\" is skipped: allowed are numbers from 0 to 1." },
        { "histogram_percentiles=95 99", 2,
          "histogram_percentiles: \"95\" is skipped: allowed are numbers from 0 to 1." },
        { "histogram_percentiles=0.95 0.99", 0, "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings;
        struct usable usable;
        struct problems problems = { .n_unlisted = 0 };

        assert_true(WITH_SETTINGS(&settings, "hostname=h", cases[i].set));
        assert_true(usable_check(&usable, &settings, &problems));
        assert_int_equal(problems.warnings.n, cases[i].n);
        if (cases[i].n > 0)
            assert_string_equal(problems.warnings.at[0], cases[i].first);
        problems_free(&problems);
        settings_free(&settings);
    }
}

/* Only where the past is kept on disk. */
static void levels_that_nobody_makes_or_keeps_are_told(void **state)
{
    static const struct {
        char *rollups, *kept, *path;
        size_t n;
        const char *first;
    } cases[] = {
        { "60 3600", "interval:1d 60s:1d 3600s:1d", "/a", 0, "" },
        { "60 3600", "interval:1d 1m:1d", "/a", 1, "nobody keeps windows of 3600 s" },
        { "60", "10s:1d 60s:1d 300s:1d", "/a", 1, "there are no windows of 300 s to keep" },
        { "60", "60s:1d", "/a", 1, "nobody keeps single intervals" },
        { "60", "300s:1d", "", 0, "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings;
        struct usable usable;
        struct problems problems = { .n_unlisted = 0 };
        char texts[3][100];

        snprintf(texts[0], sizeof texts[0], "heeler_rollups=%s", cases[i].rollups);
        snprintf(texts[1], sizeof texts[1], "heeler_history_retention=%s", cases[i].kept);
        snprintf(texts[2], sizeof texts[2], "heeler_state_path=%s", cases[i].path);
        assert_true(WITH_SETTINGS(&settings, "hostname=h", texts[0], texts[1], texts[2]));
        assert_true(usable_check(&usable, &settings, &problems));
        assert_int_equal(problems.warnings.n, cases[i].n);
        if (cases[i].n > 0)
            assert_non_null(strstr(problems.warnings.at[0], cases[i].first));
        problems_free(&problems);
        settings_free(&settings);
    }
}

/* The folder in place of each F. */
static char *filled(const char *text, char out[240])
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += (size_t)snprintf(out + n, 240 - n, *text == 'F' ? "%s" : "%.1s",
                              *text == 'F' ? temp_folder : text);
    return out;
}

/* One sentence that begins like this, or none. */
static void assert_list(const struct string_list *list, const char *beginning,
                        char scratch[240])
{
    assert_int_equal(list->n, beginning != NULL);
    if (beginning == NULL)
        return;
    filled(beginning, scratch);
    if (strncmp(list->at[0], scratch, strlen(scratch)) != 0)
        fail_msg("%s: %s", scratch, list->at[0]);
}

/* What the start would meet at the system. "F" is a folder with a file "file" in it. */
static void what_the_system_refuses_is_told(void **state)
{
    static const struct {
        const char *sets[3];
        const char *error, *warning; /* the beginning; NULL: none */
    } cases[] = {
        { { "env=" }, NULL, NULL },
        { { "dogstatsd_socket=F/file" },
          "--set: dogstatsd_socket F/file: it exists and is no "
          "socket.",
          NULL },
        { { "dogstatsd_socket=F/file/x/y" },
          "--set: dogstatsd_socket F/file/x/y: Not a directory.",
          NULL },
        { { "dogstatsd_stream_socket=F/new/x" }, NULL, NULL },
        { { "log_file=F/none/log" },
          "--set: log_file F/none/log cannot be written: No such file "
          "or directory.",
          NULL },
        { { "log_file=F/log" }, NULL, NULL },
        { { "log_file=F/none/log", "disable_file_logging=true" }, NULL, NULL },
        { { "heeler_ca_file=F/none" },
          "--set: heeler_ca_file F/none cannot be read: No such",
          NULL },
        { { "heeler_ca_file=F/file" }, "--set: heeler_ca_file: no certificates", NULL },
        { { "forwarder_storage_path=F/file/x", "forwarder_storage_max_size_in_bytes=1",
            "api_key=k" },
          NULL,
          "forwarder_storage_path: the spool F/file/x cannot be made: Not a directory" },
        { { "forwarder_storage_path=F/file/x", "api_key=k" }, NULL, NULL },
        { { "heeler_dead_letter_path=F/file", "api_key=k" },
          NULL,
          "heeler_dead_letter_path: F/file cannot be made: Not a directory" },
        { { "bind_host=no.such.host.invalid" }, "bind_host: \"no.such.host.invalid\"", NULL },
        { { "statsd_forward_host=localhost", "statsd_forward_port=8125" },
          "statsd_forward_host: localhost:8125 is an address that this server receives on",
          NULL },
        { { "statsd_forward_host=localhost", "statsd_forward_port=8126" }, NULL, NULL },
        { { "statsd_forward_host=127.0.0.9", "statsd_forward_port=8125",
            "dogstatsd_non_local_traffic=true" },
          "statsd_forward_host: 127.0.0.9:8125 is an address",
          NULL },
        { { "heeler_http_listen=127.0.0.1:8127 [::1]:8127 localhost:1 unix:F/new/x" },
          NULL,
          NULL },
        { { "heeler_http_listen=unix:F/file" },
          "--set: heeler_http_listen F/file: it exists and is no socket.",
          NULL },
        { { "heeler_http_listen=127.0.0.1:1 0.0.0.0:8127" },
          NULL,
          "--set: heeler_http_listen 0.0.0.0:8127 is reached by other machines, and its HTTP "
          "is not encrypted: without heeler_app_keys only health" },
        { { "heeler_http_listen=box:8127", "heeler_app_keys=0123456789abcdef" },
          NULL,
          "--set: heeler_http_listen box:8127 is reached by other machines, and its HTTP is "
          "not "
          "encrypted: whoever sees it" },
        { { "heeler_max_memory=1048576" },
          NULL,
          "default: heeler_rollup_max_bytes is 8388608" },
    };
    (void)state;

    temp_folder_put("file", "nothing");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings;
        struct problems problems = { .n_unlisted = 0 };
        char texts[5][240], *sets[4] = { (char *)(uintptr_t) "dogstatsd_socket=" };
        size_t n = 1;

        for (; n < 4 && cases[i].sets[n - 1] != NULL; n++)
            sets[n] = filled(cases[i].sets[n - 1], texts[n]);
        assert_true(with_settings(&settings, sets, n));
        usable_check_system(&settings, &problems);
        assert_list(&problems.errors, cases[i].error, texts[0]);
        assert_list(&problems.warnings, cases[i].warning, texts[0]);
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
    (void)state;

    temp_folder_make(folder);
    assert_int_equal(chmod(folder, 0777), 0);
    snprintf(path, sizeof path, "dogstatsd_stream_socket=%s/s", folder);
    for (int i = 0; i < 2; i++) {
        struct problems problems = { .n_unlisted = 0 };
        char *sets[] = { path, "hostname=h", i == 0 ? "env=" : "heeler_socket_group=0" };
        assert_true(with_settings(&settings, sets, 3));
        usable_check_system(&settings, &problems);
        const struct string_list *told = i == 0 ? &problems.warnings : &problems.errors;
        assert_int_equal(told->n, 1);
        assert_non_null(strstr(told->at[0], "everybody may write in"));
        problems_free(&problems);
        settings_free(&settings);
    }
    temp_folder_remove(folder);
}

/* ---- monitors of files ------------------------------------------------- */

/* They refuse no start, and what they are about is lost without a path. */
static void monitors_of_files_that_are_wrong_or_do_not_last_are_told(void **state)
{
    char root[TEMP_PATH_SIZE], path[TEMP_PATH_SIZE + 32],
        *paths[] = { "heeler_state_path=", "heeler_state_path=/a" };
    (void)state;

    temp_folder_make(root);
    snprintf(path, sizeof path, "heeler_monitors_path=%s", root);
    for (size_t i = 0; i < 2; i++) {
        struct settings settings;
        struct problems problems = { .n_unlisted = 0 };

        assert_true(WITH_SETTINGS(&settings, "hostname=h", path, paths[i]));
        usable_check_monitors(&settings, &problems);
        assert_int_equal(problems.warnings.n, 0); /* there are none yet */
        settings_free(&settings);
    }
    temp_folder_put_in(root, "b.json",
                       "{\"type\":\"metric alert\",\n\"query\":\"avg(last_5m) > 1\"}");
    temp_folder_put_in(root, "a.json",
                       "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:a{*} > 1\",\n"
                       "\"message\":\"@a@example.org\",\"id\":7}");
    temp_folder_put_in(root, "c.txt", "no monitor");
    temp_folder_put_in(root, "d.json", "{\"scope\":\"env:a\",\"id\":7}");
    temp_folder_put_in(root, "e.json",
                       "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:a{*} > 1\","
                       "\"id\":7}");
    for (size_t i = 0; i < 2; i++) {
        struct settings settings;
        struct problems problems = { .n_unlisted = 0 };

        assert_true(WITH_SETTINGS(&settings, "hostname=h", path, paths[i]));
        usable_check_monitors(&settings, &problems);
        assert_int_equal(problems.errors.n, 0);
        assert_int_equal(problems.warnings.n, 4 - i);
        assert_non_null(strstr(problems.warnings.at[0],
                               "/a.json, line 2: @a@example.org is not told: heeler_smtp_url"));
        assert_non_null(strstr(problems.warnings.at[1], "/b.json, line 2: The value provided"));
        assert_non_null(strstr(problems.warnings.at[2], "/e.json: its id 7 is that of a.json"));
        if (i == 0)
            assert_non_null(strstr(problems.warnings.at[3], "are forgotten at a restart"));
        problems_free(&problems);
        settings_free(&settings);
    }
    temp_folder_remove(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_would_stop_a_start_is_told),
        cmocka_unit_test(what_is_skipped_is_told),
        cmocka_unit_test(levels_that_nobody_makes_or_keeps_are_told),
        cmocka_unit_test_setup_teardown(what_the_system_refuses_is_told, temp_folder_begin,
                                        temp_folder_end),
        cmocka_unit_test(what_is_not_used_may_be_wrong),
        cmocka_unit_test(a_folder_that_is_open_to_all_is_told),
        cmocka_unit_test(monitors_of_files_that_are_wrong_or_do_not_last_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
