#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/rollups/rollup_internal.h"
#include "tests/support/ask.h"
#include "tests/support/pipeline.h"

enum { DAY = 86400, HOUR = 3600, START = 1700006400 }; /* a whole day since 1970 */

static struct rollup *rollup_of(const struct pipeline *p)
{
    return flusher_rollup(p->flusher);
}

static void every_hour_of_a_day_is_its_exact_sum(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_lookback=600");
    int64_t sums[24] = { 0 };
    char line[64];
    (void)state;

    srand(3);
    for (int64_t t = 0; t < DAY; t += 10) {
        for (int i = rand() % 3; i > 0; i--) { /* some intervals stay empty */
            int value = rand() % 2001 - 1000;
            sums[t / HOUR] += value;
            snprintf(line, sizeof line, "hits:%d|c|#n:%d", value, rand() % 4);
            pipeline_line(p, 0, START + (double)t + 1, line);
        }
        pipeline_flush(p, START + (double)t + 10.5);
    }
    assert_true(rollup_bytes(rollup_of(p)) <= 8 << 20);
    for (int hour = 0; hour < 24; hour++) {
        double sum = ask_point(rollup_of(p), "sum:hits{*}.rollup(sum, 3600)", START,
                               START + DAY, NULL, START + hour * HOUR);
        if (sum != (double)sums[hour])
            fail_msg("hour %d: %.17g instead of %lld", hour, sum, (long long)sums[hour]);
    }
    pipeline_free(p);
}

static void single_intervals_are_kept_for_the_lookback(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_lookback=300");
    struct rollup *rollup = rollup_of(p);
    (void)state;

    for (int t = 0; t < 1200; t += 10) {
        pipeline_line(p, 0, START + t + 1, "g:7|g");
        pipeline_flush(p, START + t + 10.5);
    }
    double newest = ask_point(rollup, "g{*}", START + 1100, START + 1200, NULL, START + 1190);
    assert_true(newest == 7);
    assert_true(rollup_covers(rollup, 0, START + 1200 - 300));
    assert_false(rollup_covers(rollup, 0, START + 600));
    assert_true(rollup_covers(rollup, 1, START)); /* minutes are all there */
    /* Of what lies farther back the answer is in minutes. */
    json_t *answer = ask(rollup, "g{*}", START + 100, START + 1200);
    const json_t *series = json_array_get(json_object_get(answer, "series"), 0);
    assert_int_equal(json_integer_value(json_object_get(series, "interval")), 60);
    json_decref(answer);
    pipeline_free(p);
}

static void windows_need_not_be_whole_to_be_asked(void **state)
{
    struct pipeline *p = PIPELINE(1, START + 3590, "tags=");
    (void)state;

    pipeline_line(p, 0, START + 3591, "hits:5|c");
    pipeline_line(p, 0, START + 3601, "hits:6|c");
    pipeline_line(p, 0, START + 3611, "hits:7|c");
    pipeline_flush(p, START + 3621);
    struct rollup *rollup = rollup_of(p);
    assert_true(
        ask_point(rollup, "hits{*}.rollup(sum,3600)", START, START + 7200, NULL, START) == 5);
    assert_true(ask_point(rollup, "hits{*}.rollup(sum,3600)", START, START + 7200, NULL,
                          START + HOUR) == 13);
    assert_true(ask_point(rollup, "hits{*}.rollup(sum,10)", START + 3600, START + 3630, NULL,
                          START + 3610) == 7);
    pipeline_free(p);
}

static void a_series_that_expired_is_still_known(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "dogstatsd_expiry_seconds=20");
    (void)state;

    pipeline_line(p, 0, START + 1, "old:5|c|#who:me");
    for (int t = 10; t < 300; t += 10) {
        pipeline_line(p, 0, START + t + 1, "new:5|c|#who:you");
        pipeline_flush(p, START + t + 10.5);
    }
    assert_int_equal(counter_read(&p->ledger.series), 1);
    assert_true(ask_point(rollup_of(p), "old{*} by {who}.rollup(sum,3600)", START, START + 300,
                          "who:me", START) == 5);
    pipeline_free(p);
}

static void a_series_that_comes_back_goes_on_as_itself(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "dogstatsd_expiry_seconds=20");
    (void)state;

    pipeline_line(p, 0, START + 1, "a:5|c|#who:me");
    for (int t = 10; t < 300; t += 10) {
        pipeline_line(p, 0, START + t + 1, "b:1|c");
        pipeline_flush(p, START + t + 10.5);
    }
    pipeline_line(p, 0, START + 301, "a:6|c|#who:me");
    pipeline_flush(p, START + 320);
    assert_int_equal(counter_read(&p->ledger.rollup_series), 2);
    assert_true(ask_point(rollup_of(p), "count:a{*}.rollup(sum,3600)", START, START + 330, NULL,
                          START) == 1);
    assert_true(ask_point(rollup_of(p), "a{*}.rollup(sum,3600)", START, START + 330, NULL,
                          START) == 11);
    pipeline_free(p);
}

static void series_are_forgotten_with_their_last_window(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollups=60", "heeler_lookback=60",
                                  "heeler_rollup_max_bytes=100000");
    char line[64];
    (void)state;

    for (int t = 0; t < 6000; t += 10) { /* 40 new series an interval */
        for (int i = 0; i < 40; i++) {
            snprintf(line, sizeof line, "x:1|g|#request:%d-%d", t, i);
            pipeline_line(p, 0, START + t + 1, line);
        }
        pipeline_flush(p, START + t + 10.5);
        assert_true(counter_read(&p->ledger.rollup_bytes) <= 100000);
    }
    assert_true(counter_read(&p->ledger.rollup_series) < 500);
    assert_true(counter_read(&p->ledger.strings) < 100000);
    pipeline_free(p);
}

static void under_churn_memory_stays_within_the_bound_and_hours_exact(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=1000000");
    char line[64];
    (void)state;

    for (int t = 0; t < 7200; t += 10) {
        pipeline_line(p, 0, START + t + 1, "steady:3|c");
        for (int i = 0; i < 20; i++) {
            snprintf(line, sizeof line, "x:%d.5|g|#request:%d-%d", i, t, i);
            pipeline_line(p, 0, START + t + 1, line);
        }
        pipeline_line(p, 0, START + t + 1, "d:1:2:3|d\nu:a|s");
        pipeline_flush(p, START + t + 10.5);
        if (counter_read(&p->ledger.rollup_bytes) > 1000000)
            fail_msg("%llu bytes", (unsigned long long)counter_read(&p->ledger.rollup_bytes));
    }
    assert_true(counter_read(&p->ledger.rollup_refused) > 0);
    for (int hour = 0; hour < 2; hour++)
        assert_true(ask_point(rollup_of(p), "steady{*}.rollup(sum,3600)", START, START + 7200,
                              NULL, START + hour * HOUR) == 360 * 3);
    pipeline_free(p);
}

static void the_oldest_fine_windows_go_first(void **state)
{
    struct pipeline *p =
        PIPELINE(1, START, "heeler_rollup_max_bytes=400000", "heeler_lookback=86400");
    struct rollup *rollup = rollup_of(p);
    char line[64];
    (void)state;

    for (int t = 0; t < 4 * HOUR; t += 10) {
        for (int i = 0; i < 30; i++) {
            snprintf(line, sizeof line, "g:%d.%d|g|#n:%d", rand(), rand(), i);
            pipeline_line(p, 0, START + t + 1, line);
        }
        pipeline_flush(p, START + t + 10.5);
        assert_true(counter_read(&p->ledger.rollup_bytes) <= 400000);
    }
    assert_true(counter_read(&p->ledger.rollup_dropped) > 0);
    assert_int_equal(counter_read(&p->ledger.rollup_refused), 0);
    assert_false(rollup_covers(rollup, 0, START));
    assert_true(rollup_covers(rollup, 0, START + 4 * HOUR - 1200));
    assert_true(rollup_covers(rollup, 2, START)); /* hours are all there */
    pipeline_free(p);
}

static void a_clock_set_back_far_starts_anew(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "tags=");
    (void)state;

    pipeline_line(p, 0, START + 1, "g:1|g");
    pipeline_flush(p, START + 15);
    pipeline_step_clock(p, -2 * DAY);
    pipeline_flush(p, pipeline_now(p) + 20); /* the interval that was open */
    pipeline_line(p, 0, pipeline_now(p) + 1, "g:2|g");
    pipeline_flush(p, pipeline_now(p) + 30);
    struct rollup *rollup = rollup_of(p);
    assert_true(isnan(ask_point(rollup, "g{*}.rollup(3600)", START, START + 60, NULL, START)));
    assert_true(ask_point(rollup, "g{*}.rollup(3600)", START - 2 * DAY, START - 2 * DAY + 60,
                          NULL, START - 2 * DAY) == 2);
    pipeline_free(p);
}

static void a_clock_set_back_a_little_loses_nothing(void **state)
{
    struct pipeline *p = PIPELINE(1, START + 300, "tags=");
    (void)state;

    pipeline_line(p, 0, START + 301, "c:1|c");
    pipeline_flush(p, START + 315);
    pipeline_step_clock(p, -100);
    pipeline_line(p, 0, pipeline_now(p) + 1, "c:2|c");
    pipeline_flush(p, pipeline_now(p) + 30);
    assert_true(
        ask_point(rollup_of(p), "c{*}.rollup(sum,3600)", START, START + 400, NULL, START) == 3);
    pipeline_free(p);
}

static void with_zero_bytes_nothing_is_kept(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=0");
    (void)state;

    pipeline_line(p, 0, START + 1, "g:1|g\nh:1|h");
    pipeline_flush(p, START + 15);
    assert_null(rollup_of(p));
    pipeline_free(p);
}

static struct rollup *made_with(char *steps[], size_t n, char *problem, size_t size)
{
    struct string_list list = { steps, n };
    struct rollup_config config = {
        .interval_s = 10, .steps = &list, .max_bytes = 1 << 20, .max_series = 100
    };

    return rollup_new(&config, NULL, NULL, problem, size);
}

static void windows_are_numbers_of_seconds(void **state)
{
    char problem[256];
    char *wrong[] = { "60", "1h" }, *mixed[] = { "3600", "5", "60", "10", "60" };
    char *many[] = { "20", "30", "40", "50", "60", "70", "80", "90" };
    (void)state;

    assert_null(made_with(wrong, 2, problem, sizeof problem));
    assert_string_equal(problem,
                        "heeler_rollups: \"1h\" is no number of seconds from 1 to 31622400");
    assert_null(made_with(many, 8, problem, sizeof problem));
    assert_string_equal(problem, "heeler_rollups: more than 7 windows");
    struct rollup *rollup = made_with(mixed, 5, problem, sizeof problem);
    assert_non_null(rollup);
    assert_int_equal(rollup_levels(rollup), 3); /* in order, once each, none too short */
    assert_int_equal(rollup_step(rollup, 0), 10);
    assert_int_equal(rollup_step(rollup, 1), 60);
    assert_int_equal(rollup_step(rollup, 2), 3600);
    rollup_free(rollup);
}

#ifdef HEELER_CHECKS
static void a_rollup_that_does_not_add_up_is_found_out(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_lookback=600");
    struct rollup *rollup = rollup_of(p);
    (void)state;

    for (int i = 0; i < 3; i++) {
        pipeline_line(p, 0, START + 10 * i + 1, "hits:1|c");
        pipeline_flush(p, START + 10 * i + 10.5);
    }
    assert_true(rollup->levels[0].n >= 2);
    assert_true(rollup_sane(rollup));
    rollup->levels[0].bytes++;
    assert_false(rollup_sane(rollup));
    rollup->levels[0].bytes--;
    rollup->levels[0].closed[0]->start_s += DAY; /* the windows no longer follow each other */
    assert_false(rollup_sane(rollup));
    rollup->levels[0].closed[0]->start_s -= DAY;
    rollup->live++;
    assert_false(rollup_sane(rollup));
    rollup->live--;
    assert_true(rollup_sane(rollup));
    pipeline_free(p);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_hour_of_a_day_is_its_exact_sum),
        cmocka_unit_test(single_intervals_are_kept_for_the_lookback),
        cmocka_unit_test(windows_need_not_be_whole_to_be_asked),
        cmocka_unit_test(a_series_that_expired_is_still_known),
        cmocka_unit_test(a_series_that_comes_back_goes_on_as_itself),
        cmocka_unit_test(series_are_forgotten_with_their_last_window),
        cmocka_unit_test(under_churn_memory_stays_within_the_bound_and_hours_exact),
        cmocka_unit_test(the_oldest_fine_windows_go_first),
        cmocka_unit_test(a_clock_set_back_far_starts_anew),
        cmocka_unit_test(a_clock_set_back_a_little_loses_nothing),
        cmocka_unit_test(with_zero_bytes_nothing_is_kept),
        cmocka_unit_test(windows_are_numbers_of_seconds),
#ifdef HEELER_CHECKS
        cmocka_unit_test(a_rollup_that_does_not_add_up_is_found_out),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
