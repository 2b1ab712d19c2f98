#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "flush/parcels/ledger.h"

static void all_workers_ledgers_make_one(void **state)
{
    static struct worker_ledger ledgers[3];
    struct worker_ledger sum;
    (void)state;

    for (uint64_t i = 0; i < 3; i++) {
        counter_set(&ledgers[i].lines[0], 10 + i);
        counter_set(&ledgers[i].shed[SHED_REASON_COUNT - 1], i);
        counter_set(&ledgers[i].longest_seal_us, i == 1 ? 700 : 5);
        counter_set(&ledgers[i].longest_gap_us, i == 0 ? 900 : 5);
        counter_set(&ledgers[i].alive_ms, i == 2 ? 40 : 50);
    }
    memset(&sum, 0xee, sizeof sum);
    ledger_sum(ledgers, 3, &sum);
    assert_int_equal(counter_read(&sum.lines[0]), 33);
    assert_int_equal(counter_read(&sum.shed[SHED_REASON_COUNT - 1]), 3);
    assert_int_equal(counter_read(&sum.births), 0);
    assert_int_equal(counter_read(&sum.longest_seal_us), 700);
    assert_int_equal(counter_read(&sum.longest_gap_us), 900);
    assert_int_equal(counter_read(&sum.alive_ms), 40); /* of the one that may hang */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_workers_ledgers_make_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
