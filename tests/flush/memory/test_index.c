#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flush/memory/index.h"

enum { IDS = 2000 };

static bool has(const struct index *index, uint32_t hash, uint32_t wanted)
{
    struct index_probe probe = index_begin(index, hash);
    uint32_t id;

    while ((id = index_next(index, &probe)) != INDEX_NONE)
        if (id == wanted)
            return true;
    return false;
}

static void an_index_without_slots_holds_nothing(void **state)
{
    struct index index = { 0 };
    (void)state;

    assert_false(has(&index, 7, 0));
    assert_true(index_is_full(&index));
    assert_int_equal(index_bytes(&index), 0);
    index_free(&index);
}

static void ids_of_one_hash_are_all_found(void **state)
{
    static const uint32_t hashes[] = { 0, 1, 2, 3, UINT32_MAX };
    struct index index = { 0 };
    (void)state;

    for (size_t h = 0; h < sizeof hashes / sizeof hashes[0]; h++) {
        assert_true(index_clear(&index, 20));
        for (uint32_t id = 0; id < 20; id++)
            index_put(&index, hashes[h], id);
        index_remove(&index, hashes[h], 5);
        for (uint32_t id = 0; id < 20; id++)
            assert_int_equal(has(&index, hashes[h], id), id != 5);
    }
    index_free(&index);
}

static void lay_out(struct index *index, const uint32_t *hashes, const bool *in)
{
    assert_true(index_clear(index, index->live + 1));
    for (uint32_t id = 0; id < IDS; id++)
        if (in[id])
            index_put(index, hashes[id], id);
}

/* Against a plain list; hashes crowd in a few places, and probes go round the end. */
static void putting_and_removing_at_random_keeps_every_id(void **state)
{
    struct index index = { 0 };
    uint32_t hashes[IDS], seed = 1, live = 0;
    bool in[IDS] = { false };
    (void)state;

    for (uint32_t id = 0; id < IDS; id++)
        hashes[id] = id % 3 == 0 ? UINT32_MAX - id % 50 : id * 2654435761u;
    for (int round = 0; round < 60000; round++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t id = (seed >> 8) % IDS;
        bool growing = round / 10000 % 2 == 0;
        if (!in[id] && (seed >> 29 < 6) == growing) {
            if (index_is_full(&index))
                lay_out(&index, hashes, in);
            index_put(&index, hashes[id], id);
            in[id] = true;
            live++;
        } else if (in[id] && (seed >> 29 < 6) != growing) {
            index_remove(&index, hashes[id], id);
            in[id] = false;
            live--;
        }
        assert_int_equal(has(&index, hashes[id], id), in[id]);
        assert_int_equal(index.live, live);
        assert_true(index.used >= live);
    }
    for (uint32_t id = 0; id < IDS; id++)
        assert_int_equal(has(&index, hashes[id], id), in[id]);
    index_free(&index);
}

static void what_was_removed_leaves_no_slot_behind(void **state)
{
    struct index index = { 0 };
    (void)state;

    assert_true(index_clear(&index, 1000));
    for (uint32_t id = 0; id < 1000; id++)
        index_put(&index, id * 2654435761u, id);
    for (uint32_t id = 0; id < 1000; id++)
        index_remove(&index, id * 2654435761u, id);
    assert_int_equal(index.live, 0);
    assert_int_equal(index.used, 0);
    assert_true(index_is_sparse(&index));
    assert_true(index_clear(&index, 1));
    assert_false(index_is_sparse(&index));
    index_free(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_without_slots_holds_nothing),
        cmocka_unit_test(ids_of_one_hash_are_all_found),
        cmocka_unit_test(putting_and_removing_at_random_keeps_every_id),
        cmocka_unit_test(what_was_removed_leaves_no_slot_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
