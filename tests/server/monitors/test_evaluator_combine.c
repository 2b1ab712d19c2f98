#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

/* Two monitors, beside which composites are defined. */
static struct evaluator *begin_with(const struct evaluator_needs *needs, const char *first,
                                    const char *second)
{
    struct evaluator *evaluator = evaluator_new(needs);

    assert_non_null(evaluator);
    define(evaluator, 1, first);
    define(evaluator, 2, second);
    return evaluator;
}

static struct evaluator *begin_with_many_groups(void)
{
    struct evaluator_needs needs = evaluator_world_needs(&world);

    needs.ask = answer_groups;
    needs.keep = keep_nothing;
    struct evaluator *evaluator = begin_with(
        &needs,
        "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {host} > 10\"}",
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

/* As the world answers, and nothing about y. */
static void answer_all_but_y(void *self, const struct inquiry *inquiry,
                             void (*tell)(void *argument, int status, struct slice json),
                             void *argument)
{
    (void)self;
    if (memmem(inquiry->text.at, inquiry->text.len, "avg:y", 5) != NULL)
        tell(argument, 200, SLICE("{\"groups\":[]}"));
    else
        evaluator_world_needs(&world).ask(&world, inquiry, tell, argument);
}

static struct evaluator *begin_without_y(int64_t start_s)
{
    struct evaluator_needs needs = evaluator_world_needs(&world);

    needs.ask = answer_all_but_y;
    needs.start_s = start_s;
    return begin_with(&needs,
                      "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} > 10\"}",
                      "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:y{*} > 10\"}");
}

/* What comes a minute after the start is no reason to tell of its absence before. From then on
 * nothing is OK, as of errors that are counted when there are some, and shown as what it is. */
static void what_may_come_yet_has_no_opposite(void **state)
{
    struct evaluator *evaluator = begin_without_y(START_S);
    const struct watched_monitor *silent = monitors_find(evaluator_monitors(evaluator), 2);

    (void)state;
    define(evaluator, 3,
           "{\"type\":\"composite\",\"query\":\"!2\",\"message\":\"@webhook-pager\"}");
    for (int minute = 1; minute < 10; minute++)
        go_to(evaluator, minute);
    assert_int_equal(world.n_sent, 0);
    assert_int_equal(watched_monitor_shown(silent), MONITOR_NO_DATA);
    assert_int_equal(silent->found, MONITOR_NO_DATA);
    go_to(evaluator, 10);
    assert_int_equal(world.n_sent, 1);
    is_sent(0, MONITOR_ALERT, "[Triggered] !2");
    evaluator_free(evaluator);
}

/* Nor right behind a program that took over. */
static void what_may_come_yet_has_no_opposite_for_a_successor(void **state)
{
    const char *opposite =
        "{\"type\":\"composite\",\"query\":\"!2\",\"message\":\"@webhook-pager\"}";
    struct evaluator *evaluator = begin_without_y(START_S), *successor;
    const struct watched_monitor *silent;

    (void)state;
    define(evaluator, 3, opposite);
    for (int minute = 1; minute < 5; minute++)
        go_to(evaluator, minute);
    successor = begin_without_y(START_S + 4 * MINUTE_S);
    define(successor, 3, opposite);
    succeed(evaluator, successor);
    silent = monitors_find(evaluator_monitors(successor), 2);
    for (int minute = 5; minute < 10; minute++)
        go_to(successor, minute);
    assert_int_equal(world.n_sent, 0);
    assert_int_equal(watched_monitor_shown(silent), MONITOR_NO_DATA);
    go_to(successor, 10);
    assert_int_equal(world.n_sent, 1);
    evaluator_free(successor);
}

static void what_has_no_data_has_no_value(void **state)
{
    struct evaluator *evaluator = begin_without_y(START_S - 86400);

    (void)state;
    define(evaluator, 3,
           "{\"type\":\"composite\",\"query\":\"1 || 2\",\"message\":\"{{a.value}}/{{b.value}} "
           "@webhook-pager\"}");
    value(evaluator, "*", 1, 15);
    assert_int_equal(world.n_sent, 1);
    assert_true(says(world.sent[0], "15/ @webhook-pager"));
    assert_false(says(world.sent[0], "The server started"));
    evaluator_free(evaluator);
}

/* Whatever the order of the keys in the query, a group is called by its sorted tags. */
static void checks_and_values_have_the_same_groups(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(
        evaluator, 1,
        "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {role,host} > 10\"}");
    define(evaluator, 2,
           "{\"type\":\"service check\",\"query\":\"\\\"a\\\".over(\\\"*\\\")"
           ".by(\\\"role\\\",\\\"host\\\").last(2).count_by_status()\"}");
    define(evaluator, 3,
           "{\"type\":\"composite\",\"query\":\"1 && 2\",\"message\":\"@webhook-pager\"}");
    snprintf(world.checks, sizeof world.checks,
             "{\"host\":\"b\",\"tags\":[\"role:db\"],\"status\":2,\"in_a_row\":1,\"at_s\":%d,"
             "\"message\":\"\"}",
             START_S + MINUTE_S);
    value(evaluator, "host:b,role:db", 1, 15);
    assert_int_equal(world.n_sent, 1);
    is_sent(0, MONITOR_ALERT, "[Triggered on {host:b,role:db}] 1 && 2");
    evaluator_free(evaluator);
}

/* Its window is that of its monitors, and not of a check. */
static void doubts_what_its_monitors_have_not_seen(void **state)
{
    struct evaluator *evaluator = begin_without_y(START_S);

    (void)state;
    define(evaluator, 3,
           "{\"type\":\"composite\",\"query\":\"1 || 1\",\"message\":\"@webhook-pager\"}");
    value(evaluator, "*", 3, 15);
    assert_true(says(world.sent[0], "The server started within this window"));
    value(evaluator, "*", 5, 1);
    assert_int_equal(world.n_sent, 2);
    assert_false(says(world.sent[1], "The server started"));
    evaluator_free(evaluator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_groups_are_combined_piece_by_piece, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_operand_that_goes_meanwhile_ends_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_may_come_yet_has_no_opposite, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_come_yet_has_no_opposite_for_a_successor,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_no_data_has_no_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks_and_values_have_the_same_groups, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(doubts_what_its_monitors_have_not_seen, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
