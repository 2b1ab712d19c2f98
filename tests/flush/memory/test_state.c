#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "config/log.h"
#include "tests/support/pipeline.h"

/* ---- the file ---------------------------------------------------------- */

static void what_is_written_is_read_back(void **state)
{
    struct state_writer *out = state_writer_new();
    struct state found;
    char problem[160] = "", long_text[200000];
    (void)state;

    memset(long_text, 'x', sizeof long_text);
    state_begin(out, STATE_PAYLOADS);
    state_put_number(out, 0);
    state_put_number(out, UINT64_MAX);
    state_put_signed(out, INT64_MIN);
    state_put_signed(out, -1);
    state_put_double(out, 0.1);
    state_begin(out, STATE_SERVER);
    state_put_text(out, (struct slice){ long_text, sizeof long_text });
    assert_true(state_settle(out));
    state_begin(out, STATE_SERIES);
    state_put_number(out, 1);
    state_cancel(out);
    int fd = state_writer_end(out);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), -1); /* sealed */

    assert_true(state_map(&found, fd, problem, sizeof problem));
    struct state_reader in = found.parts[STATE_PAYLOADS];
    assert_int_equal(state_get_number(&in), 0);
    assert_true(state_get_number(&in) == UINT64_MAX);
    assert_true(state_get_signed(&in) == INT64_MIN);
    assert_int_equal(state_get_signed(&in), -1);
    assert_true(state_get_double(&in) == 0.1);
    assert_true(!in.failed && in.at == in.end);
    state_get_number(&in);
    assert_true(in.failed);
    in = found.parts[STATE_SERVER];
    assert_int_equal(state_get_text(&in).len, sizeof long_text);
    assert_null(found.parts[STATE_SERIES].at);
    state_done(&found);
    close(fd);
}

static void what_is_no_state_is_refused_with_a_sentence(void **state)
{
    char problem[160] = "";
    struct state found;
    int pipes[2];
    (void)state;

    assert_int_equal(pipe(pipes), 0);
    assert_false(state_map(&found, pipes[0], problem, sizeof problem));
    assert_string_equal(problem, "it is no sealed file in memory");
    assert_false(state_open(&found, (const uint8_t *)"", 0, problem, sizeof problem));
    assert_non_null(strstr(problem, "no state"));
    close(pipes[0]);
    close(pipes[1]);
}

/* ---- everything in it -------------------------------------------------- */

/* Numbers over the bounds of sets and histograms too. */
static void send_everything(struct pipeline *p, uint32_t worker, double t_s, int round)
{
    char line[128];

    pipeline_line(p, worker, t_s,
                  "count:1|c|#a:1,b:2\ncount:2|c|@0.5|#b:2,a:1\ncount:7|c\n"
                  "gauge:1|g|#host:other\ngauge:2|g\nset:a|s\nset:b|s\n"
                  "histogram:1:2:3|h\nhistogram:4|h|@0.1\ntiming:5|ms\ntiming:7|h|@0.3\n"
                  "vast:1:1e100:1|h\nvast:-1e100|h\n"
                  "distribution:1:2:3|d\ndistribution:-4|d|@0.5|#env:x\n"
                  "quiet:1|c\ntime:5|g|T1700000000\n_e{1,1}:a|b\n_sc|a|0\n");
    snprintf(line, sizeof line, "delta:%s%d|g\nset:%d|s\nempty:nan|c\n", round > 0 ? "+" : "",
             round + 1, round);
    pipeline_line(p, worker, t_s, line);
    for (int i = 0; i < 3000; i++) {
        snprintf(line, sizeof line, "large:%d|s\nmany:%d|h", i + 100 * round, i);
        pipeline_line(p, worker, t_s, line);
    }
}

static int by_identity(const void *a, const void *b)
{
    const struct pipeline_point *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    if (order == 0)
        order = strcmp(x->tags, y->tags);
    return order != 0 ? order : (x->time_s > y->time_s) - (x->time_s < y->time_s);
}

static bool nearly(double a, double b)
{
    return a == b || fabs(a - b) <= 1e-12 * fabs(a);
}

static void assert_same_points(struct pipeline *p, struct pipeline *q)
{
    assert_int_equal(p->n_points, q->n_points);
    qsort(p->points, p->n_points, sizeof *p->points, by_identity);
    qsort(q->points, q->n_points, sizeof *q->points, by_identity);
    for (size_t i = 0; i < p->n_points; i++) {
        const struct pipeline_point *a = &p->points[i], *b = &q->points[i];

        if (by_identity(a, b) != 0 || strcmp(a->host, b->host) != 0 || a->type != b->type ||
            strcmp(a->unit, b->unit) != 0 || !nearly(a->value, b->value) ||
            a->summary.count != b->summary.count || a->summary.sum != b->summary.sum ||
            a->summary.min != b->summary.min || a->summary.max != b->summary.max ||
            !nearly(a->summary.avg, b->summary.avg))
            fail_msg("%s{%s} at %lld: %.17g, and %s{%s} at %lld: %.17g", a->name, a->tags,
                     (long long)a->time_s, a->value, b->name, b->tags, (long long)b->time_s,
                     b->value);
    }
}

/* The same lines, with and without another process in between. */
static void an_upgrade_changes_no_point(void **state)
{
    static const double upgrades[][4] = {
        { 1006.5, 0, 0, 0 },              /* in the middle */
        { 1006.1, 1006.2, 1006.3, 1006 }, /* again and again */
        { 1005, 1010, 1020, 1030 },       /* at a boundary */
        { 1019.99, 1020.01, 1047, 1048 }, /* around one, and when all is quiet */
    };
    (void)state;

    for (size_t at = 0; at < sizeof upgrades / sizeof upgrades[0]; at++) {
        struct pipeline *p[2];

        for (int which = 0; which < 2; which++) {
            p[which] =
                PIPELINE(2, 1003, "heeler_statsd_gauge_deltas=true",
                         "dogstatsd_expiry_seconds=30", "heeler_histogram_exact_values=100",
                         "histogram_aggregates=max median avg count sum");
            p[which]->started_s = 1003;
            pipeline_started_at(p[which], 1003);
            size_t next = 0;
            for (int round = 0; round < 12; round++) {
                double t_s = 1004 + 2.3 * round;
                for (; next < 4 && upgrades[at][next] <= t_s && which == 1; next++)
                    if (upgrades[at][next] > pipeline_now(p[1])) {
                        pipeline_flush(p[1], upgrades[at][next]);
                        pipeline_upgrade(p[1]);
                    }
                if (round < 6)
                    send_everything(p[which], (uint32_t)round % 2, t_s, round);
                else
                    pipeline_flush(p[which], t_s);
            }
            pipeline_flush(p[which], 1063);
        }
        assert_true(p[0]->n_points > 30);
        assert_same_points(p[0], p[1]);
        assert_int_equal(counter_read(&p[1]->ledger.values_imbalance), 0);
        pipeline_free(p[0]);
        pipeline_free(p[1]);
    }
}

static void what_one_worker_had_handed_in_is_not_sent_alone(void **state)
{
    struct pipeline *p = PIPELINE(2, 1000);
    (void)state;

    pipeline_line(p, 0, 1001, "a:1|c");
    pipeline_line(p, 1, 1002, "a:2|c");
    p->workers[1].stalled = true;
    pipeline_flush(p, 1010.5); /* worker 0 is in the next interval, 1 is not */
    pipeline_upgrade(p);
    assert_int_equal(counter_read(&p->ledger.taken_over), 2);
    pipeline_flush(p, 1013);
    assert_float_equal(pipeline_value(p, "a", "", 1000), 0.3, 1e-12);
    pipeline_free(p);
}

/* The interval's length is a setting, and may be another one. */
static void an_interval_of_another_length_is_sent_at_once(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000);
    (void)state;

    pipeline_line(p, 0, 1001, "a:40|c");
    p->settings.heeler_interval = 20;
    pipeline_upgrade(p);
    pipeline_flush(p, 1002.5);
    pipeline_free(p);
}

static void series_without_room_are_left_behind(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000);
    (void)state;

    pipeline_line(p, 0, 1001, "a:1|c\nb:1|c\nc:a|s");
    p->settings.heeler_max_contexts = 1;
    pipeline_upgrade(p);
    pipeline_flush(p, 1010.5);
    assert_int_equal(p->n_points, 1);
    pipeline_free(p);
}

/* ---- damage ------------------------------------------------------------ */

static uint8_t *whole_file(int fd, size_t *size)
{
    struct stat found;

    assert_int_equal(fstat(fd, &found), 0);
    *size = (size_t)found.st_size;
    uint8_t *bytes = malloc(*size);
    assert_int_equal(pread(fd, bytes, *size, 0), *size);
    return bytes;
}

static uint8_t *some_state(size_t *size)
{
    struct pipeline *p =
        PIPELINE(1, 1000, "heeler_statsd_gauge_deltas=true", "heeler_histogram_exact_values=2");

    pipeline_line(p, 0, 1001,
                  "c:1|c|#a:1,b:2\ng:1|g\ns:a|s\ns:b|s\nh:1:2|ms|@0.3\ni:1:2:3|h\nd:1:2:3|d");
    int fd = pipeline_replace(p);
    uint8_t *bytes = whole_file(fd, size);

    close(fd);
    pipeline_free(p);
    return bytes;
}

static void put_fixed(uint8_t *at, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

static void correct_checksums(uint8_t *bytes, size_t size)
{
    put_fixed(bytes + 24, XXH3_64bits(bytes + 40, size - 40));
    put_fixed(bytes + 32, XXH3_64bits(bytes, 32));
}

static void a_damaged_or_short_state_is_refused_at_every_byte(void **state)
{
    size_t size;
    uint8_t *bytes = some_state(&size);
    char problem[160];
    struct state found;
    (void)state;

    assert_true(state_open(&found, bytes, size, problem, sizeof problem));
    for (size_t at = 0; at < size; at++) {
        problem[0] = '\0';
        bytes[at] ^= 0x10;
        assert_false(state_open(&found, bytes, size, problem, sizeof problem));
        assert_true(problem[0] != '\0');
        bytes[at] ^= 0x10;

        uint8_t *less = malloc(at + 1);
        memcpy(less, bytes, at);
        assert_false(state_open(&found, less, at, problem, sizeof problem));
        free(less);
    }
    bytes[8] = 99;
    assert_false(state_open(&found, bytes, size, problem, sizeof problem));
    assert_string_equal(problem, "it is of version 99, and this program reads 1 to 3");
    free(bytes);
}

/* Checksums that are right prove nothing: every bound is looked at. */
static void no_state_leads_its_reader_astray(void **state)
{
    static const uint8_t flips[] = { 0x01, 0x10, 0x80, 0xff };
    size_t size, refused = 0, taken = 0;
    uint8_t *bytes = some_state(&size);
    char problem[160];
    struct state found;
    (void)state;

    log_set_level(LOG_LEVEL_OFF);
    for (size_t i = 0; i < 2 * (size - 40); i++) { /* two of them each byte in turn */
        size_t at = 40 + i / 2;

        bytes[at] ^= flips[i % 4];
        correct_checksums(bytes, size);
        if (state_open(&found, bytes, size, problem, sizeof problem) &&
            found.parts[STATE_SERIES].at != NULL) {
            struct pipeline *p = PIPELINE(1, 1000);

            if (pipeline_restore(p, &found)) {
                taken++;
                pipeline_line(p, 0, 1003, "d:1|d\ni:5|h\ns:c|s");
                pipeline_flush(p, 1030);
            } else {
                refused++;
                assert_int_equal(counter_read(&p->ledger.state_refused), 1);
            }
            pipeline_free(p);
        }
        bytes[at] ^= flips[i % 4];
    }
    assert_true(refused > 0 && taken > 0);
    free(bytes);
}

/* Versions before this one took names and tags as they came. */
static void text_of_before_that_is_no_utf8_is_repaired(void **state)
{
    static const char bad[] = "\xef\xbf\xbd\xef\xbf\xbd";
    struct pipeline *p = PIPELINE(1, 1000);
    struct state found;
    size_t size, changed = 0;
    char problem[160], tags[64];
    (void)state;

    pipeline_line(p, 0, 1001, "n@@:1|g|#k:@@,l:2,host:@@\nother:2|g");
    int fd = pipeline_replace(p);
    uint8_t *bytes = whole_file(fd, &size);
    for (size_t i = 0; i + 1 < size; i++)
        if (memcmp(bytes + i, "@@", 2) == 0) {
            memcpy(bytes + i, "\xff\xfe", 2);
            changed++;
        }
    assert_int_equal(changed, 3);
    correct_checksums(bytes, size);
    assert_true(state_open(&found, bytes, size, problem, sizeof problem));
    assert_true(pipeline_restore(p, &found));
    pipeline_flush(p, 1010.5);
    json_decref(pipeline_take(p)); /* the decoder takes it */
    snprintf(tags, sizeof tags, "k:%s,l:2", bad);
    assert_float_equal(pipeline_value(p, "n\xef\xbf\xbd\xef\xbf\xbd", tags, 1000), 1, 0);
    assert_float_equal(pipeline_value(p, "other", "", 1000), 2, 0);
    pipeline_free(p);
    free(bytes);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(what_is_no_state_is_refused_with_a_sentence),
        cmocka_unit_test(an_upgrade_changes_no_point),
        cmocka_unit_test(what_one_worker_had_handed_in_is_not_sent_alone),
        cmocka_unit_test(an_interval_of_another_length_is_sent_at_once),
        cmocka_unit_test(series_without_room_are_left_behind),
        cmocka_unit_test(a_damaged_or_short_state_is_refused_at_every_byte),
        cmocka_unit_test(no_state_leads_its_reader_astray),
        cmocka_unit_test(text_of_before_that_is_no_utf8_is_repaired),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
