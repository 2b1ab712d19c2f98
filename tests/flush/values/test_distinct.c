#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flush/values/distinct.h"

static struct arena_budget budget;
static struct arena arena;

static int start(void **state)
{
    (void)state;
    atomic_store(&budget.left, 64 << 20);
    arena_init(&arena, &budget);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static uint64_t member(uint64_t i)
{
    return distinct_hash((struct slice){ (const char *)&i, sizeof i });
}

static struct distinct *filled(uint64_t from, uint64_t to)
{
    struct distinct *distinct = distinct_new(&arena);

    for (uint64_t i = from; i < to; i++)
        assert_true(distinct_add(distinct, &arena, member(i)));
    return distinct;
}

static void hashes_are_the_same_in_every_process(void **state)
{
    (void)state;
    assert_true(distinct_hash(SLICE("")) == 0x2D06800538D394C2);
    assert_true(distinct_hash((struct slice){ 0 }) == 0x2D06800538D394C2);
    assert_true(distinct_hash(SLICE("a")) != distinct_hash(SLICE("b")));
}

static void few_members_count_exactly(void **state)
{
    static const uint64_t sizes[] = { 0, 1, 2, 4, 5, 8, 9, 16, 17, 500, 2047, 2048 };
    (void)state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct distinct *distinct = filled(0, sizes[i]);

        for (uint64_t j = 0; j < sizes[i]; j++) /* once more */
            assert_true(distinct_add(distinct, &arena, member(j)));
        assert_int_equal(distinct_count(distinct), sizes[i]);
        assert_false(distinct_registers(distinct) != NULL);
    }
}

static void any_hash_is_a_member(void **state)
{
    static const uint64_t hashes[] = { 0,    UINT64_MAX, 1,     1ull << 63, 4096,
                                       8192, 12288,      16384, 32768,      1ull << 32 };
    enum { N = sizeof hashes / sizeof hashes[0] };
    struct distinct *distinct = distinct_new(&arena);
    (void)state;

    for (size_t i = 0; i < 2 * N; i++)
        assert_true(distinct_add(distinct, &arena, hashes[i % N]));
    assert_int_equal(distinct_count(distinct), N);
    for (uint64_t i = 1; i < 3000; i++) /* all in one place of the index */
        assert_true(distinct_add(distinct, &arena, i << 20));
    assert_true(distinct_registers(distinct) != NULL);
}

/* The same members always: the error is a fixed number, not a chance. */
static void many_members_are_estimated_within_three_standard_errors(void **state)
{
    static const uint64_t sizes[] = {
        2049, 3000, 10000, 30000, 50000, 100000, 300000, 1000000
    };
    struct distinct *distinct = distinct_new(&arena);
    uint64_t n = 0;
    (void)state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (; n < sizes[i]; n++)
            assert_true(distinct_add(distinct, &arena, member(n)));
        double error = fabs((double)distinct_count(distinct) / (double)n - 1);

        assert_true(distinct_registers(distinct) != NULL);
        if (error > 3 * 0.0081)
            fail_msg("%.2f %% at %llu", 100 * error, (unsigned long long)n);
    }
    assert_true(arena.bytes <= 128 << 10);
}

static void extreme_registers_give_a_number(void **state)
{
    struct distinct *distinct = filled(0, 2049);
    (void)state;

    for (uint64_t i = 0; i < DISTINCT_REGISTERS; i++) /* rank 51 everywhere */
        assert_true(distinct_add(distinct, &arena, i << 50));
    assert_true(distinct_count(distinct) > 1ull << 50);
}

static void merging_commutes_and_is_the_same_as_adding(void **state)
{
    static const struct {
        uint64_t from, middle, other_from, to;
    } cases[] = {
        { 0, 0, 0, 0 },
        { 0, 0, 0, 5 },
        { 0, 3, 1, 5 },          /* overlapping */
        { 0, 1000, 500, 2000 },  /* exact with exact */
        { 0, 1500, 1000, 2048 }, /* just exact */
        { 0, 1500, 1500, 3000 }, /* exact with exact, together too many */
        { 0, 2048, 2048, 2049 },
        { 0, 100, 50, 5000 },       /* exact with registers */
        { 0, 30000, 20000, 50000 }, /* registers with registers */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct distinct *all = filled(cases[i].from, cases[i].to);
        struct distinct *left = filled(cases[i].from, cases[i].middle);
        struct distinct *right = filled(cases[i].other_from, cases[i].to);
        struct distinct *other = filled(cases[i].from, cases[i].middle);

        assert_true(distinct_merge(left, &arena, right));
        assert_true(distinct_merge(right, &arena, other));
        assert_int_equal(distinct_count(left), distinct_count(all));
        assert_int_equal(distinct_count(right), distinct_count(all));
        assert_int_equal(distinct_registers(left) != NULL, distinct_registers(all) != NULL);
        if (distinct_registers(all) != NULL) {
            assert_memory_equal(distinct_registers(left), distinct_registers(all),
                                DISTINCT_REGISTERS);
            assert_memory_equal(distinct_registers(right), distinct_registers(all),
                                DISTINCT_REGISTERS);
        }
    }
}

static void members_and_registers_can_be_written_down(void **state)
{
    const uint64_t *members;
    struct distinct *distinct = filled(0, 20);
    (void)state;

    assert_int_equal(distinct_members(distinct, &members), 20);
    assert_true(members[0] == member(0) && members[19] == member(19));
    assert_null(distinct_registers(distinct));
    distinct = filled(0, 3000);
    assert_int_equal(distinct_members(distinct, &members), 0);
    assert_non_null(distinct_registers(distinct));
}

static void refused_members_change_nothing(void **state)
{
    struct arena_budget little = { .left = 4096 };
    struct arena small;
    (void)state;

    arena_init(&small, &little);
    struct distinct *distinct = distinct_new(&small);
    uint64_t n = 0;

    while (distinct_add(distinct, &small, member(n)))
        n++;
    assert_true(n >= 128);
    assert_int_equal(distinct_count(distinct), n);
    assert_true(distinct_add(distinct, &small, member(0))); /* known ones need nothing */
    assert_true(distinct_merge(distinct, &small, filled(0, n)));
    assert_false(distinct_merge(distinct, &small, filled(0, 2000)));
    assert_false(distinct_merge(distinct, &small, filled(0, 5000)));
    assert_int_equal(distinct_count(distinct), n);
    assert_false(distinct_registers(distinct) != NULL);
    arena_free(&small);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(hashes_are_the_same_in_every_process),
        TEST(few_members_count_exactly),
        TEST(any_hash_is_a_member),
        TEST(many_members_are_estimated_within_three_standard_errors),
        TEST(extreme_registers_give_a_number),
        TEST(merging_commutes_and_is_the_same_as_adding),
        TEST(members_and_registers_can_be_written_down),
        TEST(refused_members_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
