#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/rollups/matched.h"

static struct matched_key key(const char *scope)
{
    return matched_key(SLICE("hits"), slice_of(scope));
}

static void remember(struct matched *matched, const char *scope, const uint32_t *numbers,
                     size_t n)
{
    matched_remember(matched, key(scope), matched->births, numbers, n);
}

static void assert_recalled(struct matched *matched, const char *scope, const uint32_t *numbers,
                            size_t n)
{
    size_t got_n = 0;
    uint32_t *got = matched_recall(matched, key(scope), &got_n);

    assert_non_null(got);
    assert_int_equal(got_n, n);
    assert_memory_equal(got, numbers, n * sizeof *numbers);
    free(got);
}

static void is_unknown(struct matched *matched, const char *scope)
{
    size_t n;

    assert_null(matched_recall(matched, key(scope), &n));
}

static void what_it_held_and_what_was_born_since_is_looked_at(void **state)
{
    static const uint32_t held[] = { 3, 7, 900 }, more[] = { 3, 5, 7, 900, 1000 };
    struct matched matched = { 0 };
    (void)state;

    matched_bear(&matched, 1);
    is_unknown(&matched, "env:a");
    remember(&matched, "env:a", held, 3);
    assert_recalled(&matched, "env:a", held, 3);
    is_unknown(&matched, "env:b");
    matched_bear(&matched, 1000);
    matched_bear(&matched, 7); /* a number that somebody had before */
    matched_bear(&matched, 5);
    assert_recalled(&matched, "env:a", more, 5);
    remember(&matched, "env:a", held, 1);
    assert_recalled(&matched, "env:a", held, 1);
    remember(&matched, "env:none", NULL, 0); /* it holds nothing, which is known, too */
    assert_recalled(&matched, "env:none", NULL, 0);
    matched_free(&matched);
}

static void a_metric_and_a_scope_are_not_another_two(void **state)
{
    struct matched_key one = matched_key(SLICE("ab"), SLICE("c")),
                       other = matched_key(SLICE("a"), SLICE("bc"));
    (void)state;

    assert_true(one.low != other.low && one.high != other.high);
}

static void who_missed_too_many_births_looks_at_all(void **state)
{
    static const uint32_t held[] = { 3 };
    struct matched matched = { 0 };
    size_t n = 0;
    (void)state;

    remember(&matched, "env:a", held, 1);
    for (uint32_t i = 0; i < MATCHED_BIRTHS; i++)
        matched_bear(&matched, 10 + i);
    uint32_t *got = matched_recall(&matched, key("env:a"), &n);

    assert_int_equal(n, MATCHED_BIRTHS + 1);
    assert_int_equal(got[0], 3);
    assert_int_equal(got[1], 10);
    assert_int_equal(got[n - 1], 10 + MATCHED_BIRTHS - 1);
    free(got);
    matched_bear(&matched, 1);
    is_unknown(&matched, "env:a");
    matched_free(&matched);
}

/* What was born while it was looked, before there was a ring, is in none. */
static void births_that_nobody_noted_are_not_forgotten(void **state)
{
    static const uint32_t held[] = { 3 };
    struct matched matched = { 0 };
    (void)state;

    matched_bear(&matched, 4);
    matched_remember(&matched, key("env:a"), 0, held, 1);
    is_unknown(&matched, "env:a");
    remember(&matched, "env:a", held, 1);
    assert_recalled(&matched, "env:a", held, 1);
    matched_free(&matched);
}

static void it_is_bounded_and_who_is_not_asked_for_goes_first(void **state)
{
    static uint32_t many[MATCHED_NUMBERS_MAX + 1];
    struct matched matched = { 0 };
    char scope[32];
    (void)state;

    for (uint32_t i = 0; i < MATCHED_NUMBERS_MAX; i++)
        many[i] = i;
    remember(&matched, "first", many, 100);
    for (int i = 0; i < 1000; i++) {
        snprintf(scope, sizeof scope, "pod:%d", i);
        remember(&matched, scope, many, MATCHED_NUMBERS_MAX);
        assert_true(matched.bytes <= MATCHED_BYTES_MAX);
        assert_recalled(&matched, "first", many, 100);
    }
    is_unknown(&matched, "pod:0");
    assert_recalled(&matched, "pod:999", many, MATCHED_NUMBERS_MAX);
    remember(&matched, "pod:999", many, MATCHED_NUMBERS_MAX + 1); /* too many */
    is_unknown(&matched, "pod:999");
    matched_free(&matched);
    assert_int_equal(matched.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_held_and_what_was_born_since_is_looked_at),
        cmocka_unit_test(a_metric_and_a_scope_are_not_another_two),
        cmocka_unit_test(who_missed_too_many_births_looks_at_all),
        cmocka_unit_test(births_that_nobody_noted_are_not_forgotten),
        cmocka_unit_test(it_is_bounded_and_who_is_not_asked_for_goes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
