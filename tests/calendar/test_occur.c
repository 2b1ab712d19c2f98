#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "calendar/occur.h"

enum { FROM = 1796000000, YEAR_S = 365 * 86400 }; /* 2026-11-30 00:53:20 UTC */

static struct occurrence at[CALENDAR_OCCURRENCES_MAX + 2];
static size_t n;

static void ask(const char *zone, const char *start, int64_t days, int64_t seconds,
                int64_t from_s, int64_t until_s, const char *rule)
{
    char line[CALENDAR_LINE_MAX], problem[CALENDAR_LINE_MAX] = "";

    snprintf(line, sizeof line, "%s\t%s\t%lld\t%lld\t%lld\t%lld\t%s", zone, start,
             (long long)days, (long long)seconds, (long long)from_s, (long long)until_s, rule);
    n = 0;
    if (!occur_add(slice_of(line), at, &n, problem, sizeof problem))
        fail_msg("%s", problem);
}

static void is_at(size_t i, int64_t start_s, int64_t end_s)
{
    assert_in_range(i, 0, n - 1);
    assert_true(at[i].start_s == start_s);
    assert_true(at[i].end_s == end_s);
}

/* Weekdays from 19:00 to 09:00, in three zones. */
static void falls_on_weekdays(void **state)
{
    static const struct {
        const char *zone;
        int64_t monday_s;
    } cases[] = { { "Europe/Paris", 1796061600 },
                  { "UTC", 1796065200 },
                  { "America/New_York", 1796083200 } };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ask(cases[i].zone, "2026-11-30T19:00:00", 0, 14 * 3600, FROM, FROM + 14 * 86400,
            "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR");
        assert_int_equal(n, 10);
        is_at(0, cases[i].monday_s, cases[i].monday_s + 50400);
        is_at(4, cases[i].monday_s + 4 * 86400, cases[i].monday_s + 4 * 86400 + 50400);
        is_at(5, cases[i].monday_s + 7 * 86400, cases[i].monday_s + 7 * 86400 + 50400);
    }
}

/* A start in seconds is that wall-clock time. Whole days end at midnight, though the Sundays on
 * which the clock changes have 25 and 23 hours. */
static void keeps_the_wall_clock(void **state)
{
    (void)state;
    /* Saturday 2026-10-24 00:00 in Paris is 2026-10-23 22:00 UTC. */
    ask("Europe/Paris", "@1792792800", 1, 0, 1792792800, 1792792800 + 9 * 86400,
        "FREQ=WEEKLY;BYDAY=SA,SU");
    assert_int_equal(n, 4);
    is_at(0, 1792792800, 1792792800 + 86400);
    is_at(1, 1792792800 + 86400, 1792792800 + 2 * 86400 + 3600); /* 25 hours */
    is_at(2, 1792792800 + 7 * 86400 + 3600, 1792792800 + 8 * 86400 + 3600);

    /* Sunday 2027-03-28 00:00 in Paris is 2027-03-27 23:00 UTC. */
    ask("Europe/Paris", "2027-03-27T00:00:00", 1, 0, 1806102000, 1806102000 + 2 * 86400,
        "FREQ=WEEKLY;BYDAY=SA,SU");
    is_at(n - 1, 1806188400, 1806188400 + 23 * 3600);

    /* Nights of 14 hours are 14 hours. */
    ask("Europe/Paris", "2026-10-24T19:00:00", 0, 14 * 3600, 1792792800, 1792792800 + 86400,
        "FREQ=DAILY");
    is_at(0, 1792861200, 1792861200 + 14 * 3600);
}

/* 02:30 does not exist on 2027-03-28 in Paris, and comes twice on 2026-10-25. */
static void knows_what_the_clock_does(void **state)
{
    (void)state;
    ask("Europe/Paris", "2027-03-28T02:30:00", 0, 60, 1806102000, 1806102000 + 3 * 86400,
        "FREQ=DAILY");
    is_at(0, 1806197400, 1806197460); /* 03:30 in summer: 01:30 UTC */
    ask("Europe/Paris", "2026-10-25T02:30:00", 0, 60, 1792792800, 1792792800 + 3 * 86400,
        "FREQ=DAILY");
    is_at(0, 1792888200, 1792888260); /* 00:30 UTC, the first */
}

static void begins_where_it_is_asked(void **state)
{
    (void)state;
    ask("UTC", "2000-01-01T00:00:00", 0, 7200, 1796000000, 1796000000 + 86400, "FREQ=DAILY");
    assert_int_equal(n, 2); /* one holds, one begins */
    is_at(0, 1795996800, 1795996800 + 7200);
    is_at(1, 1796083200, 1796083200 + 7200);
    ask("UTC", "2026-11-30T00:00:00", 0, 60, FROM, FROM + YEAR_S, "FREQ=DAILY;COUNT=3");
    assert_int_equal(n, 2); /* the first is over */
    ask("UTC", "2026-11-30T00:00:00", 0, 60, FROM, FROM + YEAR_S,
        "FREQ=DAILY;UNTIL=20261202T120000Z");
    assert_int_equal(n, 2);
    ask("UTC", "2026-11-30T00:00:00", 0, 60, FROM, FROM + YEAR_S, "FREQ=HOURLY");
    assert_int_equal(n, CALENDAR_OCCURRENCES_MAX + 1); /* and no more */
    ask("UTC", "2028-02-29T00:00:00", 1, 0, 1830000000, 1830000000 + 10 * (int64_t)YEAR_S,
        "FREQ=YEARLY");
    assert_int_equal(n, 3); /* leap years alone */
}

/* until_date of v1 is a moment, the occurrences are times on a wall. */
static void ends_in_its_zone(void **state)
{
    (void)state;
    /* 19:00 in Paris is 18:00 UTC, half an hour before it. */
    ask("Europe/Paris", "2026-12-01T19:00:00", 0, 60, FROM, FROM + YEAR_S,
        "FREQ=DAILY;UNTIL=20261205T183000Z");
    assert_int_equal(n, 5);
    /* 19:00 in New York is 00:00 UTC of the next day, half an hour after it. */
    ask("America/New_York", "2026-12-01T19:00:00", 0, 60, FROM, FROM + YEAR_S,
        "FREQ=DAILY;UNTIL=20261205T233000Z");
    assert_int_equal(n, 4);
    ask("Europe/Paris", "2026-12-01T19:00:00", 0, 60, FROM, FROM + YEAR_S,
        "FREQ=DAILY;UNTIL=20261205T190000");
    assert_int_equal(n, 5);
    ask("Europe/Paris", "2026-12-01T19:00:00", 0, 60, FROM, FROM + YEAR_S,
        "FREQ=DAILY;UNTIL=20261205");
    assert_int_equal(n, 5); /* all of that day */
}

/* Ten minutes each minute are one stretch. */
static void what_overlaps_is_one(void **state)
{
    (void)state;
    ask("UTC", "2026-11-30T00:00:00", 0, 600, FROM, FROM + 86400, "FREQ=MINUTELY");
    assert_int_equal(n, 1);
    assert_true(at[0].start_s <= FROM && at[0].end_s >= FROM + 86400);
    ask("UTC", "2026-11-30T00:00:00", 1, 0, FROM, FROM + 8 * 86400, "FREQ=DAILY");
    assert_int_equal(n, 9); /* one behind the other */
}

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *line, *sentence;
    } cases[] = {
        { "", "the line is malformed" },
        { "UTC\t2026-11-30T00:00:00\t0\t0\t0\t1\tFREQ=DAILY", "the line is malformed" },
        { "UTC\t2026-11-30T00:00:00\t-1\t5\t0\t1\tFREQ=DAILY", "the line is malformed" },
        { "UTC\t2026-11-30T00:00:00\t9223372036854775807\t5\t0\t1\tFREQ=DAILY",
          "the line is malformed" },
        { "Mars/Base\t2026-11-30T00:00:00\t0\t60\t0\t1\tFREQ=DAILY",
          "there is no time zone of that name: Mars/Base" },
        { "../../../etc/passwd\t2026-11-30T00:00:00\t0\t60\t0\t1\tFREQ=DAILY",
          "there is no time zone of that name: ../../../etc/passwd" },
        { "Europe\t2026-11-30T00:00:00\t0\t60\t0\t1\tFREQ=DAILY",
          "there is no time zone of that name: Europe" },
        { "UTC\t2016-11-30T00:00:00\t0\t1\t1796000000\t1796000001\tFREQ=MINUTELY",
          "it fell on so many days already that it needs a later start: FREQ=MINUTELY" },
        { "UTC\tnoon\t0\t60\t0\t1\tFREQ=DAILY", "its start is no time" },
        { "UTC\t2026-11-30T00:00:00\t0\t60\t0\t1\tFREQ=OFTEN",
          "this is no rule of RFC 5545: FREQ=OFTEN" },
        { "UTC\t2026-11-30T00:00:00\t0\t60\t0\t1\tnonsense",
          "this is no rule of RFC 5545: nonsense" },
        { "UTC\t2026-11-30T00:00:00\t0\t60\t0\t1\tRSCALE=HEBREW;FREQ=DAILY",
          "only the Gregorian calendar is known: RSCALE=HEBREW;FREQ=DAILY" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char problem[CALENDAR_LINE_MAX] = "taken";

        n = 0;
        assert_false(occur_add(slice_of(cases[i].line), at, &n, problem, sizeof problem));
        assert_string_equal(problem, cases[i].sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(falls_on_weekdays),         cmocka_unit_test(keeps_the_wall_clock),
        cmocka_unit_test(knows_what_the_clock_does), cmocka_unit_test(begins_where_it_is_asked),
        cmocka_unit_test(ends_in_its_zone),          cmocka_unit_test(what_overlaps_is_one),
        cmocka_unit_test(says_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
