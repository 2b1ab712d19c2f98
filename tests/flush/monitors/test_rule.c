#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flush/monitors/rule.h"
#include "tests/support/guard.h"

static void takes_rules(void **state)
{
    static const char *const rules[] = {
        "FREQ=DAILY",
        "freq=daily;count=2", /* as calendars take it */
        "FREQ=DAILY;",
        "COUNT=2;FREQ=SECONDLY;BYSECOND=0,60",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,TU,WE,TH,FR",
        "FREQ=MONTHLY;BYDAY=+1MO,-1FR,SU;BYSETPOS=-1",
        "FREQ=MONTHLY;BYMONTHDAY=31,-1;BYHOUR=0,23;BYMINUTE=59",
        "FREQ=YEARLY;BYYEARDAY=-366;BYWEEKNO=53;BYMONTH=2",
        "FREQ=DAILY;UNTIL=20261205",
        "FREQ=DAILY;UNTIL=20261205T183000",
        "FREQ=DAILY;UNTIL=20261205T183000Z",
    };
    char problem[128];

    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!rule_check(guarded_text(rules[i]), problem, sizeof problem))
            fail_msg("%s: %s", rules[i], problem);
}

static void names_what_is_none(void **state)
{
    static const struct {
        const char *rule, *sentence;
    } cases[] = {
        { "", "a rule of RFC 5545 has a FREQ" },
        { "COUNT=2", "a rule of RFC 5545 has a FREQ" },
        { "garbage", "'garbage' is no part of a rule of RFC 5545" },
        { "RRULE:FREQ=DAILY", "'RRULE:FREQ' is no part of a rule of RFC 5545" },
        { "FREQ=DAILY;EXDATE=20261201", "'EXDATE' is no part of a rule of RFC 5545" },
        { "FREQ=DAILY;DTSTART=20261201", "'DTSTART' is no part of a rule of RFC 5545" },
        { "RSCALE=HEBREW;FREQ=DAILY", "'RSCALE' is no part of a rule of RFC 5545" },
        { "FREQ=DAILY; COUNT=2", "' COUNT' is no part of a rule of RFC 5545" },
        { "FREQ=DAILY;;COUNT=2", "'' is no part of a rule of RFC 5545" },
        { "FREQ=OFTEN", "a rule of RFC 5545 has no FREQ=OFTEN" },
        { "FREQ", "a rule of RFC 5545 has no FREQ" },
        { "FREQ=DAILY;FREQ=WEEKLY", "a rule has one FREQ" },
        { "FREQ=DAILY;COUNT=2;UNTIL=20261205", "a rule has a COUNT or an UNTIL, and not both" },
        { "FREQ=DAILY;COUNT=0", "a rule of RFC 5545 has no COUNT=0" },
        { "FREQ=DAILY;COUNT=2,3", "a rule of RFC 5545 has no COUNT=2,3" },
        { "FREQ=DAILY;COUNT=99999999999", "a rule of RFC 5545 has no COUNT=99999999999" },
        { "FREQ=DAILY;INTERVAL=0", "a rule of RFC 5545 has no INTERVAL=0" },
        { "FREQ=DAILY;INTERVAL=32768", "a rule of RFC 5545 has no INTERVAL=32768" },
        { "FREQ=DAILY;BYDAY=", "a rule of RFC 5545 has no BYDAY=" },
        { "FREQ=DAILY;BYDAY=MO,", "a rule of RFC 5545 has no BYDAY=MO," },
        { "FREQ=DAILY;BYDAY=XX", "a rule of RFC 5545 has no BYDAY=XX" },
        { "FREQ=DAILY;BYDAY=0MO", "a rule of RFC 5545 has no BYDAY=0MO" },
        { "FREQ=DAILY;BYHOUR=24", "a rule of RFC 5545 has no BYHOUR=24" },
        { "FREQ=DAILY;BYHOUR=-1", "a rule of RFC 5545 has no BYHOUR=-1" },
        { "FREQ=MONTHLY;BYMONTHDAY=0", "a rule of RFC 5545 has no BYMONTHDAY=0" },
        { "FREQ=MONTHLY;BYMONTHDAY=32", "a rule of RFC 5545 has no BYMONTHDAY=32" },
        { "FREQ=MONTHLY;BYMONTHDAY=-32", "a rule of RFC 5545 has no BYMONTHDAY=-32" },
        { "FREQ=MONTHLY;BYMONTHDAY=-9223372036854775808",
          "a rule of RFC 5545 has no BYMONTHDAY=-9223372036854775808" },
        { "FREQ=DAILY;UNTIL=2026", "a rule of RFC 5545 has no UNTIL=2026" },
        { "FREQ=DAILY;UNTIL=20261205T18", "a rule of RFC 5545 has no UNTIL=20261205T18" },
        { "FREQ=DAILY;UNTIL=20261205T183000+01",
          "a rule of RFC 5545 has no UNTIL=20261205T183000+01" },
        { "FREQ=DAILY;WKST=1MO", "a rule of RFC 5545 has no WKST=1MO" },
    };
    char problem[128];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (rule_check(guarded_text(cases[i].rule), problem, sizeof problem))
            fail_msg("%s", cases[i].rule);
        assert_string_equal(problem, cases[i].sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_rules),
        cmocka_unit_test(names_what_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
