#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "tests/support/evaluator_world.h"

enum { MINUTE_S = 60, BEGIN_S = 1800000000 / MINUTE_S * MINUTE_S };

static const char above[] =
    "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:a{*} > 8\"}";
static const char wrong[] =
    "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:b{*} > 8\"}";

static int64_t answered_until_s;

/* Of "a" 9 and of "b" nothing that could be read. */
static void answer(void *self, const struct inquiry *inquiry,
                   void (*tell)(void *argument, int status, struct slice json), void *argument)
{
    (void)self;
    answered_until_s = inquiry->to_s;
    if (memmem(inquiry->text.at, inquiry->text.len, "b{*}", 4) != NULL)
        tell(argument, 400, SLICE("{\"error\":\"too many series\"}"));
    else
        tell(argument, 200,
             SLICE("{\"groups\":[{\"group\":\"*\",\"value\":9,\"last_s\":1800000000}]}"));
}

static void evaluate(struct evaluator *evaluator, int64_t tick_s, int64_t step_s)
{
    evaluator_tick(evaluator, tick_s);
    while (evaluator_step(evaluator, step_s))
        continue;
}

static void a_round_is_counted_and_says_what_the_monitors_are(void **state)
{
    static struct evaluator_world world = { .now_s = INT64_MAX };
    struct evaluator_needs needs = evaluator_world_needs(&world);

    needs.ask = answer;
    needs.start_s = BEGIN_S - 86400;
    struct evaluator *evaluator = evaluator_new(&needs);
    char problem[512];
    (void)state;

    assert_non_null(evaluator);
    const struct monitor_ledger *ledger = evaluator_ledger(evaluator);

    evaluate(evaluator, BEGIN_S + 3, BEGIN_S + 3);
    assert_int_equal(counter_read(&ledger->evaluated_s), 0); /* nobody waits for a round */
    assert_true(evaluator_define(evaluator, 1, slice_of(above), problem, sizeof problem) &&
                evaluator_define(evaluator, 2, slice_of(wrong), problem, sizeof problem));
    evaluate(evaluator, BEGIN_S + 3, BEGIN_S + 3);
    assert_int_equal(answered_until_s, BEGIN_S);
    assert_int_equal(counter_read(&ledger->evaluations), 2);
    assert_int_equal(counter_read(&ledger->late), 0);
    assert_int_equal(counter_read(&ledger->evaluated_s), BEGIN_S);
    assert_int_equal(counter_read(&ledger->states[MONITOR_ALERT]), 1);
    assert_int_equal(counter_read(&ledger->states[MONITOR_NO_DATA]), 1);
    assert_int_equal(counter_read(&ledger->groups), 1);
    assert_int_equal(counter_read(&ledger->problems), 1);

    /* Begun in time, and over a minute behind when it is answered. */
    evaluate(evaluator, BEGIN_S + 63, BEGIN_S + 60 + EVALUATOR_WAIT_S + EVALUATION_LATE_S + 1);
    assert_int_equal(counter_read(&ledger->evaluations), 4);
    assert_int_equal(counter_read(&ledger->late), 2);

    evaluator_forget(evaluator, 1);
    evaluator_forget(evaluator, 2);
    evaluate(evaluator, BEGIN_S + 123, BEGIN_S + 123);
    assert_int_equal(counter_read(&ledger->evaluated_s), 0);
    assert_int_equal(counter_read(&ledger->states[MONITOR_ALERT]), 0);
    assert_int_equal(counter_read(&ledger->problems), 0);
    evaluator_free(evaluator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_is_counted_and_says_what_the_monitors_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
