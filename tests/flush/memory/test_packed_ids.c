#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/memory/packed_ids.h"

enum { IDS_MAX = 300 };

static struct slice pack(const uint32_t *ids, size_t n, uint8_t *out)
{
    return (struct slice){ (const char *)out, packed_ids_pack(ids, n, out) };
}

static void lists_come_back_in_as_few_bytes_as_they_need(void **state)
{
    static const struct {
        uint32_t ids[9];
        size_t n, bytes;
    } cases[] = {
        { { 0 }, 0, 0 },
        { { 0 }, 1, 2 },
        { { 255, 0, 7 }, 3, 4 },                      /* 8 bits */
        { { 256 }, 1, 3 },                            /* 9 bits */
        { { 256, 1, 2, 3, 4, 5, 6, 7 }, 8, 10 },      /* 72 bits */
        { { 1048575, 3 }, 2, 6 },                     /* 20 bits: 40 */
        { { UINT32_MAX - 1, 0, UINT32_MAX }, 3, 13 }, /* 32 bits */
        { { 511, 0, 0, 0, 0, 0, 0, 0, 511 }, 9, 12 }, /* 81 bits */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[64];
        uint32_t back[9];
        struct slice packed = pack(cases[i].ids, cases[i].n, bytes);
        assert_int_equal(packed.len, cases[i].bytes);
        assert_int_equal(packed_ids_unpack(packed, back), cases[i].n);
        for (size_t k = 0; k < cases[i].n; k++)
            assert_int_equal(back[k], cases[i].ids[k]);
    }
}

/* Exactly as much memory as is said, and not a byte more is read. */
static void any_list_comes_back(void **state)
{
    uint32_t ids[IDS_MAX], back[IDS_MAX], seed = 1;
    (void)state;

    for (unsigned bits = 1; bits <= 32; bits++)
        for (size_t n = 0; n < IDS_MAX; n += 1 + n / 3) {
            for (size_t i = 0; i < n; i++) {
                seed = seed * 1664525 + 1013904223;
                ids[i] = seed >> (32 - bits);
            }
            uint8_t *room = malloc(packed_ids_room(n));
            size_t len = packed_ids_pack(ids, n, room);
            room = realloc(room, len + (len == 0));
            struct slice packed = { (const char *)room, len };
            assert_int_equal(packed_ids_unpack(packed, back), n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(back[i], ids[i]);
            free(room);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_come_back_in_as_few_bytes_as_they_need),
        cmocka_unit_test(any_list_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
