#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/traces/msgpack_reader.h"
#include "server/traces/trace_decode.h"
#include "tests/support/guard.h"
#include "tests/support/msgpack_out.h"
#include "tests/support/text_cases.h"
#include "tests/support/trace_bodies.h"

/* ---- what was decoded, as text ----------------------------------------- */

/* Everything of one decoding; its arena draws on what there is of bytes. */
struct decoded {
    struct arena_budget budget;
    struct arena arena;
    struct trace_payload payload;
    enum trace_result result;
    char problem[TRACE_PROBLEM_MAX];
};

static void decode(struct decoded *decoded, enum trace_layout layout, enum trace_form form,
                   struct slice body, long bytes)
{
    arena_budget_init(&decoded->budget, bytes);
    arena_init(&decoded->arena, &decoded->budget);
    decoded->problem[0] = '\0';
    decoded->result =
        trace_decode(layout, form, body, &decoded->arena, &decoded->payload, decoded->problem);
}

static void decoded_free(struct decoded *given)
{
    arena_free(&given->arena);
    assert_int_equal(given->budget.left, given->budget.all);
}

static void show_text(FILE *out, const char *name, struct slice text)
{
    if (text.len > 0)
        fprintf(out, " %s=%.*s", name, (int)text.len, text.at);
}

static void show_span(FILE *out, const struct span *span)
{
    fputs(" (", out);
    show_text(out, "service", span->service);
    show_text(out, "name", span->name);
    show_text(out, "resource", span->resource);
    show_text(out, "type", span->type);
    if (span->trace_id != 0 || span->span_id != 0 || span->parent_id != 0)
        fprintf(out, " ids=%lu/%lu/%lu", span->trace_id, span->span_id, span->parent_id);
    if (span->start_ns != 0 || span->duration_ns != 0)
        fprintf(out, " at=%ld+%ld", span->start_ns, span->duration_ns);
    if (span->error != 0)
        fprintf(out, " error=%d", span->error);
    for (uint32_t i = 0; i < span->n_meta; i++)
        fprintf(out, " %.*s:%.*s", (int)span->meta[i].key.len, span->meta[i].key.at,
                (int)span->meta[i].value.len, span->meta[i].value.at);
    for (uint32_t i = 0; i < span->n_metrics; i++)
        fprintf(out, " %.*s:%g", (int)span->metrics[i].key.len, span->metrics[i].key.at,
                span->metrics[i].value);
    fputs(" )", out);
}

static void show_trace(FILE *out, const struct trace *trace)
{
    fputs(" [", out);
    show_text(out, "origin", trace->origin);
    if (trace->priority != INT32_MIN)
        fprintf(out, " priority=%d", trace->priority);
    for (uint32_t i = 0; i < trace->n_spans; i++)
        show_span(out, &trace->spans[i]);
    fputs(" ]", out);
}

static void show_payload(FILE *out, const struct trace_payload *payload)
{
    show_text(out, "container", payload->source.container_id);
    show_text(out, "language", payload->source.language);
    show_text(out, "language_version", payload->source.language_version);
    show_text(out, "tracer", payload->source.tracer_version);
    show_text(out, "runtime", payload->source.runtime_id);
    show_text(out, "env", payload->source.env);
    show_text(out, "host", payload->source.hostname);
    show_text(out, "version", payload->source.app_version);
    for (uint32_t i = 0; i < payload->n_traces; i++)
        show_trace(out, &payload->traces[i]);
}

/* Of one body: what it says, or what is wrong with it. Good until it is asked again. */
static const char *said_of(enum trace_layout layout, enum trace_form form, struct slice body)
{
    static const char *const results[] = { "", "bad: ", "cut: ", "no memory: " };
    static char said[4096];
    struct decoded decoded;
    FILE *out = fmemopen(said, sizeof said, "w");

    assert_non_null(out);
    said[0] = '\0';
    decode(&decoded, layout, form, body, 1 << 20);
    if (decoded.result == TRACE_OK)
        show_payload(out, &decoded.payload);
    else
        fprintf(out, "%s%s", results[decoded.result], decoded.problem);
    fclose(out);
    decoded_free(&decoded);
    return said;
}

static const char *msgpack_said(enum trace_layout layout, const char *notation)
{
    struct bytes body = { 0 };

    msgpack_out(&body, notation);
    const char *said = said_of(layout, TRACE_MSGPACK, guarded(body.at, body.len));

    bytes_free(&body);
    return said;
}

static const char *maps_said(const char *notation)
{
    return msgpack_said(TRACE_V04, notation);
}

static const char *indexed_said(const char *notation)
{
    return msgpack_said(TRACE_V05, notation);
}

static const char *payload_said(const char *notation)
{
    return msgpack_said(TRACE_V07, notation);
}

static const char *json_said(const char *text)
{
    return said_of(TRACE_V04, TRACE_JSON, guarded_text(text));
}

static const char *indexed_json_said(const char *text)
{
    return said_of(TRACE_V05, TRACE_JSON, guarded_text(text));
}

/* ---- the same in all layouts ------------------------------------------- */

static void every_layout_says_the_same(void **state)
{
    (void)state;

    for (size_t i = 0; i < TRACE_BODIES; i++) {
        struct bytes body = { 0 };

        trace_bodies[i].put(&body);
        assert_string_equal(
            said_of(trace_bodies[i].layout, trace_bodies[i].form, guarded(body.at, body.len)),
            trace_bodies_say);
        bytes_free(&body);
    }
}

/* Each byte is needed, and none behind the last is read. */
static void a_body_that_ends_early_is_cut(void **state)
{
    (void)state;

    for (size_t i = 0; i < TRACE_BODIES; i++) {
        const struct trace_body *kind = &trace_bodies[i];
        struct bytes body = { 0 };

        kind->put(&body);
        for (size_t len = 0; len < body.len; len++) {
            const char *said = said_of(kind->layout, kind->form, guarded(body.at, len));

            if (strncmp(said, "cut: byte ", 10) != 0)
                fail_msg("%zu of %zu bytes of body %zu: %s", len, body.len, i, said);
        }
        bytes_free(&body);
    }
}

/* ---- each layout by itself --------------------------------------------- */

static void maps_are_read_leniently(void **state)
{
    static const struct text_case cases[] = {
        { "90", "" },
        { "c0", "" },
        { "93 90 c0 91 80", " [ ] [ ] [ ( ) ]" },
        { "91 92 c0 81 'error' d0 02", " [ ( ) ( error=2 ) ]" },
        { "91 91 80 c1 c1", " [ ( ) ]" },
        { "dd 00 00 00 01 dc 00 01 de 00 01 d9 07 =service= c4 01 =s=", " [ ( service=s ) ]" },
        { "91 91 81 c4 04 =name= db 00 00 00 01 =n=", " [ ( name=n ) ]" },
        { "91 91 83 'service' c0 'meta' c0 'start' c0", " [ ( ) ]" },
        { "91 91 81 'meta' 82 'a' c0 c0 'b'", " [ ( a: :b ) ]" },
        { "91 91 81 'metrics' 82 'a' 05 'b' ca 3f 00 00 00", " [ ( a:5 b:0.5 ) ]" },
        { "91 91 81 'name' a2 61 ff", " [ ( name=a\xef\xbf\xbd ) ]" },
        { "91 91 81 'meta' 81 a1 80 a1 81", " [ ( \xef\xbf\xbd:\xef\xbf\xbd ) ]" },
        { "91 91 82 'name' 'a' 'name' 'b'", " [ ( name=b ) ]" },
        { "91 91 82 'meta' 81 'a' 'b' 'meta' 80", " [ ( ) ]" },
        { "91 91 83 'trace_id' ff 'span_id' d1 00 05 'parent_id' cd 01 00",
          " [ ( ids=18446744073709551615/5/256 ) ]" },
        { "91 91 84 'Service' 'x' 'servic' 'x' 'services' 'x' '' 'x'", " [ ( ) ]" },
        { "05", "bad: byte 0: expected a list" },
        { "80", "bad: byte 0: expected a list" },
        { "92 90 05", "bad: byte 2, trace 2: expected a list" },
        { "92 90 92 80 91", "bad: byte 4, span 2 of trace 2: expected a map" },
        { "91 91 81 05 05", "bad: byte 3, span 1 of trace 1: expected a text" },
        { "91 91 81 'name' 05", "bad: byte 8, name of span 1 of trace 1: expected a text" },
        { "91 91 81 'start' 'now'",
          "bad: byte 9, start of span 1 of trace 1: expected a whole number" },
        { "91 91 81 'start' cf ff ff ff ff ff ff ff ff",
          "bad: byte 9, start of span 1 of trace 1: the number is beyond 64 bits with a sign" },
        { "91 91 81 'error' ce 80 00 00 00",
          "bad: byte 9, error of span 1 of trace 1: the number is beyond 32 bits with a sign" },
        { "91 91 81 'trace_id' cb 3f f0 00 00 00 00 00 00",
          "bad: byte 12, trace_id of span 1 of trace 1: expected a whole number" },
        { "91 91 81 'meta' 05", "bad: byte 8, meta of span 1 of trace 1: expected a map" },
        { "91 91 81 'meta' 82 'a' 'b' 'c' 05",
          "bad: byte 15, meta 2 of span 1 of trace 1: expected a text" },
        { "91 91 81 'metrics' 81 'a' 'b'",
          "bad: byte 14, metric 1 of span 1 of trace 1: expected a number" },
        { "91 91 81 'x' c1",
          "bad: byte 5, span 1 of trace 1: no value begins with the byte 0xc1" },
        { "91 dd ff ff ff ff 80", "cut: byte 1, trace 1: the body ends too early" },
        { "91 91 81 'meta' df 80 00 00 01 80",
          "cut: byte 8, meta of span 1 of trace 1: the body ends too early" },
    };
    (void)state;

    TEXT_CASES_CHECK(cases, maps_said);
}

static void lists_of_twelve_are_read_strictly(void **state)
{
    static const struct text_case cases[] = {
        { "92 90 90", "" },
        { "92 c0 c0", "" },
        { "93 90 91 90 'later'", " [ ]" },
        { "92 91 '' 91 91 9c 00 00 00 c0 c0 c0 c0 c0 c0 c0 c0 00", " [ ( ) ]" },
        { "92 92 '' c4 02 61 ff 91 91 9c 01 cc 01 cd 00 01 00 00 00 00 00 00 80 80 d0 01",
          " [ ( service=a\xef\xbf\xbd name=a\xef\xbf\xbd resource=a\xef\xbf\xbd"
          " type=a\xef\xbf\xbd ) ]" },
        { "92 92 c0 'k' 91 91 9c 00 00 00 01 02 03 04 05 06 82 01 00 00 01 81 01 07 00",
          " [ ( ids=1/2/3 at=4+5 error=6 k: :k k:7 ) ]" },
        { "80", "bad: byte 0: expected a list" },
        { "c0", "bad: byte 0: v0.5 is a list of texts and traces" },
        { "91 90", "bad: byte 0: v0.5 is a list of texts and traces" },
        { "92 92 'a' 05 90", "bad: byte 4, text 2: expected a text" },
        { "92 91 '' 91 91 9b 00 00 00 00 00 00 00 00 00 80 80",
          "bad: byte 5, span 1 of trace 1: a span of v0.5 is a list of twelve" },
        { "92 91 '' 91 91 9d 00 00 00 00 00 00 00 00 00 80 80 00 00",
          "bad: byte 5, span 1 of trace 1: a span of v0.5 is a list of twelve" },
        { "92 91 '' 91 91 9c 01 00 00 00 00 00 00 00 00 80 80 00",
          "bad: byte 6, span 1 of trace 1: there are not that many texts" },
        { "92 90 91 91 9c 00 00 00 00 00 00 00 00 00 80 80 00",
          "bad: byte 5, span 1 of trace 1: there are not that many texts" },
        { "92 91 '' 91 91 9c ff 00 00 00 00 00 00 00 00 80 80 00",
          "bad: byte 6, span 1 of trace 1: the number is beyond 32 bits" },
        { "92 91 '' 91 91 9c '' 00 00 00 00 00 00 00 00 80 80 00",
          "bad: byte 6, span 1 of trace 1: expected a whole number" },
        { "92 91 '' 91 91 9c 00 00 00 00 00 00 00 00 00 81 00 01 80 00",
          "bad: byte 17, meta 1 of span 1 of trace 1: there are not that many texts" },
        { "92 91 '' 91 91 9c 00 00 00 00 00 00 00 00 00 80 81 01 00 00",
          "bad: byte 17, metric 1 of span 1 of trace 1: there are not that many texts" },
        { "92 dd 01 7d 78 41 00", "cut: byte 1: the body ends too early" },
    };
    (void)state;

    TEXT_CASES_CHECK(cases, indexed_said);
}

static void chunks_are_read_with_their_source(void **state)
{
    static const struct text_case cases[] = {
        { "80", "" },
        { "c0", "" },
        { "89 'container_id' 'c' 'language_name' 'go' 'language_version' '1.22' "
          "'tracer_version' '2.1' 'runtime_id' 'r' 'env' 'prod' 'hostname' 'h' 'app_version' "
          "'7' 'chunks' 92 83 'priority' 02 'origin' 'rum' 'spans' 91 80 c0",
          " container=c language=go language_version=1.22 tracer=2.1 runtime=r env=prod host=h"
          " version=7 [ origin=rum priority=2 ( ) ] [ ]" },
        { "81 'chunks' 91 81 'priority' d0 ff", " [ priority=-1 ]" },
        { "81 'chunks' c0", "" },
        { "90", "bad: byte 0: expected a map" },
        { "81 'env' 05", "bad: byte 5, env: expected a text" },
        { "81 'chunks' 92 80 05", "bad: byte 10, chunk 2: expected a map" },
        { "81 'chunks' 91 81 'spans' 91 81 'error' 'x'",
          "bad: byte 24, error of span 1 of chunk 1: expected a whole number" },
    };
    (void)state;

    TEXT_CASES_CHECK(cases, payload_said);
}

static void json_is_read_as_leniently(void **state)
{
    static const struct text_case cases[] = {
        { "[]", "" },
        { "null", "" },
        { " [ [ ] , [ { } , null ] ] ", " [ ] [ ( ) ( ) ]" },
        { "[[{\"error\":127},{\"error\":128}]]", " [ ( error=127 ) ( error=128 ) ]" },
        { "[[{\"start\":-9223372036854775808,\"duration\":9223372036854775807}]]",
          " [ ( at=-9223372036854775808+9223372036854775807 ) ]" },
        { "[[{\"trace_id\":-1,\"span_id\":-0}]]", " [ ( ids=18446744073709551615/0/0 ) ]" },
        { "[[{\"metrics\":{\"a\":1e3,\"b\":18446744073709551616,\"c\":null}}]]",
          " [ ( a:1000 b:1.84467e+19 c:0 ) ]" },
        { "[[{\"meta\":{\"\\u00e9\\n\":\"\\ud83d\\ude00\\ud800\"}}]]",
          " [ ( é\n:\xf0\x9f\x98\x80\xef\xbf\xbd ) ]" },
        { "[[{\"x\":[[[[[[[[[1]]]]]]]]],\"y\":true,\"z\":false}]]", " [ ( ) ]" },
        { "", "cut: byte 0: expected a value" },
        { "[[{\"name\":\"a", "cut: byte 12: a string does not end" },
        { "[[}]", "bad: byte 2: expected a value" },
        { "[] []", "bad: byte 3: something stands behind the value" },
        { "{}", "bad: byte 0: expected a list" },
        { " [[{\"name\": 5}]]", "bad: byte 12, name of span 1 of trace 1: expected a text" },
        { "[[], [{\"start\":1},{\"start\": 1.5}]]",
          "bad: byte 28, start of span 2 of trace 2: expected a whole number" },
        { "[[{\"start\":9223372036854775808}]]", "bad: byte 11, start of span 1 of trace 1: "
                                                 "the number is beyond 64 bits with a sign" },
        { "[[{\"meta\":{\"a\":[[]]}}]]",
          "bad: byte 15, meta 1 of span 1 of trace 1: expected a text" },
        { "[[{\"trace_id\":\"5\"}]]",
          "bad: byte 14, trace_id of span 1 of trace 1: expected a whole number" },
        { "[[{\"metrics\":{\"a\":1e999}}]]", "bad: byte 18: the number is beyond a double" },
    };
    static const struct text_case indexed[] = {
        { "[[],[]]", "" },
        { "[[\"a\"],[[[0,0,0,1,2,3,4,5,6,{\"a\":0},{},0]]]]",
          "bad: byte 29, meta 1 of span 1 of trace 1: expected a whole number" },
        { "[[\"a\"],[[[0,0,0,1,2,3,4,5,6,{\"0\":[]},{},0]]]]",
          "bad: byte 33, meta 1 of span 1 of trace 1: expected a whole number" },
    };
    (void)state;

    TEXT_CASES_CHECK(cases, json_said);
    TEXT_CASES_CHECK(indexed, indexed_json_said);
}

static void counts_the_spans_of_a_body(void **state)
{
    struct decoded decoded;
    struct bytes body = { 0 };
    (void)state;

    trace_bodies[0].put(&body);
    decode(&decoded, TRACE_V03, TRACE_MSGPACK, msgpack_out_body(&body), 1 << 20);
    assert_int_equal(decoded.result, TRACE_OK);
    assert_int_equal(decoded.payload.n_traces, 2);
    assert_int_equal(decoded.payload.n_spans, 3);
    assert_false(decoded.payload.source.computed_top_level);
    decoded_free(&decoded);
    bytes_free(&body);
}

static void unknown_members_nest_32_deep_at_most(void **state)
{
    (void)state;

    for (int depth = MSGPACK_DEPTH_MAX; depth <= MSGPACK_DEPTH_MAX + 1; depth++) {
        struct bytes body = { 0 };

        msgpack_out(&body, "91 91 81 'x'");
        for (int i = 0; i < depth; i++)
            msgpack_out(&body, "91");
        msgpack_out(&body, "05");
        assert_string_equal(said_of(TRACE_V04, TRACE_MSGPACK, msgpack_out_body(&body)),
                            depth == MSGPACK_DEPTH_MAX
                                ? " [ ( ) ]"
                                : "bad: byte 37, span 1 of trace 1: more than 32 lists and "
                                  "maps are in each other");
        bytes_free(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_says_the_same),
        cmocka_unit_test(a_body_that_ends_early_is_cut),
        cmocka_unit_test(maps_are_read_leniently),
        cmocka_unit_test(lists_of_twelve_are_read_strictly),
        cmocka_unit_test(chunks_are_read_with_their_source),
        cmocka_unit_test(json_is_read_as_leniently),
        cmocka_unit_test(counts_the_spans_of_a_body),
        cmocka_unit_test(unknown_members_nest_32_deep_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
