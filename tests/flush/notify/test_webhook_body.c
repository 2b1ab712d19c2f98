#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "flush/notify/secrets_out.h"
#include "flush/notify/webhook_body.h"
#include "tests/support/guard.h"

static struct notification example(void)
{
    return (struct notification){
        .id = "7.0123456789abcdef.warn.1796061600.1",
        .monitor = 7,
        .transition = { MONITOR_ALERT, MONITOR_WARN, 1796061600, 1, true, false },
        .raised_s = 1796061601,
        .value = 512.5,
        .has_value = true,
        .priority = 2,
        .group = SLICE("env:prod,host:a"),
        .title = SLICE("[Re-Warn] load"),
        .text = SLICE("line \"one\"\nline two"),
        .tags = SLICE("team:x,env:prod"),
        .link = SLICE("http://h/#/monitor?id=7"),
        .query = SLICE("avg(last_5m):avg:system.load.1{*} by {host} > 800"),
    };
}

/* What the body becomes; a view until the next. */
static const char *written(const char *body, const struct notification *of)
{
    static struct bytes out;

    bytes_clear(&out);
    assert_true(webhook_body_write(body, of, &out));
    bytes_add(&out, "", 1);
    assert_false(out.failed);
    return (const char *)out.at;
}

static void a_variable_is_escaped_for_where_it_stands(void **state)
{
    static const struct {
        const char *body, *becomes;
    } cases[] = {
        { "\"$EVENT_TITLE\"", "\"[Re-Warn] load\"" },
        { "$EVENT_TITLE", "\"[Re-Warn] load\"" },
        { "\"$ALERT_ID\"", "\"7\"" },
        { "$ALERT_ID", "7" },
        { "\"$EVENT_MSG\"", "\"line \\\"one\\\"\\nline two\"" },
        { "\"x$TEXT_ONLY_MSG\"", "\"xline \\\"one\\\"\\nline two\"" },
        { "\"\\\"$ALERT_ID\\\\\"", "\"\\\"7\\\\\"" },
        { "{\"a\":\"\\\\\",\"b\":$ALERT_ID}", "{\"a\":\"\\\\\",\"b\":7}" },
        { "\"$TAGS|$TAGS[team]|$TAGS[env]$TAGS[x]|$TAGS[te]\"", "\"team:x,env:prod|x|prod|\"" },
        { "[$TAGS[team],\"$TAGS[]$TAGS[a\"]",
          "[\"x\",\"team:x,env:prod[]team:x,env:prod[a\"]" },
        { "\"$NOTHING_KNOWN $ $$ID $id $IDX $\"",
          "\"$NOTHING_KNOWN $ $7.0123456789abcdef.warn.1796061600.1 $id $IDX $\"" },
        { "\"$ALERT_TRANSITION/$ALERT_TYPE/$ALERT_PRIORITY/$PRIORITY\"",
          "\"Re-Warn/warning/P2/normal\"" },
        { "\"$ALERT_METRIC|$METRIC_NAMESPACE|$HOSTNAME|$ALERT_SCOPE\"",
          "\"system.load.1|system|a|env:prod,host:a\"" },
        { "\"$AGGREG_KEY $ALERT_CYCLE_KEY\"", "\"7.0123456789abcdef 7.0123456789abcdef\"" },
        { "\"$ALERT_STATUS\"", "\"Warn: avg(last_5m):avg:system.load.1{*} by {host} > 800 over "
                               "env:prod,host:a (512.5)\"" },
        { "[$DATE,$DATE_POSIX,$LAST_UPDATED,$ORG_ID]",
          "[1796061601000,1796061601,1796061601000,1]" },
        { "\"$LINK $TAGS$SNAPSHOT$USER\"", "\"http://h/#/monitor?id=7 team:x,env:prod\"" },
        { "\"$ALERT_TITLE_X\"", "\"$ALERT_TITLE_X\"" },
    };
    struct notification of = example();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(written(cases[i].body, &of), cases[i].becomes);
}

static void the_usual_body_says_all(void **state)
{
    struct notification of = example();
    (void)state;

    json_t *body = json_loads(written(NULL, &of), 0, NULL);
    assert_non_null(body);
    assert_string_equal(json_string_value(json_object_get(body, "id")), of.id);
    assert_string_equal(json_string_value(json_object_get(body, "body")),
                        "line \"one\"\nline two");
    assert_string_equal(json_string_value(json_object_get(body, "alert_id")), "7");
    json_decref(body);
}

/* Whatever values are, the body has the members that its author wrote. */
static void no_value_changes_the_body(void **state)
{
    static const struct slice hostile[] = {
        SLICE("\",\"admin\":true,\"x\":\""),
        SLICE("\\"),
        SLICE("\\\",\"a\":\""),
        SLICE("\r\n\r\n{}"),
        SLICE("a\0b"),
        SLICE("\xff\xc3"),
        SLICE("$EVENT_MSG$ID"),
        SLICE("<b>'\""),
        SLICE("{{value}} @victim@x.org"),
        SLICE("\xe2\x80\xa8"),
        SLICE(""),
        SLICE("\x01\x1f\x7f"),
    };
    static const char body[] =
        "{\"a\":\"$EVENT_TITLE\",\"b\":$EVENT_MSG,\"c\":[\"$TAGS\"],"
        "\"d\":\"$ALERT_SCOPE$HOSTNAME$LINK$ALERT_STATUS$ALERT_METRIC\"}";
    (void)state;

    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct notification of = example();
        struct slice text = guarded(hostile[i].at, hostile[i].len);
        json_error_t error;

        of.title = of.text = of.tags = of.group = of.link = of.query = text;
        json_t *read = json_loads(written(body, &of), JSON_ALLOW_NUL, &error);
        if (read == NULL)
            fail_msg("%zu: %s", i, error.text);
        assert_int_equal(json_object_size(read), 4);
        assert_true(json_is_string(json_object_get(read, "b")));
        assert_int_equal(json_array_size(json_object_get(read, "c")), 1);
        json_decref(read);
    }
}

static void what_is_no_json_is_not_fit(void **state)
{
    static const struct {
        const char *body;
        bool fit;
    } cases[] = {
        { "{\"a\":\"$ID\"}", true },
        { "[$ALERT_ID, $ID]", true },
        { "\"$UNKNOWN\"", true },
        { "$ID", true },
        { "", false },
        { "$UNKNOWN", false },
        { "{\"a\":\"$ID\"", false },
        { "payload=$ID", false },
        { "{\"a\":1$ID}", false },
        { "{\"a\\\":\"$ID\"}", false },
        { "{$ID:1}", true },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (webhook_body_is_fit(guarded_text(cases[i].body)) != cases[i].fit)
            fail_msg("%s", cases[i].body);
}

static void a_body_has_a_bound(void **state)
{
    static char body[60000], text[64 << 10];
    struct notification of = example();
    struct bytes out = { 0 };
    (void)state;

    for (size_t i = 0; i + 12 < sizeof body; i += 10)
        memcpy(body + i, i == 0 ? "\"$EVENT_MSG" : "$EVENT_MSG\"", 11);
    memset(text, 'x', sizeof text);
    of.text = (struct slice){ text, sizeof text };
    assert_false(webhook_body_write(body, &of, &out));
    assert_true(out.len <= WEBHOOK_OUT_MAX + 2 * sizeof text);
    bytes_free(&out);
}

static void secrets_are_taken_out_of_answers(void **state)
{
    static const struct {
        const char *text, *secret, *becomes;
    } cases[] = {
        { "Cannot POST /hook/abcdef123", "https://h.example.org/hook/abcdef123?key=zyxwvu",
          "Cannot POST /hook/*********" },
        { "zyxwvu and zyxwvu", "https://h/hook?key=zyxwvu", "****** and ******" },
        { "at h.example.org", "https://h.example.org/", "at *************" },
        { "Bearer s3cret-s3cret", ": Bearer s3cret-s3cret", "****** *************" },
        { "nothing", "", "nothing" },
        { "", "https://h.example.org", "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[100];

        snprintf(text, sizeof text, "%s", cases[i].text);
        secrets_out(text, cases[i].secret);
        assert_string_equal(text, cases[i].becomes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_is_escaped_for_where_it_stands),
        cmocka_unit_test(the_usual_body_says_all),
        cmocka_unit_test(no_value_changes_the_body),
        cmocka_unit_test(what_is_no_json_is_not_fit),
        cmocka_unit_test(a_body_has_a_bound),
        cmocka_unit_test(secrets_are_taken_out_of_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
