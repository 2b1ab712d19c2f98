#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/fleet/fleet.h"

enum { HOUR = 1732320000 };

static enum fleet_result add(struct fleet *fleet, const char *id, int interval,
                             const char *rollups, int64_t heard_s)
{
    char json[512];

    snprintf(json, sizeof json,
             "{\"id\":\"%s\",\"host\":\"h\",\"pid\":1,\"interval\":%d,\"rollups\":[%s],"
             "\"ttl\":86400,\"lookback\":3600,\"version\":\"x\"}",
             id, interval, rollups);
    return fleet_add(fleet, slice_of(json), heard_s);
}

static void refuses_members_without_sense(void **state)
{
    static const char *const cases[] = {
        "",
        "{}",
        "[1]",
        "{\"id\":\"aaaaaaaaaaaa\"",
        "{\"id\":\"aaaaaaaaaaaa\",\"interval\":10}",
        "{\"id\":\"short\",\"interval\":10,\"rollups\":[60],\"ttl\":1,\"lookback\":1}",
        "{\"id\":\"aaaaaaaaaaaa\",\"interval\":0,\"rollups\":[60],\"ttl\":1,\"lookback\":1}",
        "{\"id\":\"aaaaaaaaaaaa\",\"interval\":-1,\"rollups\":[60],\"ttl\":1,\"lookback\":1}",
        "{\"id\":\"aaaaaaaaaaaa\",\"interval\":10,\"rollups\":[\"60\"],\"ttl\":1,\"lookback\":"
        "1}",
        "{\"id\":\"aaaaaaaaaaaa\",\"interval\":10,\"rollups\":[99999999999],\"ttl\":1,"
        "\"lookback\":1}",
    };
    struct fleet fleet = { 0 };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (fleet_add(&fleet, slice_of(cases[i]), 1) != FLEET_DAMAGED)
            fail_msg("%s", cases[i]);
    assert_false(fleet_seal(&fleet));
    fleet_free(&fleet);
}

static void knows_what_instances_have_in_common(void **state)
{
    struct fleet fleet = { 0 };
    (void)state;

    assert_int_equal(add(&fleet, "bbbbbbbbbbbb", 10, "3600,60,60", HOUR), FLEET_MERGED);
    assert_int_equal(add(&fleet, "aaaaaaaaaaaa", 15, "300", HOUR), FLEET_MERGED);
    assert_true(fleet_seal(&fleet));
    assert_int_equal(fleet.all.n_steps, 4);
    assert_int_equal(fleet.all.steps_s[0], 15);
    assert_int_equal(fleet.all.steps_s[1], 60);
    assert_int_equal(fleet.all.steps_s[2], 300);
    assert_int_equal(fleet.all.steps_s[3], 3600);
    assert_int_equal(fleet_find(&fleet, SLICE("bbbbbbbbbbbb"))->steps_s[0], 10);
    assert_ptr_equal(fleet_find(&fleet, SLICE("cccccccccccc")), &fleet.all);
    fleet_free(&fleet);
}

/* now: after the hour's start. n of step_s from first on are what is read. */
static void takes_the_coarsest_windows_that_are_written(void **state)
{
    static const struct {
        int64_t step_s, start, now, heard;
        size_t n;
        int64_t first_step, first;
    } cases[] = {
        { 3600, 0, 3631, 3631, 1, 3600, 0 }, /* the hour has settled */
        { 3600, 0, 3629, 3629, 60, 60, 0 },  /* not yet */
        { 3600, 0, 3631, 3629, 60, 60, 0 },  /* now says so, its writer does not */
        { 3600, 0, 90, 90, 2, 60, 0 },       /* open: what has begun */
        { 3600, -3600, 90, 90, 1, 3600, -3600 },
        { 60, 0, 5, 5, 1, 60, 0 }, /* minutes are written with every interval */
        { 10, 0, 5, 5, 1, 10, 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fleet fleet = { 0 };
        struct fleet_windows windows = { 0 };
        assert_int_equal(add(&fleet, "aaaaaaaaaaaa", 10, "60,3600", HOUR + cases[i].heard),
                         FLEET_MERGED);
        assert_true(fleet_seal(&fleet));
        fleet.all = fleet.instances[0];
        assert_true(fleet_split(&fleet,
                                (struct fleet_window){ cases[i].step_s, HOUR + cases[i].start },
                                HOUR + cases[i].now, &windows));
        if (windows.n != cases[i].n || windows.at[0].step_s != cases[i].first_step ||
            windows.at[0].start_s != HOUR + cases[i].first)
            fail_msg("case %zu: %zu windows of %lld", i, windows.n,
                     (long long)windows.at[0].step_s);
        free(windows.at);
        fleet_free(&fleet);
    }
}

/* Whatever lengths and deaths: each interval of each instance is in one window of those
 * that make up the span, and that window is among those that are read. */
static void windows_tile_a_span(void **state)
{
    static const char *const rollups[] = { "60,3600", "",  "60",  "20,60,300,3600",
                                           "45,90",   "7", "3600" };
    static const int intervals[] = { 10, 1, 5, 10, 15, 1, 60 };
    struct fleet fleet = { 0 };
    char id[16];
    (void)state;

    srand(7);
    for (int i = 0; i < 14; i++) {
        snprintf(id, sizeof id, "%012x", i);
        assert_int_equal(
            add(&fleet, id, intervals[i % 7], rollups[i % 7], HOUR - 3000 + rand() % 8000),
            FLEET_MERGED);
    }
    assert_true(fleet_seal(&fleet));
    for (int round = 0; round < 40; round++) {
        int64_t step_s = fleet.all.steps_s[(size_t)rand() % fleet.all.n_steps];
        int64_t now_s = HOUR + rand() % 7200;
        int64_t start_s = (HOUR - 3600 + rand() % 7200) / step_s * step_s;
        struct fleet_window span = { step_s, start_s };
        struct fleet_windows windows = { 0 };
        if (start_s > now_s)
            continue;
        assert_true(fleet_split(&fleet, span, now_s, &windows));
        for (size_t i = 0; i < fleet.n; i++) {
            const struct fleet_instance *one = &fleet.instances[i];
            int64_t interval_s = one->steps_s[0];
            for (int64_t at = (start_s + interval_s - 1) / interval_s * interval_s;
                 at < start_s + step_s && at <= now_s; at += interval_s) {
                int covered = 0;
                for (size_t w = 0; w < windows.n; w++)
                    covered += windows.at[w].start_s <= at &&
                               at < windows.at[w].start_s + windows.at[w].step_s &&
                               fleet_takes(one, span, now_s, windows.at[w]);
                if (covered != 1)
                    fail_msg("instance %zu of %lld s: %lld is %d times in %lld of %lld s", i,
                             (long long)interval_s, (long long)at, covered, (long long)start_s,
                             (long long)step_s);
            }
        }
        free(windows.at);
    }
    fleet_free(&fleet);
}

static void splitting_is_bounded(void **state)
{
    struct fleet fleet = { 0 };
    struct fleet_windows windows = { 0 };
    (void)state;

    assert_int_equal(add(&fleet, "aaaaaaaaaaaa", 1, "7,31622400", 5), FLEET_MERGED);
    assert_true(fleet_seal(&fleet));
    assert_false(fleet_split(&fleet, (struct fleet_window){ 31622400, 31622400 * 50L },
                             31622400 * 60L, &windows));
    free(windows.at);
    fleet_free(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_members_without_sense),
        cmocka_unit_test(knows_what_instances_have_in_common),
        cmocka_unit_test(takes_the_coarsest_windows_that_are_written),
        cmocka_unit_test(windows_tile_a_span),
        cmocka_unit_test(splitting_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
