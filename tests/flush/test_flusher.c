/* One subject: the books of the flusher, whatever comes down one pipeline. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/series/rules.h"
#include "tests/support/pipeline.h"
#include "tests/support/with_settings.h"

static uint64_t read_counter(const struct counter *counter)
{
    return counter_read(counter);
}

/* What was encoded has been posted. */
static void assert_nothing_open(const struct pipeline *p)
{
    for (int kind = 0; kind < POINT_KIND_COUNT; kind++)
        assert_int_equal(read_counter(&p->ledger.encoded[kind]),
                         read_counter(&p->ledger.posted[kind]));
}

/* ---- intervals --------------------------------------------------------- */

static void an_interval_is_flushed_when_all_workers_have_handed_in(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000);
    (void)state;

    pipeline_line(p, 0, 1001, "a:1|c");
    pipeline_line(p, 1, 1002, "a:2|c");
    p->workers[1].stalled = true;
    pipeline_flush(p, 1010.5);
    assert_int_equal(p->n_points, 0);
    p->workers[1].stalled = false;
    pipeline_flush(p, 1011);
    assert_int_equal(p->n_points, 1);
    assert_float_equal(pipeline_value(p, "a", "", 1000), 0.3, 1e-12);
    pipeline_free(p);
}

static void who_was_refused_for_want_of_room_comes_in_when_there_is_some(void **state)
{
    struct pipeline *p =
        PIPELINE(2, 1000, "heeler_max_contexts=2", "dogstatsd_context_expiry_seconds=10");
    (void)state;

    pipeline_line(p, 0, 1001, "a:1|g\nb:1|g");
    for (int i = 0; i < 8; i++)
        pipeline_line(p, 1, 1002 + 10 * i, "c:3|g");
    pipeline_flush(p, 1080);
    assert_true(pipeline_values_shed(p, SHED_CONTEXTS_FULL) > 0);
    assert_float_equal(pipeline_value(p, "c", "", 1070), 3, 1e-12);
    assert_int_equal(read_counter(&p->ledger.values_imbalance), 0);
    pipeline_free(p);
}

static void a_late_worker_holds_nobody_up_and_loses_nothing(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000);
    (void)state;

    pipeline_line(p, 0, 1001, "a:1|c");
    pipeline_line(p, 1, 1002, "a:2|c");
    p->workers[1].stalled = true;
    pipeline_flush(p, 1010);
    pipeline_flush(p, 1013); /* more than two seconds later */
    assert_float_equal(pipeline_value(p, "a", "", 1000), 0.1, 1e-12);
    p->workers[1].stalled = false;
    pipeline_flush(p, 1014);
    assert_int_equal(read_counter(&p->ledger.late_buckets), 1);
    pipeline_flush(p, 1020);
    pipeline_flush(p, 1024);
    double sum = 0;
    for (size_t i = 0; i < p->n_points; i++)
        sum += p->points[i].value;
    assert_float_equal(sum, 0.3, 1e-12);
    pipeline_free(p);
}

/* At an interval below the patience there is always a snapshot that waits for it. */
static void an_always_late_worker_keeps_no_series_from_expiring(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000, "heeler_interval=1",
                                  "dogstatsd_context_expiry_seconds=2", "heeler_rollups=");
    (void)state;

    p->workers[1].stalled = true;
    pipeline_line(p, 0, 1000.5, "once:1|g");
    for (int i = 1; i < 12; i++) {
        pipeline_line(p, 0, 1000.5 + i, "often:1|g");
        pipeline_flush(p, 1000.9 + i);
    }
    assert_int_equal(read_counter(&p->ledger.series), 1);
    assert_float_equal(pipeline_value(p, "once", "", 1000), 1, 0);
    assert_float_equal(pipeline_value(p, "often", "", 1006), 1, 0);
    pipeline_free(p);
}

/* Where the bound is reached new contexts are shed, known ones stay exact, and when
 * the spike is over there is room again. */
static void a_spike_of_contexts_beyond_the_memory_is_shed_and_counted(void **state)
{
    enum { SPIKE = 20000 };
    struct pipeline *p =
        PIPELINE(2, 1000, "heeler_max_memory=1", "heeler_max_contexts=100000",
                 "dogstatsd_context_expiry_seconds=10", "dogstatsd_expiry_seconds=10");
    (void)state;

    pipeline_line(p, 0, 1001, "known:1|c|#a:b,c:d");
    pipeline_run(p);
    for (int i = 0; i < SPIKE; i++) {
        char line[400];
        snprintf(line, sizeof line, "spike.%d:1|c|#customer:%0200d", i, i);
        pipeline_line(p, (uint32_t)(i % 2), 1002, line);
        if (i % 100 != 0)
            continue;
        pipeline_line(p, 0, 1002, "known:2:3|c|#a:b,c:d");
        pipeline_run(p);
    }
    pipeline_line(p, 1, 1003, "known:4|c|#c:d,a:b");
    pipeline_flush(p, 1010);
    uint64_t shed = pipeline_values_shed(p, SHED_MEMORY);
    assert_in_range(shed, SPIKE / 10, SPIKE - SPIKE / 10);
    assert_int_equal(pipeline_values_parsed(p),
                     pipeline_values_shed(p, SHED_MEMORY) + read_counter(&p->ledger.folded));
    double known = 1 + SPIKE / 100 * 5;
    assert_float_equal(pipeline_value(p, "known", "a:b,c:d", 1000) * 10, known, 1e-9);
    assert_int_equal(read_counter(&p->ledger.values_imbalance), 0);
    for (int i = 1; i < 8; i++)
        pipeline_flush(p, 1010 + 10 * i);
    pipeline_line(p, 0, 1081, "new:7|c");
    pipeline_flush(p, 1090);
    assert_float_equal(pipeline_value(p, "new", "", 1080), 0.7, 1e-9);
    assert_int_equal(pipeline_values_shed(p, SHED_MEMORY), shed);
    assert_int_equal(read_counter(&p->ledger.values_imbalance), 0);
    pipeline_free(p);
}

static void a_worker_that_was_late_once_is_not_late_again(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000);
    (void)state;

    p->workers[1].stalled = true;
    pipeline_line(p, 1, 1001, "a:1|c");
    pipeline_flush(p, 1010);
    pipeline_flush(p, 1013);
    pipeline_flush(p, 1020); /* opens the next snapshot: only worker 0 has handed in */
    p->workers[1].stalled = false;
    pipeline_flush(p, 1020.5); /* the late bucket completes it */
    assert_float_equal(pipeline_value(p, "a", "", 1010), 0.1, 1e-12);
    for (int i = 1; i <= 4; i++)
        pipeline_flush(p, 1020 + 10 * i);
    assert_int_equal(read_counter(&p->ledger.late_buckets), 1);
    assert_int_equal(read_counter(&p->ledger.snapshots), 6);
    pipeline_free(p);
}

static void stamps_ascend_when_a_worker_leaves_an_interval_out(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000);
    (void)state;

    p->workers[1].stalled = true;
    pipeline_line(p, 1, 1001, "a:1|c");
    pipeline_line(p, 0, 1011, "g:1|g");
    pipeline_line(p, 0, 1020, "g:2|g"); /* worker 0 hands in 1000 and 1010 */
    p->workers[1].stalled = false;
    pipeline_line(p, 0, 1031, "g:3|g"); /* worker 1: one bucket from 1000, then 1020 */
    pipeline_flush(p, 1040);
    for (size_t i = 1; i < p->n_points; i++)
        assert_true(p->points[i].time_s >= p->points[i - 1].time_s);
    assert_float_equal(pipeline_value(p, "g", "", 1010), 1, 0);
    assert_float_equal(pipeline_value(p, "g", "", 1020), 2, 0);
    pipeline_free(p);
}

static void the_open_interval_is_flushed_at_the_end(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000);
    (void)state;

    pipeline_line(p, 1, 1003, "a:5|c");
    pipeline_finish(p);
    assert_float_equal(pipeline_value(p, "a", "", 1000), 0.5, 1e-12);
    assert_nothing_open(p);
    pipeline_free(p);
}

static void what_is_not_finished_is_freed(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000);
    (void)state;

    pipeline_line(p, 0, 1001, "a:1|c\nh:1|h\nd:1|d\ns:x|s\n_sc|check|0");
    p->flusher_stalled = true;
    pipeline_line(p, 0, 1011, "a:1|c");
    assert_true(flusher_step(p->flusher, 1011, 0)); /* parcels taken and not handled */
    pipeline_line(p, 0, 1021, "a:1|c");
    pipeline_free(p);
}

/* ---- stamps ------------------------------------------------------------ */

static void the_first_stamp_is_not_before_the_start_of_the_process(void **state)
{
    struct pipeline *p = PIPELINE(1, 1003);
    (void)state;

    pipeline_started_at(p, 1003);
    pipeline_line(p, 0, 1004, "a:1|g");
    pipeline_line(p, 0, 1014, "a:2|g");
    pipeline_flush(p, 1020);
    assert_float_equal(pipeline_value(p, "a", "", 1003), 1, 0);
    assert_float_equal(pipeline_value(p, "a", "", 1010), 2, 0);
    pipeline_free(p);
}

static void a_step_back_takes_the_next_free_second(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000);
    (void)state;

    pipeline_line(p, 0, 1005, "a:1|g");
    pipeline_line(p, 0, 1015, "a:2|g"); /* 1000 is sealed */
    pipeline_step_clock(p, -10);        /* the interval from 1010 ends at wall 1010 */
    pipeline_line(p, 0, 1012, "a:3|g"); /* the bucket that starts at 1010 again */
    pipeline_flush(p, 1020);
    assert_int_equal(p->n_points, 3);
    assert_float_equal(pipeline_value(p, "a", "", 1000), 1, 0);
    assert_float_equal(pipeline_value(p, "a", "", 1010), 2, 0);
    assert_float_equal(pipeline_value(p, "a", "", 1011), 3, 0);
    pipeline_free(p);
}

static void a_step_of_more_than_ten_minutes_back_starts_a_timeline_beside_the_old_one(
    void **state)
{
    struct pipeline *p = PIPELINE(1, 10000);
    (void)state;

    for (int i = 0; i < 200; i++)
        pipeline_line(p, 0, 10000 + 10 * i, "a:1|g");
    pipeline_flush(p, 12000);
    assert_int_equal(p->n_points, 200);
    pipeline_step_clock(p, -1000);
    pipeline_line(p, 0, 11001, "a:2|g"); /* still in the bucket from 12000 */
    pipeline_line(p, 0, 11011, "a:3|g");
    pipeline_flush(p, 11020);
    assert_float_equal(pipeline_value(p, "a", "", 12000), 2, 0);
    assert_float_equal(pipeline_value(p, "a", "", 11010), 1, 0);
    assert_float_equal(pipeline_value(p, "a", "", 11011), 3, 0);
    pipeline_free(p);
}

/* ---- whatever happens: sums are exact and no stamp is used twice ------- */

struct chance {
    uint64_t state;
};

static uint32_t below(struct chance *chance, uint32_t n)
{
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 7;
    chance->state ^= chance->state << 17;
    return (uint32_t)((chance->state >> 11) % n);
}

enum { NAMES = 4, ACTIONS = 80 };

/* Tags in two orders are one series. */
static void send_value(struct pipeline *p, struct chance *chance, int64_t sums[NAMES])
{
    char line[64];
    uint32_t name = below(chance, NAMES), value = below(chance, 1000);

    snprintf(line, sizeof line, "c%u:%u|c|#%s", name, value,
             below(chance, 2) == 0 ? "x,y" : "y,x");
    sums[name] += value;
    pipeline_line(p, below(chance, p->n_workers),
                  pipeline_now(p) + (double)below(chance, 40) / 10, line);
}

static void disturb(struct pipeline *p, struct chance *chance)
{
    struct pipeline_worker *worker = &p->workers[below(chance, p->n_workers)];

    switch (below(chance, 8)) {
    case 0:
    case 1:
        worker->stalled = !worker->stalled;
        break;
    case 2:
        p->flusher_stalled = !p->flusher_stalled;
        break;
    case 3:
        pipeline_step_clock(p, (double)below(chance, 40) - 20);
        break;
    case 4:
        if (below(chance, 4) == 0)
            pipeline_step_clock(p, (double)below(chance, 4000) - 2000);
        break;
    default:
        pipeline_flush(p, pipeline_now(p) + below(chance, 15));
        assert_int_equal(read_counter(&p->ledger.values_imbalance), 0);
        assert_int_equal(read_counter(&p->ledger.lines_imbalance), 0);
        break;
    }
}

static int compare_identities(const void *a, const void *b)
{
    const struct pipeline_point *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order : (left->time_s > right->time_s) - (left->time_s < right->time_s);
}

static void check_sums(struct pipeline *p, uint64_t seed, const int64_t sums[NAMES])
{
    int64_t seen[NAMES] = { 0 };

    for (size_t i = 0; i < p->n_points; i++) {
        double value = p->points[i].value * (double)p->points[i].interval_s;
        seen[p->points[i].name[1] - '0'] += llround(value);
        assert_float_equal(value, round(value), 1e-6);
    }
    for (int i = 0; i < NAMES; i++)
        if (seen[i] != sums[i])
            fail_msg("seed %llu: c%d: %lld in, %lld out", (unsigned long long)seed, i,
                     (long long)sums[i], (long long)seen[i]);
    qsort(p->points, p->n_points, sizeof p->points[0], compare_identities);
    for (size_t i = 1; i < p->n_points; i++)
        if (compare_identities(&p->points[i - 1], &p->points[i]) == 0)
            fail_msg("seed %llu: %s has two points at %lld", (unsigned long long)seed,
                     p->points[i].name, (long long)p->points[i].time_s);
}

static void run_chances(uint64_t seed)
{
    struct chance chance = { seed * 0x9E3779B97F4A7C15u + 1 };
    struct pipeline *p = PIPELINE(1 + (uint32_t)(seed % PIPELINE_WORKERS_MAX), 100003);
    int64_t sums[NAMES] = { 0 };

    for (int i = 0; i < ACTIONS; i++) {
        if (below(&chance, 3) > 0)
            send_value(p, &chance, sums);
        else
            disturb(p, &chance);
    }
    pipeline_run(p);
    pipeline_finish(p);
    check_sums(p, seed, sums);
    assert_int_equal(read_counter(&p->ledger.values_imbalance), 0);
    assert_nothing_open(p);
    pipeline_free(p);
}

static void values_are_counted_once_and_no_stamp_is_used_twice(void **state)
{
    const char *runs = getenv("RUNS");
    (void)state;

    for (uint64_t seed = 1; seed <= (runs != NULL ? strtoull(runs, NULL, 10) : 150); seed++)
        run_chances(seed);
}

/* ---- balances ---------------------------------------------------------- */

static void every_fate_of_a_value_is_on_both_sides_of_the_balance(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000, "metric_filterlist=bad", "heeler_max_contexts=12",
                                  "histogram_copy_to_distribution=true");
    (void)state;

    pipeline_line(p, 0, 1001,
                  "a:1:2:nan|c\nbad:1|c\nh:1:2|h\ns:x|s\nd:inf|d\na:1|g|T999\n"
                  "a:1|h|T999\nbad:1:2|c|T999\n1:1|c\nwrong\na:1|c|T9999");
    for (int i = 0; i < 20; i++) {
        char line[32];
        snprintf(line, sizeof line, "many%d:1|c", i);
        pipeline_line(p, 1, 1002, line);
    }
    pipeline_flush(p, 1010);
    assert_int_equal(read_counter(&p->ledger.values_imbalance), 0);
    assert_int_equal(read_counter(&p->ledger.lines_imbalance), 0);
    assert_int_equal(pipeline_values_shed(p, SHED_NOT_FINITE), 2);
    assert_int_equal(pipeline_values_shed(p, SHED_FILTERED), 3);
    assert_int_equal(pipeline_values_shed(p, SHED_UNSUPPORTED_TIME), 1);
    assert_int_equal(pipeline_values_shed(p, SHED_REFUSED_TIME), 1);
    assert_int_equal(pipeline_values_shed(p, SHED_REFUSED_NAME), 1);
    assert_true(pipeline_values_shed(p, SHED_CONTEXTS_FULL) >= 8);
    assert_int_equal(read_counter(&p->ledger.type_conflicts), 0); /* a copy is none */
    uint64_t shed = 0;
    for (int reason = SHED_NOTHING + 1; reason < SHED_REASON_COUNT; reason++)
        shed += pipeline_values_shed(p, (enum shed_reason)reason);
    assert_int_equal(read_counter(&p->ledger.folded) + shed, pipeline_values_parsed(p));
    pipeline_free(p);
}

static void a_lost_value_shows_until_the_end_whoever_seals_last(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000);
    (void)state;

    pipeline_line(p, 0, 1001, "a:1|c");
    counter_add(&p->workers[0].ledger.values[METRIC_COUNT], 1);
    counter_add(&p->workers[0].ledger.lines[0], 1);
    for (int i = 1; i < 4; i++) {
        pipeline_flush(p, 1000 + 10 * i); /* worker 1 seals after worker 0 */
        assert_int_equal(read_counter(&p->ledger.values_imbalance), 1);
        assert_int_equal(read_counter(&p->ledger.lines_imbalance), 1);
    }
    pipeline_free(p);
}

/* ---- records ----------------------------------------------------------- */

static const char *text_at(const json_t *list, size_t i, const char *key)
{
    return json_string_value(json_object_get(json_array_get(list, i), key));
}

static void timestamped_samples_keep_their_time(void **state)
{
    struct pipeline *p = PIPELINE(1, 100000, "tags=t:1");
    (void)state;

    pipeline_line(p, 0, 100001, "a:5|c|@0.5|#b,a|T99003\na:1:2|g|T7");
    pipeline_flush(p, 100002); /* they do not wait for the interval's end */
    json_t *taken = pipeline_take(p), *series = json_object_get(taken, "series");
    assert_int_equal(json_array_size(series), 2);
    json_t *points = json_object_get(json_array_get(series, 0), "points");
    assert_int_equal(json_integer_value(json_array_get(json_array_get(points, 0), 0)), 99003);
    assert_float_equal(json_real_value(json_array_get(json_array_get(points, 0), 1)), 0.5, 0);
    assert_string_equal(text_at(series, 0, "type"), "rate");
    assert_string_equal(text_at(series, 1, "type"), "gauge");
    points = json_object_get(json_array_get(series, 1), "points");
    assert_int_equal(json_array_size(points), 2);
    json_t *tags = json_object_get(json_array_get(series, 0), "tags");
    assert_int_equal(json_array_size(tags), 3);
    assert_string_equal(json_string_value(json_array_get(tags, 0)), "a");
    json_decref(taken);
    pipeline_free(p);
}

static int spares_of(struct pipeline *p, uint32_t worker)
{
    int n = 0;

    for (int i = 0; i < SPARE_CHUNKS; i++)
        n += atomic_load(&p->accounts[worker].spares[i]) != NULL;
    return n;
}

static void chunks_of_records_are_filled_again_and_freed_when_none_come(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000);
    char line[1024] = "_e{1,900}:t|";
    (void)state;

    memset(line + 12, 'x', 900);
    for (int i = 0; i < 20000; i++) { /* more than spares are kept */
        pipeline_line(p, 1, 1001, "a:1|g|#some:tags,which:are,long|T900\nb:1|c|T901");
        if (i % 4000 == 0)
            pipeline_line(p, 1, 1001, line);
    }
    pipeline_flush(p, 1002);
    int spares = spares_of(p, 1);
    assert_in_range(spares, 2, SPARE_CHUNKS);
    assert_int_equal(spares_of(p, 0), 0);
    pipeline_line(p, 1, 1002, "a:1|g|T900");
    assert_int_equal(spares_of(p, 1), spares - 1);
    pipeline_flush(p, 1003);
    assert_int_equal(spares_of(p, 1), spares);
    pipeline_flush(p, 1004); /* there were some since the last time */
    pipeline_flush(p, 1005);
    assert_int_equal(spares_of(p, 1), 0);
    assert_int_equal(read_counter(&p->ledger.folded), 40001);
    pipeline_free(p);
}

/* rep-007, for everything that has a name or a tag: the decoder of the test makes JSON
 * of a payload, and fails where a text is no UTF-8. Two spellings of bad bytes become
 * one series, to which both add. */
static void bytes_that_are_no_utf8_cost_nobody_a_payload(void **state)
{
    static const char *const kinds[] = { "series", "sketches", "events", "service_checks" };
    struct pipeline *p = PIPELINE(1, 100000, "heeler_statsd_gauge_deltas=false");
    (void)state;

    pipeline_line(p, 0, 100001,
                  "good:1|c\ncut.a:1|g|#k:\xe6\x97\n\xff.s:x|s|#\xfe\nh:2|h|#k:\xe6,host:\xe4\n"
                  "d\xc0:3|d|#dd.internal.resource:\xff:\xfe\nt\xe9:4|c|#\xff|T100000\n"
                  "sum:10|c|#k:\xfe\nsum:20|c|#k:\xff\n"
                  "_e{2,2}:\xff\xfe|\xc3(|s:\xe6|k:\xff|h:\xff|#\xff\n"
                  "_sc|\xff|1|h:\xfe|#\xfe|m:\xf0");
    pipeline_flush(p, 100010.5);
    json_t *taken = pipeline_take(p);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_true(json_array_size(json_object_get(taken, kinds[i])) > 0);
    json_decref(taken);
    assert_float_equal(pipeline_value(p, "cut.a", "k:\xef\xbf\xbd\xef\xbf\xbd", 100000), 1, 0);
    assert_float_equal(pipeline_value(p, "sum", "k:\xef\xbf\xbd", 100000), 3, 1e-12);
    assert_int_equal(read_counter(&p->ledger.values_imbalance), 0);
    assert_nothing_open(p);
    pipeline_free(p);
}

static void events_and_checks_are_sent_within_a_tick(void **state)
{
    struct pipeline *p = PIPELINE(1, 100000);
    (void)state;

    pipeline_line(p, 0, 100001,
                  "_e{1,1}:a|x|s:nagios\n_e{1,1}:b|x|d:77\n_e{1,1}:c|x|s:nagios\n"
                  "_sc|up|1|#k:v|m:down\n_sc|up|2|d:88|h:other");
    pipeline_flush(p, 100002);
    json_t *taken = pipeline_take(p), *checks = json_object_get(taken, "service_checks");
    assert_int_equal(json_array_size(json_object_get(taken, "events")), 1);
    assert_int_equal(json_array_size(checks), 2);
    assert_string_equal(text_at(checks, 0, "host_name"), "h");
    assert_string_equal(text_at(checks, 1, "host_name"), "other");
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(checks, 0), "timestamp")), 100001);
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(checks, 1), "timestamp")), 88);
    assert_int_equal(read_counter(&p->ledger.posted[POINT_EVENT]), 3);
    assert_int_equal(read_counter(&p->ledger.posted[POINT_CHECK]), 2);
    assert_nothing_open(p);
    json_decref(taken);
    pipeline_free(p);
}

/* Somebody may wait for the interval to be sent: what came before its end is then, too. */
static void records_are_sent_with_the_interval_in_which_they_came(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000);
    (void)state;

    p->flusher_stalled = true;
    pipeline_line(p, 0, 1001, "a:1|c|T900\n_e{1,1}:a|x\n_sc|up|1");
    assert_true(pipeline_seal(p, 0));
    while (flusher_step(p->flusher, 1010, 0))
        ;
    assert_int_equal(read_counter(&p->ledger.posted[POINT_SERIES]), 1);
    assert_int_equal(read_counter(&p->ledger.posted[POINT_EVENT]), 1);
    assert_int_equal(read_counter(&p->ledger.posted[POINT_CHECK]), 1);
    assert_nothing_open(p);
    pipeline_free(p);
}

/* ---- slices ------------------------------------------------------------ */

static void a_storm_of_births_and_a_large_flush_are_handled_in_slices(void **state)
{
    enum { CONTEXTS = 20000 };
    struct pipeline *p =
        PIPELINE(1, 1000, "heeler_max_contexts=30000", "serializer_compressor_kind=none");
    char line[64];
    int steps = 0;
    (void)state;

    p->flusher_stalled = true;
    for (int i = 0; i < CONTEXTS; i++) {
        snprintf(line, sizeof line, "storm:1|c|#id:%d", i);
        pipeline_line(p, 0, 1001, line);
    }
    assert_true(pipeline_seal(p, 0));
    while (flusher_step(p->flusher, 1010, 0)) {
        assert_int_equal(read_counter(&p->ledger.snapshots), 0);
        steps++;
    }
    assert_int_equal(read_counter(&p->ledger.snapshots), 1);
    assert_true(steps > CONTEXTS / 2048 + CONTEXTS / 8192);
    assert_int_equal(p->n_points, CONTEXTS);
    assert_int_equal(read_counter(&p->ledger.values_imbalance), 0);
    pipeline_free(p);
}

static void a_regex_that_was_stopped_is_counted(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000,
                                  "dogstatsd_mapper_profiles=[{\"name\":\"p\",\"prefix\":\"*\","
                                  "\"mappings\":[{\"match\":\"(a+)+$\","
                                  "\"match_type\":\"regex\",\"name\":\"n\"}]}]");
    (void)state;

    pipeline_line(p, 0, 1001, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!:1|c");
    pipeline_flush(p, 1010);
    assert_int_equal(read_counter(&p->ledger.mapper_limited), 1);
    pipeline_line(p, 0, 1011, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?:1|c");
    pipeline_flush(p, 1020);
    assert_int_equal(read_counter(&p->ledger.mapper_limited), 2);
    pipeline_free(p);
}

static void a_wrong_setting_is_a_sentence(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000);
    struct flusher_config config = { .settings = &p->settings,
                                     .hostname = "h",
                                     .workers = 1,
                                     .inbox = &p->inbox,
                                     .outbox = &p->outbox,
                                     .accounts = p->accounts,
                                     .budget = &p->budget,
                                     .ledger = &p->ledger };
    char problem[200] = "";
    (void)state;

    json_decref(p->settings.dogstatsd_mapper_profiles);
    p->settings.dogstatsd_mapper_profiles = json_pack("[{s:s}]", "name", "no prefix");
    assert_null(flusher_new(&config, problem, sizeof problem));
    assert_true(strlen(problem) > 10);
    pipeline_free(p);
}

/* ---- reloads and early seals ------------------------------------------- */

/* What a worker is told by a reload; its next seal takes it over. */
static void follow(struct pipeline *p, uint32_t worker, struct rules *given)
{
    table_follow(p->workers[worker].table, given, 2);
}

static struct rules *make_rules(struct pipeline *p, uint32_t naming, char **sets, size_t n)
{
    char problem[256];
    struct settings *settings = calloc(1, sizeof *settings);

    assert_non_null(settings);
    assert_true(with_settings(settings, sets, n));
    struct rules *rules = rules_new(settings, "h", &p->ledger, problem, sizeof problem);
    assert_non_null(rules);
    rules->owned = settings;
    rules->naming = naming;
    return rules;
}
#define RULES(p, naming, ...)                        \
    make_rules(p, naming, (char *[]){ __VA_ARGS__ }, \
               sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *))

static void births_follow_the_rules_of_their_worker(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000, "tags=old:1", "dogstatsd_expiry_seconds=20");
    struct rules *rules = RULES(p, 1, "tags=new:1", "dogstatsd_expiry_seconds=20");
    (void)state;

    pipeline_line(p, 0, 1001, "a:1|c");
    pipeline_line(p, 1, 1002, "a:2|c");
    follow(p, 0, rules_hold(rules)); /* the other worker hears of it later */
    pipeline_line(p, 0, 1003, "a:3|c");
    pipeline_flush(p, 1010.5);
    assert_float_equal(pipeline_value(p, "a", "old:1", 1000), 0.6, 1e-6);
    follow(p, 1, rules);
    pipeline_line(p, 0, 1011, "a:4|c");
    pipeline_line(p, 1, 1012, "a:5|c");
    pipeline_flush(p, 1020.5);
    assert_float_equal(pipeline_value(p, "a", "new:1", 1010), 0.4, 1e-6);
    assert_float_equal(pipeline_value(p, "a", "old:1", 1010), 0.5, 1e-6);
    pipeline_line(p, 0, 1021, "a:6|c");
    pipeline_line(p, 1, 1022, "a:7|c");
    pipeline_flush(p, 1030.5);
    assert_float_equal(pipeline_value(p, "a", "new:1", 1020), 1.3, 1e-6);
    assert_float_equal(pipeline_value(p, "a", "old:1", 1020), 0, 0); /* as if it were quiet */
    pipeline_flush(p, 1050.5);
    assert_null(pipeline_find(p, "a", "old:1", 1040));
    assert_int_equal(read_counter(&p->ledger.values_imbalance), 0);
    assert_nothing_open(p);
    pipeline_free(p);
}

/* The last interval under the old rules is sent by them, whatever comes meanwhile. */
static void a_snapshot_is_sent_by_the_rules_of_its_seal(void **state)
{
    struct pipeline *p =
        PIPELINE(1, 1000, "histogram_aggregates=max", "histogram_percentiles=");
    (void)state;

    pipeline_line(p, 0, 1001, "a:1:9|h");
    follow(p, 0,
           RULES(p, 0, "histogram_aggregates=min", "histogram_percentiles=0.5",
                 "use_v2_api.series=false"));
    pipeline_line(p, 0, 1002, "_e{1,1}:a|b");
    pipeline_flush(p, 1010.5);
    assert_float_equal(pipeline_value(p, "a.max", "", 1000), 9, 0);
    assert_null(pipeline_find(p, "a.min", "", 1000));
    pipeline_line(p, 0, 1011, "a:2:9|h");
    pipeline_line(p, 0, 1012, "t:1|c|T900");
    pipeline_flush(p, 1020.5);
    assert_float_equal(pipeline_value(p, "a.min", "", 1010), 2, 0);
    assert_null(pipeline_find(p, "a.max", "", 1010));
    assert_nothing_open(p);
    pipeline_free(p);
}

static void a_record_follows_the_rules_of_its_worker(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000, "statsd_metric_namespace=old");
    (void)state;

    pipeline_line(p, 0, 1001, "t:1|g|T900");
    follow(p, 0, RULES(p, 1, "statsd_metric_namespace=new"));
    pipeline_flush(p, 1010.5);
    pipeline_line(p, 0, 1011, "t:1|g|T901");
    pipeline_flush(p, 1020.5);
    json_t *taken = pipeline_take(p);
    json_t *series = json_object_get(taken, "series");
    assert_string_equal(json_string_value(json_object_get(json_array_get(series, 0), "metric")),
                        "old.t");
    assert_string_equal(json_string_value(json_object_get(json_array_get(series, 1), "metric")),
                        "new.t");
    json_decref(taken);
    pipeline_free(p);
}

/* As a worker does that is asked for a flush. */
static void seal_at(struct pipeline *p, uint32_t worker, int64_t second)
{
    assert_true(table_seal(p->workers[worker].table, second, second * 1000000000 - p->step_ns));
}

static void the_rest_of_an_interval_sealed_early_has_a_second_of_its_own(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000);
    (void)state;

    pipeline_line(p, 0, 1001, "a:1|c\nquiet:1|c");
    pipeline_flush(p, 1010.5);
    pipeline_line(p, 0, 1011, "a:2|c");
    pipeline_line(p, 1, 1012, "a:3|c");
    pipeline_flush(p, 1014);
    for (uint32_t worker = 0; worker < 2; worker++)
        seal_at(p, worker, 1014);
    pipeline_run(p);
    assert_int_equal(read_counter(&p->ledger.flushed_until_s), 1014);
    assert_float_equal(pipeline_value(p, "a", "", 1010), 0.5, 1e-6);
    assert_float_equal(pipeline_value(p, "quiet", "", 1010), 0, 0);
    pipeline_line(p, 1, 1015, "a:4|c");
    pipeline_flush(p, 1020.5);
    assert_float_equal(pipeline_value(p, "a", "", 1014), 0.4, 1e-6);
    assert_null(pipeline_find(p, "quiet", "", 1014)); /* one zero an interval */
    assert_int_equal(read_counter(&p->ledger.flushed_until_s), 1020);
    assert_int_equal(read_counter(&p->ledger.late_buckets), 0);
    pipeline_flush(p, 1030.5);
    assert_float_equal(pipeline_value(p, "quiet", "", 1020), 0, 0);
    assert_int_equal(read_counter(&p->ledger.values_imbalance), 0);
    pipeline_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(births_follow_the_rules_of_their_worker),
        cmocka_unit_test(a_snapshot_is_sent_by_the_rules_of_its_seal),
        cmocka_unit_test(a_record_follows_the_rules_of_its_worker),
        cmocka_unit_test(the_rest_of_an_interval_sealed_early_has_a_second_of_its_own),
        cmocka_unit_test(an_interval_is_flushed_when_all_workers_have_handed_in),
        cmocka_unit_test(who_was_refused_for_want_of_room_comes_in_when_there_is_some),
        cmocka_unit_test(a_late_worker_holds_nobody_up_and_loses_nothing),
        cmocka_unit_test(an_always_late_worker_keeps_no_series_from_expiring),
        cmocka_unit_test(a_spike_of_contexts_beyond_the_memory_is_shed_and_counted),
        cmocka_unit_test(a_worker_that_was_late_once_is_not_late_again),
        cmocka_unit_test(stamps_ascend_when_a_worker_leaves_an_interval_out),
        cmocka_unit_test(the_open_interval_is_flushed_at_the_end),
        cmocka_unit_test(what_is_not_finished_is_freed),
        cmocka_unit_test(the_first_stamp_is_not_before_the_start_of_the_process),
        cmocka_unit_test(a_step_back_takes_the_next_free_second),
        cmocka_unit_test(
            a_step_of_more_than_ten_minutes_back_starts_a_timeline_beside_the_old_one),
        cmocka_unit_test(values_are_counted_once_and_no_stamp_is_used_twice),
        cmocka_unit_test(every_fate_of_a_value_is_on_both_sides_of_the_balance),
        cmocka_unit_test(a_lost_value_shows_until_the_end_whoever_seals_last),
        cmocka_unit_test(timestamped_samples_keep_their_time),
        cmocka_unit_test(chunks_of_records_are_filled_again_and_freed_when_none_come),
        cmocka_unit_test(bytes_that_are_no_utf8_cost_nobody_a_payload),
        cmocka_unit_test(events_and_checks_are_sent_within_a_tick),
        cmocka_unit_test(records_are_sent_with_the_interval_in_which_they_came),
        cmocka_unit_test(a_storm_of_births_and_a_large_flush_are_handled_in_slices),
        cmocka_unit_test(a_regex_that_was_stopped_is_counted),
        cmocka_unit_test(a_wrong_setting_is_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
