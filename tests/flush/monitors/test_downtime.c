#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flush/memory/json_view.h"
#include "flush/monitors/calendar.h"
#include "flush/monitors/downtime.h"
#include "tests/support/guard.h"

enum { NOW_S = 1796000000 };

typedef bool reader_of(struct slice value, int64_t now_s, struct downtime *out, char *problem,
                       size_t problem_size);

static struct slice value_of(const char *text)
{
    struct slice value;
    struct json_fault fault;

    assert_true(json_view_check(guarded_text(text), 1000, &value, &fault));
    return value;
}

static void read_whole(reader_of *read, const char *text, struct downtime *out)
{
    char problem[512] = "";

    if (!read(value_of(text), NOW_S, out, problem, sizeof problem))
        fail_msg("%s: %s", text, problem);
}

/* What it asks the calendar for. */
static void asks(const struct downtime *downtime, const char *wanted)
{
    struct bytes out = { 0 };

    calendar_ask(downtime, 100, 200, &out);
    assert_int_equal(out.len, strlen(wanted));
    assert_memory_equal(out.at, wanted, out.len);
    bytes_free(&out);
}

static void reads_v1(void **state)
{
    struct downtime downtime;

    (void)state;
    read_whole(downtime_read_v1,
               "{\"scope\":\"*\",\"monitor_id\":7,\"timezone\":\"Europe/Paris\","
               "\"start\":1796061600,\"end\":1796112000,\"recurrence\":{\"type\":\"weeks\","
               "\"period\":1,\"week_days\":[\"Mon\",\"Tue\",\"Wed\",\"Thu\",\"Fri\"]}}",
               &downtime);
    assert_true(downtime.monitor == 7);
    asks(&downtime, "Europe/Paris\t@1796061600\t0\t50400\t100\t200\t"
                    "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR\n");
    assert_int_equal(downtime.end_states,
                     1U << MONITOR_ALERT | 1U << MONITOR_NO_DATA | 1U << MONITOR_WARN);
    assert_true(downtime.tells_expired);
    assert_false(downtime.tells_canceled);
    downtime_free(&downtime);

    /* As a client sends it: numbers in quotes, null for what is not said. */
    read_whole(downtime_read_v1,
               "{\"scope\":[\"env:prod\",\"host:a\"],\"start\":\"1796425200\","
               "\"end\":\"1796511600\",\"message\":null,\"monitor_id\":null,"
               "\"recurrence\":{\"type\":\"days\",\"period\":2,\"until_occurrences\":5}}",
               &downtime);
    asks(&downtime, "UTC\t@1796425200\t1\t0\t100\t200\tFREQ=DAILY;INTERVAL=2;COUNT=5\n");
    downtime_free(&downtime);

    read_whole(downtime_read_v1,
               "{\"scope\":\"a:b\",\"start\":1,\"end\":61,\"recurrence\":{\"type\":\"months\","
               "\"period\":1,\"until_date\":1796061600}}",
               &downtime);
    asks(&downtime,
         "UTC\t@1\t0\t60\t100\t200\tFREQ=MONTHLY;INTERVAL=1;UNTIL=20261130T180000Z\n");
    downtime_free(&downtime);

    read_whole(downtime_read_v1, "{\"scope\":\"a:b\"}", &downtime);
    assert_true(downtime.start_s == NOW_S && downtime.end_s == DOWNTIME_FOR_EVER);
    assert_string_equal(downtime.zone, "UTC");
    downtime_free(&downtime);
}

static void reads_v2(void **state)
{
    struct downtime downtime;

    (void)state;
    read_whole(
        downtime_read_v2,
        "{\"monitor_identifier\":{\"monitor_id\":7},\"scope\":\"env:(staging OR prod) AND "
        "host:a\",\"schedule\":{\"timezone\":\"Europe/Paris\",\"recurrences\":[{\"rrule\":"
        "\"FREQ=WEEKLY;BYDAY=SA,SU\",\"duration\":\"1d\",\"start\":"
        "\"2026-12-05T00:00:00\"},{\"rrule\":\"FREQ=DAILY\",\"duration\":\"14h\"}]},"
        "\"notify_end_states\":[\"alert\"],\"notify_end_types\":[\"canceled\"],"
        "\"mute_first_recovery_notification\":true}",
        &downtime);
    asks(&downtime,
         "Europe/Paris\t2026-12-05T00:00:00\t1\t0\t100\t200\tFREQ=WEEKLY;BYDAY=SA,SU\n"
         "Europe/Paris\t@1796000000\t0\t50400\t100\t200\tFREQ=DAILY\n");
    assert_int_equal(downtime.end_states, 1U << MONITOR_ALERT);
    assert_true(downtime.tells_canceled && !downtime.tells_expired);
    assert_true(downtime.mute_first_recovery);
    downtime_free(&downtime);

    read_whole(downtime_read_v2,
               "{\"monitor_identifier\":{\"monitor_id\":7},\"scope\":\"*\",\"schedule\":"
               "{\"recurrences\":[{\"rrule\":\"FREQ=DAILY\",\"duration\":\"1h\",\"start\":"
               "\"2026-12-05T03:04\"}]}}",
               &downtime);
    asks(&downtime, "UTC\t2026-12-05T03:04:00\t0\t3600\t100\t200\tFREQ=DAILY\n");
    downtime_free(&downtime);

    read_whole(downtime_read_v2,
               "{\"monitor_identifier\":{\"monitor_tags\":[\"team:web\"]},\"scope\":\"*\","
               "\"schedule\":{\"start\":\"2026-11-30T19:00:00+01:00\","
               "\"end\":\"2026-11-30T18:30:00.5Z\"}}",
               &downtime);
    assert_true(downtime.start_s == 1796061600 && downtime.end_s == 1796063400);
    downtime_free(&downtime);

    read_whole(downtime_read_v2,
               "{\"monitor_identifier\":{\"monitor_tags\":[\"*\"]},\"scope\":\"a:b\","
               "\"schedule\":null}",
               &downtime);
    assert_true(downtime.start_s == NOW_S && downtime.end_s == DOWNTIME_FOR_EVER);
    downtime_free(&downtime);
}

static void is_about_some(void **state)
{
    static const struct slice group[] = { { "env:prod", 8 }, { "host:a", 6 } };
    static const struct slice tags[] = { { "team:web", 8 }, { "x", 1 } };
    static const struct {
        reader_of *read;
        const char *text;
        bool is;
    } cases[] = {
        { downtime_read_v1, "{\"scope\":\"*\"}", true },
        { downtime_read_v1, "{\"scope\":\"*\",\"monitor_id\":7}", true },
        { downtime_read_v1, "{\"scope\":\"*\",\"monitor_id\":8}", false },
        { downtime_read_v1, "{\"scope\":\"env:prod\"}", true },
        { downtime_read_v1, "{\"scope\":\"env:dev\"}", false },
        { downtime_read_v1, "{\"scope\":\"env:prod,host:a\"}", true },
        { downtime_read_v1, "{\"scope\":[\"env:prod\",\"host:b\"]}", false },
        { downtime_read_v1, "{\"scope\":\"env:p*\"}", true },
        { downtime_read_v1, "{\"scope\":\"*\",\"monitor_tags\":[\"team:web\"]}", true },
        { downtime_read_v1, "{\"scope\":\"*\",\"monitor_tags\":[\"team:web\",\"y\"]}", false },
        { downtime_read_v1, "{\"scope\":\"*\",\"monitor_tags\":[\"*\"]}", true },
        { downtime_read_v2,
          "{\"monitor_identifier\":{\"monitor_id\":7},\"scope\":\"env:(dev OR prod)\"}", true },
        { downtime_read_v2,
          "{\"monitor_identifier\":{\"monitor_id\":7},\"scope\":\"env:(dev OR test)\"}",
          false },
        { downtime_read_v2,
          "{\"monitor_identifier\":{\"monitor_id\":7},\"scope\":\"NOT host:a\"}", false },
        { downtime_read_v2,
          "{\"monitor_identifier\":{\"monitor_id\":7},\"scope\":\"-host:b AND (env:prod OR "
          "env:x)\"}",
          true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct downtime downtime;

        read_whole(cases[i].read, cases[i].text, &downtime);
        assert_int_equal(downtime_is_about(&downtime, 7, tags, 2, group, 2), cases[i].is);
        downtime_free(&downtime);
    }
}

static void names_what_is_wrong(void **state)
{
#define V2 "{\"monitor_identifier\":{\"monitor_id\":7},\"scope\":\"a:b\",\"schedule\":"
    static const struct {
        reader_of *read;
        const char *text, *sentence;
    } cases[] = {
        { downtime_read_v1, "{}", "Invalid scope parameter" },
        { downtime_read_v1, "{\"scope\":[]}", "Invalid scope parameter" },
        { downtime_read_v1, "{\"scope\":[7]}", "Invalid scope parameter" },
        { downtime_read_v1, "{\"scope\":\"a}b\"}", "Invalid scope parameter: it has a }" },
        { downtime_read_v1, "{\"scope\":\"a:b\",\"start\":\"soon\"}",
          "'start' is a whole number from 0 on" },
        { downtime_read_v1, "{\"scope\":\"a:b\",\"end\":9223372036854775807}",
          "'end' is beyond the year 9999" },
        { downtime_read_v1,
          "{\"scope\":\"a:b\",\"start\":1,\"end\":2,\"recurrence\":{\"type\":\"rrule\"}}",
          "Invalid recurrence rrule" },
        { downtime_read_v2, V2 "{\"end\":\"1969-12-31T23:59:59Z\"}}",
          "'schedule.end' is before 1970" },
        { downtime_read_v1, "{\"scope\":\"a:b\",\"start\":10,\"end\":10}",
          "'end' is not behind 'start'" },
        { downtime_read_v1, "{\"scope\":\"a:b\",\"timezone\":\"../x\"}",
          "'timezone' is the name of a time zone" },
        { downtime_read_v1, "{\"scope\":\"a:b\",\"recurrence\":{\"type\":\"weeks\"}}",
          "What recurs has an end" },
        { downtime_read_v1,
          "{\"scope\":\"a:b\",\"start\":1,\"end\":2,\"recurrence\":{\"type\":\"hours\"}}",
          "Invalid recurrence type" },
        { downtime_read_v1,
          "{\"scope\":\"a:b\",\"start\":1,\"end\":2,\"recurrence\":{\"type\":\"weeks\","
          "\"week_days\":[\"mon\"]}}",
          "Invalid set of days in week_days. Be sure that the first letter is capitalized." },
        { downtime_read_v1,
          "{\"scope\":\"a:b\",\"start\":1,\"end\":2,\"recurrence\":{\"type\":\"weeks\","
          "\"until_date\":5,\"until_occurrences\":6}}",
          "You must provide only provide one of (until_occurrences, until_date)" },
        { downtime_read_v1,
          "{\"scope\":\"a:b\",\"start\":1,\"end\":2,\"recurrence\":{\"type\":\"rrule\","
          "\"rrule\":\"FREQ\\nX\"}}",
          "Invalid recurrence rrule" },
        { downtime_read_v1, "{\"scope\":\"a:b\",\"monitor_tags\":\"team:web\"}",
          "'monitor_tags' is a list" },
        { downtime_read_v1, "{\"scope\":\"a:b\",\"notify_end_states\":\"alert\"}",
          "'notify_end_states' is a list" },
        { downtime_read_v1, "{\"scope\":\"a:b\",\"notify_end_types\":{}}",
          "'notify_end_types' is a list" },
        { downtime_read_v1,
          "{\"scope\":\"a:b\",\"start\":1,\"end\":2,\"recurrence\":{\"type\":\"weeks\","
          "\"week_days\":\"Mon\"}}",
          "'week_days' is a list" },
        { downtime_read_v1,
          "{\"scope\":\"a:b\",\"start\":1,\"end\":2,\"recurrence\":{\"type\":\"months\","
          "\"week_days\":[\"Mon\"]}}",
          "week_days is only for a recurrence of type weeks" },
        { downtime_read_v1,
          "{\"scope\":\"a:b\",\"start\":9,\"end\":10,\"recurrence\":{\"type\":\"weeks\","
          "\"until_date\":8}}",
          "'until_date' is before 'start'" },
        { downtime_read_v2, V2 "[null]}",
          "'schedule' is an object: start and end, or recurrences" },
        { downtime_read_v2, V2 "{\"recurrences\":{\"rrule\":\"FREQ=DAILY\"}}}",
          "'recurrences' is a list" },
        { downtime_read_v1, "{\"scope\":\"a:b\",\"notify_end_states\":[\"ok\"]}",
          "'notify_end_states' has alert, no data and warn" },
        { downtime_read_v2, "{\"scope\":\"prod\"}", "All values must have a key" },
        { downtime_read_v2, "{\"scope\":\"env:()\"}", "All values must have a key" },
        { downtime_read_v2, "{\"scope\":\"env:(a OR\"}",
          "Invalid scope parameter: expected ')'" },
        { downtime_read_v1, "{\"scope\":\"prod\"}", "All values must have a key" },
        { downtime_read_v1, "{\"scope\":[\"env:a\",\"prod\"]}", "All values must have a key" },
        { downtime_read_v2, "{\"scope\":\"a:b\"}",
          "'monitor_identifier' has a monitor_id, or monitor_tags" },
        { downtime_read_v2, V2 "{\"start\":\"2026-02-30T19:00:00Z\"}}",
          "'schedule.start' is a time like 2026-11-30T19:00:00Z" },
        { downtime_read_v2,
          V2 "{\"recurrences\":[{\"rrule\":\"FREQ=DAILY\",\"duration\":\"1h\",\"start\":"
             "\"2026-02-29T19:00:00\"}]}}",
          "'start' of what recurs is a time like 2026-11-30T19:00:00, without an offset" },
        { downtime_read_v2, V2 "{\"start\":\"today\"}}",
          "'schedule.start' is a time like 2026-11-30T19:00:00Z" },
        { downtime_read_v2, V2 "{\"recurrences\":[]}}",
          "'recurrences' is a list of one at least" },
        { downtime_read_v2, V2 "{\"recurrences\":[{\"rrule\":\"\"}]}}",
          "'rrule' is a rule of RFC 5545" },
        { downtime_read_v2, V2 "{\"recurrences\":[{\"rrule\":\"FREQ=DAILY\"}]}}",
          "'duration' is a time like 90m, 14h, 1d or 1w" },
        { downtime_read_v2,
          V2 "{\"recurrences\":[{\"rrule\":\"FREQ=DAILY\",\"duration\":\"1y\"}]}}",
          "'duration' is a time like 90m, 14h, 1d or 1w" },
        { downtime_read_v2,
          V2 "{\"recurrences\":[{\"rrule\":\"FREQ=DAILY\",\"duration\":\"1h\","
             "\"start\":\"2026-11-30T19:00:00Z\"}]}}",
          "'start' of what recurs is a time like 2026-11-30T19:00:00, without an offset" },
    };
#undef V2

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct downtime downtime;
        char problem[512] = "taken";

        assert_false(
            cases[i].read(value_of(cases[i].text), NOW_S, &downtime, problem, sizeof problem));
        assert_string_equal(problem, cases[i].sentence);
        assert_null(downtime.room);
    }
}

static void finds_what_holds(void **state)
{
    struct occurrences all;
    struct downtime once = { .start_s = 100, .end_s = DOWNTIME_FOR_EVER };

    (void)state;
    assert_true(calendar_read(SLICE("100\t200\n150\t300\n"), 0, 1000, &all));
    assert_int_equal(all.n, 2);
    assert_null(occurrences_at(&all, 99));
    assert_true(occurrences_at(&all, 100)->end_s == 200);
    assert_true(occurrences_at(&all, 200)->end_s == 300);
    assert_null(occurrences_at(&all, 300));

    calendar_once(&once, &all);
    assert_null(occurrences_at(&all, 99));
    assert_non_null(occurrences_at(&all, INT64_MAX));

    assert_true(calendar_read(SLICE(""), 0, 1000, &all));
    assert_int_equal(all.n, 0);
    assert_false(calendar_read(SLICE("100\n"), 0, 1000, &all));
    assert_false(calendar_read(SLICE("200\t100\n"), 0, 1000, &all));
    assert_false(calendar_read(SLICE("200\t300\n100\t150\n"), 0, 1000, &all));
    assert_false(calendar_read(SLICE("nonsense"), 0, 1000, &all));
}

/* Beyond what there is room for nothing is known. */
static void knows_how_far_it_sees(void **state)
{
    struct bytes answer = { 0 };
    struct occurrences all;
    char line[64];

    (void)state;
    for (int i = 0; i <= CALENDAR_OCCURRENCES_MAX; i++)
        bytes_add(&answer, line,
                  (size_t)snprintf(line, sizeof line, "%d\t%d\n", 10 * i, 10 * i + 5));
    assert_true(calendar_read(bytes_view(&answer), 0, 100000, &all));
    assert_int_equal(all.n, CALENDAR_OCCURRENCES_MAX);
    assert_true(all.known_until_s == 10 * CALENDAR_OCCURRENCES_MAX);
    bytes_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_v1),         cmocka_unit_test(reads_v2),
        cmocka_unit_test(is_about_some),    cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(finds_what_holds), cmocka_unit_test(knows_how_far_it_sees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
