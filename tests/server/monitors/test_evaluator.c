#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/evaluator_minutes.h"

static void set_downtime(struct evaluator *evaluator, const char *name, const char *body)
{
    char problem[512] = "";

    if (!evaluator_set_downtime(evaluator, slice_of(name), slice_of(body), false, START_S,
                                problem, sizeof problem))
        fail_msg("%s", problem);
}

static void nothing_is_asked_for_nobody(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    go_to(evaluator, 1);
    assert_int_equal(world.asked, 0);
    assert_int_equal(world.beats, 0);
    evaluator_free(evaluator);
}

static void tells_each_receiver_once(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(
        evaluator, 7,
        "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} > 10\",\"name\":\"load\","
        "\"tags\":[\"team:web\"],\"message\":\"{{value}} @someone@example.com "
        "@someone@example.com @webhook-pager @other@example.org @webhook-none "
        "@{{value}}@example.org\"}");
    value(evaluator, "*", 1, 11);
    go_to(evaluator, 1);
    value(evaluator, "*", 2, 12);
    assert_int_equal(world.asked, 2); /* once a minute */
    assert_int_equal(world.beats, 2);
    assert_int_equal(world.n_sent, 2);
    is_sent(0, MONITOR_ALERT, "[Triggered] load");
    assert_true(slice_equal(world.sent[0]->receiver, SLICE("someone@example.com")));
    assert_true(slice_equal(world.sent[1]->receiver, SLICE("webhook-pager")));
    assert_string_equal(world.sent[0]->id, world.sent[1]->id);
    assert_true(slice_equal(world.sent[0]->tags, SLICE("team:web")));
    assert_true(
        slice_equal(world.sent[0]->link, SLICE("https://heeler.example.org/#/monitor?id=7")));
    assert_int_equal(counter_read(&world.ledger.raised), 5);
    assert_int_equal(counter_read(&world.ledger.refused), 3);
    assert_string_equal(evaluator_told(evaluator, 0)->answer,
                        "an address is never made of variables");
    evaluator_free(evaluator);
}

/* What is to be sent is on the disk before it is; and is forgotten when it was. */
static void writes_down_before_it_sends(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE ENDS);
    world.is_disk_slow = true;
    value(evaluator, "*", 1, 11);
    assert_int_equal(world.n_sent, 0);
    assert_int_equal(world.n_queue, 1); /* the group, with what waits */
    assert_non_null(strstr(world.queue[0].text, "someone@example.com"));
    evaluator_world_disk_answers(&world);
    assert_int_equal(world.n_sent, 1);

    struct notification *sent = world.sent[--world.n_sent];
    struct slice receiver = SLICE("someone@example.com");
    char id[NOTIFICATION_ID_SIZE];

    memcpy(id, sent->id, sizeof id);
    evaluator_hear(evaluator, NULL, slice_of(id), receiver, NOTIFICATION_WAITING, 1,
                   "450 try again", world.now_s);
    assert_string_equal(evaluator_told(evaluator, 0)->answer, "450 try again");
    evaluator_hear(evaluator, sent, slice_of(id), receiver, NOTIFICATION_SENT, 2, "250 ok",
                   world.now_s);
    assert_int_equal(world.n_disk, 1);
    assert_null(strstr(world.disk[0].text, "someone@example.com"));
    assert_int_equal(evaluator_told(evaluator, 0)->end, NOTIFICATION_SENT);
    assert_int_equal(evaluator_told(evaluator, 0)->attempts, 2);
    assert_null(evaluator_told(evaluator, 1));
    evaluator_free(evaluator);
}

/* A disk that hangs holds up nobody's mail for long. */
static void sends_when_the_disk_hangs(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE ENDS);
    world.is_disk_slow = true;
    value(evaluator, "*", 1, 11);
    assert_int_equal(world.n_sent, 0);
    go_to(evaluator, 2);
    assert_int_equal(world.n_sent, 1);
    evaluator_world_disk_answers(&world);
    assert_int_equal(world.n_sent, 1);
    evaluator_free(evaluator);
}

/* As the disk has it: what may not have been sent is, under the same id; and the same minute
 * once more makes nothing new. */
static void goes_on_after_a_crash(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE ENDS);
    value(evaluator, "*", 1, 11);
    assert_int_equal(world.n_sent, 1);
    evaluator_free(evaluator);

    evaluator = begin();
    define(evaluator, 7, SIMPLE ENDS);
    evaluator_world_restore(&world, evaluator);
    go_to(evaluator, 1);
    go_to(evaluator, 2);
    assert_int_equal(world.n_sent, 2);
    assert_string_equal(world.sent[1]->id, world.sent[0]->id);
    value(evaluator, "*", 3, 9);
    assert_int_equal(world.n_sent, 3);
    is_sent(2, MONITOR_OK, "[Recovered] load");
    evaluator_free(evaluator);
}

/* New ones have time, silent ones are missed, then forgotten. */
static void knows_groups(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(
        evaluator, 7,
        "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} by {host} > 10\","
        "\"name\":\"load\",\"message\":\"@webhook-pager\",\"options\":{\"notify_no_data\":true,"
        "\"no_data_timeframe\":10,\"new_group_delay\":120,"
        "\"group_retention_duration\":\"60m\"}}");
    value(evaluator, "host:a", 1, 11);
    is_sent(0, MONITOR_ALERT, "[Triggered on {host:a}] load");
    value(evaluator, "host:b", 2, 11);
    value(evaluator, "host:b", 3, 11);
    assert_int_equal(world.n_sent, 1);
    value(evaluator, "host:b", 4, 11);
    is_sent(1, MONITOR_ALERT, "[Triggered on {host:b}] load");
    for (int minute = 5; minute <= 11; minute++)
        value(evaluator, "host:b", minute, 11);
    assert_int_equal(world.n_sent, 3);
    is_sent(2, MONITOR_NO_DATA, "[No data on {host:a}] load");
    for (int minute = 12; minute <= 61; minute++)
        value(evaluator, "host:b", minute, 11);
    assert_int_equal(evaluator_monitors(evaluator)->at[0]->n_groups, 1);
    assert_int_equal(world.n_sent, 3);
    evaluator_free(evaluator);
}

/* What is missing may not have come since we began. */
static void misses_nothing_right_after_the_start(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE "\"notify_no_data\":true,\"no_data_timeframe\":1500" ENDS);
    evaluator_restore(evaluator, SLICE("group"), SLICE("7/*"),
                      SLICE("{\"state\":\"OK\",\"had_data\":true,\"last_data_s\":1,"
                            "\"changed_s\":1,\"host\":\"\"}"));
    go_to(evaluator, 1); /* 1,441 minutes behind it */
    assert_int_equal(world.n_sent, 0);
    go_to(evaluator, 61);
    is_sent(0, MONITOR_NO_DATA, "[No data] load");
    evaluator_free(evaluator);
}

static void is_muted_while_a_downtime_holds(void **state)
{
    struct evaluator *evaluator = begin();
    char body[256];

    (void)state;
    define(evaluator, 7, SIMPLE ENDS);
    snprintf(body, sizeof body, "{\"scope\":\"*\",\"monitor_id\":7,\"start\":%d,\"end\":%d}",
             START_S + 5 * MINUTE_S, START_S + 10 * MINUTE_S);
    set_downtime(evaluator, "one", body);
    value(evaluator, "*", 1, 11);
    assert_int_equal(world.n_sent, 1);
    value(evaluator, "*", 6, 9); /* the first recovery is told: it was wrong before */
    assert_int_equal(world.n_sent, 2);
    is_sent(1, MONITOR_OK, "[Recovered] load");
    value(evaluator, "*", 7, 11);
    assert_int_equal(world.n_sent, 2);
    assert_int_equal(counter_read(&world.ledger.muted), 1);
    assert_true(evaluator_monitors(evaluator)->at[0]->groups[0]->is_muted);
    assert_int_equal(evaluator_monitors(evaluator)->at[0]->groups[0]->notified_s,
                     START_S + 6 * MINUTE_S);
    /* What is still wrong at its end is told, for the first time. */
    value(evaluator, "*", 10, 11);
    assert_int_equal(world.n_sent, 3);
    is_sent(2, MONITOR_ALERT, "[Triggered] load");
    value(evaluator, "*", 11, 11);
    assert_int_equal(world.n_sent, 3);
    evaluator_free(evaluator);
}

/* The end of one that is canceled is told where it says so; and that something is over that
 * nobody knew about is no news. */
static void a_canceled_downtime_is_quiet(void **state)
{
    (void)state;
    for (size_t tells = 0; tells < 2; tells++) {
        struct evaluator *evaluator = begin();
        size_t before = world.n_sent;
        char body[256];

        define(evaluator, 7, SIMPLE ENDS);
        snprintf(body, sizeof body, "{\"scope\":\"*\",\"start\":%d%s}", START_S,
                 tells > 0 ? ",\"notify_end_types\":[\"expired\",\"canceled\"]" : "");
        set_downtime(evaluator, "one", body);
        value(evaluator, "*", 1, 11);
        set_downtime(evaluator, "one", "");
        value(evaluator, "*", 2, 11);
        assert_int_equal(world.n_sent, before + tells);
        value(evaluator, "*", 3, 9);
        assert_int_equal(world.n_sent, before + 2 * tells);
        evaluator_free(evaluator);
    }
}

static void check(struct evaluator *evaluator, int minute, int status, int in_a_row)
{
    int at_s = START_S + minute * MINUTE_S;

    snprintf(world.checks, sizeof world.checks,
             "{\"check\":\"a\",\"host\":\"h\",\"message\":\"connection "
             "refused\",\"tags\":[\"env:prod\",\"x:y\"],\"status\":%d,"
             "\"in_a_row\":%d,\"at_s\":%d},{\"check\":\"a\",\"host\":\"h\","
             "\"tags\":[\"env:dev\"],\"status\":2,\"in_a_row\":9,\"at_s\":%d}",
             status, in_a_row, at_s, at_s);
    go_to(evaluator, minute);
}

/* It is asked again each minute, and then known. */
static void a_missing_calendar_is_said(void **state)
{
    struct evaluator *evaluator = begin();
    const struct counter *unknown = &evaluator_ledger(evaluator)->unknown_downtimes;

    (void)state;
    set_downtime(evaluator, "often",
                 "{\"scope\":\"*\",\"start\":1,\"end\":61,\"recurrence\":{\"type\":\"days\"}}");
    evaluator_tick(evaluator, START_S);
    assert_int_equal(counter_read(unknown), 1);
    world.occurrences = "";
    evaluator_tick(evaluator, START_S + 59);
    assert_int_equal(counter_read(unknown), 1);
    evaluator_tick(evaluator, START_S + 60);
    assert_int_equal(counter_read(unknown), 0);
    evaluator_free(evaluator);
}

static void takes_checks(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7,
           "{\"type\":\"service check\",\"query\":\"\\\"a\\\".over(\\\"env:prod\\\")"
           ".by(\\\"host\\\").last(4).count_by_status()\",\"name\":\"a\","
           "\"message\":\"{{check_message}} "
           "@webhook-pager\",\"options\":{\"thresholds\":{\"critical\":3,\"ok\":2},"
           "\"notify_no_data\":true,\"no_data_timeframe\":10}}");
    check(evaluator, 1, 2, 2);
    assert_int_equal(world.n_sent, 0);
    check(evaluator, 2, 2, 3);
    is_sent(0, MONITOR_ALERT, "[Triggered on {host:h}] a");
    assert_true(says(world.sent[0], "connection refused @webhook-pager"));
    check(evaluator, 3, 0, 1);
    assert_int_equal(world.n_sent, 1);
    check(evaluator, 4, 0, 2);
    is_sent(1, MONITOR_OK, "[Recovered on {host:h}] a");
    go_to(evaluator, 13);
    assert_int_equal(world.n_sent, 2);
    go_to(evaluator, 14);
    is_sent(2, MONITOR_NO_DATA, "[No data on {host:h}] a");
    evaluator_free(evaluator);
}

static void combines_monitors(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 1,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} > 10\"}");
    define(evaluator, 2,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} > 20\"}");
    define(evaluator, 3,
           "{\"type\":\"composite\",\"query\":\"1 && !2\",\"name\":\"both\","
           "\"message\":\"{{a.value}} {{b.value}}{{c.value}}{{.value}} @webhook-pager\"}");
    value(evaluator, "*", 1, 15);
    assert_int_equal(world.n_sent, 1);
    is_sent(0, MONITOR_ALERT, "[Triggered] both");
    assert_true(says(world.sent[0], "15 15 @webhook-pager"));
    value(evaluator, "*", 2, 25);
    is_sent(1, MONITOR_OK, "[Recovered] both");
    evaluator_forget(evaluator, 2);
    value(evaluator, "*", 3, 15);
    assert_int_equal(world.n_sent, 2);
    assert_string_equal(monitors_find(evaluator_monitors(evaluator), 3)->problem,
                        "there is no monitor 2");
    evaluator_free(evaluator);
}

static void waits_for_a_full_window(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE "\"require_full_window\":true" ENDS);
    snprintf(world.groups, sizeof world.groups,
             "{\"group\":\"*\",\"value\":11,\"last_s\":%d,\"buckets\":1,\"first\":true}",
             START_S + 60);
    go_to(evaluator, 1);
    assert_int_equal(world.n_sent, 0);
    value(evaluator, "*", 2, 11);
    assert_int_equal(world.n_sent, 1);
    evaluator_free(evaluator);
}

/* An answer that does not come leaves all as it was, and the monitor says so. */
static void a_failed_answer_changes_nothing(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE "\"notify_no_data\":true,\"no_data_timeframe\":10" ENDS);
    value(evaluator, "*", 1, 11);
    snprintf(world.groups, sizeof world.groups, "!");
    for (int minute = 2; minute < 30; minute++)
        go_to(evaluator, minute);
    assert_int_equal(world.n_sent, 1);
    assert_string_equal(evaluator_monitors(evaluator)->at[0]->problem,
                        "503: the flusher is busy");
    value(evaluator, "*", 30, 11);
    assert_string_equal(evaluator_monitors(evaluator)->at[0]->problem, "");
    evaluator_free(evaluator);
}

static void a_successor_goes_on(void **state)
{
    struct evaluator *evaluator = begin(), *successor = begin();

    (void)state;
    define(evaluator, 7, SIMPLE ENDS);
    define(successor, 7, SIMPLE ENDS);
    world.is_disk_slow = true; /* so that one still waits */
    value(evaluator, "*", 1, 11);
    evaluator_give_up_waits(evaluator);
    evaluator_world_disk_answers(&world);
    succeed(evaluator, successor);
    assert_int_equal(world.n_sent, 0);
    go_to(successor, 1); /* which was evaluated */
    assert_int_equal(world.asked, 1);
    assert_int_equal(world.n_sent, 1);
    value(successor, "*", 2, 11);
    assert_int_equal(world.n_sent, 1);
    evaluator_free(successor);
}

/* Whoever fell silent before is missed in time, and that is no guess. */
static void a_successor_has_watched_as_long(void **state)
{
    struct evaluator *evaluator = begin(), *successor;
    struct evaluator_needs needs = evaluator_world_needs(&world);

    (void)state;
    needs.start_s = START_S + 5 * MINUTE_S;
    assert_non_null(successor = evaluator_new(&needs));
    define(evaluator, 7, SIMPLE "\"notify_no_data\":true,\"no_data_timeframe\":10" ENDS);
    define(successor, 7, SIMPLE "\"notify_no_data\":true,\"no_data_timeframe\":10" ENDS);
    value(evaluator, "*", 1, 9);
    world.groups[0] = '\0';
    for (int minute = 2; minute <= 5; minute++)
        go_to(evaluator, minute);
    succeed(evaluator, successor);
    for (int minute = 6; minute <= 10; minute++)
        go_to(successor, minute);
    assert_int_equal(world.n_sent, 0);
    go_to(successor, 11);
    is_sent(0, MONITOR_NO_DATA, "[No data] load");
    assert_false(says(world.sent[0], "The server started"));
    evaluator_free(successor);
}

static void a_successor_does_what_was_begun(void **state)
{
    struct evaluator *evaluator = begin(), *successor = begin();

    (void)state;
    define(evaluator, 7, SIMPLE ENDS);
    define(successor, 7, SIMPLE ENDS);
    world.now_s = START_S + MINUTE_S + EVALUATOR_WAIT_S;
    evaluator_tick(evaluator, world.now_s);
    assert_true(evaluator_step(evaluator, world.now_s)); /* it is asked, and no more */
    succeed(evaluator, successor);
    value(successor, "*", 1, 11);
    is_sent(0, MONITOR_ALERT, "[Triggered] load");
    value(successor, "*", 1, 11);
    assert_int_equal(world.n_sent, 1);
    evaluator_free(successor);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_asked_for_nobody),
        TEST(tells_each_receiver_once),
        TEST(writes_down_before_it_sends),
        TEST(sends_when_the_disk_hangs),
        TEST(goes_on_after_a_crash),
        TEST(knows_groups),
        TEST(misses_nothing_right_after_the_start),
        TEST(is_muted_while_a_downtime_holds),
        TEST(a_canceled_downtime_is_quiet),
        TEST(a_missing_calendar_is_said),
        TEST(takes_checks),
        TEST(combines_monitors),
        TEST(waits_for_a_full_window),
        TEST(a_failed_answer_changes_nothing),
        TEST(a_successor_goes_on),
        TEST(a_successor_has_watched_as_long),
        TEST(a_successor_does_what_was_begun),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
