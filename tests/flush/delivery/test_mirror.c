#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/delivery/mirror.h"
#include "flush/values/blob.h"
#include "tests/support/commands.h"
#include "tests/support/pipeline.h"

enum { HOUR = 3600, START = 1700006400 }; /* a whole day since 1970 */

#define MIRROR(start_s, ...) PIPELINE(1, start_s, "heeler_redis_url=redis://x", __VA_ARGS__)

/* Everything sent so far must hold that command, once. */
static void assert_sent(const struct commands *commands, const char *text)
{
    if (commands_count(commands, text) == 1)
        return;
    commands_print(commands);
    fail_msg("%zu times: %s", commands_count(commands, text), text);
}

static void a_snapshot_is_written_told_and_the_instance_lives(void **state)
{
    struct pipeline *p = MIRROR(START, "heeler_lookback=600");
    struct commands sent;
    (void)state;

    pipeline_line(p, 0, START + 1, "hits:2|c|#b:2,a:1\nhits:3|c|#a:1,b:2");
    pipeline_line(p, 0, START + 2.5, "load:0.1|g|#host:web-1");
    pipeline_flush(p, START + 10.5);
    commands_take(&sent, &p->outbox);
    assert_sent(&sent, "HSET heeler:{hits}:10:1700006400 c|h|a:1,b:2|" PIPELINE_ID
                       " 5 1 5 5 5 1700006401000");
    assert_sent(&sent, "EXPIRE heeler:{hits}:10:1700006400 620");
    assert_sent(&sent, "HSET heeler:{hits}:60:1700006400 c|h|a:1,b:2|" PIPELINE_ID
                       " 5 1 5 5 5 1700006401000");
    assert_sent(&sent, "EXPIRE heeler:{hits}:60:1700006400 86460");
    assert_sent(&sent, "HSET heeler:{load}:10:1700006400 g|web-1||" PIPELINE_ID
                       " 0.1 1 0.1 0.1 0.1 1700006402500");
    assert_sent(&sent, "XADD heeler:{" PIPELINE_ID "}:stream MAXLEN ~ 1000 1700006400000-10 "
                       "step 10 start 1700006400 series 2");
    assert_sent(&sent, "XADD heeler:{" PIPELINE_ID "}:stream MAXLEN ~ 1000 1700006400000-60 "
                       "step 60 start 1700006400 series 2");
    assert_sent(&sent, "EXPIRE heeler:{" PIPELINE_ID "}:stream 86400");
    assert_int_equal(commands_begin(&sent,
                                    "ZADD heeler:instances 1700006410 {\"id\":\"" PIPELINE_ID
                                    "\",\"host\":\"h\",\"pid\":"),
                     1);
    assert_sent(&sent, "ZREMRANGEBYSCORE heeler:instances -inf (1699920010");
    assert_int_equal(sent.points, 4);
    assert_int_equal(sent.payloads, 2);               /* what tells of it comes behind, */
    assert_int_equal(sent.at[sent.n - 1].payload, 1); /* in one of its own */
    assert_int_equal(counter_read(&p->ledger.mirrored), 4);
    assert_int_equal(counter_read(&p->ledger.mirror_posted), 4);
    assert_int_equal(counter_read(&p->ledger.mirror_imbalance), 0);
    commands_free(&sent);
    pipeline_free(p);
}

static void commands_are_resp_to_the_byte(void **state)
{
    static const char expected[] =
        "*4\r\n$4\r\nHSET\r\n$24\r\nheeler:{x}:10:1700006400\r\n"
        "$17\r\ng|h||" PIPELINE_ID "\r\n$23\r\n1 1 1 1 1 1700006401000\r\n"
        "*3\r\n$6\r\nEXPIRE\r\n$24\r\nheeler:{x}:10:1700006400\r\n$4\r\n3620\r\n";
    struct pipeline *p = MIRROR(START, "api_key=");
    (void)state;

    pipeline_line(p, 0, START + 1, "x:1|g");
    pipeline_flush(p, START + 10.5);
    struct payload *payload = outbox_take(&p->outbox);
    while (payload->route != ROUTE_REDIS) {
        struct payload *next = payload->next;
        outbox_settle(&p->outbox, payload);
        payload = next;
    }
    assert_memory_equal(payload->bytes, expected, sizeof expected - 1);
    while (payload != NULL) {
        struct payload *next = payload->next;
        outbox_settle(&p->outbox, payload);
        payload = next;
    }
    pipeline_free(p);
}

static void windows_are_absolute_and_only_what_changed_is_written(void **state)
{
    struct pipeline *p = MIRROR(START, "dogstatsd_expiry_seconds=0");
    struct commands sent;
    (void)state;

    pipeline_line(p, 0, START + 1, "hits:2|c\nquiet:1|g");
    pipeline_flush(p, START + 10.5);
    pipeline_line(p, 0, START + 11, "hits:5|c");
    commands_take(&sent, &p->outbox);
    commands_free(&sent);
    pipeline_flush(p, START + 20.5);
    commands_take(&sent, &p->outbox);
    assert_sent(&sent, "HSET heeler:{hits}:10:1700006410 c|h||" PIPELINE_ID
                       " 5 1 5 5 5 1700006411000");
    assert_sent(&sent, "HSET heeler:{hits}:60:1700006400 c|h||" PIPELINE_ID
                       " 7 2 2 5 5 1700006411000");
    assert_int_equal(commands_begin(&sent, "HSET heeler:{quiet}"), 0);
    commands_free(&sent);
    pipeline_free(p);
}

static void an_hour_is_written_with_each_minute_and_at_the_end(void **state)
{
    struct pipeline *p = MIRROR(START, "dogstatsd_expiry_seconds=0");
    struct commands sent;
    (void)state;

    pipeline_line(p, 0, START + 1, "hits:2|c");
    pipeline_flush(p, START + 59);
    commands_take(&sent, &p->outbox);
    assert_int_equal(commands_begin(&sent, "HSET heeler:{hits}:3600"), 0);
    commands_free(&sent);
    pipeline_flush(p, START + 70.5); /* the next minute has begun */
    pipeline_line(p, 0, START + 71, "hits:1|c");
    pipeline_flush(p, START + 80.5);
    commands_take(&sent, &p->outbox);
    assert_sent(&sent, "HSET heeler:{hits}:3600:1700006400 c|h||" PIPELINE_ID
                       " 2 1 2 2 2 1700006401000");
    assert_int_equal(commands_begin(&sent, "HSET heeler:{hits}:3600"), 1);
    commands_free(&sent);
    pipeline_line(p, 0, START + 81, "hits:1|c");
    pipeline_finish(p); /* the open interval, its minute and its hour */
    commands_take(&sent, &p->outbox);
    assert_sent(&sent, "HSET heeler:{hits}:10:1700006480 c|h||" PIPELINE_ID
                       " 1 1 1 1 1 1700006481000");
    assert_sent(&sent, "HSET heeler:{hits}:60:1700006460 c|h||" PIPELINE_ID
                       " 2 2 1 1 1 1700006481000");
    assert_sent(&sent, "HSET heeler:{hits}:3600:1700006400 c|h||" PIPELINE_ID
                       " 4 3 1 2 1 1700006481000");
    assert_int_equal(commands_begin(&sent, "ZADD heeler:instances 1700006450 "),
                     1); /* no more alive */
    commands_free(&sent);
    pipeline_free(p);
}

/* ---- everything, against sums made here -------------------------------- */

struct sums {
    int64_t minute[24 * 60], hour[24];
};

/* The newest value of that field; -1: none. */
static double newest(const struct commands *sent, const char *key)
{
    double sum = -1;

    for (size_t i = 0; i < sent->n; i++) {
        const struct command *command = &sent->at[i];
        if (slice_equal(command->words[0], SLICE("HSET")) &&
            slice_equal(command->words[1], slice_of(key)))
            sum = strtod(command->words[3].at, NULL);
    }
    return sum;
}

static void compare(const struct commands *sent, const struct sums *sums, int step, int n)
{
    char key[64];

    for (int i = 0; i < n; i++) {
        int64_t expected = step == HOUR ? sums->hour[i] : sums->minute[i];
        snprintf(key, sizeof key, "heeler:{hits}:%d:%d", step, START + i * step);
        double written = newest(sent, key);
        if (expected > 0 && written != (double)expected)
            fail_msg("%s: %g instead of %lld", key, written, (long long)expected);
    }
}

static void hours_of(int interval)
{
    static struct sums sums;
    char set[32];
    snprintf(set, sizeof set, "heeler_interval=%d", interval);
    struct pipeline *p = MIRROR(START, set, "dogstatsd_expiry_seconds=0");
    struct commands sent;

    sums = (struct sums){ 0 };
    srand(5);
    for (int t = 0; t + interval < 2 * HOUR; t += interval) {
        int value = rand() % 50 + 1;
        char line[32];
        snprintf(line, sizeof line, "hits:%d|c", value);
        /* A snapshot belongs to the window of its stamp, the start of its interval. */
        int64_t stamp = (START + t) / interval * interval;
        if (stamp < START)
            stamp = START;
        sums.minute[(stamp - START) / 60] += value;
        sums.hour[(stamp - START) / HOUR] += value;
        pipeline_line(p, 0, START + t + 0.5, line);
    }
    pipeline_finish(p);
    commands_take(&sent, &p->outbox);
    compare(&sent, &sums, HOUR, 2);
    if (interval <= 60)
        compare(&sent, &sums, 60, 120);
    commands_free(&sent);
    pipeline_free(p);
}

static void all_that_was_counted_is_written(void **state)
{
    (void)state;

    hours_of(10);
    hours_of(60); /* the interval is the first step */
}

static void an_interval_may_divide_no_step(void **state)
{
    struct pipeline *p = MIRROR(START, "heeler_interval=7", "heeler_rollups=20 50");
    struct commands sent;
    double sums[2] = { 0, 0 };
    (void)state;

    for (int t = 0; t < 700; t += 7) {
        pipeline_line(p, 0, START + t + 0.5, "hits:1|c");
        pipeline_flush(p, START + t + 1);
    }
    pipeline_finish(p);
    commands_take(&sent, &p->outbox);
    for (int level = 0; level < 2; level++) {
        int step = level == 0 ? 20 : 50;
        for (int64_t start = (START - 60) / step * step; start < START + 750; start += step) {
            char key[64];
            snprintf(key, sizeof key, "heeler:{hits}:%d:%lld", step, (long long)start);
            double sum = newest(&sent, key);
            sums[level] += sum > 0 ? sum : 0;
        }
    }
    assert_true(sums[0] == 100 && sums[1] == 100);
    commands_free(&sent);
    pipeline_free(p);
}

static void a_clock_set_back_loses_nothing(void **state)
{
    struct pipeline *p = MIRROR(START + HOUR, "dogstatsd_expiry_seconds=0");
    struct commands sent;
    (void)state;

    pipeline_line(p, 0, START + HOUR + 1, "hits:1|c");
    pipeline_flush(p, START + HOUR + 10.5);
    pipeline_step_clock(p, -5);
    pipeline_line(p, 0, START + HOUR + 6, "hits:1|c");
    pipeline_flush(p, START + HOUR + 20.5);
    commands_take(&sent, &p->outbox);
    assert_true(newest(&sent, "heeler:{hits}:60:1700010000") == 2);
    commands_free(&sent);

    pipeline_step_clock(p, -1800); /* a new timeline: the old one's hour is written first */
    pipeline_line(p, 0, START + HOUR / 2 + 35, "hits:3|c");
    pipeline_flush(p, START + HOUR / 2 + 50.5);
    commands_take(&sent, &p->outbox);
    assert_true(newest(&sent, "heeler:{hits}:3600:1700010000") == 2);
    assert_true(newest(&sent, "heeler:{hits}:60:1700008200") == 3);
    /* Announcements still ascend. */
    assert_int_equal(
        commands_begin(&sent, "XADD heeler:{" PIPELINE_ID "}:stream MAXLEN ~ 1000 170001"),
        commands_begin(&sent, "XADD"));
    commands_free(&sent);
    pipeline_finish(p);
    commands_take(&sent, &p->outbox);
    assert_true(newest(&sent, "heeler:{hits}:3600:1700006400") == 3);
    commands_free(&sent);
    pipeline_free(p);
}

static void a_late_bucket_is_added_to_its_window(void **state)
{
    struct pipeline *p =
        PIPELINE(2, START, "heeler_redis_url=redis://x", "dogstatsd_expiry_seconds=0");
    struct commands sent;
    (void)state;

    pipeline_line(p, 0, START + 1, "hits:1|c");
    pipeline_line(p, 1, START + 2, "hits:4|c");
    p->workers[1].stalled = true;
    pipeline_flush(p, START + 10.5);
    pipeline_flush(p, START + 13.5); /* it is late: flushed without it */
    p->workers[1].stalled = false;
    pipeline_flush(p, START + 30.5);
    commands_take(&sent, &p->outbox);
    assert_true(newest(&sent, "heeler:{hits}:60:1700006400") == 5);
    commands_free(&sent);
    pipeline_free(p);
}

/* ---- shapes ------------------------------------------------------------ */

static void sets_and_distributions_carry_their_members_and_bins(void **state)
{
    struct pipeline *p = MIRROR(START, "dogstatsd_expiry_seconds=0");
    struct commands sent;
    struct arena_budget budget;
    struct arena arena;
    int found = 0;
    (void)state;

    arena_budget_init(&budget, 1 << 20);
    arena_init(&arena, &budget);
    pipeline_line(p, 0, START + 1, "who:a|s\nwho:b|s\ntook:1:2:3|d");
    pipeline_flush(p, START + 10.5);
    commands_take(&sent, &p->outbox);
    for (size_t i = 0; i < sent.n; i++) {
        const struct command *command = &sent.at[i];
        if (command->n_words != 4 || !slice_equal(command->words[0], SLICE("HSET")))
            continue;
        struct slice value = command->words[3];
        struct slice numbers = slice_cut(&value, '\n');
        const uint8_t *at = (const uint8_t *)value.at;
        if (command->words[2].at[0] == 's') {
            assert_true(slice_starts(numbers, SLICE("2 1 2 2 2 ")));
            assert_int_equal(distinct_count(blob_distinct(at, value.len, &arena)), 2);
        } else {
            struct sketch_summary summary;
            assert_true(slice_starts(numbers, SLICE("6 3 1 3 2 ")));
            sketch_summary(blob_sketch(at, value.len, &arena), &summary);
            assert_true(summary.count == 3 && summary.sum == 6);
        }
        found++;
    }
    assert_int_equal(found, 4);
    commands_free(&sent);
    arena_free(&arena);
    pipeline_free(p);
}

static void many_series_share_commands_of_bounded_size(void **state)
{
    struct pipeline *p = MIRROR(START, "heeler_max_contexts=20000");
    struct commands sent;
    char line[128];
    (void)state;

    for (int i = 0; i < 10000; i++) {
        snprintf(line, sizeof line, "hits.%d:1|g|#number:%d", i % 3, i);
        pipeline_line(p, 0, START + 1 + i * 1e-5, line);
    }
    pipeline_flush(p, START + 10.5);
    commands_take(&sent, &p->outbox);
    assert_int_equal(sent.points, 20000);
    assert_in_range(sent.payloads, 10, 100);
    assert_true(sent.largest < 256 * 1024);
    assert_true(sent.n < 20000 / 20); /* some 64 fields a command */
    assert_sent(&sent, "XADD heeler:{" PIPELINE_ID "}:stream MAXLEN ~ 1000 1700006400000-10 "
                       "step 10 start 1700006400 series 10000");
    commands_free(&sent);
    pipeline_free(p);
}

static void without_a_redis_nothing_is_made(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "dogstatsd_expiry_seconds=0");
    struct commands sent;
    (void)state;

    pipeline_line(p, 0, START + 1, "hits:1|c");
    pipeline_finish(p);
    commands_take(&sent, &p->outbox);
    assert_int_equal(sent.n, 0);
    commands_free(&sent);
    pipeline_free(p);
}

static void a_heartbeat_comes_every_ten_seconds_at_most(void **state)
{
    struct pipeline *p = MIRROR(START, "heeler_interval=1");
    struct commands sent;
    (void)state;

    pipeline_flush(p, START + 60.5);
    commands_take(&sent, &p->outbox);
    assert_int_equal(commands_begin(&sent, "ZADD heeler:instances "), 6);
    commands_free(&sent);
    pipeline_free(p);
}

static void a_batch_that_delivery_cannot_take_is_counted_and_not_announced(void **state)
{
    struct pipeline *p = MIRROR(START, "heeler_interval=10");
    struct commands sent;
    (void)state;

    p->outbox.limit = 0;
    pipeline_line(p, 0, START + 1, "a:1|c");
    pipeline_flush(p, START + 10.5);
    commands_take(&sent, &p->outbox);
    assert_int_equal(sent.n, 0);
    commands_free(&sent);
    assert_true(counter_read(&p->ledger.dropped[POINT_OUTBOX_FULL]) > 0);
    assert_int_equal(counter_read(&p->ledger.mirrored), 0);
    p->outbox.limit = OUTBOX_LIMIT;
    pipeline_line(p, 0, START + 11, "a:1|c");
    pipeline_flush(p, START + 20.5);
    commands_take(&sent, &p->outbox);
    assert_int_equal(commands_begin(&sent, "XADD"), 2); /* the interval, and the open minute */
    commands_free(&sent);
    assert_int_equal(counter_read(&p->ledger.mirror_imbalance), 0);
    pipeline_free(p);
}

static void ids_are_twelve_hex_digits_and_differ(void **state)
{
    char one[MIRROR_ID_SIZE], other[MIRROR_ID_SIZE];
    (void)state;

    assert_true(mirror_make_id(one) && mirror_make_id(other));
    assert_int_equal(strspn(one, "0123456789abcdef"), 12);
    assert_string_not_equal(one, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_is_written_told_and_the_instance_lives),
        cmocka_unit_test(commands_are_resp_to_the_byte),
        cmocka_unit_test(windows_are_absolute_and_only_what_changed_is_written),
        cmocka_unit_test(an_hour_is_written_with_each_minute_and_at_the_end),
        cmocka_unit_test(all_that_was_counted_is_written),
        cmocka_unit_test(an_interval_may_divide_no_step),
        cmocka_unit_test(a_clock_set_back_loses_nothing),
        cmocka_unit_test(a_late_bucket_is_added_to_its_window),
        cmocka_unit_test(sets_and_distributions_carry_their_members_and_bins),
        cmocka_unit_test(many_series_share_commands_of_bounded_size),
        cmocka_unit_test(without_a_redis_nothing_is_made),
        cmocka_unit_test(a_heartbeat_comes_every_ten_seconds_at_most),
        cmocka_unit_test(a_batch_that_delivery_cannot_take_is_counted_and_not_announced),
        cmocka_unit_test(ids_are_twelve_hex_digits_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
