#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/succession/leaving.h"

#define SECOND INT64_C(1000000000)

/* Who does not answer takes no more than its share of the time. */
static void a_sign_has_half_of_the_time(void **state)
{
    static const struct {
        int64_t left_s, sign_s;
    } cases[] = { { 4, 2 }, { 10, 5 }, { 3600, 5 }, { 1, 1 }, { 0, 1 }, { -7, 1 } };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(leaving_sign_by(9 * SECOND, (9 + cases[i].left_s) * SECOND),
                         (9 + cases[i].sign_s) * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_sign_has_half_of_the_time) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
