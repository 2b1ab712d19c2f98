#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "flush/history/narrow.h"

/* Every width, at both ends of the range. */
static void numbers_come_back(void **state)
{
    int64_t numbers[NARROW_NUMBERS], back[NARROW_NUMBERS];
    uint8_t bytes[NARROW_BYTES_MAX];
    uint64_t seed = 7;
    (void)state;

    for (unsigned width = 0; width <= 64; width++)
        for (size_t n = 1; n <= NARROW_NUMBERS; n++) {
            for (size_t i = 0; i < n; i++) {
                uint64_t above = 0;

                seed = seed * 6364136223846793005u + 1442695040888963407u;
                if (width > 0)
                    above = i == 0 ? UINT64_MAX >> (64 - width) : seed >> (64 - width);
                numbers[i] = (int64_t)((uint64_t)INT64_MIN + (i == n - 1 ? 0 : above));
            }
            const uint8_t *end = narrow_put(numbers, n, bytes);
            struct slice from = { (const char *)bytes, (size_t)(end - bytes) };

            if (width <= 57 && n > 1)
                assert_int_equal(narrow_width(numbers, n), width);
            assert_true(narrow_get(&from, n, back));
            assert_int_equal(from.len, 0);
            assert_memory_equal(back, numbers, n * sizeof *numbers);
        }
}

static void the_bytes_are_as_they_always_were(void **state)
{
    static const int64_t numbers[] = { -3, 0, 4 };
    static const uint8_t expected[] = { 5, 3, 0 | 3 << 3 | (7 & 3) << 6, 1 };
    uint8_t bytes[NARROW_BYTES_MAX];
    (void)state;

    assert_int_equal(narrow_put(numbers, 3, bytes) - bytes, sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(the_bytes_are_as_they_always_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
