#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flush/notify/notify_ledger.h"
#include "server/monitors/evaluator_internal.h"
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
    assert_int_equal(evaluator_monitors(evaluator)->first->n_groups, 0);
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

/* ---- what recurs ------------------------------------------------------- */

/* A calendar that answers when the test says so. */
static struct {
    void (*tell)(void *argument, struct slice answer, const char *sentence);
    void *arguments[64];
    int n;
    char lines[512]; /* the last */
} calendar;

static void recur_later(void *self, struct slice lines,
                        void (*tell)(void *argument, struct slice answer, const char *sentence),
                        void *argument)
{
    (void)self;
    assert_in_range(calendar.n, 0, 63);
    snprintf(calendar.lines, sizeof calendar.lines, "%.*s", (int)lines.len, lines.at);
    calendar.tell = tell;
    calendar.arguments[calendar.n++] = argument;
}

static struct evaluator *begin_with_slow_calendar(void)
{
    struct evaluator_needs needs = evaluator_world_needs(&world);
    struct evaluator *evaluator;

    needs.start_s = START_S - 86400;
    needs.recur = recur_later;
    calendar.n = 0;
    evaluator = evaluator_new(&needs);
    assert_non_null(evaluator);
    return evaluator;
}

static void set_recurring(struct evaluator *evaluator, const char *name, const char *more,
                          int64_t made_s)
{
    char body[256], problem[256];

    snprintf(
        body, sizeof body,
        "{\"scope\":\"*\",\"start\":%lld,\"end\":%lld,\"recurrence\":{\"type\":\"days\"}%s}",
        (long long)made_s, (long long)made_s + 3600, more);
    if (!evaluator_set_downtime(evaluator, slice_of(name), slice_of(body), false, made_s,
                                problem, sizeof problem))
        fail_msg("%s", problem);
}

/* A program that begins in the night, with an alert of which nobody was told: what was asked
 * for is the time that is now, however old the downtime is, and until it is answered no minute
 * is evaluated. */
static void a_start_at_night_is_quiet(void **state)
{
    struct evaluator *evaluator = begin_with_slow_calendar();
    char said[64], night[64];

    (void)state;
    define(evaluator, 7, SIMPLE ENDS);
    set_recurring(evaluator, "night", "", START_S - 40 * 86400);
    evaluator_restore(evaluator, SLICE("group"), SLICE("7/*"),
                      SLICE("{\"state\":\"Alert\",\"had_data\":true,\"last_data_s\":1,"
                            "\"changed_s\":1,\"host\":\"\",\"is_muted\":true}"));
    value(evaluator, "*", 1, 11);
    assert_int_equal(calendar.n, 1);
    snprintf(said, sizeof said, "\t%d\t%d\tFREQ=DAILY", START_S + 62 - RECUR_BACK_S,
             START_S + 62 + RECUR_AHEAD_S);
    assert_non_null(strstr(calendar.lines, said));
    assert_int_equal(world.asked, 0);
    snprintf(night, sizeof night, "%d\t%d\n", START_S, START_S + 3600);
    calendar.tell(calendar.arguments[0], slice_of(night), "");
    go_to(evaluator, 1);
    assert_int_equal(world.asked, 1);
    assert_int_equal(world.n_sent, 0);
    set_recurring(evaluator, "night", ",\"message\":\"x\"", START_S - 40 * 86400);
    value(evaluator, "*", 2, 11); /* it is known what holds of the changed one */
    assert_int_equal(calendar.n, 1);
    assert_int_equal(world.n_sent, 0);
    value(evaluator, "*", 60, 11);
    assert_int_equal(world.n_sent, 1);
    evaluator_free(evaluator);
}

/* A calendar that says nothing is not waited for longer than the rollups. */
static void a_hanging_calendar_holds_nothing_up(void **state)
{
    struct evaluator *evaluator = begin_with_slow_calendar();

    (void)state;
    define(evaluator, 7, SIMPLE ENDS);
    set_recurring(evaluator, "night", "", START_S);
    value(evaluator, "*", 1, 11);
    assert_int_equal(world.n_sent, 0);
    value(evaluator, "*", 2, 11);
    assert_int_equal(world.n_sent, 1);
    evaluator_free(evaluator);
}

/* Hundreds are asked about a few at once, and all of them. */
static void many_that_recur_wait_for_their_turn(void **state)
{
    struct evaluator *evaluator = begin_with_slow_calendar();
    char name[16];

    (void)state;
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "%d", i);
        set_recurring(evaluator, name, "", START_S);
    }
    evaluator_tick(evaluator, START_S);
    assert_int_equal(calendar.n, RECUR_AT_ONCE);
    for (int i = 0; i < 40; i++)
        calendar.tell(calendar.arguments[i], SLICE(""), "");
    assert_int_equal(calendar.n, 40);
    evaluator_tick(evaluator, START_S + 1);
    assert_int_equal(calendar.n, 40);
    evaluator_free(evaluator);
}

/* Of one that holds every few minutes only hours are known: it is not asked about for ever. A
 * clock that goes back asks again. */
static void what_recurs_often_is_asked_about_seldom(void **state)
{
    struct evaluator *evaluator = begin_with_slow_calendar();
    char answer_of[64 * 32 + 64] = "";
    size_t len = 0;

    (void)state;
    for (int i = 0; i < CALENDAR_OCCURRENCES_MAX + 1; i++)
        len += (size_t)snprintf(answer_of + len, sizeof answer_of - len, "%d\t%d\n",
                                START_S + 600 * i, START_S + 600 * i + 60);
    set_recurring(evaluator, "often", "", START_S);
    evaluator_tick(evaluator, START_S);
    calendar.tell(calendar.arguments[0], slice_of(answer_of), "");
    for (int minute = 1; minute < 300; minute++)
        evaluator_tick(evaluator, START_S + 60 * minute);
    assert_int_equal(calendar.n, 1);
    evaluator_tick(evaluator, START_S + 60 * 400);
    assert_int_equal(calendar.n, 2);
    calendar.tell(calendar.arguments[1], SLICE(""), "");
    evaluator_tick(evaluator, START_S);
    assert_int_equal(calendar.n, 3);
    evaluator_free(evaluator);
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
        TEST(a_composite_is_no_riddle),
        TEST(a_start_at_night_is_quiet),
        TEST(a_hanging_calendar_holds_nothing_up),
        TEST(many_that_recur_wait_for_their_turn),
        TEST(what_recurs_often_is_asked_about_seldom),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
