#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "flush/memory/bytes.h"
#include "tests/support/evaluator_minutes.h"

enum { GROUPS = 1000, PIECE = 256 };

/* Each group once, with the value 15. */
static void answer_groups(void *self, const struct inquiry *inquiry,
                          void (*tell)(void *argument, int status, struct slice json),
                          void *argument)
{
    struct bytes json = { 0 };
    char group[128];

    (void)self, (void)inquiry;
    bytes_add(&json, "{\"groups\":[", 11);
    for (int i = 0; i < GROUPS; i++) {
        int len = snprintf(group, sizeof group,
                           "%s{\"group\":\"host:%04d\",\"value\":15,\"last_s\":%d}",
                           i > 0 ? "," : "", i, START_S);

        bytes_add(&json, group, (size_t)len);
    }
    bytes_add(&json, "]}", 2);
    tell(argument, 200, bytes_view(&json));
    bytes_free(&json);
}

static void keep_nothing(void *self, const char *kind, struct slice name, struct slice text,
                         void (*kept)(void *argument), void *argument)
{
    (void)self, (void)kind, (void)name, (void)text;
    if (kept != NULL)
        kept(argument);
}

static struct evaluator *begin_with_many_groups(void)
{
    struct evaluator_needs needs = evaluator_world_needs(&world);

    needs.ask = answer_groups;
    needs.keep = keep_nothing;
    struct evaluator *evaluator = evaluator_new(&needs);

    assert_non_null(evaluator);
    define(evaluator, 1,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {host} > 10\"}");
    define(evaluator, 2,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {host} > 20\"}");
    define(evaluator, 3, "{\"type\":\"composite\",\"query\":\"1 && !2\"}");
    return evaluator;
}

static void many_groups_are_combined_piece_by_piece(void **state)
{
    struct evaluator *evaluator = begin_with_many_groups();
    const struct watched_monitor *composite = monitors_find(evaluator_monitors(evaluator), 3);
    int64_t now_s = START_S + MINUTE_S + EVALUATOR_WAIT_S;
    size_t before = 0;
    (void)state;

    world.now_s = now_s;
    evaluator_tick(evaluator, now_s);
    while (evaluator_step(evaluator, now_s)) {
        assert_true(composite->n_groups - before <= PIECE);
        before = composite->n_groups;
        if (before > 0 && before < GROUPS) /* it counts when all of it was looked at */
            assert_int_equal(composite->evaluated_s, 0);
    }
    assert_int_equal(composite->n_groups, GROUPS);
    assert_int_equal(composite->evaluated_s, START_S + MINUTE_S);
    assert_int_equal(composite->found, MONITOR_ALERT);
    assert_int_equal(counter_read(&evaluator_ledger(evaluator)->evaluations), 3);
    evaluator_free(evaluator);
}

static void an_operand_that_goes_meanwhile_ends_it(void **state)
{
    struct evaluator *evaluator = begin_with_many_groups();
    const struct watched_monitor *composite = monitors_find(evaluator_monitors(evaluator), 3);
    int64_t now_s = START_S + MINUTE_S + EVALUATOR_WAIT_S;
    (void)state;

    world.now_s = now_s;
    evaluator_tick(evaluator, now_s);
    while (composite->n_groups == 0)
        assert_true(evaluator_step(evaluator, now_s));
    evaluator_forget(evaluator, 1);
    evaluator_forget(evaluator, 2);
    while (evaluator_step(evaluator, now_s))
        assert_true(composite->n_groups <= PIECE);
    assert_string_equal(composite->problem, "there is no monitor 2");
    assert_int_equal(composite->evaluated_s, START_S + MINUTE_S);
    evaluator_free(evaluator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_groups_are_combined_piece_by_piece, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_operand_that_goes_meanwhile_ends_it, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
