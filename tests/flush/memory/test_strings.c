#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/memory/strings.h"

static void equal_strings_have_equal_ids(void **state)
{
    struct strings strings;
    (void)state;

    strings_init(&strings);
    uint32_t a = strings_intern(&strings, SLICE("a"));
    uint32_t b = strings_intern(&strings, SLICE("b"));
    assert_int_not_equal(a, b);
    assert_int_equal(strings_intern(&strings, SLICE("a")), a);
    assert_int_equal(strings_find(&strings, SLICE("b")), b);
    assert_true(slice_equal(strings_get(&strings, a), SLICE("a")));
    assert_int_equal(strings.bytes, 2);
    strings_free(&strings);
}

static void any_bytes_are_a_string(void **state)
{
    static const struct slice cases[] = {
        { NULL, 0 }, { "\0", 1 }, { "\0\0", 2 }, { "\xff\xfe", 2 }, { "a\0b", 3 }, { "a", 1 },
    };
    enum { CASES = sizeof cases / sizeof cases[0] };
    struct strings strings;
    uint32_t ids[CASES];
    (void)state;

    strings_init(&strings);
    for (int i = 0; i < CASES; i++)
        ids[i] = strings_intern(&strings, cases[i]);
    assert_int_equal(strings.index.live, CASES);
    for (int i = 0; i < CASES; i++) {
        assert_true(slice_equal(strings_get(&strings, ids[i]), cases[i]));
        assert_int_equal(strings_find(&strings, cases[i]), ids[i]);
    }
    strings_free(&strings);
}

static void a_string_lives_until_its_last_reference_goes(void **state)
{
    struct strings strings;
    (void)state;

    strings_init(&strings);
    assert_int_equal(strings_find(&strings, SLICE("a")), STRINGS_NONE);
    uint32_t a = strings_intern(&strings, SLICE("a"));
    assert_true(strings_is_last(&strings, a));
    strings_hold(&strings, a);
    strings_intern(&strings, SLICE("a"));
    assert_false(strings_release(&strings, a));
    assert_false(strings_release(&strings, a));
    assert_int_equal(strings_find(&strings, SLICE("a")), a);
    assert_true(strings_release(&strings, a));
    assert_int_equal(strings_find(&strings, SLICE("a")), STRINGS_NONE);
    assert_int_equal(strings_intern(&strings, SLICE("b")), a); /* the id is used again */
    strings_free(&strings);
}

static uint32_t intern_number(struct strings *strings, int number)
{
    char text[32];
    int len = snprintf(text, sizeof text, "key:%d", number);

    return strings_intern(strings, (struct slice){ text, (size_t)len });
}

static void the_memory_of_a_spike_is_given_back(void **state)
{
    enum { SPIKE = 50000 };
    struct strings strings;
    uint32_t *ids = calloc(SPIKE, sizeof *ids);
    (void)state;

    strings_init(&strings);
    for (int i = 0; i < SPIKE; i++)
        ids[i] = intern_number(&strings, i);
    for (int i = SPIKE - 1; i >= 0; i--)
        assert_true(strings_release(&strings, ids[i]));
    strings_tidy(&strings);
    assert_int_equal(strings.index.live, 0);
    assert_int_equal(strings.bytes, 0);
    assert_true(strings_memory(&strings) < 1000);
    strings_free(&strings);
    free(ids);
}

/* Against a plain array of reference counts. */
static void interning_and_releasing_at_random_keeps_every_string(void **state)
{
    enum { KEYS = 700, ROUNDS = 200000 };
    struct strings strings;
    uint32_t ids[KEYS], refs[KEYS] = { 0 }, seed = 1;
    (void)state;

    strings_init(&strings);
    for (int round = 0; round < ROUNDS; round++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t key = (seed >> 8) % KEYS;
        bool growing = round / 20000 % 2 == 0;
        if (refs[key] == 0 || (seed >> 29 < 5) == growing) {
            uint32_t id = intern_number(&strings, (int)key);
            assert_true(refs[key] == 0 || id == ids[key]);
            ids[key] = id;
            refs[key]++;
        } else {
            refs[key]--;
            assert_int_equal(strings_release(&strings, ids[key]), refs[key] == 0);
        }
    }
    uint32_t live = 0;
    for (int key = 0; key < KEYS; key++) {
        if (refs[key] == 0)
            continue;
        live++;
        assert_int_equal(intern_number(&strings, key), ids[key]);
    }
    assert_int_equal(strings.index.live, live);
    strings_free(&strings);
}

/* Some live in each chunk: they move, keep their ids, and the chunks go. */
static void what_is_scattered_moves_together(void **state)
{
    enum { STRINGS = 40000, LEN = 200, KEPT_EACH = 10 };
    static uint32_t ids[STRINGS];
    struct strings strings;
    char text[LEN + 1];
    (void)state;

    strings_init(&strings);
    for (int i = 0; i < STRINGS; i++) {
        snprintf(text, sizeof text, "%0*d", i % 2 == 0 ? LEN : 3 + i % 40, i);
        ids[i] = strings_intern(&strings, slice_of(text));
    }
    size_t before = strings_memory(&strings);
    for (int i = 0; i < STRINGS; i++)
        if (i % KEPT_EACH != 0)
            assert_true(strings_release(&strings, ids[i]));
    strings_tidy(&strings);
    assert_true(strings_memory(&strings) < before / 3);
    for (int i = 0; i < STRINGS; i += KEPT_EACH) {
        snprintf(text, sizeof text, "%0*d", LEN, i);
        assert_true(slice_equal(strings_get(&strings, ids[i]), slice_of(text)));
        assert_int_equal(strings_find(&strings, slice_of(text)), ids[i]);
        assert_true(strings_release(&strings, ids[i]));
    }
    strings_tidy(&strings);
    assert_true(strings_memory(&strings) < 1000);
    strings_free(&strings);
}

static void long_strings_are_kept_and_longer_ones_refused(void **state)
{
    static const size_t lengths[] = { 254, 255, 256, 65535, STRINGS_LENGTH_MAX };
    struct strings strings;
    char *text = malloc(STRINGS_LENGTH_MAX + 1);
    (void)state;

    strings_init(&strings);
    memset(text, 'x', STRINGS_LENGTH_MAX + 1);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct slice wanted = { text, lengths[i] };
        uint32_t id = strings_intern(&strings, wanted);
        assert_int_not_equal(id, STRINGS_NONE);
        assert_true(slice_equal(strings_get(&strings, id), wanted));
    }
    assert_int_equal(strings_intern(&strings, (struct slice){ text, STRINGS_LENGTH_MAX + 1 }),
                     STRINGS_NONE);
    strings_free(&strings);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_strings_have_equal_ids),
        cmocka_unit_test(any_bytes_are_a_string),
        cmocka_unit_test(a_string_lives_until_its_last_reference_goes),
        cmocka_unit_test(the_memory_of_a_spike_is_given_back),
        cmocka_unit_test(what_is_scattered_moves_together),
        cmocka_unit_test(long_strings_are_kept_and_longer_ones_refused),
        cmocka_unit_test(interning_and_releasing_at_random_keeps_every_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
