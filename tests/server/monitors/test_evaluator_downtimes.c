#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/monitors/evaluator_internal.h"
#include "tests/support/evaluator_minutes.h"

static void set_downtime(struct evaluator *evaluator, int from, int until, const char *more)
{
    char body[256], problem[256];

    snprintf(body, sizeof body, "{\"scope\":\"*\",\"start\":%d,\"end\":%d%s}",
             START_S + from * MINUTE_S, START_S + until * MINUTE_S, more);
    if (!evaluator_set_downtime(evaluator, SLICE("one"), slice_of(body), false, START_S,
                                problem, sizeof problem))
        fail_msg("%s", problem);
}

static void is_told(size_t i, const char *title)
{
    assert_in_range(i + 1, 1, world.n_sent);
    assert_true(slice_equal(world.sent[i]->title, slice_of(title)));
}

/* Datadog's first example: an alert before a downtime that is one behind it. What is told again
 * while nobody is told would be lost. */
static void what_lasts_through_a_downtime_is_told_at_its_end(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE "\"renotify_interval\":2,\"renotify_occurrences\":2" ENDS);
    set_downtime(evaluator, 2, 20, "");
    for (int minute = 1; minute < 20; minute++)
        value(evaluator, "*", minute, 11);
    assert_int_equal(world.n_sent, 1);
    assert_int_equal(counter_read(&world.ledger.muted), 0);
    value(evaluator, "*", 20, 11);
    value(evaluator, "*", 21, 11);
    assert_int_equal(world.n_sent, 2);
    is_told(1, "[Re-Triggered] load");
    value(evaluator, "*", 22, 11);
    assert_int_equal(world.n_sent, 3); /* the second of two */
    value(evaluator, "*", 30, 11);
    assert_int_equal(world.n_sent, 3);
    evaluator_free(evaluator);
}

/* Whoever heard of an alert hears that it is over, whatever it was in between: milder in a
 * downtime, or silent without a word. */
static void who_heard_of_it_hears_that_it_is_over(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7,
           SIMPLE "\"thresholds\":{\"critical\":10,\"warning\":5},"
                  "\"on_missing_data\":\"show_no_data\"" ENDS);
    set_downtime(evaluator, 2, 10, "");
    value(evaluator, "*", 1, 11);
    value(evaluator, "*", 3, 6);
    value(evaluator, "*", 4, 1);
    assert_int_equal(world.n_sent, 2);
    is_told(1, "[Recovered] load");
    value(evaluator, "*", 5, 11); /* a second one in it is quiet */
    value(evaluator, "*", 6, 1);
    assert_int_equal(world.n_sent, 2);

    value(evaluator, "*", 20, 11);
    world.groups[0] = '\0';
    for (int minute = 21; minute < 27; minute++)
        go_to(evaluator, minute);
    assert_int_equal(evaluator_monitors(evaluator)->at[0]->groups[0]->state.state,
                     MONITOR_NO_DATA);
    assert_int_equal(world.n_sent, 3);
    value(evaluator, "*", 27, 1);
    assert_int_equal(world.n_sent, 4);
    is_told(3, "[Recovered] load");
    evaluator_free(evaluator);
}

/* Datadog's guide: "Monitors for this are scoped with app:erp, so we use this in the downtime
 * scope." Also without groups. */
static void a_scope_is_about_what_a_query_asks_for(void **state)
{
    struct evaluator *evaluator = begin();
    char problem[256];

    (void)state;
    define(
        evaluator, 1,
        "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{app:erp} > 10\",\"message\":"
        "\"@webhook-pager\"}");
    define(
        evaluator, 2,
        "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{app:web} > 10\",\"message\":"
        "\"@webhook-pager\",\"options\":{\"silenced\":{\"app:erp\":null}}}");
    assert_true(evaluator_set_downtime(evaluator, SLICE("one"),
                                       SLICE("{\"scope\":\"app:erp\"}"), false, START_S,
                                       problem, sizeof problem));
    value(evaluator, "*", 1, 11);
    assert_int_equal(world.n_sent, 1);
    assert_int_equal(world.sent[0]->monitor, 2);
    define(evaluator, 3,
           "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{app:web,a:b} > 10\","
           "\"message\":\"@webhook-pager\",\"options\":{\"silenced\":{\"app:web\":null}}}");
    value(evaluator, "*", 2, 11);
    assert_int_equal(world.n_sent, 1);
    assert_int_equal(counter_read(&world.ledger.muted), 2);
    evaluator_free(evaluator);
}

/* Who hears of it at the end of a downtime for the first time is not told that it is again. */
static void what_was_muted_is_told_as_new(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(
        evaluator, 7,
        "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} > 10\",\"name\":\"load\","
        "\"message\":\"{{#is_renotify}}again{{else}}new{{/is_renotify}} @webhook-pager\","
        "\"options\":{\"renotify_interval\":2,\"escalation_message\":\"still\"}}");
    set_downtime(evaluator, 1, 10, "");
    value(evaluator, "*", 2, 11);
    value(evaluator, "*", 9, 11);
    assert_int_equal(world.n_sent, 0);
    value(evaluator, "*", 10, 11);
    assert_int_equal(world.n_sent, 1);
    is_told(0, "[Triggered] load");
    assert_true(says(world.sent[0], "new ") && !says(world.sent[0], "still"));
    value(evaluator, "*", 12, 11);
    is_told(1, "[Re-Triggered] load");
    assert_true(says(world.sent[1], "again ") && says(world.sent[1], "still"));
    evaluator_free(evaluator);
}

/* One that was canceled quietly is no news for the next process either. */
static void a_canceled_downtime_stays_quiet(void **state)
{
    struct evaluator *evaluator = begin();

    (void)state;
    define(evaluator, 7, SIMPLE ENDS);
    set_downtime(evaluator, 0, 100, "");
    value(evaluator, "*", 1, 11);
    evaluator_mark_downtimes(evaluator);
    evaluator_sweep_downtimes(evaluator);
    value(evaluator, "*", 2, 11);
    evaluator_free(evaluator);
    evaluator = begin();
    define(evaluator, 7, SIMPLE ENDS);
    evaluator_world_restore(&world, evaluator);
    value(evaluator, "*", 3, 11);
    assert_int_equal(world.n_sent, 0);
    evaluator_free(evaluator);
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

/* ---- for who draws them ------------------------------------------------ */

static struct {
    int n;
    size_t occurrences;
    char sentence[128];
} shown;

static void hear_shown(void *argument, const struct occurrences *occurrences,
                       const char *sentence)
{
    (void)argument;
    shown.n++;
    shown.occurrences = occurrences != NULL ? occurrences->n : 0;
    snprintf(shown.sentence, sizeof shown.sentence, "%s", sentence);
}

/* A few at once, which take no room from what is evaluated. */
static void any_week_is_asked_about(void **state)
{
    struct evaluator *evaluator = begin_with_slow_calendar();
    struct downtime downtime = {
        .zone = "UTC",
        .recurrences = { { .rule = "FREQ=DAILY", .start_s = START_S, .duration_s = 60 } },
        .n_recurrences = 1
    };
    char day[64];

    (void)state;
    shown.n = 0;
    for (int i = 0; i <= RECUR_SHOWN_AT_ONCE; i++)
        evaluator_ask_occurrences(evaluator, &downtime, START_S, START_S + 7 * 86400,
                                  hear_shown, NULL);
    assert_int_equal(calendar.n, RECUR_SHOWN_AT_ONCE);
    assert_int_equal(shown.n, 1);
    assert_string_equal(shown.sentence, "so many downtimes are asked about already");
    snprintf(day, sizeof day, "%d\t%d\n", START_S, START_S + 60);
    calendar.tell(calendar.arguments[0], slice_of(day), "");
    assert_int_equal(shown.occurrences, 1);
    calendar.tell(calendar.arguments[1], SLICE("soon\n"), "");
    assert_string_equal(shown.sentence, "heeler-calendar's answer is none");
    calendar.tell(calendar.arguments[2], SLICE(""), "it is not there");
    assert_string_equal(shown.sentence, "it is not there");
    evaluator_ask_occurrences(evaluator, &downtime, START_S, START_S + 7 * 86400, hear_shown,
                              NULL);
    assert_int_equal(calendar.n, RECUR_SHOWN_AT_ONCE + 1);
    calendar.tell(calendar.arguments[3], SLICE(""), "");
    calendar.tell(calendar.arguments[4], SLICE(""), "");
    assert_int_equal(shown.n, 6);
    evaluator_free(evaluator);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_lasts_through_a_downtime_is_told_at_its_end),
        TEST(who_heard_of_it_hears_that_it_is_over),
        TEST(a_scope_is_about_what_a_query_asks_for),
        TEST(what_was_muted_is_told_as_new),
        TEST(a_canceled_downtime_stays_quiet),
        TEST(a_start_at_night_is_quiet),
        TEST(a_hanging_calendar_holds_nothing_up),
        TEST(many_that_recur_wait_for_their_turn),
        TEST(what_recurs_often_is_asked_about_seldom),
        TEST(any_week_is_asked_about),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
