#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/delivery/intake.h"

#define APP "https://7-83-3-app.agent."

static void base_urls_follow_site_and_dd_url(void **state)
{
    static const struct {
        const char *site, *dd_url;
        bool absolute;
        const char *want; /* NULL: refused */
    } cases[] = {
        { "", "", true, APP "datadoghq.com." },
        { NULL, NULL, true, APP "datadoghq.com." },
        { NULL, NULL, false, APP "datadoghq.com" },
        { " datadoghq.eu ", NULL, true, APP "datadoghq.eu." },
        { "us3.datadoghq.com", NULL, true, APP "us3.datadoghq.com." },
        { "ap1.datadoghq.com", NULL, false, APP "ap1.datadoghq.com" },
        { "uk1.datadoghq.com.", NULL, true, APP "uk1.datadoghq.com." }, /* dotted already */
        { "ddog-gov.com", NULL, true, APP "ddog-gov.com." },
        { "us2.ddog-gov.com", NULL, true, APP "us2.ddog-gov.com." },
        { "datad0g.com", NULL, true, APP "datad0g.com." },
        /* not Datadog's: no dot, no version */
        { "example.org", NULL, true, "https://app.example.org" },
        { "notdatadoghq.com", NULL, true, "https://app.notdatadoghq.com" },
        { "x.datadoghq.com", NULL, true, "https://app.x.datadoghq.com" },
        { "us123.datadoghq.com", NULL, true, "https://app.us123.datadoghq.com" },
        { "us3x.datadoghq.com", NULL, true, "https://app.us3x.datadoghq.com" },
        { "a.us3.datadoghq.com", NULL, true, "https://app.a.us3.datadoghq.com" },
        /* dd_url wins and stays as it is */
        { "datadoghq.eu", "http://127.0.0.1:8080", true, "http://127.0.0.1:8080" },
        { "", "https://intake.example.org/", true, "https://intake.example.org" },
        { "", "https://example.org/path//", true, "https://example.org/path" },
        { "", "https://app.example.org", true, "https://app.example.org" },
        { "", "https://vector.datadoghq.com", true, "https://vector.datadoghq.com" },
        /* unless it is a Datadog app host itself */
        { "", "https://app.datadoghq.com", true, APP "datadoghq.com" },
        { "", "https://app.datadoghq.eu.", true, APP "datadoghq.eu." },
        { "", "https://app.mrf.datadoghq.com", true, APP "mrf.datadoghq.com" },
        { "", "https://app.us5.datadoghq.com:443/x", true, APP "us5.datadoghq.com:443/x" },
        /* no URL at all */
        { "", "intake.example.org", true, NULL },
        { "", "ftp://example.org", true, NULL },
        { "", "https://", true, NULL },
        { "bad/site", NULL, true, NULL },
        { "host:1", NULL, true, NULL },
    };
    char url[INTAKE_URL_MAX];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool good = intake_base_url(cases[i].site, cases[i].dd_url, cases[i].absolute, url);

        if (good != (cases[i].want != NULL) || (good && strcmp(url, cases[i].want) != 0))
            fail_msg("site %s, dd_url %s: %s", cases[i].site, cases[i].dd_url,
                     good ? url : "refused");
    }
}

static void a_url_that_is_too_long_is_refused(void **state)
{
    char url[INTAKE_URL_MAX], text[2 * INTAKE_URL_MAX];
    (void)state;

    for (size_t len = INTAKE_URL_MAX - 12; len < sizeof text; len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        assert_false(intake_base_url(text, NULL, true, url));
        memcpy(text, "http://", 7);
        assert_int_equal(intake_base_url(NULL, text, true, url), len < INTAKE_URL_MAX);
    }
}

static void numbers_of_traces_have_a_door_of_their_own(void **state)
{
    static const struct {
        const char *site, *dd_url, *want, *validate;
    } cases[] = {
        { "", "", "https://trace.agent.datadoghq.com.",
          "https://api.datadoghq.com/api/v1/validate" },
        { "us3.datadoghq.com", NULL, "https://trace.agent.us3.datadoghq.com.",
          "https://api.us3.datadoghq.com/api/v1/validate" },
        { "example.org", NULL, "https://trace.agent.example.org",
          "https://trace.agent.example.org/api/v1/validate" },
        { "datadoghq.eu", "http://127.0.0.1:1/", "http://127.0.0.1:1",
          "http://127.0.0.1:1/api/v1/validate" },
    };
    char url[INTAKE_URL_MAX];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(intake_trace_url(cases[i].site, cases[i].dd_url, true, url));
        assert_string_equal(url, cases[i].want);
        char *validate = intake_validate_url(url);

        assert_string_equal(validate, cases[i].validate);
        free(validate);
    }
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    static const int64_t now_s = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *value;
        int64_t want_s;
    } cases[] = {
        { "0", 0 },
        { "7", 7 },
        { " 120 ", 120 },
        { "3601", 3600 }, /* an hour at most */
        { "99999999999999999999999", 3600 },
        { "Sun, 06 Nov 1994 08:49:47 GMT", 10 },
        { "Sun, 06 Nov 1994 08:49:27 GMT", 0 }, /* over */
        { "Sun, 06 Nov 2094 08:49:37 GMT", 3600 },
        { "", 0 },
        { NULL, 0 },
        { "-5", 0 },
        { "5x", 0 },
        { "soon", 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t got_s = intake_retry_after(cases[i].value, now_s);

        if (got_s != cases[i].want_s)
            fail_msg("%s: %lld", cases[i].value, (long long)got_s);
    }
}

static void only_the_end_of_a_key_is_shown(void **state)
{
    static const struct {
        const char *key, *want;
    } cases[] = {
        { "0123456789abcdef0123456789abcdef", "***cdef" },
        { "0123456789abcdef", "***cdef" },
        { "short", "***" },
        { "", "***" },
    };
    char masked[INTAKE_MASK_MAX];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        intake_mask_key(cases[i].key, masked);
        assert_string_equal(masked, cases[i].want);
    }
}

static void statuses_are_judged_as_by_the_agent(void **state)
{
    static const struct {
        long status;
        enum intake_verdict want;
    } cases[] = {
        { 200, INTAKE_DELIVERED }, { 202, INTAKE_DELIVERED }, { 204, INTAKE_DELIVERED },
        { 400, INTAKE_REFUSED },   { 413, INTAKE_TOO_LARGE }, { 403, INTAKE_FORBIDDEN },
        { 301, INTAKE_RETRY },     { 401, INTAKE_RETRY },     { 404, INTAKE_RETRY },
        { 408, INTAKE_RETRY },     { 429, INTAKE_RETRY },     { 500, INTAKE_RETRY },
        { 503, INTAKE_RETRY },     { 0, INTAKE_RETRY },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(intake_judge(cases[i].status), cases[i].want);
}

static void an_answer_in_the_log_is_short_printable_and_without_the_key(void **state)
{
    static const char key[] = "0123456789abcdef";
    struct intake intake;
    struct intake_config config = { .base_url = "http://127.0.0.1", .api_key = key };
    struct intake_request request = { .body = "bad\nkey 0123456789abcdef\x1b[31m" };
    (void)state;

    assert_true(intake_open(&intake, &config));
    assert_string_equal(intake_request_note(&request, &intake),
                        "bad key **************** [31m");
    memset(request.body, 'x', sizeof request.body - 1);
    assert_int_equal(strlen(intake_request_note(&request, &intake)), INTAKE_NOTE_LEN);
    intake_close(&intake);
}

static void an_answer_that_was_given_up_is_called_so(void **state)
{
    struct intake_request request = { .answer_len = INTAKE_ANSWER_MAX + 1,
                                      .error = "Failure writing output to destination" };
    (void)state;

    assert_string_equal(intake_request_failure(&request, CURLE_WRITE_ERROR),
                        "the answer is longer than 64 KiB");
    assert_int_equal(intake_classify(CURLE_WRITE_ERROR), ERROR_HTTP);
}

static void an_intake_opens_only_with_a_url_and_a_clean_key(void **state)
{
    static const struct {
        const char *base_url, *api_key, *name; /* NULL: refused */
    } cases[] = {
        { "http://127.0.0.1:80/", "key", "http://127.0.0.1:80" },
        { "https://user:secret@example.org/x", "key", "https://example.org:443" },
        { "http://exa mple", "key", NULL },
        { "http://127.0.0.1", "key\r\nX-Other: 1", NULL },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct intake_config config = { .base_url = cases[i].base_url,
                                        .api_key = cases[i].api_key };
        struct intake intake;

        assert_int_equal(intake_open(&intake, &config), cases[i].name != NULL);
        if (cases[i].name == NULL)
            continue;
        assert_string_equal(intake.name, cases[i].name);
        intake_close(&intake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_urls_follow_site_and_dd_url),
        cmocka_unit_test(numbers_of_traces_have_a_door_of_their_own),
        cmocka_unit_test(a_url_that_is_too_long_is_refused),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(only_the_end_of_a_key_is_shown),
        cmocka_unit_test(statuses_are_judged_as_by_the_agent),
        cmocka_unit_test(an_answer_in_the_log_is_short_printable_and_without_the_key),
        cmocka_unit_test(an_answer_that_was_given_up_is_called_so),
        cmocka_unit_test(an_intake_opens_only_with_a_url_and_a_clean_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
