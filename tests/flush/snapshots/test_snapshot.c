#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/pipeline.h"

static void the_newest_gauge_wins_whoever_received_it(void **state)
{
    static const struct {
        const char *tags[3]; /* spellings, in the order of receipt */
        uint32_t workers[3];
    } cases[] = {
        { { "x,y", "y,x" }, { 0, 0 } }, /* two contexts of one worker */
        { { "x,y", "x,y" }, { 0, 1 } },
        { { "x,y", "x,y" }, { 1, 0 } }, /* folded first, received last */
        { { "x,y", "y,x", "x,y" }, { 0, 1, 0 } },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pipeline *p = PIPELINE(2, 1000);
        int n = 0;
        for (; n < 3 && cases[i].tags[n] != NULL; n++) {
            char line[64];
            snprintf(line, sizeof line, "g:%d|g|#%s", n, cases[i].tags[n]);
            pipeline_line(p, cases[i].workers[n], 1001 + n, line);
        }
        pipeline_flush(p, 1010);
        assert_int_equal(p->n_points, 1);
        assert_float_equal(pipeline_value(p, "g", "x,y", 1000), n - 1, 0);
        pipeline_free(p);
    }
}

/* One datagram has one receive time. */
static void the_last_spelling_of_one_datagram_wins(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000);
    (void)state;

    pipeline_line(p, 0, 1001, "g:1|g|#x,y\ng:2|g|#y,x\ng:3|g|#x,y");
    pipeline_line(p, 0, 1011, "g:4|g|#y,x\ng:5|g|#x,y\ng:6|g|#y,x");
    pipeline_flush(p, 1020);
    assert_float_equal(pipeline_value(p, "g", "x,y", 1000), 3, 0);
    assert_float_equal(pipeline_value(p, "g", "x,y", 1010), 6, 0);
    pipeline_free(p);
}

static void values_of_all_workers_and_spellings_merge(void **state)
{
    static const char *const lines[] = { "c:1:2|c|#x,y\nd:1:2|d|#x,y\ns:a|s|#x,y\nh:1:2|h|#x,y",
                                         "c:4|c|#y,x\nd:4|d|#y,x\ns:b|s|#y,x\nh:4|h|#y,x",
                                         "c:8|c|#x,y\nd:8|d|#x,y\ns:a|s|#x,y\nh:8|ms|#x,y" };
    struct pipeline *p = PIPELINE(3, 1000);
    (void)state;

    for (uint32_t worker = 0; worker < 3; worker++) {
        pipeline_line(p, worker, 1001, lines[worker]);
        pipeline_line(p, worker, 1001, lines[(worker + 1) % 3]);
    }
    pipeline_flush(p, 1010);
    assert_float_equal(pipeline_value(p, "c", "x,y", 1000), 3.0, 1e-12); /* 2 * 15 / 10 s */
    assert_float_equal(pipeline_value(p, "s", "x,y", 1000), 2, 0);
    assert_float_equal(pipeline_value(p, "h.count", "x,y", 1000), 0.8, 1e-12);
    assert_float_equal(pipeline_value(p, "h.max", "x,y", 1000), 8, 0);
    assert_float_equal(pipeline_value(p, "h.median", "x,y", 1000), 2, 0);
    assert_float_equal(pipeline_find(p, "d", "x,y", 1000)->summary.sum, 30, 1e-12);
    assert_int_equal(pipeline_find(p, "d", "x,y", 1000)->summary.count, 8);
    pipeline_free(p);
}

static void quiet_counters_are_zero_once_in_every_interval(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000, "dogstatsd_expiry_seconds=30");
    (void)state;

    pipeline_line(p, 0, 1001, "c:1|c\ng:1|g\nh:1|h\ns:1|s\nd:1|d");
    pipeline_flush(p, 1010);
    size_t first = p->n_points;
    pipeline_flush(p, 1100);
    assert_int_equal(p->n_points, first + 3);
    for (int64_t time_s = 1010; time_s <= 1030; time_s += 10)
        assert_float_equal(pipeline_value(p, "c", "", time_s), 0, 0);
    pipeline_free(p);
}

/* Seen at second 9 by one worker, at second 1 by another that is folded later. */
static void zeros_last_from_the_newest_value_of_all_workers(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000, "dogstatsd_expiry_seconds=20");
    (void)state;

    pipeline_line(p, 1, 1000, "c:1|c");
    pipeline_line(p, 0, 1009, "c:1|c");
    pipeline_flush(p, 1060);
    assert_non_null(pipeline_find(p, "c", "", 1020)); /* 1009 + 20 > 1020 */
    assert_null(pipeline_find(p, "c", "", 1030));
    pipeline_free(p);
}

static void signed_gauges_build_on_the_last_value(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000, "heeler_statsd_gauge_deltas=true");
    (void)state;

    pipeline_line(p, 0, 1001, "g:10|g");
    pipeline_line(p, 0, 1011, "g:+5|g");
    pipeline_line(p, 1, 1012, "g:-1|g"); /* of another worker: both are added */
    pipeline_line(p, 0, 1041, "g:-2|g"); /* after quiet intervals */
    pipeline_line(p, 0, 1051, "g:-2|g\ng:3|g\ng:+1|g");
    pipeline_flush(p, 1060);
    assert_float_equal(pipeline_value(p, "g", "", 1000), 10, 0);
    assert_float_equal(pipeline_value(p, "g", "", 1010), 14, 0);
    assert_null(pipeline_find(p, "g", "", 1020));
    assert_float_equal(pipeline_value(p, "g", "", 1040), 12, 0);
    assert_float_equal(pipeline_value(p, "g", "", 1050), 4, 0);
    pipeline_free(p);
}

/* A sum beyond all numbers costs its own point, not every later one. */
static void a_signed_gauge_recovers_from_an_overflow(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000, "heeler_statsd_gauge_deltas=true");
    (void)state;

    pipeline_line(p, 0, 1001, "g:10|g");
    pipeline_line(p, 0, 1011, "g:+1.7e308|g\ng:+1.7e308|g");
    pipeline_line(p, 0, 1021, "g:+5|g");
    pipeline_flush(p, 1030);
    assert_null(pipeline_find(p, "g", "", 1010));
    assert_float_equal(pipeline_value(p, "g", "", 1020), 15, 0);
    pipeline_free(p);
}

static void the_first_second_of_all_time_is_a_time(void **state)
{
    struct pipeline *p = PIPELINE(1, 0);
    (void)state;

    pipeline_line(p, 0, 0, "g:1|g\nc:1|c\nh:1|h");
    pipeline_flush(p, 10);
    assert_float_equal(pipeline_value(p, "g", "", 0), 1, 0);
    assert_float_equal(pipeline_value(p, "c", "", 0), 0.1, 1e-12);
    pipeline_free(p);
}

static void all_memory_of_a_flush_is_given_back(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000);
    (void)state;

    for (int i = 0; i < 200; i++) {
        char line[100];
        snprintf(line, sizeof line, "s:%d|s|#x,y\nd:%d|d|#%s\nh:%d|h|#%s", i, i,
                 i % 2 ? "x,y" : "y,x", i, i % 2 ? "x,y" : "y,x");
        pipeline_line(p, (uint32_t)i % 2, 1001, line);
    }
    assert_true(atomic_load(&p->budget.left) < 256L << 20);
    pipeline_flush(p, 1010);
    assert_int_equal(atomic_load(&p->budget.left), 256L << 20);
    pipeline_free(p);
}

static void without_memory_values_are_shed_and_the_balance_holds(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000);
    (void)state;

    for (int i = 0; i < 3000; i++) {
        char line[64];
        snprintf(line, sizeof line, "d:%d|d\ns:%d|s\nh:%d|h", i + 1, i, i);
        pipeline_line(p, (uint32_t)i % 2, 1001, line);
    }
    atomic_store(&p->budget.left, 0); /* the second bucket has nothing to merge with */
    pipeline_flush(p, 1010);
    assert_true(pipeline_values_shed(p, SHED_MEMORY) > 0);
    assert_int_equal(counter_read(&p->ledger.values_imbalance), 0);
    pipeline_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_gauge_wins_whoever_received_it),
        cmocka_unit_test(the_last_spelling_of_one_datagram_wins),
        cmocka_unit_test(values_of_all_workers_and_spellings_merge),
        cmocka_unit_test(quiet_counters_are_zero_once_in_every_interval),
        cmocka_unit_test(zeros_last_from_the_newest_value_of_all_workers),
        cmocka_unit_test(signed_gauges_build_on_the_last_value),
        cmocka_unit_test(a_signed_gauge_recovers_from_an_overflow),
        cmocka_unit_test(the_first_second_of_all_time_is_a_time),
        cmocka_unit_test(all_memory_of_a_flush_is_given_back),
        cmocka_unit_test(without_memory_values_are_shed_and_the_balance_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
