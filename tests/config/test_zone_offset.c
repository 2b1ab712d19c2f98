#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/zone_offset.h"
#include "tests/support/guard.h"

enum { DAY_S = 86400 };

static int32_t offset_of(const char *name, int64_t at_s)
{
    int32_t offset_s;

    if (!zone_offset(name, at_s, &offset_s))
        fail_msg("%s is not known", name);
    return offset_s;
}

static void zones_have_their_offsets(void **state)
{
    (void)state;
    assert_int_equal(offset_of("UTC", 1796061660), 0);
    assert_int_equal(offset_of("Asia/Tokyo", 1796061660), 9 * 3600);
    assert_int_equal(offset_of("Asia/Kathmandu", 1796061660), 5 * 3600 + 45 * 60);
    assert_int_equal(offset_of("America/St_Johns", 1796061660), -(3 * 3600 + 30 * 60));
    /* the changes of 2026 in Paris, to the second */
    assert_int_equal(offset_of("Europe/Paris", 1774745999), 3600);
    assert_int_equal(offset_of("Europe/Paris", 1774746000), 7200);
    assert_int_equal(offset_of("Europe/Paris", 1792889999), 7200);
    assert_int_equal(offset_of("Europe/Paris", 1792890000), 3600);
}

/* As the C library has them, in a process that may change its zone: over the table, at its ends
 * and behind it, where rules hold; also such of the south, of Friday nights and of odd hours.
 */
static void they_are_those_of_the_library(void **state)
{
    static const char *const names[] = { "Europe/Paris",
                                         "Europe/London",
                                         "Europe/Dublin",
                                         "America/New_York",
                                         "America/Los_Angeles",
                                         "America/St_Johns",
                                         "America/Sao_Paulo",
                                         "America/Santiago",
                                         "America/Nuuk",
                                         "America/Asuncion",
                                         "Africa/Casablanca",
                                         "Africa/Cairo",
                                         "Asia/Tokyo",
                                         "Asia/Kolkata",
                                         "Asia/Kathmandu",
                                         "Asia/Jerusalem",
                                         "Asia/Gaza",
                                         "Asia/Tehran",
                                         "Australia/Lord_Howe",
                                         "Australia/Sydney",
                                         "Pacific/Auckland",
                                         "Pacific/Apia",
                                         "Pacific/Chatham",
                                         "Antarctica/Troll",
                                         "Etc/GMT+5",
                                         "UTC",
                                         "EST5EDT",
                                         "Pacific/Kiritimati" };
    (void)state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(setenv("TZ", names[i], 1), 0);
        tzset();
        for (int64_t at_s = -20 * 365 * DAY_S; at_s < INT64_C(130) * 365 * DAY_S;
             at_s += 17 * DAY_S + 7 * 3600 + 1799) {
            struct tm parts;
            time_t at = (time_t)at_s;

            assert_non_null(localtime_r(&at, &parts));
            if (offset_of(names[i], at_s) != parts.tm_gmtoff)
                fail_msg("%s at %lld: %d, and not %ld", names[i], (long long)at_s,
                         offset_of(names[i], at_s), parts.tm_gmtoff);
        }
    }
    unsetenv("TZ");
    tzset();
}

static void what_is_no_zone_is_refused(void **state)
{
    static const char *const names[] = {
        "",
        "Europe",
        "Europe/Nowhere",
        "../../../etc/passwd",
        "/etc/localtime",
        "zone.tab",
        "tzdata.zi",
        "Europe/Paris\n",
        "Europe/../UTC",
        "Europe/Paris/x",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    };
    int32_t offset_s;
    (void)state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (zone_offset(names[i], 0, &offset_s))
            fail_msg("%s is a zone", names[i]);
}

static void put32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* A file with one type, of so many seconds, no changes and that rule. */
static size_t make_file(unsigned char *out, uint32_t offset_s, const char *rule)
{
    size_t len = 0;

    for (int block = 0; block < 2; block++) {
        memset(out + len, 0, 44 + 6 + 1);
        memcpy(out + len, "TZif2", 5);
        put32(out + len + 36, 1); /* types */
        put32(out + len + 40, 1); /* letters */
        put32(out + len + 44, offset_s);
        len += 44 + 6 + 1;
    }
    return len + (size_t)sprintf((char *)out + len, "\n%s\n", rule);
}

static bool find(const unsigned char *file, size_t len, int64_t at_s, int32_t *offset_s)
{
    struct slice at = guarded(file, len);

    return zone_offset_in(at.at, at.len, at_s, offset_s);
}

static void rules_are_read_whole_or_not_at_all(void **state)
{
    static const struct {
        const char *rule;
        int32_t january_s, july_s; /* of 2026; 600, that of the type: the rule is none */
    } cases[] = {
        { "CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200 },
        { "EST5EDT,M3.2.0,M11.1.0", -18000, -14400 },
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", 39600, 36000 }, /* the south */
        { "<+0330>-3:30", 12600, 12600 },
        { "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", -10800, -7200 },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", 0, 3600 }, /* winter is what changes */
        { "XXX3YYY,J1/0,J365/25", -7200, -7200 },  /* summer all year */
        { "AAA0BBB,59,300/24:30:15", 0, 3600 },
        { "AAA0BBB,J60,J300", 0, 3600 },
        { "", 600, 600 },
        { "C-1", 600, 600 },
        { "CET", 600, 600 },
        { "CET-25", 600, 600 },
        { "CET-1CEST", 600, 600 },
        { "CET-1CEST,M3.5.0", 600, 600 },
        { "CET-1CEST,M13.5.0,M10.5.0", 600, 600 },
        { "CET-1CEST,M3.6.0,M10.5.0", 600, 600 },
        { "CET-1CEST,M0.1.0,M10.5.0", 600, 600 },
        { "CET-1CEST,M3.5.7,M10.5.0", 600, 600 },
        { "CET-1CEST,366,367", 600, 600 },
        { "CET-1CEST,M3.5.0/168,M10.5.0", 600, 600 },
        { "CET-1CEST,M3.5.0,M10.5.0 ", 600, 600 },
        { "<CET-1", 600, 600 },
        { "CET-1:60", 600, 600 },
    };
    unsigned char file[512];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = make_file(file, 600, cases[i].rule);
        int32_t january_s, july_s;

        assert_true(find(file, len, 1768435200, &january_s));
        assert_true(find(file, len, 1784073600, &july_s));
        if (january_s != cases[i].january_s || july_s != cases[i].july_s)
            fail_msg("%s: %d and %d", cases[i].rule, january_s, july_s);
    }
}

/* Cut anywhere, and with any byte another: no such file, or an offset, and nothing else. */
static void damaged_files_do_no_harm(void **state)
{
    unsigned char file[512];
    size_t len = make_file(file, 600, "CET-1CEST,M3.5.0,M10.5.0/3");
    int32_t offset_s;
    (void)state;

    for (size_t cut = 0; cut < len; cut++)
        if (find(file, cut, 1784073600, &offset_s) && cut < 102)
            fail_msg("%zu bytes are a file", cut);
    for (size_t i = 0; i < len; i++)
        for (int other = 0; other < 256; other += 5) {
            unsigned char was = file[i];

            file[i] = (unsigned char)other;
            if (find(file, len, 1784073600, &offset_s))
                assert_in_range(offset_s + 30 * 3600, 1, 60 * 3600);
            (void)find(file, len, INT64_C(1) << 55, &offset_s);
            (void)find(file, len, -(INT64_C(1) << 55), &offset_s);
            file[i] = was;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_have_their_offsets),
        cmocka_unit_test(they_are_those_of_the_library),
        cmocka_unit_test(what_is_no_zone_is_refused),
        cmocka_unit_test(rules_are_read_whole_or_not_at_all),
        cmocka_unit_test(damaged_files_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
