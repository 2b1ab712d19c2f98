#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flush/notify/receivers.h"
#include "server/commands/monitor_file.h"
#include "tests/support/temp_file.h"

static bool read_text(const char *text, char path[TEMP_PATH_SIZE], struct monitor_file *file,
                      struct problems *problems)
{
    temp_file_write(path, text, strlen(text));
    bool good = monitor_file_read(file, path, problems);

    unlink(path);
    return good;
}

/* What stands behind the path is what is wrong, and where. */
static void what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "", ", line 1, byte 1: " },
        { "{\n \"type\": \"metric alert\",\n \"query\" 1}", ", line 3, byte 10: " },
        { "[1]", ": expected an object" },
        { "{\n\"type\": \"log alert\", \"query\": \"x\"}", ", line 2: The value provided" },
        { "{\"type\": \"metric alert\",\n\n\"query\": \"avg(last_5m):avg:a{*} >> 1\"}",
          ", line 3: The value provided for parameter 'query' is invalid: column 24: " },
        { "{\"type\": \"metric alert\", \"query\": \"avg(last_5m):avg:a{*} > 1\",\n"
          "\"options\": {\n\"notify_no_data\": 3}}",
          ", line 3: 'notify_no_data' is true or false" },
        { "{\"type\": \"metric alert\", \"query\": \"avg(last_5m):avg:a{*} > 1\",\n"
          "\"options\": {\n\"thresholds\": {\"critical\": 2}}}",
          ", line 3: Alert threshold (2.0) does not match that used in the query (1.0)." },
        { "{\"type\": \"metric alert\", \"query\": \"avg(last_5m):avg:a{*} > 1\",\n"
          "\"message\": \"{{#is_alert}}\"}",
          ", line 2: 'message': byte 1: this block does not end: #is_alert" },
        { "{\"scope\": 3}", ": Invalid scope parameter" },
        { "{\"scope\": \"*\",\n\"timezone\": \"Nowhere/City\"}",
          ": there is no time zone of that name: Nowhere/City" },
        { "{\"scope\": \"*\", \"start\": 1, \"end\": 2, \"recurrence\": {\"type\": \"rrule\", "
          "\"rrule\": \"FREQ=OFTEN\"}}",
          ": a rule of RFC 5545 has no FREQ=OFTEN" },
    };
    char path[TEMP_PATH_SIZE];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problems problems = { 0 };
        struct monitor_file file;

        assert_false(read_text(cases[i].text, path, &file, &problems));
        assert_int_equal(problems.errors.n, 1);
        const char *said = problems.errors.at[0];

        if (strncmp(said, path, strlen(path)) != 0 ||
            strncmp(said + strlen(path), cases[i].says, strlen(cases[i].says)) != 0)
            fail_msg("%s\n%s", cases[i].text, said);
        monitor_file_free(&file);
        problems_free(&problems);
    }
}

static void what_is_no_file_is_told(void **state)
{
    struct problems problems = { 0 };
    struct monitor_file file;
    (void)state;

    assert_false(monitor_file_read(&file, "/nowhere/monitor.json", &problems));
    monitor_file_free(&file);
    assert_false(monitor_file_read(&file, "/", &problems));
    monitor_file_free(&file);
    assert_string_equal(problems.errors.at[0],
                        "/nowhere/monitor.json: No such file or directory");
    assert_string_equal(problems.errors.at[1], "/: Is a directory");
    problems_free(&problems);
}

static void a_downtime_is_none_of_a_monitor(void **state)
{
    static const char *const texts[] = {
        "{\"scope\": \"env:a\", \"start\": 1800000000, \"end\": 1800003600}",
        "{\"monitor_identifier\": {\"monitor_id\": 1}, \"scope\": \"env:a\", \"schedule\": "
        "null}",
    };
    char path[TEMP_PATH_SIZE];
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct problems problems = { 0 };
        struct monitor_file file;

        if (!read_text(texts[i], path, &file, &problems))
            fail_msg("%s", problems.errors.at[0]);
        assert_true(file.is_downtime);
        monitor_file_survey(&file, NULL, &problems);
        assert_int_equal(problems.warnings.n, 0);
        monitor_file_free(&file);
    }
}

static bool is_warned(const struct problems *problems, const char *of)
{
    for (size_t i = 0; i < problems->warnings.n; i++)
        if (strstr(problems->warnings.at[i], of) != NULL)
            return true;
    return false;
}

/* In whichever block it stands. */
static void what_does_not_what_it_looks_like_is_a_warning(void **state)
{
    static const char text[] =
        "{\"type\": \"metric alert\",\n\"query\": \"avg(last_5m):avg:a{*} by {host,env} > "
        "1\",\n"
        "\"id\": 3, \"name\": \"{{env.name}} {{nmae}} @x@y.org\", \"mesage\": \"\",\n"
        "\"message\": \"{{#is_warning}}{{vaule}} {{host.ip}} {{host.role}} {{env.name}} "
        "{{role.name}} {{host.metadata_cpu}} "
        "@a@example.org{{else}} @b@example.org @webhook-x @c-{{env.name}} {{vaule}}"
        "{{/is_warning}}\",\n\"options\": {\"renotify_intervall\": 3, \"locked\": true,\n"
        "\"escalation_message\": \"@d@example.org\"}}";
    static const char *const wanted[] = {
        ", line 3: \"mesage\" is not known",
        ", line 3: {{nmae}} is not known",
        ", line 5: \"renotify_intervall\" of options is not known",
        ", line 4: {{vaule}} is not known",
        ", line 4: {{role.name}} is not known",
        ", line 4: {{host.metadata_cpu}} is not known",
        ", line 4: @b@example.org is not told: heeler_mail_to does not have it",
        ", line 4: @webhook-x is not told: heeler_webhooks has none of that name",
        ", line 4: @c-{{env.name}} is not told: an address is never made of variables",
        ", line 6: @d@example.org is not told",
    };
    static char allowed[] = "a@example.org", *mail_to[] = { allowed };
    struct receivers receivers = { .has_mail = true, .mail_to = mail_to, .n_mail_to = 1 };
    struct problems problems = { 0 };
    struct monitor_file file;
    char path[TEMP_PATH_SIZE];
    (void)state;

    if (!read_text(text, path, &file, &problems))
        fail_msg("%s", problems.errors.at[0]);
    monitor_file_survey(&file, &receivers, &problems);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!is_warned(&problems, wanted[i]))
            fail_msg("nothing says %s", wanted[i]);
    assert_int_equal(problems.warnings.n, sizeof wanted / sizeof wanted[0]);
    problems_free(&problems);
    problems = (struct problems){ 0 };
    monitor_file_survey(&file, NULL, &problems); /* receivers are not known */
    assert_int_equal(problems.warnings.n, 6);
    problems_free(&problems);
    monitor_file_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(what_is_no_file_is_told),
        cmocka_unit_test(a_downtime_is_none_of_a_monitor),
        cmocka_unit_test(what_does_not_what_it_looks_like_is_a_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
