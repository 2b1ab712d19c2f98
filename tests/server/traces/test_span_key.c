/* What of a span's tags becomes a part of its key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "server/traces/span_key.h"

#define KIND(kind)                           \
    {                                        \
        SLICE("span.kind"), slice_of((kind)) \
    }

static void assert_peers(const struct span_meta *meta, uint32_t n_meta, const char *expected,
                         size_t len)
{
    const struct span span = { .meta = meta, .n_meta = n_meta };
    struct span_key key = { .http_status = 0 };
    struct bytes scratch = { 0 };

    span_key_add_span(&key, &span, true, &scratch);
    assert_int_equal(key.peer_tags.len, len);
    if (len > 0)
        assert_memory_equal(key.peer_tags.at, expected, len);
    span_key_add_span(&key, &span, false, &scratch);
    assert_int_equal(key.peer_tags.len, 0);
    bytes_free(&scratch);
}

#define ASSERT_PEERS(meta, expected) \
    assert_peers((meta), sizeof(meta) / sizeof((meta)[0]), (expected), sizeof(expected) - 1)

static void each_key_is_found_and_none_that_is_like_it(void **state)
{
    char longer[64], expected[64];
    (void)state;

    for (size_t i = 0; span_peer_key(i) != NULL; i++) {
        struct slice name = slice_of(span_peer_key(i));
        struct span_meta meta[] = { KIND("client"), { name, SLICE("v") } };
        int len = snprintf(expected, sizeof expected, "%s:v%c", name.at, '\0');

        assert_peers(meta, 2, expected, (size_t)len);
        snprintf(longer, sizeof longer, "%s-", name.at);
        meta[1].key = slice_of(longer);
        assert_peers(meta, 2, "", 0);
        meta[1].key = (struct slice){ longer + 1, name.len };
        assert_peers(meta, 2, "", 0);
    }
}

static void they_are_sorted_and_the_last_of_several_counts(void **state)
{
    const struct span_meta meta[] = {
        { SLICE("topicname"), SLICE("t") },
        { SLICE("db.name"), SLICE("first") },
        { SLICE("db.name"), SLICE("last") },
        { SLICE("amqp.queue"), SLICE("q") },
        { SLICE("out.host"), SLICE("") },
        { SLICE(""), SLICE("nameless") },
        KIND("Producer"),
    };
    (void)state;

    ASSERT_PEERS(meta, "amqp.queue:q\0db.name:last\0topicname:t\0");
}

static void a_value_that_is_empty_at_last_is_none(void **state)
{
    const struct span_meta meta[] = {
        KIND("consumer"),
        { SLICE("db.name"), SLICE("first") },
        { SLICE("db.name"), SLICE("") },
    };
    (void)state;

    ASSERT_PEERS(meta, "");
}

static void what_calls_nobody_has_its_base_service_alone(void **state)
{
    const struct span_meta internal[] = {
        KIND("internal"),
        { SLICE("db.name"), SLICE("a") },
        { SLICE("_dd.base_service"), SLICE("shop") },
    };
    const struct span_meta server[] = { KIND("server"), internal[1], internal[2] };
    (void)state;

    ASSERT_PEERS(internal, "_dd.base_service:shop\0");
    assert_peers(internal + 1, 2, "_dd.base_service:shop\0", 22);
    ASSERT_PEERS(server, "");
}

/* v0.5 and v0.7 say a text once for any number of spans, each of which is found by all texts of
 * its key. */
static void no_text_of_a_key_is_longer_than_a_tag_s_value(void **state)
{
    static char text[100000];
    struct slice is = { text, sizeof text };
    const struct span_meta meta[] = {
        { SLICE("span.kind"), is }, { SLICE("http.method"), is }, { SLICE("http.route"), is },
        { SLICE("grpc.code"), is }, { SLICE("version"), is },
    };
    const struct span_meta calls[] = { KIND("client"), { SLICE("db.name"), is } };
    struct span span = { .meta = meta, .n_meta = sizeof meta / sizeof meta[0] };
    const struct trace trace = { .spans = &span, .n_spans = 1 };
    const struct trace_payload payload = {
        .source = { .hostname = is, .container_id = is, .language = is }
    };
    struct bytes scratch = { 0 };
    (void)state;

    memset(text, 'x', sizeof text);
    struct span_key key = span_key_of_trace(&payload, &trace, SLICE("none"));

    span_key_add_span(&key, &span, true, &scratch);
    assert_int_equal(key.hostname.len, SPAN_KEY_TEXT_MAX);
#define IS_BOUNDED(field) assert_true(key.field.len <= SPAN_KEY_TEXT_MAX);
    SPAN_KEY_TEXTS(IS_BOUNDED)
#undef IS_BOUNDED
    span.meta = calls;
    span.n_meta = 2;
    span_key_add_span(&key, &span, true, &scratch);
    assert_int_equal(key.peer_tags.len, sizeof "db.name:" + SPAN_KEY_TEXT_MAX);
    bytes_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_is_found_and_none_that_is_like_it),
        cmocka_unit_test(they_are_sorted_and_the_last_of_several_counts),
        cmocka_unit_test(a_value_that_is_empty_at_last_is_none),
        cmocka_unit_test(what_calls_nobody_has_its_base_service_alone),
        cmocka_unit_test(no_text_of_a_key_is_longer_than_a_tag_s_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
