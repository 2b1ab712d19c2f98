/* What each receiver got, within the hour and at all, over crashes, restarts and successors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/evaluator_minutes.h"

static const char body[] = SIMPLE ENDS;

static const struct slice someone = SLICE("someone@example.com");

static struct evaluator *again(struct evaluator *given)
{
    struct evaluator *evaluator = begin();

    evaluator_free(given);
    world.n_recalled = 0;
    define(evaluator, 7, body);
    evaluator_world_restore(&world, evaluator);
    return evaluator;
}

/* The receiver says yes to the first that was sent, as a notifier tells it. */
static void taken(struct evaluator *evaluator)
{
    struct notification *one = world.sent[0];
    char id[NOTIFICATION_ID_SIZE];

    memcpy(id, one->id, sizeof id);
    memmove(world.sent, world.sent + 1, --world.n_sent * sizeof *world.sent);
    evaluator_count(evaluator, someone, false, world.now_s);
    evaluator_hear(evaluator, one, slice_of(id), someone, NOTIFICATION_SENT, 1, "250 \"ok\"",
                   world.now_s);
}

static void forget_sent(void)
{
    while (world.n_sent > 0)
        notification_free(world.sent[--world.n_sent]);
}

static void what_was_taken_counts_for_an_hour(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, body);
    value(evaluator, "*", 1, 11);
    taken(evaluator);
    value(evaluator, "*", 2, 9);
    taken(evaluator);
    evaluator = again(evaluator);
    go_to(evaluator, 3);
    assert_int_equal(world.n_recalled, 2);
    evaluator = again(evaluator); /* and none of them twice */
    go_to(evaluator, 4);
    assert_int_equal(world.n_recalled, 2);
    evaluator = again(evaluator);
    go_to(evaluator, 62); /* the first is an hour ago */
    assert_int_equal(world.n_recalled, 1);
    go_to(evaluator, 70);
    evaluator = again(evaluator);
    go_to(evaluator, 71);
    assert_int_equal(world.n_recalled, 0);
    for (size_t i = 0; i < world.n_disk; i++)
        assert_string_equal(world.disk[i].kind, "group");
    evaluator_free(evaluator);
}

static void a_digest_is_remembered(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, body);
    value(evaluator, "*", 1, 9);
    evaluator_count(evaluator, someone, true, world.now_s);
    int64_t digest_s = world.now_s;

    evaluator = again(evaluator);
    go_to(evaluator, 2);
    assert_int_equal(world.n_recalled, 1);
    assert_int_equal(world.digest_s, digest_s);

    evaluator_restore(evaluator, SLICE("receiver"), SLICE("other@example.com"),
                      SLICE("{\"digest_s\":9223372036854775807}"));
    go_to(evaluator, 3); /* that was said by another clock */
    assert_int_equal(world.digest_s, world.now_s);
    evaluator_free(evaluator);
}

/* Whatever was sent when it crashed is counted, though nobody was left to count it, and before
 * it is sent again. */
static void what_may_have_been_sent_counts(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, body);
    value(evaluator, "*", 1, 11);
    assert_int_equal(world.n_sent, 1);
    for (uint32_t crashes = 1; crashes <= 5; crashes++) {
        forget_sent();
        evaluator = again(evaluator);
        world.is_disk_slow = true;
        go_to(evaluator, 1);
        assert_int_equal(world.n_recalled, crashes);
        assert_int_equal(world.n_sent, 0); /* before it is on the disk */
        evaluator_world_disk_answers(&world);
        assert_int_equal(world.n_sent, 1);
    }
    evaluator_free(evaluator);
}

/* Of many that wait these are few: one at a time is sent, and written down soon. */
static void not_all_that_waits_was_sent(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, body);
    for (int minute = 1; minute <= 12; minute++)
        value(evaluator, "*", minute, minute % 2 == 1 ? 11 : 9);
    forget_sent();
    evaluator = again(evaluator);
    go_to(evaluator, 13);
    assert_int_equal(world.n_recalled, 10);
    assert_int_equal(world.n_sent, 12);
    evaluator_free(evaluator);
}

/* What waits goes before what is new, and a disk that hangs is not waited for without end. */
static void the_order_stays(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, body);
    value(evaluator, "*", 1, 11);
    forget_sent();
    evaluator = again(evaluator);
    world.is_disk_slow = true;
    value(evaluator, "*", 2, 9);
    evaluator_world_go_to(&world, evaluator, world.now_s + 11);
    evaluator_world_go_to(&world, evaluator, world.now_s + 11);
    assert_int_equal(world.n_sent, 2);
    assert_int_equal(world.sent[0]->transition.to, MONITOR_ALERT);
    assert_int_equal(world.sent[1]->transition.to, MONITOR_OK);
    evaluator_world_disk_answers(&world);
    assert_int_equal(world.n_sent, 2);
    evaluator_free(evaluator);
}

/* By both ways at once: what was handed over, and what the disk has of it. */
static void a_successor_counts_on(void **state)
{
    struct evaluator *evaluator = begin(), *successor = begin();

    (void)state;
    define(evaluator, 7, body);
    define(successor, 7, body);
    value(evaluator, "*", 1, 11);
    taken(evaluator);
    value(evaluator, "*", 2, 9); /* this one waits, and was not sent */
    forget_sent();
    succeed(evaluator, successor);
    evaluator_world_restore(&world, successor);
    go_to(successor, 3);
    assert_int_equal(world.n_recalled, 1);
    assert_int_equal(world.n_sent, 1);
    assert_int_equal(evaluator_told(successor, 0)->end, NOTIFICATION_WAITING);
    assert_int_equal(evaluator_told(successor, 1)->end, NOTIFICATION_SENT);
    assert_null(evaluator_told(successor, 2));
    evaluator_free(successor);
}

/* Who was told what, with the answers, and in its order; of what waits, too. */
static void the_history_stays(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    world.keeps_told = true;
    define(evaluator, 7, body);
    value(evaluator, "*", 1, 11);
    taken(evaluator);
    value(evaluator, "*", 2, 9);
    taken(evaluator);
    value(evaluator, "*", 3, 11);
    forget_sent();
    for (int crashes = 0; crashes < 2; crashes++) {
        evaluator = again(evaluator);
        go_to(evaluator, 3);
        assert_int_equal(evaluator_told(evaluator, 0)->end, NOTIFICATION_WAITING);
        assert_int_equal(evaluator_told(evaluator, 0)->to, MONITOR_ALERT);
        assert_int_equal(evaluator_told(evaluator, 1)->end, NOTIFICATION_SENT);
        assert_int_equal(evaluator_told(evaluator, 1)->to, MONITOR_OK);
        assert_string_equal(evaluator_told(evaluator, 1)->answer, "250 \"ok\"");
        assert_int_equal(evaluator_told(evaluator, 1)->raised_s, START_S + 2 * MINUTE_S);
        assert_int_equal(evaluator_told(evaluator, 1)->at_s,
                         START_S + 2 * MINUTE_S + EVALUATOR_WAIT_S);
        assert_int_equal(evaluator_told(evaluator, 2)->attempts, 1);
        assert_null(evaluator_told(evaluator, 3));
        forget_sent();
    }
    evaluator_free(evaluator);
}

/* The ring has so many places; what was restored is the oldest. */
static void a_long_history_has_an_end(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} > 10\","
           "\"message\":\"@nobody@example.org\"}");
    evaluator_restore(evaluator, SLICE("told"), SLICE("999"),
                      SLICE("{\"number\":5999,\"end\":\"sent\",\"attempts\":1,\"at_s\":7,"
                            "\"answer\":\"\",\"of\":{\"id\":\"7.0.ok.0.0\",\"monitor\":7,"
                            "\"from\":\"OK\",\"to\":\"Alert\",\"at_s\":1,\"again\":0,"
                            "\"raised_s\":1,\"test\":false,\"priority\":0}}"));
    for (int minute = 1; minute <= 1010; minute++)
        value(evaluator, "*", minute, minute % 2 == 1 ? 11 : 9);
    world.keeps_told = true;
    size_t n_disk = world.n_disk;

    evaluator_write_told(evaluator); /* the last one alone is new */
    assert_int_equal(world.n_disk, n_disk + 1);
    assert_non_null(evaluator_told(evaluator, EVALUATOR_TOLD_MAX - 1));
    assert_null(evaluator_told(evaluator, EVALUATOR_TOLD_MAX));
    assert_int_equal(evaluator_told(evaluator, 0)->to, MONITOR_OK);
    for (size_t i = 0; i < EVALUATOR_TOLD_MAX; i++)
        assert_int_equal(evaluator_told(evaluator, i)->end, NOTIFICATION_REFUSED);
    evaluator_free(evaluator);
}

static void what_is_damaged_is_no_history(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"number\":-1,\"end\":\"sent\",\"attempts\":1,\"at_s\":1,\"of\":{}}",
        "{\"number\":1,\"end\":\"gone\",\"attempts\":1,\"at_s\":1,\"of\":{}}",
        "{\"number\":1,\"end\":\"sent\",\"attempts\":1,\"at_s\":1,\"of\":{}}",
        "{\"number\":1,\"end\":\"sent\",\"attempts\":1,\"at_s\":1}",
    };
    struct evaluator *evaluator = begin();

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        evaluator_restore(evaluator, SLICE("told"), SLICE("1"), slice_of(texts[i]));
    assert_null(evaluator_told(evaluator, 0));
    evaluator_free(evaluator);
}

static void what_is_damaged_counts_nothing(void **state)
{
    static const char *const texts[] = { "",
                                         "{",
                                         "[]",
                                         "{\"sent\":7,\"digest_s\":-9223372036854775808}",
                                         "{\"sent\":[[],[1],[\"a\",2],[-1,2],[1,-2]]}",
                                         "{\"sent\":[[9223372036854775807,1]]}",
                                         "{\"sent\":[[29934361,4294967295]]}" };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct evaluator *evaluator = begin();

        define(evaluator, 7, body);
        evaluator_restore(evaluator, SLICE("receiver"), someone, slice_of(texts[i]));
        go_to(evaluator, 1);
        assert_int_equal(world.n_recalled, 0);
        evaluator_free(evaluator);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_was_taken_counts_for_an_hour),
        TEST(a_digest_is_remembered),
        TEST(what_may_have_been_sent_counts),
        TEST(not_all_that_waits_was_sent),
        TEST(the_order_stays),
        TEST(a_successor_counts_on),
        TEST(what_is_damaged_counts_nothing),
        TEST(the_history_stays),
        TEST(a_long_history_has_an_end),
        TEST(what_is_damaged_is_no_history),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
