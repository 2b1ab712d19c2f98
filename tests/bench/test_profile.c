#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/profile.h"

static struct ring built(const struct profile *profile, bool framed, uint64_t lines)
{
    struct ring ring;

    assert_null(profile_refusal(profile));
    assert_true(ring_build(profile, framed, lines, &ring));
    return ring;
}

static struct profile preset(const char *name)
{
    struct profile profile;

    assert_true(profile_preset(name, &profile));
    return profile;
}

static void full_datagrams_have_the_published_shapes(void **state)
{
    static const struct {
        const char *name;
        uint32_t line_bytes, lines;
    } cases[] = {
        { "plain", 20, 68 },  /* 68 lines of 20 bytes and their newlines: 1,427 */
        { "tagged", 77, 18 }, /* four tags */
        { "timed", 89, 15 },  /* and a timestamp */
        { "named", 77, 18 },  /* the same text in the name */
        { "single", 20, 1 },  { "storm", 77, 18 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct profile profile = preset(cases[i].name);
        struct ring ring = built(&profile, false, 1000);
        uint32_t bytes = cases[i].lines * (cases[i].line_bytes + 1) - 1;

        if (ring.payloads[0].lines != cases[i].lines || ring.payloads[0].bytes != bytes)
            fail_msg("%s: %u lines in %u bytes", cases[i].name, ring.payloads[0].lines,
                     ring.payloads[0].bytes);
        ring_free(&ring);
    }
}

static void lines_of_all_types_keep_one_length(void **state)
{
    static const char *const names[] = { "single", "tagged", "named" };
    (void)state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct profile profile = preset(names[i]);
        struct ring ring;

        profile.lines_per_datagram = 1;
        profile.values = VALUES_INT;
        assert_true(profile_set_weights(&profile, "c=40,g=20,ms=30,h=1,s=10,d=5"));
        ring = built(&profile, false, 2000);
        for (size_t k = 1; k < ring.n_payloads; k++)
            assert_int_equal(ring.payloads[k].bytes, ring.payloads[0].bytes);
        ring_free(&ring);
    }
}

static void the_seed_decides_every_byte(void **state)
{
    struct profile profile = preset("smp");
    struct ring first = built(&profile, false, 2000), second = built(&profile, false, 2000),
                other;
    (void)state;

    profile.seed = 2;
    other = built(&profile, false, 2000);
    assert_int_equal(first.n_text, second.n_text);
    assert_memory_equal(first.text, second.text, first.n_text);
    assert_true(other.n_text != first.n_text ||
                memcmp(other.text, first.text, first.n_text) != 0);
    ring_free(&first);
    ring_free(&second);
    ring_free(&other);
}

static void the_smp_load_keeps_its_shares(void **state)
{
    struct profile profile = preset("smp");
    struct ring ring = built(&profile, false, 20000);
    struct totals totals = ring_totals(&ring, 0, ring.n_payloads);
    size_t packed = 0;
    (void)state;

    for (size_t i = 0; i < ring.n_notes; i++) {
        assert_in_range(ring.notes[i].values, 1, 32);
        packed += ring.notes[i].values > 1;
    }
    for (size_t i = 0; i < ring.n_payloads; i++)
        assert_in_range(ring.payloads[i].bytes, 1, 8192);
    /* 8 % less those of sets, which cannot pack; 208 of 356 are counts */
    assert_in_range(packed, 20000 * 7 / 100, 20000 * 9 / 100);
    assert_in_range(totals.of[LOAD_COUNT].lines, 20000 * 55 / 100, 20000 * 62 / 100);
    assert_int_equal(totals.of[LOAD_TIMING].lines, 0);
    assert_int_equal(totals.lines, 20000);
    ring_free(&ring);
}

static void every_context_occurs_equally_often(void **state)
{
    struct profile profile = preset("single");
    unsigned seen[777] = { 0 };
    struct ring ring;
    (void)state;

    profile.contexts = 777;
    ring = built(&profile, false, 3 * 777);
    for (size_t i = 0; i < ring.n_payloads; i++)
        seen[strtoul(ring.text + ring.payloads[i].at + strlen("bench."), NULL, 10)]++;
    for (size_t i = 0; i < 777; i++)
        assert_int_equal(seen[i], 3);
    ring_free(&ring);
}

static void a_second_passes_when_all_contexts_have_had_a_turn(void **state)
{
    struct profile profile = preset("timed");
    struct ring ring = built(&profile, false, 9000);
    (void)state;

    for (size_t i = 0; i < ring.n_payloads; i++) {
        const char *last = ring.text + ring.payloads[i].at + ring.payloads[i].bytes - 12;

        assert_memory_equal(last, "|T", 2);
        assert_int_equal(strtoul(last + 2, NULL, 10), 1767225600 + i / 200);
    }
    assert_int_equal(ring.distinct, 3000);
    ring_free(&ring);
}

static void totals_follow_the_load_around_the_ring(void **state)
{
    struct profile profile = preset("single");
    struct ring ring;
    struct totals totals;
    (void)state;

    profile.pack = 3;
    profile.sample_rate = 0.5;
    ring = built(&profile, false, 100);
    totals = ring_totals(&ring, 90, 310); /* the end, two rounds, ten more */
    assert_int_equal(totals.lines, 220);
    assert_int_equal(totals.values, 660);
    assert_true(ring.integral);
    assert_int_equal((uint64_t)totals.of[LOAD_COUNT].sum, 1320);
    assert_int_equal((uint64_t)totals.of[LOAD_COUNT].events, 1320);
    ring_free(&ring);
}

static void frames_carry_their_length(void **state)
{
    struct profile profile = preset("smp");
    struct ring ring = built(&profile, true, 500);
    size_t at = 0;
    (void)state;

    for (size_t i = 0; i < ring.n_payloads; i++) {
        const unsigned char *prefix = (const unsigned char *)ring.text + at;

        assert_int_equal(ring.payloads[i].at, at);
        assert_int_equal(prefix[0] | prefix[1] << 8 | prefix[2] << 16 | prefix[3] << 24,
                         ring.payloads[i].bytes - 4);
        at += ring.payloads[i].bytes;
    }
    assert_int_equal(at, ring.n_text);
    ring_free(&ring);
}

static void senseless_settings_are_refused(void **state)
{
    struct profile profile = preset("plain");
    (void)state;

    assert_false(profile_preset("fast", &profile));
    assert_false(profile_set_weights(&profile, "c"));       /* no weight */
    assert_false(profile_set_weights(&profile, "x=1"));     /* no such type */
    assert_false(profile_set_weights(&profile, "c=1;g=1")); /* not a comma */
    assert_true(profile_set_weights(&profile, "c=0"));
    assert_non_null(profile_refusal(&profile)); /* nothing to send */
    profile = preset("plain");
    profile.datagram_bytes = 70000;
    assert_non_null(profile_refusal(&profile));
    profile = preset("plain");
    profile.sample_rate = 0;
    assert_non_null(profile_refusal(&profile));
    profile = preset("timed");
    assert_true(profile_set_weights(&profile, "c=1,g=1"));
    assert_null(profile_refusal(&profile));
    assert_true(profile_set_weights(&profile, "c=1,ms=1"));
    assert_non_null(profile_refusal(&profile)); /* a server drops such lines */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_datagrams_have_the_published_shapes),
        cmocka_unit_test(lines_of_all_types_keep_one_length),
        cmocka_unit_test(the_seed_decides_every_byte),
        cmocka_unit_test(the_smp_load_keeps_its_shares),
        cmocka_unit_test(every_context_occurs_equally_often),
        cmocka_unit_test(a_second_passes_when_all_contexts_have_had_a_turn),
        cmocka_unit_test(totals_follow_the_load_around_the_ring),
        cmocka_unit_test(frames_carry_their_length),
        cmocka_unit_test(senseless_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
