#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "config/sane.h"
#include "flush/rollups/rollup_internal.h"
#include "tests/support/ask.h"
#include "tests/support/pipeline.h"
#include "tests/support/submit.h"

enum { START = 1700006400 }; /* a whole day since 1970 */

static struct rollup *rollup_of(const struct pipeline *p)
{
    return flusher_rollup(p->flusher);
}

static uint64_t timed(const struct pipeline *p, enum timed_place place)
{
    return counter_read(&p->ledger.timed[place]);
}

static uint64_t timed_all(const struct pipeline *p)
{
    return timed(p, TIMED_OPEN) + timed(p, TIMED_LATE) + timed(p, TIMED_OLD) +
           timed(p, TIMED_FULL);
}

static double answer(struct pipeline *p, const char *question, int64_t from_s, int64_t to_s,
                     int64_t time_s)
{
    return ask_point(rollup_of(p), question, from_s, to_s, NULL, time_s);
}

/* ---- to their place ---------------------------------------------------- */

static void windows_are_made_anew_when_nothing_comes_for_them_any_more(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_lookback=86400", "heeler_late_max=300");
    int64_t now = START + 600, at = START + 400;
    double values[] = { 5, 6 };
    (void)state;

    for (int64_t t = START; t < now; t += 10) {
        pipeline_line(p, 0, (double)t + 2, "d2:1|d|#x\ng2:4|g");
        pipeline_flush(p, (double)t + 10);
    }
    submit_points(p, SUBMITTED_GAUGE, 0, "g2", "",
                  (struct submitted_point[]){ { at, 10 }, { at - 300, 9 } }, 2);
    submit_values(p, "d2", "x", at, values, 2);
    submit_values(p, "d2", "y", at, values, 2);
    assert_int_equal(timed(p, TIMED_LATE), 5);
    assert_int_equal(timed(p, TIMED_OPEN), 1); /* of the hour */
    for (int64_t t = now;; t += 10) {
        assert_true(answer(p, "g2{*}.rollup(10)", START, t, at) == 7);
        assert_true(answer(p, "sum:d2{x}.rollup(10)", START, t, at - 10) == 1);
        assert_true(answer(p, "sum:d2{x}.rollup(10)", START, t, at) == 12);
        assert_true(answer(p, "sum:d2{y}.rollup(10)", START, t, at) == 11);
        assert_true(fabs(answer(p, "p99:d2{*}.rollup(10)", START, t, at) - 6) < 0.2);
        if (t == START + 1100)
            break;
        pipeline_flush(p, (double)t + 10);
    }
    assert_int_equal(rollup_of(p)->late.n, 0);
    assert_int_equal(rollup_of(p)->late.bytes, 0);
    assert_int_equal(rollup_of(p)->late_blobs, 0);
    assert_true(rollup_of(p)->n_changed == 0);
    pipeline_free(p);
}

static void what_has_no_window_gets_one(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_lookback=86400");
    (void)state;

    pipeline_go_on(p, START, START + 20); /* just started */
    submit_point(p, SUBMITTED_GAUGE, "g", START - 1800, 10);
    submit_point(p, SUBMITTED_GAUGE, "g", START - 1700, 11);
    submit_point(p, SUBMITTED_GAUGE, "g", START - 3600, 12);
    assert_int_equal(timed(p, TIMED_LATE), 2);
    assert_int_equal(timed(p, TIMED_OLD), 1);
    for (int round = 0; round < 2; round++) {
        assert_true(answer(p, "g{*}.rollup(10)", START - 3600, START, START - 1800) == 10);
        assert_true(answer(p, "g{*}.rollup(10)", START - 3600, START, START - 1700) == 11);
        assert_true(answer(p, "sum:g{*}.rollup(sum,3600)", START - 3600, START, START - 3600) ==
                    21);
        rollup_put_all_late(rollup_of(p));
    }
    SANE(rollup_sane(rollup_of(p)));
    pipeline_free(p);
}

static void beside_a_question_nothing_is_moved(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_late_max=60", "heeler_lookback=86400");
    (void)state;

    pipeline_go_on(p, START, START + 100);
    submit_point(p, SUBMITTED_GAUGE, "g", START + 45, 10);
    rollup_pin(rollup_of(p));
    pipeline_go_on(p, START + 100, START + 300);
    assert_true(rollup_of(p)->late.n > 0);
    rollup_unpin(rollup_of(p));
    pipeline_run(p);
    assert_int_equal(rollup_of(p)->late.n, 0);
    assert_true(answer(p, "g{*}.rollup(10)", START, START + 300, START + 40) == 10);
    pipeline_free(p);
}

/* ---- bounds ------------------------------------------------------------ */

static void what_waits_is_bounded_and_what_has_no_room_is_counted(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=400000");
    struct rollup *rollup = rollup_of(p);
    char name[32];
    uint64_t sent = 0;
    (void)state;

    srand(9);
    pipeline_go_on(p, START, START + 3600);
    rollup_pin(rollup); /* nothing is put in its place */
    for (; sent < 20000; sent++) {
        snprintf(name, sizeof name, "x.%d", rand() % 300);
        submit_point(p, SUBMITTED_GAUGE, name, START + rand() % 3590, 1);
        assert_true(rollup->late.bytes + rollup->late_blobs <= 400000 / 8);
        assert_true(rollup_bytes(rollup) <= 400000);
    }
    assert_true(timed(p, TIMED_FULL) > 0);
    assert_int_equal(timed_all(p), sent);
    rollup_unpin(rollup);
    pipeline_run(p);
    assert_true(rollup->late.bytes <= 400000 / 16); /* the oldest went to their place */
    SANE(rollup_sane(rollup));
    uint64_t full = timed(p, TIMED_FULL);
    submit_point(p, SUBMITTED_GAUGE, "x.1", START + 3500, 1);
    assert_int_equal(timed(p, TIMED_FULL), full);
    pipeline_free(p);
}

static void a_clock_that_is_set_back_forgets_what_is_late(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "tags=");
    double values[] = { 3, 9 };
    (void)state;

    pipeline_go_on(p, START, START + 3600);
    submit_point(p, SUBMITTED_GAUGE, "g", START + 3000, 1);
    submit_values(p, "d", "host:d", START + 3000, values, 2);
    pipeline_step_clock(p, -3000);
    pipeline_flush(p, START + 3600 - 3000 + 20);
    assert_int_equal(rollup_of(p)->late.n, 0);
    assert_int_equal(rollup_of(p)->late_blobs, 0);
    assert_int_equal(rollup_of(p)->live, 0);
    pipeline_free(p);
}

static void with_late_max_0_only_open_windows_take_them(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_late_max=0");
    (void)state;

    pipeline_go_on(p, START, START + 610);
    submit_point(p, SUBMITTED_GAUGE, "g", START + 300, 1); /* the hour */
    submit_point(p, SUBMITTED_GAUGE, "g", START - 300, 1);
    assert_int_equal(timed(p, TIMED_OPEN), 1);
    assert_int_equal(timed(p, TIMED_OLD), 1);
    assert_int_equal(rollup_of(p)->late.n, 0);
    pipeline_free(p);
}

/* ---- a successor ------------------------------------------------------- */

static void a_successor_goes_on_with_what_is_late(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_late_max=300", "heeler_lookback=86400");
    double values[] = { 3, 9 };
    int64_t now = START + 600;
    (void)state;

    pipeline_go_on(p, START, now);
    submit_point(p, SUBMITTED_GAUGE, "g", now - 200, 10);
    submit_values(p, "d", "host:d", now - 200, values, 2);
    submit_point(p, SUBMITTED_GAUGE, "g", now + 5, 11);         /* not open yet */
    pipeline_line(p, 0, (double)now + 1, "g:12|g|T1700006900"); /* START + 500, gathered */
    pipeline_upgrade(p);
    for (int round = 0; round < 2; round++) {
        assert_true(answer(p, "g{*}.rollup(10)", START, now + 60, now - 200) == 10);
        assert_true(answer(p, "g{*}.rollup(10)", START, now + 60, now - 100) == 12);
        assert_true(answer(p, "sum:d{*}.rollup(10)", START, now + 60, now - 200) == 12);
        assert_true(fabs(answer(p, "p99:d{*}.rollup(10)", START, now + 60, now - 200) - 9) <
                    0.2);
        if (round == 0)
            pipeline_go_on(p, now, now + 600);
    }
    assert_true(answer(p, "g{*}.rollup(10)", START, now + 60, now) == 11);
    assert_int_equal(rollup_of(p)->late.n, 0);
    pipeline_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_made_anew_when_nothing_comes_for_them_any_more),
        cmocka_unit_test(what_has_no_window_gets_one),
        cmocka_unit_test(beside_a_question_nothing_is_moved),
        cmocka_unit_test(what_waits_is_bounded_and_what_has_no_room_is_counted),
        cmocka_unit_test(a_clock_that_is_set_back_forgets_what_is_late),
        cmocka_unit_test(with_late_max_0_only_open_windows_take_them),
        cmocka_unit_test(a_successor_goes_on_with_what_is_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
