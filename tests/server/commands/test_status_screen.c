#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/shown.h"
#include "server/commands/status_screen.h"

static char *screen(const char *json)
{
    json_error_t error;
    json_t *status = json_loads(json, JSON_ALLOW_NUL, &error);
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (status == NULL)
        fail_msg("%s", error.text);
    status_screen_print(status, out);
    fclose(out);
    json_decref(status);
    return text;
}

static void assert_shown(const char *json, const char *line)
{
    char *text = screen(json);

    if (strstr(text, line) == NULL)
        fail_msg("no \"%s\" in\n%s", line, text);
    free(text);
}

static void numbers_are_such_as_a_person_reads(void **state)
{
    (void)state;
    assert_shown(
        "{\"ledger\":{\"received\":{\"datagrams\":1234567,\"lines\":12,\"bytes\":2048}}}",
        "received    1,234,567 datagrams, 12 lines, 2.0 KiB;");
    assert_shown("{\"rates\":{\"now\":{\"lines\":12.34,\"values\":1000.5,\"bytes\":3e9}}}",
                 "12.3 lines/s, 1,000 values/s, 0 datagrams/s, 2.8 GiB/s");
    assert_shown("{\"uptime_s\":93784}", "up 1 d 2 h,");
    assert_shown("{\"uptime_s\":-5}", "up 0 s,");
    assert_shown("{\"uptime_s\":1e300,\"pid\":1e300}", "pid 1e+300, up 0 s,");
}

static void the_reasons_that_lost_most_are_named(void **state)
{
    (void)state;
    assert_shown(
        "{\"ledger\":{\"parsed\":{\"rejected\":9,\"rejected_by_reason\":{\"no_type\":1,"
        "\"bad_type\":4,\"no_colon\":0,\"no_name\":1,\"bad_rate\":3}}}}",
        "rejected 9: bad_type 4, bad_rate 3, no_type 1\n");
}

static void an_intake_says_how_it_stands(void **state)
{
    (void)state;
    assert_shown("{\"now_ms\":60000,\"endpoints\":[{\"url\":\"https://i.example\",\"key\":\"***"
                 "cdef\",\"key_state\":\"valid\",\"state\":\"blocked\",\"retry_in_ms\":2000,"
                 "\"last_answer\":{\"at_ms\":57000,\"status\":503},\"queued_bytes\":4096}]}",
                 "intake      https://i.example, key ***cdef valid\n"
                 "              blocked for 2 s; last answer 503, 3 s ago; queue 4.0 KiB, "
                 "spool 0 B\n");
    assert_shown(
        "{\"now_ms\":60000,\"endpoints\":[{\"last_answer\":{\"at_ms\":57000,\"status\":0,"
        "\"error\":\"dns\"}}]}",
        "last error dns, 3 s ago");
    assert_shown("{\"endpoints\":[{}]}", "no answer yet");
}

static void a_thread_that_hangs_stands_near_the_top(void **state)
{
    (void)state;
    assert_shown("{\"threads\":[{\"name\":\"flusher\",\"silent_ms\":45000,\"turns\":false},"
                 "{\"name\":\"delivery\",\"turns\":true}]}",
                 "hangs       flusher: no turn for 45 s\nrates");
}

static void findings_are_wrapped_and_none_is_said(void **state)
{
    (void)state;
    assert_shown("{}", "findings    none\n");
    assert_shown(
        "{\"findings\":[{\"id\":\"kernel_drops\",\"severity\":\"error\",\"since_s\":1700000000,"
        "\"sentence\":\"aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb "
        "ccccccccccccccccc "
        "ddd\",\"mend\":\"sysctl x=1\"}]}",
        "  error: kernel_drops, since 2023-11-14 22:13:20Z\n"
        "    aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb ccccccccccccccccc\n"
        "    ddd\n"
        "    -> sysctl x=1\n");
}

/* Whatever somebody answers who is no heeler. */
static void no_text_of_an_answer_reaches_the_terminal_as_it_is(void **state)
{
    static const char bad[] = "\\u001b[2J\\u009b<img onerror=x>\\u202e\\u0000";
    char json[2000];
    (void)state;

    snprintf(
        json, sizeof json,
        "{\"version\":\"%s\",\"host\":\"%s\",\"pid\":\"%s\",\"series\":{\"tag_keys\":[{"
        "\"key\":\"%s\",\"values\":7}]},\"listeners\":[{\"name\":\"%s\"}],\"endpoints\":[{"
        "\"url\":\"%s\"}],\"findings\":[{\"id\":\"%s\",\"sentence\":\"%s\",\"mend\":\"%s\"}],"
        "\"ledger\":{\"parsed\":{\"rejected_by_reason\":{\"\\u001b[1m\":1}}},\"redis\":{}}",
        bad, bad, bad, bad, bad, bad, bad, bad, bad);
    char *text = screen(json);
    size_t n = strlen(text), len;
    for (size_t i = 0; i < n; i += len)
        if (!shown_is_plain(text + i, n - i, &len) && text[i] != '\n')
            fail_msg("byte %zu: %s", i, text);
    assert_non_null(strstr(text, "\\x1b[2J\\xc2\\x9b<img onerror=x>\\xe2\\x80\\xae"));
    free(text);
}

static void members_of_other_types_are_nothing(void **state)
{
    (void)state;
    free(screen(
        "{\"ledger\":7,\"findings\":{\"a\":1},\"threads\":\"x\",\"endpoints\":[1,null,[]],"
        "\"listeners\":[[]],\"series\":[],\"rates\":{\"now\":[1]},\"memory\":null}"));
    json_t *status = json_pack("{s:s,s:{},s:[]}", "version", "1", "ledger", "findings");
    assert_true(status_screen_is_status(status));
    json_object_del(status, "ledger");
    assert_false(status_screen_is_status(status));
    json_decref(status);
    assert_false(status_screen_is_status(NULL));
}

/* Calm: those that fail are the first, and there are ten at most. */
static void checks_that_fail_stand_first(void **state)
{
    static const char fails[] =
        "{\"now_ms\":100000,\"checks\":{\"silent_ms\":3000,\"last\":{\"all\":2,\"states\":{"
        "\"ok\":"
        "1,\"error\":1,\"killed\":0},\"problems\":[\"b.yaml:5: a "
        "tab\"],\"instances\":[{\"name\":"
        "\"pg\\u001b\",\"state\":\"error\",\"last_run\":88,\"seconds\":0.25,\"metrics\":0,"
        "\"error\":"
        "\"no such host\",\"source\":\"pg.yaml:3\"},{\"name\":\"a\",\"state\":\"ok\"}]}}}";
    (void)state;

    assert_shown(fails, "\nchecks      2 instances: 1 ok, 1 error; heard of 3 s ago\n"
                        "  wrong: b.yaml:5: a tab\n"
                        "  error: pg\\x1b, ran 12 s ago in 0.25 s, points: 0\n"
                        "    no such host\n"
                        "    -> pg.yaml:3\n"
                        "  ok: a\n"
                        "\nfindings");
    assert_shown("{\"checks\":{\"last\":{\"all\":0,\"ended\":true,\"instances\":[]}}}",
                 "\nchecks      0 instances; their runner ended 0 s ago\n");
    assert_shown(
        "{\"checks\":{\"last\":{\"all\":1234,\"instances\":[{},{},{},{},{},{},{},{},{},{},"
        "{\"name\":\"not shown\"}]}}}",
        "  : \n  and 1224 more: the page shows them (Checks)\n");
    char *text = screen("{\"checks\":null}");
    assert_null(strstr(text, "checks"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_such_as_a_person_reads),
        cmocka_unit_test(the_reasons_that_lost_most_are_named),
        cmocka_unit_test(an_intake_says_how_it_stands),
        cmocka_unit_test(a_thread_that_hangs_stands_near_the_top),
        cmocka_unit_test(findings_are_wrapped_and_none_is_said),
        cmocka_unit_test(no_text_of_an_answer_reaches_the_terminal_as_it_is),
        cmocka_unit_test(members_of_other_types_are_nothing),
        cmocka_unit_test(checks_that_fail_stand_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
