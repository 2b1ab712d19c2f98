/* What is written down is all that a process after a crash has: states of groups that changed,
 * and values that may lack the last ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/evaluator_minutes.h"

#define BY_HOST                                                              \
    "{\"type\":\"metric alert\",\"query\":\"max(last_1m):max:x{*} by {host}" \
    " > 10\",\"name\":\"load\",\"message\":\"@webhook-pager\",\"options\":{"

/* Another one, that knows what is on the disk. */
static struct evaluator *crash(struct evaluator *given, const char *body)
{
    struct evaluator *evaluator = begin();

    evaluator_free(given);
    define(evaluator, 7, body);
    evaluator_world_restore(&world, evaluator);
    return evaluator;
}

static void hear_all(struct evaluator *evaluator)
{
    char id[NOTIFICATION_ID_SIZE];

    while (world.n_sent > 0) {
        struct notification *one = world.sent[--world.n_sent];
        char receiver[64] = "";

        memcpy(id, one->id, sizeof id);
        memcpy(receiver, one->receiver.at, one->receiver.len);
        evaluator_hear(evaluator, one, slice_of(id), slice_of(receiver), NOTIFICATION_SENT, 1,
                       "", world.now_s);
    }
}

/* A server that crashes each minute would otherwise never tell of it. */
static void a_group_that_never_changed_is_not_new(void **state)
{
    const char *body = BY_HOST ENDS; /* new ones have a minute */
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, body);
    value(evaluator, "host:a", 1, 11);
    value(evaluator, "host:b", 2, 9);
    hear_all(evaluator);
    evaluator = crash(evaluator, body);
    value(evaluator, "host:b", 3, 11);
    assert_int_equal(world.n_sent, 1);
    assert_int_equal(world.sent[0]->transition.to, MONITOR_ALERT);
    value(evaluator, "host:c", 4, 11);
    assert_int_equal(world.n_sent, 1); /* this one is */
    value(evaluator, "host:c", 5, 11);
    assert_int_equal(world.n_sent, 2);
    evaluator_free(evaluator);
}

/* Nor one of which nothing was in the first window, as the server was away. */
static void whoever_comes_right_after_the_start_is_not_new(void **state)
{
    struct evaluator_needs needs = evaluator_world_needs(&world);

    (void)state;
    needs.start_s = START_S + 90;
    struct evaluator *evaluator = evaluator_new(&needs);

    assert_non_null(evaluator);
    define(evaluator, 7, BY_HOST ENDS);
    go_to(evaluator, 1);
    value(evaluator, "host:a", 2, 11);
    assert_int_equal(world.n_sent, 1);
    value(evaluator, "host:b", 3, 9);
    value(evaluator, "host:c", 4, 11);
    assert_int_equal(world.n_sent, 1); /* a minute later it is */
    evaluator_free(evaluator);
}

/* The values that made it Alert were on no disk: that is no recovery. */
static void a_minute_is_not_judged_again_by_less(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, BY_HOST ENDS);
    value(evaluator, "host:a", 1, 11);
    hear_all(evaluator);
    evaluator = crash(evaluator, BY_HOST ENDS);
    value(evaluator, "host:a", 1, 9);
    assert_int_equal(world.n_sent, 0);
    value(evaluator, "host:a", 2, 11);
    assert_int_equal(world.n_sent, 0);
    value(evaluator, "host:a", 3, 9);
    assert_int_equal(world.n_sent, 1);
    assert_int_equal(world.sent[0]->transition.to, MONITOR_OK);
    evaluator_free(evaluator);
}

/* Nothing comes any more, and for a while after the start that is no news: that it is wrong
 * still has its time. */
static void what_lasts_is_told_again_right_after_the_start(void **state)
{
    const char *body = BY_HOST
        "\"notify_no_data\":true,\"no_data_timeframe\":1500,\"renotify_interval\":2" ENDS;
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, body);
    value(evaluator, "host:a", 1, 11);
    hear_all(evaluator);
    evaluator = crash(evaluator, body);
    world.groups[0] = '\0';
    go_to(evaluator, 2);
    assert_int_equal(world.n_sent, 0);
    go_to(evaluator, 3);
    assert_int_equal(world.n_sent, 1);
    assert_int_equal(world.sent[0]->transition.again, 1);
    evaluator_free(evaluator);
}

static void the_state_of_a_monitor_is_known_at_once(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, BY_HOST ENDS);
    value(evaluator, "host:a", 1, 11);
    evaluator = crash(evaluator, BY_HOST ENDS);
    evaluator_tick(evaluator, START_S + MINUTE_S + 1);
    assert_int_equal(counter_read(&evaluator_ledger(evaluator)->states[MONITOR_ALERT]), 1);
    evaluator_free(evaluator);
}

/* It was well, and fell silent while no process looked: who wants to be told is. */
static void who_falls_silent_in_between_is_missed(void **state)
{
    const char *body = BY_HOST "\"notify_no_data\":true,\"no_data_timeframe\":10" ENDS;
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, body);
    value(evaluator, "host:a", 1, 9);
    assert_int_equal(world.n_disk, 1);
    value(evaluator, "host:a", 2, 9);
    evaluator = crash(evaluator, body);
    world.groups[0] = '\0';
    go_to(evaluator, 10);
    assert_int_equal(world.n_sent, 0);
    go_to(evaluator, 11);
    assert_int_equal(world.n_sent, 1);
    assert_int_equal(world.sent[0]->transition.to, MONITOR_NO_DATA);
    evaluator_free(evaluator);
}

/* Nobody asks that of others, and what they would write is not. */
static void who_is_not_missed_is_not_written_down(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, BY_HOST ENDS);
    value(evaluator, "host:a", 1, 9);
    assert_int_equal(world.n_disk, 0);
    evaluator_free(evaluator);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_group_that_never_changed_is_not_new),
        TEST(whoever_comes_right_after_the_start_is_not_new),
        TEST(a_minute_is_not_judged_again_by_less),
        TEST(what_lasts_is_told_again_right_after_the_start),
        TEST(the_state_of_a_monitor_is_known_at_once),
        TEST(who_falls_silent_in_between_is_missed),
        TEST(who_is_not_missed_is_not_written_down),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
