/* The monitor of the exercise, over the weeks in which the clock changes: a gauge in phases of
 * 400, 600, 900 and silence, mails for each change, none on nights of weekdays and on weekends.
 * What is to be told is worked out here a second time, from the wall clock alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "calendar/occur.h"
#include "flush/memory/json_view.h"
#include "tests/support/evaluator_world.h"

enum {
    MINUTE_S = 60,
    PHASE_MINUTES = 410, /* so that phases wander through the day */
    NO_DATA_MINUTES = 10,
    MAILS_MAX = 4000
};

static const char monitor_body[] =
    "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:my_metric{*} by {host} > 800\","
    "\"name\":\"my_metric\",\"message\":\"{{#is_alert}}alert: {{value}} on {{host.name}} "
    "({{host.ip}}){{/is_alert}}{{#is_warning}}warning: {{value}} on "
    "{{host.name}}{{/is_warning}}"
    "{{#is_no_data}}no data of {{host.name}}{{/is_no_data}}{{#is_recovery}}fine: {{value}}"
    "{{/is_recovery}} @someone@example.com\",\"options\":{\"thresholds\":{\"critical\":800,"
    "\"warning\":500},\"notify_no_data\":true,\"no_data_timeframe\":10}}";

static const char nights[] =
    "{\"monitor_identifier\":{\"monitor_id\":1},\"scope\":\"*\","
    "\"mute_first_recovery_notification\":true,\"schedule\":{\"timezone\":\"Europe/Paris\","
    "\"recurrences\":[{\"rrule\":\"FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR\","
    "\"duration\":\"14h\",\"start\":\"2026-01-05T19:00:00\"}]}}";

static const char weekends[] =
    "{\"monitor_identifier\":{\"monitor_id\":1},\"scope\":\"*\","
    "\"mute_first_recovery_notification\":true,\"schedule\":{\"timezone\":\"Europe/Paris\","
    "\"recurrences\":[{\"rrule\":\"FREQ=WEEKLY;INTERVAL=1;BYDAY=SA,SU\",\"duration\":\"1d\","
    "\"start\":\"2026-01-03T00:00:00\"}]}}";

/* ---- what the evaluator is given --------------------------------------- */

struct mail {
    int64_t at_s;
    enum monitor_state to;
    char title[64], text[128];
};

static struct world {
    struct evaluator_world outside;
    int64_t from_s;
    struct mail mails[MAILS_MAX];
    size_t n;
    size_t pictures;
} world;

/* The value of that minute; 0: silence. */
static double value_at(int64_t at_s)
{
    static const double phases[] = { 400, 600, 900, 0 };

    return phases[(at_s - world.from_s) / MINUTE_S / PHASE_MINUTES % 4];
}

static void answer(void *self, const struct inquiry *inquiry,
                   void (*tell)(void *argument, int status, struct slice json), void *argument)
{
    double value = value_at(inquiry->to_s);
    char json[256] = "{\"groups\":[]}";

    (void)self;
    if (inquiry->kind == INQUIRY_MONITOR && value > 0)
        snprintf(json, sizeof json,
                 "{\"groups\":[{\"group\":\"host:h1\",\"host\":\"h1\",\"value\":%g,"
                 "\"last_s\":%lld,\"buckets\":5,\"first\":true}]}",
                 value, (long long)inquiry->to_s);
    tell(argument, 200, slice_of(json));
}

static void paint(void *self, struct slice definition,
                  void (*tell)(void *argument, struct bytes *picture), void *argument)
{
    struct bytes picture = { 0 };

    (void)self;
    assert_true(definition.len > 0);
    bytes_add(&picture, "PNG", 3);
    tell(argument, &picture);
    bytes_free(&picture);
}

static void recur(void *self, struct slice lines,
                  void (*tell)(void *argument, struct slice answer, const char *sentence),
                  void *argument)
{
    struct occurrence at[CALENDAR_OCCURRENCES_MAX + 2];
    char problem[CALENDAR_LINE_MAX], text[64];
    struct bytes out = { 0 };
    size_t n = 0;

    (void)self;
    assert_true(occur_add(slice_trim(lines, "\n"), at, &n, problem, sizeof problem));
    for (size_t i = 0; i < n; i++)
        bytes_add(&out, text,
                  (size_t)snprintf(text, sizeof text, "%lld\t%lld\n", (long long)at[i].start_s,
                                   (long long)at[i].end_s));
    tell(argument, bytes_view(&out), "");
    bytes_free(&out);
}

static void send_mail(void *self, struct notification *given)
{
    struct mail *mail = &world.mails[world.n++];

    (void)self;
    assert_in_range(world.n, 1, MAILS_MAX - 1);
    mail->at_s = given->raised_s;
    mail->to = given->transition.to;
    snprintf(mail->title, sizeof mail->title, "%.*s", (int)given->title.len, given->title.at);
    snprintf(mail->text, sizeof mail->text, "%.*s", (int)given->text.len, given->text.at);
    world.pictures += given->picture.len == 3;
    assert_true(slice_equal(given->receiver, SLICE("someone@example.com")));
    notification_free(given);
}

/* ---- what is to come --------------------------------------------------- */

static bool is_quiet(int64_t at_s)
{
    struct tm wall;
    time_t at = (time_t)at_s;

    assert_non_null(localtime_r(&at, &wall));
    bool is_weekend = wall.tm_wday == 0 || wall.tm_wday == 6;
    bool is_evening = wall.tm_wday >= 1 && wall.tm_wday <= 5 && wall.tm_hour >= 19;
    bool is_morning = wall.tm_wday >= 2 && wall.tm_hour < 9;

    return is_weekend || is_evening || is_morning;
}

struct expected {
    size_t n;
    int64_t at_s[MAILS_MAX];
    enum monitor_state to[MAILS_MAX];
};

static void expect(struct expected *out, int64_t at_s, enum monitor_state to)
{
    out->at_s[out->n] = at_s;
    out->to[out->n++] = to;
}

/* Minute by minute: a change is told unless it is quiet; what is still wrong and was not told
 * is told when quiet ends; that it is over only where somebody knows that it was wrong. */
static void work_out(int64_t from_s, int64_t to_s, struct expected *out)
{
    enum monitor_state state = MONITOR_OK;
    int64_t data_s = from_s;
    bool is_told = false;

    out->n = 0;
    for (int64_t at_s = from_s; at_s < to_s; at_s += MINUTE_S) {
        double value = value_at(at_s);
        enum monitor_state to = value > 800                                   ? MONITOR_ALERT
                                : value > 500                                 ? MONITOR_WARN
                                : value > 0                                   ? MONITOR_OK
                                : at_s - data_s >= NO_DATA_MINUTES * MINUTE_S ? MONITOR_NO_DATA
                                                                              : state;

        if (value > 0)
            data_s = at_s;
        if (to != state) {
            bool is_news = to != MONITOR_OK || is_told;

            state = to;
            if (to != MONITOR_OK)
                is_told = false;
            if (is_news && !is_quiet(at_s)) {
                expect(out, at_s, to);
                is_told = to != MONITOR_OK;
            }
        } else if (state != MONITOR_OK && !is_told && !is_quiet(at_s)) {
            expect(out, at_s, state);
            is_told = true;
        }
    }
}

/* ---- two weeks around each change -------------------------------------- */

static void check_text(const struct mail *mail)
{
    static const struct {
        const char *title, *text;
    } wanted[] = {
        [MONITOR_OK] = { "Recovered on {host:h1}] my_metric",
                         "fine: 400 @someone@example.com" },
        [MONITOR_NO_DATA] = { "No data on {host:h1}] my_metric",
                              "no data of h1 @someone@example.com" },
        [MONITOR_WARN] = { "Warn on {host:h1}] my_metric",
                           "warning: 600 on h1 @someone@example.com" },
        [MONITOR_ALERT] = { "Triggered on {host:h1}] my_metric",
                            "alert: 900 on h1 (10.0.0.7) @someone@example.com" },
    };

    assert_non_null(strstr(mail->title, wanted[mail->to].title));
    assert_string_equal(mail->text, wanted[mail->to].text);
}

static void around(const char *first_day)
{
    struct tm wall = { .tm_isdst = -1 };
    char problem[512] = "";
    static struct expected expected;

    assert_non_null(strptime(first_day, "%Y-%m-%d", &wall));
    int64_t from_s = (int64_t)mktime(&wall), to_s = from_s + 14 * 86400;

    world = (struct world){ .outside.address = "10.0.0.7", .from_s = from_s };
    struct evaluator_needs needs = evaluator_world_needs(&world.outside);

    needs.ask = answer;
    needs.paint = paint;
    needs.recur = recur;
    needs.send = send_mail;
    needs.start_s = from_s - 86400;
    struct evaluator *evaluator = evaluator_new(&needs);

    assert_non_null(evaluator);
    if (!evaluator_define(evaluator, 1, slice_of(monitor_body), problem, sizeof problem) ||
        !evaluator_set_downtime(evaluator, SLICE("nights"), slice_of(nights), true, from_s,
                                problem, sizeof problem) ||
        !evaluator_set_downtime(evaluator, SLICE("weekends"), slice_of(weekends), true, from_s,
                                problem, sizeof problem))
        fail_msg("%s", problem);
    for (int64_t at_s = from_s; at_s < to_s; at_s += MINUTE_S)
        evaluator_world_go_to(&world.outside, evaluator, at_s + EVALUATOR_WAIT_S);
    work_out(from_s, to_s, &expected);

    for (size_t i = 0; i < world.n && i < expected.n; i++) {
        assert_true(world.mails[i].at_s == expected.at_s[i]);
        assert_int_equal(world.mails[i].to, expected.to[i]);
        assert_false(is_quiet(world.mails[i].at_s));
        check_text(&world.mails[i]);
    }
    assert_int_equal(world.n, expected.n);
    assert_int_equal(world.pictures, world.n);
    assert_in_range(world.n, 10, 60);
    assert_int_equal(counter_read(&world.outside.ledger.raised),
                     world.n + counter_read(&world.outside.ledger.muted));
    evaluator_free(evaluator);
}

/* From a Monday, with the Sunday of the change in their middle. */
static void spring_2026(void **state)
{
    (void)state;
    around("2026-03-23");
}

static void autumn_2026(void **state)
{
    (void)state;
    around("2026-10-19");
}

static void spring_2027(void **state)
{
    (void)state;
    around("2027-03-22");
}

static void autumn_2027(void **state)
{
    (void)state;
    around("2027-10-25");
}

/* Monday from 00:00 to 09:00 nobody asked for quiet. */
static void monday_mornings_are_loud(void **state)
{
    (void)state;
    size_t mondays = 0;

    around("2026-10-19");
    for (size_t i = 0; i < world.n; i++) {
        time_t at = (time_t)world.mails[i].at_s;
        struct tm wall;

        assert_non_null(localtime_r(&at, &wall));
        mondays += wall.tm_wday == 1 && wall.tm_hour < 9;
    }
    assert_true(mondays > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spring_2026),
        cmocka_unit_test(autumn_2026),
        cmocka_unit_test(spring_2027),
        cmocka_unit_test(autumn_2027),
        cmocka_unit_test(monday_mornings_are_loud),
    };

    setenv("TZ", ":Europe/Paris", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
