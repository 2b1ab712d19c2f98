#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "flush/delivery/backlog.h"

static void put(struct backlog *backlog, struct errand *errand, uint64_t order)
{
    errand->order = order;
    backlog_put(backlog, errand);
}

static void the_newest_is_taken_and_the_oldest_shed(void **state)
{
    struct backlog backlog = { 0 };
    struct errand errands[4] = { 0 };
    (void)state;

    for (uint64_t i = 0; i < 4; i++)
        put(&backlog, &errands[i], i);
    assert_ptr_equal(backlog_take_newest(&backlog), &errands[3]);
    assert_ptr_equal(backlog_take_oldest(&backlog), &errands[0]);
    assert_ptr_equal(backlog_take_newest(&backlog), &errands[2]);
    assert_ptr_equal(backlog_take_newest(&backlog), &errands[1]);
    assert_null(backlog_take_newest(&backlog));
    assert_null(backlog_take_oldest(&backlog));
}

static void one_that_returns_goes_where_its_age_says(void **state)
{
    static const uint64_t returning[] = { 0, 3, 5 }; /* oldest, between, newest */
    (void)state;

    for (size_t i = 0; i < sizeof returning / sizeof returning[0]; i++) {
        struct backlog backlog = { 0 };
        struct errand errands[4] = { 0 };
        uint64_t before = UINT64_MAX;

        put(&backlog, &errands[0], 1);
        put(&backlog, &errands[1], 2);
        put(&backlog, &errands[2], 4);
        put(&backlog, &errands[3], returning[i]);
        for (int k = 0; k < 4; k++) {
            struct errand *taken = backlog_take_newest(&backlog);

            assert_true(taken->order < before);
            before = taken->order;
        }
        assert_null(backlog_take_oldest(&backlog));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_is_taken_and_the_oldest_shed),
        cmocka_unit_test(one_that_returns_goes_where_its_age_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
