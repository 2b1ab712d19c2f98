/* What bodies take of memory: those that are there, and those whose lengths lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "server/traces/trace_decode.h"
#include "tests/support/msgpack_out.h"
#include "tests/support/trace_bodies.h"

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

/* The smallest span is a byte, and becomes a struct. */
static void the_smallest_spans_are_all_read(void **state)
{
    enum { SPANS = 50000 };
    struct decoded decoded;
    struct bytes body = { 0 };
    (void)state;

    msgpack_out(&body, "91");
    msgpack_out_list(&body, SPANS);
    for (int i = 0; i < SPANS; i++)
        msgpack_out(&body, i + 1 < SPANS ? "80" : "81 'error' 05");
    decode(&decoded, TRACE_V04, TRACE_MSGPACK, msgpack_out_body(&body), 64 << 20);
    assert_int_equal(decoded.result, TRACE_OK);
    assert_int_equal(decoded.payload.n_spans, SPANS);
    assert_int_equal(decoded.payload.traces[0].spans[SPANS - 2].error, 0);
    assert_int_equal(decoded.payload.traces[0].spans[SPANS - 1].error, 5);
    assert_in_range(decoded.arena.bytes, 0, 3 * SPANS * sizeof(struct span));
    decoded_free(&decoded);

    decode(&decoded, TRACE_V04, TRACE_MSGPACK, msgpack_out_body(&body), 1 << 20);
    assert_int_equal(decoded.result, TRACE_NO_MEMORY);
    assert_non_null(strstr(decoded.problem, " of trace 1: there is no memory for it"));
    decoded_free(&decoded);
    bytes_free(&body);
}

static void without_memory_nothing_is_said_to_be_wrong_with_a_body(void **state)
{
    static const char repaired[] = "\x91\x91\x81\xa4name\xa1\xff", text[] = "[[{}]]";
    struct decoded decoded;
    (void)state;

    decode(&decoded, TRACE_V04, TRACE_MSGPACK, (struct slice){ repaired, sizeof repaired - 1 },
           0);
    assert_int_equal(decoded.result, TRACE_NO_MEMORY);
    decoded_free(&decoded);
    decode(&decoded, TRACE_V04, TRACE_JSON, (struct slice){ text, sizeof text - 1 }, 0);
    assert_int_equal(decoded.result, TRACE_NO_MEMORY);
    assert_string_equal(decoded.problem, "byte 0: there is no memory for it");
    decoded_free(&decoded);
}

/* xorshift, so that each run tells the same lies. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* A head of a list, a map, a text, bytes or an ext with a length that nobody knows, in the
 * place of some bytes. */
static void tell_a_lie(unsigned char *at, size_t len, uint64_t *seed)
{
    static const unsigned char heads[] = { 0xdc, 0xdd, 0xde, 0xdf, 0xdd, 0xdf, 0xdb, 0xc6,
                                           0x9f, 0x8f, 0xc9, 0xdd, 0xdf, 0xdc, 0xde, 0xdd };
    uint64_t what = next_random(seed);
    unsigned char lie[5] = { heads[what & 15], 0, 0, 0, 0 };
    size_t place = (what >> 8) % len, n = len - place < sizeof lie ? len - place : sizeof lie;
    uint32_t length = (uint32_t)(next_random(seed) >> (what >> 40) % 33);

    for (int i = 0; i < 4; i++)
        lie[1 + i] = (unsigned char)(length >> 8 * (3 - i));
    memcpy(at + place, lie, n);
}

/* What is there takes at most a struct span a byte and twice that; a lie at each of four levels
 * takes the bytes that are left, and the arena takes twice what it is asked for, and a chunk.
 */
static void bodies_that_lie_take_no_more_than_they_have(size_t bodies, size_t behind)
{
    uint64_t seed = 88172645463325252;

    for (size_t i = 0; i < TRACE_MSGPACK_BODIES; i++) {
        struct bytes body = { 0 }, lying = { 0 };

        trace_bodies[i].put(&body);
        size_t said = body.len;

        for (size_t n = 0; n < behind; n++)
            msgpack_out(&body, "c1");
        bytes_add(&lying, body.at, body.len);
        for (size_t n = 0; n < bodies / TRACE_MSGPACK_BODIES; n++) {
            struct decoded decoded;

            memcpy(lying.at, body.at, said);
            tell_a_lie(lying.at, said, &seed);
            decode(&decoded, trace_bodies[i].layout, TRACE_MSGPACK, msgpack_out_body(&lying),
                   16 << 20);
            if (decoded.arena.bytes > 8 * lying.len + (8 << 10))
                fail_msg("body %zu, lie %zu: %zu bytes for %zu: %s", i, n, decoded.arena.bytes,
                         lying.len, decoded.problem);
            if ((decoded.result != TRACE_OK) != (decoded.problem[0] != '\0'))
                fail_msg("body %zu, lie %zu: %d, %s", i, n, decoded.result, decoded.problem);
            decoded_free(&decoded);
        }
        bytes_free(&body);
        bytes_free(&lying);
    }
}

static void many_lengths_that_lie_take_no_memory(void **state)
{
    (void)state;

    bodies_that_lie_take_no_more_than_they_have(100 * 1000, 0);
}

/* The more of it is left the more a length may say. */
static void lengths_that_lie_in_large_bodies_take_what_these_have(void **state)
{
    (void)state;

    bodies_that_lie_take_no_more_than_they_have(20 * 1000, 200 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_spans_are_all_read),
        cmocka_unit_test(without_memory_nothing_is_said_to_be_wrong_with_a_body),
        cmocka_unit_test(many_lengths_that_lie_take_no_memory),
        cmocka_unit_test(lengths_that_lie_in_large_bodies_take_what_these_have),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
