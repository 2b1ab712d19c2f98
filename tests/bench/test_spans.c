/* Bodies of traces are what the server reads of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/spans.h"
#include "server/traces/trace_decode.h"

#define NOW_NS INT64_C(1800000000000000000)

static const enum trace_layout layouts[] = {
    [SPANS_V04] = TRACE_V04,
    [SPANS_V05] = TRACE_V05,
};

static struct spans_body built(const struct spans_profile *profile, uint64_t number)
{
    struct spans_body body;

    assert_null(spans_refusal(profile));
    assert_true(spans_build(profile, number, &body));
    return body;
}

static void check_trace(const struct trace *trace, const struct spans_profile *profile,
                        uint64_t trace_id)
{
    assert_int_equal(trace->n_spans, profile->spans);
    for (uint32_t i = 0; i < trace->n_spans; i++) {
        const struct span *span = &trace->spans[i];

        assert_true(span->trace_id == trace_id);
        assert_true(span->start_ns + span->duration_ns == NOW_NS);
        assert_int_equal(span->n_meta + span->n_metrics, profile->tags);
        assert_true(span->service.len > 0 && span->name.len > 0 && span->resource.len > 0);
        assert_true(i == 0 ? span->parent_id == 0
                           : span->parent_id == trace->spans[(i - 1) / 2].span_id);
    }
}

static void check_body(struct spans_body *body, const struct spans_profile *profile)
{
    struct arena_budget budget;
    struct arena arena;
    struct trace_payload payload;
    char problem[TRACE_PROBLEM_MAX];

    arena_budget_init(&budget, 64 << 20);
    arena_init(&arena, &budget);
    spans_stamp(body, 1000, NOW_NS);
    if (trace_decode(layouts[profile->layout], TRACE_MSGPACK,
                     (struct slice){ body->at, body->len }, &arena, &payload,
                     problem) != TRACE_OK)
        fail_msg("%s", problem);
    assert_int_equal(payload.n_traces, profile->traces);
    assert_int_equal(payload.n_spans, body->n_spans);
    for (uint32_t i = 0; i < payload.n_traces; i++)
        check_trace(&payload.traces[i], profile, 1000 + i);
    arena_free(&arena);
}

static void both_layouts_are_read_as_they_were_meant(void **state)
{
    (void)state;

    for (enum spans_layout layout = SPANS_V04; layout <= SPANS_V05; layout++) {
        struct spans_profile profile = spans_preset();
        static const uint32_t tags[] = { 15, 0, 2, SPANS_TAGS_MAX };

        profile.layout = layout;
        for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
            profile.tags = tags[i];
            struct spans_body body = built(&profile, 1);

            check_body(&body, &profile);
            spans_free(&body);
        }
    }
}

static void one_span_and_a_thousand_are_traces_too(void **state)
{
    (void)state;

    for (enum spans_layout layout = SPANS_V04; layout <= SPANS_V05; layout++) {
        struct spans_profile profile = spans_preset();

        profile.layout = layout;
        profile.spans = 1;
        struct spans_body single = built(&profile, 1);

        profile.spans = SPANS_OF_TRACE_MAX;
        struct spans_body large = built(&profile, 1);

        check_body(&large, &profile);
        profile.spans = 1;
        check_body(&single, &profile);
        spans_free(&single);
        spans_free(&large);
    }
}

static void a_seed_gives_the_same_bytes(void **state)
{
    struct spans_profile profile = spans_preset(), other = profile;
    (void)state;

    other.seed = 2;
    struct spans_body one = built(&profile, 1), again = built(&profile, 1),
                      next = built(&profile, 2), seeded = built(&other, 1);

    assert_int_equal(one.len, again.len);
    assert_memory_equal(one.at, again.at, one.len);
    assert_true(one.len != next.len || memcmp(one.at, next.at, one.len) != 0);
    assert_true(one.len != seeded.len || memcmp(one.at, seeded.at, one.len) != 0);
    spans_free(&one);
    spans_free(&again);
    spans_free(&next);
    spans_free(&seeded);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
#define REFUSED(member, value)                         \
    do {                                               \
        struct spans_profile profile = spans_preset(); \
                                                       \
        profile.member = (value);                      \
        assert_non_null(spans_refusal(&profile));      \
    } while (0)
    REFUSED(spans, 0);
    REFUSED(spans, SPANS_OF_TRACE_MAX + 1);
    REFUSED(traces, 0);
    REFUSED(traces, SPANS_BODY_MAX / 10 + 1);
    REFUSED(tags, SPANS_TAGS_MAX + 1);
    REFUSED(services, 0);
    REFUSED(resources, 0);
#undef REFUSED
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_layouts_are_read_as_they_were_meant),
        cmocka_unit_test(one_span_and_a_thousand_are_traces_too),
        cmocka_unit_test(a_seed_gives_the_same_bytes),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
