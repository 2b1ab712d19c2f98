#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flush/memory/arena.h"

static struct arena_budget budget;
static struct arena arena;

static int start(void **state)
{
    (void)state;
    atomic_store(&budget.left, 8 << 20);
    arena_init(&arena, &budget);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void blocks_are_aligned_and_do_not_overlap(void **state)
{
    static const size_t sizes[] = {
        1, 8, 13, 100, 4095, 5000, 3, 70000, 1, 300000, 2 << 20, 7
    };
    enum { N = sizeof sizes / sizeof sizes[0] };
    unsigned char *blocks[N];
    (void)state;

    for (size_t i = 0; i < N; i++) {
        blocks[i] = arena_alloc(&arena, sizes[i]);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 8, 0);
        memset(blocks[i], (int)i, sizes[i]);
    }
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(blocks[i][0], i);
        assert_int_equal(blocks[i][sizes[i] - 1], i);
    }
}

static void a_small_arena_takes_little_of_the_budget(void **state)
{
    (void)state;
    assert_non_null(arena_alloc(&arena, 100));
    assert_int_equal(arena.bytes, 4096);
    assert_int_equal(atomic_load(&budget.left), (8 << 20) - 4096);
}

static void chunks_grow_with_the_arena(void **state)
{
    size_t chunks = 0, seen = 0;
    (void)state;

    for (int i = 0; i < 4 << 10; i++) {
        assert_non_null(arena_alloc(&arena, 1000));
        chunks += arena.bytes != seen;
        seen = arena.bytes;
    }
    assert_true(chunks <= 13); /* 4, 4, 8, 16 ... 512 KiB, then 1 MiB each */
}

static void a_large_block_leaves_the_open_chunk_in_use(void **state)
{
    (void)state;
    char *before = arena_alloc(&arena, 16);

    assert_non_null(arena_alloc(&arena, 3 << 20));
    assert_ptr_equal(arena_alloc(&arena, 16), before + 16);
}

static void an_exhausted_budget_refuses_and_stays_whole(void **state)
{
    (void)state;
    atomic_store(&budget.left, 10000);
    assert_null(arena_alloc(&arena, 10001));
    assert_null(arena_alloc(&arena, SIZE_MAX - 3));
    assert_int_equal(atomic_load(&budget.left), 10000);

    size_t taken = 0;

    while (arena_alloc(&arena, 64) != NULL)
        taken += 64;
    assert_true(taken > 7 * 1000);
    assert_true(atomic_load(&budget.left) >= 0);
    arena_free(&arena);
    assert_int_equal(atomic_load(&budget.left), 10000);
}

static void a_freed_arena_may_be_used_again(void **state)
{
    (void)state;
    assert_non_null(arena_alloc(&arena, 200000));
    arena_free(&arena);
    assert_int_equal(arena.bytes, 0);
    assert_int_equal(atomic_load(&budget.left), 8 << 20);
    assert_non_null(arena_alloc(&arena, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blocks_are_aligned_and_do_not_overlap, start, stop),
        cmocka_unit_test_setup_teardown(a_small_arena_takes_little_of_the_budget, start, stop),
        cmocka_unit_test_setup_teardown(chunks_grow_with_the_arena, start, stop),
        cmocka_unit_test_setup_teardown(a_large_block_leaves_the_open_chunk_in_use, start,
                                        stop),
        cmocka_unit_test_setup_teardown(an_exhausted_budget_refuses_and_stays_whole, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_freed_arena_may_be_used_again, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
