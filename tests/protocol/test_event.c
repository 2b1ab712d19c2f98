#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/event.h"
#include "tests/support/guard.h"

#define ASSERT_SLICE(slice, text) assert_true(slice_equal(slice, SLICE(text)))

static void accepted(const char *line, struct event *out)
{
    enum parse_result result = event_parse(guarded_text(line), out);

    if (result != PARSE_OK)
        fail_msg("\"%s\": %s", line, parse_result_label(result));
}

static void reads_every_field(void **state)
{
    struct event event;
    (void)state;

    accepted("_e{5,4}:title|text|d:21|h:web|k:key|p:low|s:src|t:error|#a,b|c:id", &event);
    ASSERT_SLICE(event.title, "title");
    ASSERT_SLICE(event.text, "text");
    ASSERT_SLICE(event.host, "web");
    ASSERT_SLICE(event.aggregation_key, "key");
    ASSERT_SLICE(event.source_type, "src");
    ASSERT_SLICE(event.tags, "a,b");
    assert_int_equal(event.time_s, 21);
    assert_int_equal(event.priority, EVENT_LOW);
    assert_int_equal(event.alert, EVENT_ERROR);
    ASSERT_SLICE(event.fields, "|d:21|h:web|k:key|p:low|s:src|t:error|#a,b|c:id");
}

static void keeps_defaults_and_earlier_values_over_bad_ones(void **state)
{
    struct event event;
    (void)state;

    accepted("_e{1,0}:a|", &event);
    assert_int_equal(event.text.len, 0);
    assert_int_equal(event.priority, EVENT_NORMAL);
    assert_int_equal(event.alert, EVENT_INFO);
    assert_int_equal(event.time_s, 0);
    accepted("_e{1,1}:a|b|d:5|d:x|p:low|p:high|t:success|t:|||x|h:|d|", &event);
    assert_int_equal(event.time_s, 5);
    assert_int_equal(event.priority, EVENT_LOW);
    assert_int_equal(event.alert, EVENT_SUCCESS);
}

static void counts_bytes_and_trusts_the_lengths(void **state)
{
    struct event event;
    (void)state;

    accepted("_e{3,3}:a|b|c|d", &event); /* pipes inside */
    ASSERT_SLICE(event.title, "a|b");
    ASSERT_SLICE(event.text, "c|d");
    accepted("_e{5,4}:title|textd:5", &event); /* no byte is skipped behind the text */
    assert_int_equal(event.time_s, 5);
    accepted("_e{5,3):title|text|h:a", &event); /* the brace is not checked */
    ASSERT_SLICE(event.text, "tex");
    ASSERT_SLICE(event.host, "a");
    accepted("_e{+01,001}:a?b", &event); /* Go's integers; the pipe is not checked */
    ASSERT_SLICE(event.text, "b");
}

static void refuses_a_bad_header_or_a_short_line(void **state)
{
    static const struct {
        const char *line;
        enum parse_result why;
    } cases[] = {
        { "_e{", PARSE_EVENT_HEADER },
        { "_e{1,1}", PARSE_EVENT_HEADER }, /* no colon */
        { "_e{,}:a|b", PARSE_EVENT_HEADER },
        { "_e{1}:a|b", PARSE_EVENT_HEADER },
        { "_e{1 1}:a|b", PARSE_EVENT_HEADER }, /* no comma */
        { "_e{1,1,1}:a|b", PARSE_EVENT_HEADER },
        { "_e{ 1,1}:a|b", PARSE_EVENT_HEADER },
        { "_e{1_0,1}:a|b", PARSE_EVENT_HEADER },
        { "_e{0,1}:|b", PARSE_EVENT_HEADER }, /* a title is needed */
        { "_e{-1,1}:a|b", PARSE_EVENT_HEADER },
        { "_e{1,-1}:a|b", PARSE_EVENT_HEADER },
        { "_e{1,1}:", PARSE_EVENT_LENGTH },
        { "_e{1,0}:a", PARSE_EVENT_LENGTH }, /* no room for the pipe */
        { "_e{1,2}:a|b", PARSE_EVENT_LENGTH },
        { "_e{1,9223372036854775807}:a|b", PARSE_EVENT_LENGTH },
        { "_e{9223372036854775807,9223372036854775807}:a|b", PARSE_EVENT_LENGTH },
        { "_e{9223372036854775808,1}:a|b", PARSE_EVENT_HEADER },
    };
    struct event event;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (event_parse(guarded_text(cases[i].line), &event) != cases[i].why)
            fail_msg("\"%s\"", cases[i].line);
}

static void names_priorities_and_alerts(void **state)
{
    (void)state;
    assert_string_equal(event_priority_name(EVENT_LOW), "low");
    assert_string_equal(event_alert_name(EVENT_WARNING), "warning");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(keeps_defaults_and_earlier_values_over_bad_ones),
        cmocka_unit_test(counts_bytes_and_trusts_the_lengths),
        cmocka_unit_test(refuses_a_bad_header_or_a_short_line),
        cmocka_unit_test(names_priorities_and_alerts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
