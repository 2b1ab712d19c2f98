/* What the version before left behind is read: tests/data/before/README.md. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <hiredis/hiredis.h>

#include "flush/delivery/spool.h"
#include "flush/fleet/redis_reader.h"
#include "flush/payloads/payload_state.h"
#include "tests/support/decode.h"
#include "tests/support/each_file.h"
#include "tests/support/pipeline.h"
#include "tests/support/redis_server.h"

#define BEFORE "tests/data/before/"

static char *read_whole(const char *path, size_t *size)
{
    struct stat found;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &found) != 0)
        fail_msg("%s cannot be read", path);
    *size = (size_t)found.st_size;
    char *bytes = malloc(*size + 1);
    assert_int_equal(read(fd, bytes, *size), *size);
    close(fd);
    return bytes;
}

/* ---- the state --------------------------------------------------------- */

static struct {
    char *bytes;
    struct state state;
    struct pipeline *pipeline;
} left;

static int open_state(void **state)
{
    char problem[160];
    size_t size;
    (void)state;

    left.bytes = read_whole(BEFORE "state", &size);
    if (!state_open(&left.state, (const uint8_t *)left.bytes, size, problem, sizeof problem))
        fail_msg("%s", problem);
    return 0;
}

static int close_state(void **state)
{
    (void)state;
    if (left.pipeline != NULL)
        pipeline_free(left.pipeline);
    free(left.bytes);
    left.pipeline = NULL;
    left.bytes = NULL;
    return 0;
}

/* Of the interval that the state was left in, and of the process that left it. */
enum { START = 1795858620, STARTED = START + 8 };

static double value(const char *name, const char *tags)
{
    return pipeline_value(left.pipeline, name, tags, STARTED);
}

static void assert_near(double got, double wanted, double relative)
{
    if (fabs(got - wanted) > relative * fabs(wanted))
        fail_msg("%.17g, not %.17g", got, wanted);
}

static void the_open_interval_of_a_state_goes_on(void **state)
{
    (void)state;

    assert_int_equal(left.state.parts[STATE_SERIES].version, 1);
    left.pipeline =
        PIPELINE(1, START + 55, "hostname=before", "heeler_interval=60",
                 "heeler_histogram_exact_values=100", "dogstatsd_expiry_seconds=300");
    assert_true(pipeline_restore(left.pipeline, &left.state));
    pipeline_line(
        left.pipeline, 0, START + 56,
        "count:3|c|#a:1,b:2\nset:c|s\nhistogram:5|h|@0.4\ntiming:5|ms|@0.3\nmany:1|h");
    pipeline_flush(left.pipeline, START + 60);

    assert_near(value("count", "a:1,b:2"), (1 + 4 + 3) / 60.0, 1e-12);
    assert_near(value("count", ""), 7 / 60.0, 1e-12);
    assert_near(value("gauge", ""), 1, 0); /* the first one, of the host "other" */
    assert_near(value("set", ""), 3, 0);
    assert_near(value("large", ""), 2000, 0.05);
    assert_near(value("distribution", ""), 3, 0);
    assert_near(value("distribution", "env:x"), 2, 0);
    assert_near(value("histogram.count", ""), (3 + 10 + 2.5) / 60, 1e-12);
    assert_near(value("histogram.avg", ""), (6 + 40 + 12.5) / 15.5, 1e-12);
    assert_near(value("histogram.max", ""), 5, 0);
    assert_near(value("histogram.median", ""), 4, 0);
    /* The version before had cut 1/0.3 to 3. */
    assert_near(value("timing.count", ""), (1 + 3 + 1 / 0.3) / 60, 1e-12);
    assert_near(value("timing.median", ""), 5, 0);
    assert_near(value("many.count", ""), 501 / 60.0, 1e-12); /* a sketch */
    assert_near(value("many.95percentile", ""), 524, 0.01);
    assert_string_equal(pipeline_find(left.pipeline, "timing.avg", "", STARTED)->unit,
                        "millisecond");
    assert_int_equal(counter_read(&left.pipeline->ledger.values_imbalance), 0);
}

static void payloads_of_a_state_are_taken_over(void **state)
{
    struct state_reader in = left.state.parts[STATE_PAYLOADS];
    struct payload *payload;
    size_t n = 0;
    (void)state;

    assert_int_equal(state_get_number(&in), 1); /* endpoint, by name and place */
    assert_true(slice_starts(state_get_text(&in), SLICE("http://127.0.0.1:")));
    assert_int_equal(state_get_number(&in), 0);
    while ((payload = payload_state_read(&in)) != NULL) {
        json_t *items = decode_payload(payload);

        assert_non_null(items);
        json_decref(items);
        payload_free(payload);
        n++;
    }
    assert_false(in.failed);
    assert_int_equal(n, 2); /* the event and the sample with a time */
}

/* ---- the spool --------------------------------------------------------- */

static void copy_file(void *argument, const char *file)
{
    char path[512];
    size_t size;
    char *bytes = read_whole(file, &size);
    (void)argument;

    snprintf(path, sizeof path, "%s%s", temp_folder, strrchr(file, '/'));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
    free(bytes);
}

/* Of the points of the series of that name: what was counted. */
static double counted(const json_t *items, const char *name)
{
    double sum = 0;
    const json_t *item, *point;
    size_t i, j;

    json_array_foreach(items, i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "metric")), name) != 0)
            continue;
        json_array_foreach(json_object_get(item, "points"), j, point) sum +=
            json_number_value(json_array_get(point, 1)) *
            json_number_value(json_object_get(item, "interval"));
    }
    return sum;
}

static void a_spool_is_read(void **state)
{
    struct spool spool;
    struct spool_scan found;
    const char *problem;
    size_t points = 0;
    double sum = 0;
    unsigned routes = 0;
    (void)state;

    assert_int_equal(each_file(BEFORE "spool", ".payload", copy_file, NULL), 4);
    assert_true(
        spool_open(&spool, temp_folder, (struct spool_limits){ 1 << 20, 1.0 }, &problem));
    assert_true(spool_scan(&spool, &found));
    assert_int_equal(found.n, 4);
    for (size_t i = 0; i < found.n; i++) {
        const struct spool_file *file = &found.files[i];
        struct payload *payload;

        assert_int_equal(spool_read(&spool, file->created_s, file->number, &payload),
                         SPOOL_READ);
        json_t *items = decode_payload(payload);
        assert_non_null(items);
        if (payload->route == ROUTE_SERIES_V2)
            sum += counted(items, "count");
        json_decref(items);
        routes |= 1u << payload->route;
        points += payload->points;
        payload_free(payload);
    }
    assert_int_equal(routes, 1u << ROUTE_SERIES_V2 | 1u << ROUTE_SKETCHES | 1u << ROUTE_EVENTS |
                                 1u << ROUTE_CHECKS);
    assert_near(sum, 1 + 7, 1e-12);
    assert_int_equal(points, 2 + 1 + 1 + 2 * 5 + 1 + 1 + 1);
    free(found.files);
    spool_close(&spool);
}

/* ---- Redis ------------------------------------------------------------- */

static struct redis_server redis;

static int start_redis(void **state)
{
    (void)state;
    redis_server_start(&redis);
    return 0;
}

static int stop_redis(void **state)
{
    (void)state;
    redis_server_stop(&redis);
    return 0;
}

static void run_command(redisContext *client, const redisReply *words)
{
    const char *at[64];
    size_t len[64];

    assert_true(words->elements <= 64);
    for (size_t i = 0; i < words->elements; i++) {
        at[i] = words->element[i]->str;
        len[i] = words->element[i]->len;
    }
    redisReply *reply = redisCommandArgv(client, (int)words->elements, at, len);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    freeReplyObject(reply);
}

static void run_commands(const char *path)
{
    redisContext *client = redisConnectUnix(redis.socket);
    redisReader *reader = redisReaderCreate();
    void *words;
    size_t size;
    char *bytes = read_whole(path, &size);

    assert_int_equal(redisReaderFeed(reader, bytes, size), REDIS_OK);
    while (redisReaderGetReply(reader, &words) == REDIS_OK && words != NULL) {
        run_command(client, words);
        freeReplyObject(words);
    }
    redisReaderFree(reader);
    redisFree(client);
    free(bytes);
}

enum { WRITTEN = 1795858630 }; /* the window of the values in Redis */

static double ask_redis(const char *text)
{
    char url[TEMP_PATH_SIZE + 32], problem[512];
    struct redis_reader_config config = {
        .client = { .url = url }, .prefix = "heeler", .now_s = WRITTEN + 60, .timeout_s = 20
    };
    struct redis_reader_report report;
    struct bytes answer = { 0 };

    snprintf(url, sizeof url, "unix://%s", redis.socket);
    if (redis_reader_ask(&config, slice_of(text), WRITTEN, WRITTEN + 10, &answer, &report,
                         problem, sizeof problem) != READER_ANSWERED)
        fail_msg("%s: %s", text, problem);
    assert_int_equal(report.damaged, 0);
    json_t *json = json_loadb((const char *)answer.at, answer.len, 0, NULL);
    json_t *points =
        json_object_get(json_array_get(json_object_get(json, "series"), 0), "pointlist");
    if (json_array_size(points) != 1)
        fail_msg("%s: %.*s", text, (int)answer.len, answer.at);
    double found = json_number_value(json_array_get(json_array_get(points, 0), 1));

    json_decref(json);
    bytes_free(&answer);
    return found;
}

static void fields_in_redis_are_read(void **state)
{
    (void)state;

    run_commands(BEFORE "redis");
    assert_near(ask_redis("sum:count{a:1}.as_count()"), 1, 0);
    assert_near(ask_redis("sum:count{*}.as_count()"), 8, 0);
    assert_near(ask_redis("avg:gauge{*}"), 2.5, 0);
    assert_near(ask_redis("sum:set{*}"), 2, 0);
    assert_near(ask_redis("avg:histogram.avg{*}"), 2, 0);
    assert_near(ask_redis("sum:timing.count{*}.as_count()"), 4, 0);
    assert_near(ask_redis("max:distribution{*}"), 3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_open_interval_of_a_state_goes_on, open_state,
                                        close_state),
        cmocka_unit_test_setup_teardown(payloads_of_a_state_are_taken_over, open_state,
                                        close_state),
        cmocka_unit_test_setup_teardown(a_spool_is_read, temp_folder_begin, temp_folder_end),
        cmocka_unit_test_setup_teardown(fields_in_redis_are_read, start_redis, stop_redis),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
