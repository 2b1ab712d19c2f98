#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flush/notify/notify_ledger.h"
#include "tests/support/evaluator_minutes.h"

/* A definition that changes keeps its states, if its groups are the same. */
static void a_change_keeps_states(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE ENDS);
    value(evaluator, "*", 1, 11);
    define(evaluator, 7, SIMPLE "\"renotify_interval\":60" ENDS);
    value(evaluator, "*", 2, 11);
    assert_int_equal(world.n_sent, 1);
    define(evaluator, 7,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {host} > 10\"}");
    assert_int_equal(evaluator_monitors(evaluator)->at[0]->n_groups, 0);
    evaluator_free(evaluator);
}

/* An answer comes when the test says so. */
static struct {
    void (*tell)(void *argument, int status, struct slice json);
    void *argument;
    int n;
} asked;

static void ask_later(void *self, const struct inquiry *inquiry,
                      void (*tell)(void *argument, int status, struct slice json),
                      void *argument)
{
    (void)self;
    asked.n += inquiry->kind == INQUIRY_MONITOR;
    asked.tell = tell;
    asked.argument = argument;
}

static void answer(struct evaluator *evaluator)
{
    asked.tell(asked.argument, 200,
               SLICE("{\"groups\":[{\"group\":\"*\",\"value\":50,\"last_s\":1796061660,"
                     "\"buckets\":5,\"first\":true}]}"));
    while (evaluator_step(evaluator, world.now_s))
        ;
}

static void an_answer_about_what_it_was_is_none(void **state)
{
    struct evaluator_needs needs = evaluator_world_needs(&world);

    (void)state;
    needs.ask = ask_later;
    asked.n = 0;
    struct evaluator *evaluator = evaluator_new(&needs);

    assert_non_null(evaluator);
    define(evaluator, 7,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:a{*} > 100\","
           "\"message\":\"@someone@example.com\"}");
    go_to(evaluator, 1);
    define(evaluator, 7, SIMPLE ENDS);
    answer(evaluator);
    assert_null(
        watched_monitor_find(monitors_find(evaluator_monitors(evaluator), 7), SLICE("*")));
    assert_int_equal(asked.n, 2); /* and asked about anew */
    evaluator_forget(evaluator, 7);
    answer(evaluator);
    assert_int_equal(world.beats, 1);
    evaluator_free(evaluator);
}

static void other_groups_are_not_found_again(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {host} > 10\"}");
    value(evaluator, "host:a", 1, 11);
    assert_int_equal(world.n_disk, 1);
    define(evaluator, 7, SIMPLE ENDS);
    assert_int_equal(world.n_disk, 0);
    evaluator_free(evaluator);
}

static void the_clock_goes_back(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE ENDS);
    value(evaluator, "*", 60, 1);
    value(evaluator, "*", 1, 1);
    value(evaluator, "*", 2, 1);
    assert_int_equal(world.asked, 3);
    evaluator_free(evaluator);

    /* Groups that are there already are not new for an hour, nor are they seen for so long. */
    evaluator = begin();
    define(evaluator, 7,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {host} > 10\","
           "\"message\":\"@webhook-pager\",\"options\":{\"on_missing_data\":\"resolve\"}}");
    value(evaluator, "host:a", 60, 1);
    value(evaluator, "host:b", 61, 1);
    value(evaluator, "host:b", 1, 11);
    assert_int_equal(world.n_sent, 1);
    evaluator_free(evaluator);
}

/* A storm of messages whose receiver takes none has a bound; what is beyond is told of. */
static void what_waits_has_a_bound(void **state)
{
    struct evaluator_needs needs = evaluator_world_needs(&world);
    struct evaluator *evaluator;

    (void)state;
    needs.start_s = START_S - 86400;
    needs.waiting_bytes_max = 1;
    evaluator = evaluator_new(&needs);
    assert_non_null(evaluator);
    define(evaluator, 7, SIMPLE ENDS);
    value(evaluator, "*", 1, 11);
    assert_int_equal(world.n_sent, 1);
    value(evaluator, "*", 2, 9);
    assert_int_equal(world.n_sent, 1);
    assert_int_equal(evaluator_told(evaluator, 0)->end, NOTIFICATION_SHED);
    assert_string_equal(evaluator_told(evaluator, 0)->answer, "too much waits to be sent");
    assert_int_equal(counter_read(&needs.ledger->shed_early), 1);

    struct notification *sent = world.sent[--world.n_sent];
    char id[NOTIFICATION_ID_SIZE];

    memcpy(id, sent->id, sizeof id);
    evaluator_hear(evaluator, sent, slice_of(id), SLICE("someone@example.com"),
                   NOTIFICATION_SENT, 1, "", world.now_s);
    value(evaluator, "*", 3, 11);
    assert_int_equal(world.n_sent, 1);
    evaluator_free(evaluator);
}

/* What was written down when it changed, two days ago, says nothing of what was seen since. */
static void a_start_forgets_no_group(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(
        evaluator, 7,
        "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {host} > 10\","
        "\"message\":\"@webhook-pager\",\"options\":{\"group_retention_duration\":\"72h\"}}");
    evaluator_restore(evaluator, SLICE("group"), SLICE("7/host:a"),
                      SLICE("{\"state\":\"Alert\",\"had_data\":true,\"last_data_s\":1,"
                            "\"seen_s\":60,\"changed_s\":1,\"host\":\"\",\"is_told\":true}"));
    go_to(evaluator, 1);
    assert_int_equal(evaluator_monitors(evaluator)->at[0]->n_groups, 1);
    value(evaluator, "host:a", 2, 11);
    assert_int_equal(world.n_sent, 0);
    evaluator_free(evaluator);
}

/* A message that nothing came is about all the time in which nothing did; one of a change also
 * about what it is compared with. */
static void doubts_are_about_what_is_said(void **state)
{
    static const char *const said = "Values were lost or shed within this window";
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE "\"notify_no_data\":true,\"no_data_timeframe\":30" ENDS);
    define(evaluator, 8,
           "{\"type\":\"metric alert\",\"query\":\"change(avg(last_5m),1h_ago):avg:x{*} > 10\","
           "\"message\":\"@webhook-pager\"}");
    value(evaluator, "*", 1, 1);
    world.groups[0] = '\0';
    world.lost_s = START_S + 3 * MINUTE_S;
    for (int minute = 2; minute <= 31; minute++)
        go_to(evaluator, minute);
    assert_int_equal(world.n_sent, 1);
    assert_true(says(world.sent[0], said));
    value(evaluator, "*", 60, 11);
    assert_int_equal(world.n_sent, 3);
    assert_true(slice_equal(world.sent[2]->receiver, SLICE("webhook-pager")));
    assert_true(says(world.sent[2], said));
    evaluator_free(evaluator);
}

/* What cannot be said of a composite: that there is no data, unless it wants to; and what two
 * of each other would be. */
static void a_composite_is_no_riddle(void **state)
{
    static const char *const wants[] = { "", ",\"options\":{\"notify_no_data\":true}" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct evaluator *evaluator = begin();
        size_t before = world.n_sent;
        char body[256];

        define(evaluator, 1,
               "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} > 10\","
               "\"options\":{\"notify_no_data\":true,\"no_data_timeframe\":5}}");
        snprintf(body, sizeof body,
                 "{\"type\":\"composite\",\"query\":\"1\",\"name\":\"c\","
                 "\"message\":\"@webhook-pager\"%s}",
                 wants[i]);
        define(evaluator, 2, body);
        define(evaluator, 3,
               "{\"type\":\"composite\",\"query\":\"!4\",\"message\":\"@webhook-pager\"}");
        define(evaluator, 4,
               "{\"type\":\"composite\",\"query\":\"3\",\"message\":\"@webhook-pager\"}");
        value(evaluator, "*", 1, 1);
        world.groups[0] = '\0';
        for (int minute = 2; minute < 12; minute++)
            go_to(evaluator, minute);
        assert_int_equal(world.n_sent, before + i);
        assert_string_equal(monitors_find(evaluator_monitors(evaluator), 3)->problem,
                            "monitor 4 is a composite: no composite is made of others");
        evaluator_free(evaluator);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_change_keeps_states),
        TEST(an_answer_about_what_it_was_is_none),
        TEST(other_groups_are_not_found_again),
        TEST(the_clock_goes_back),
        TEST(what_waits_has_a_bound),
        TEST(a_start_forgets_no_group),
        TEST(doubts_are_about_what_is_said),
        TEST(a_composite_is_no_riddle),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
