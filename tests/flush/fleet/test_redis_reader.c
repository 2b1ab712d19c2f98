/* Against a real redis-server. Windows are written as docs/redis.md says, by hand or
 * from the rollups of servers without sockets. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/options.h"
#include "flush/fleet/redis_reader.h"
#include "protocol/number.h"
#include "tests/support/ask.h"
#include "tests/support/pipeline.h"
#include "tests/support/redis_server.h"

enum { START = 1700006400, INSTANCES = 3 };

/* ---- the server -------------------------------------------------------- */

static struct {
    struct redis_server server;
    char url[TEMP_PATH_SIZE + 32];
    redisContext *client;
} redis;

static int start_redis(void **state)
{
    (void)state;
    redis_server_start(&redis.server);
    undo_forget_all();
    snprintf(redis.url, sizeof redis.url, "unix://%s", redis.server.socket);
    redis.client = redisConnectUnix(redis.server.socket);
    return redis.client == NULL || redis.client->err != 0 ? -1 : 0;
}

static int stop_redis(void **state)
{
    (void)state;
    redisFree(redis.client);
    redis_server_stop(&redis.server);
    return 0;
}

static int flush_redis(void **state)
{
    (void)state;
    freeReplyObject(redisCommand(redis.client, "FLUSHALL"));
    return 0;
}

static void do_command(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    redisReply *reply = redisvCommand(redis.client, format, args);
    va_end(args);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s", reply->str);
    freeReplyObject(reply);
}

static void announce(const char *id, int interval_s, const char *rollups, int64_t heard_s)
{
    char json[512];

    snprintf(json, sizeof json,
             "{\"id\":\"%s\",\"host\":\"h\",\"pid\":1,\"started\":1,\"interval\":%d,"
             "\"rollups\":[%s],\"ttl\":86400,\"lookback\":3600,\"version\":\"0\"}",
             id, interval_s, rollups);
    do_command("ZADD heeler:instances %lld %s", (long long)heard_s, json);
}

static void put(const char *metric, int64_t step_s, int64_t start_s, const char *field,
                const char *value)
{
    char key[256];

    snprintf(key, sizeof key, "heeler:{%s}:%lld:%lld", metric, (long long)step_s,
             (long long)start_s);
    do_command("HSET %s %s %s", key, field, value);
}

/* ---- asking ------------------------------------------------------------ */

static struct redis_reader_report report;

/* The answer, or {"error": sentence}; owned. */
static json_t *ask_redis(const char *text, int64_t from_s, int64_t to_s, int64_t now_s)
{
    struct redis_reader_config config = {
        .client = { .url = redis.url }, .prefix = "heeler", .now_s = now_s, .timeout_s = 60
    };
    struct bytes answer = { 0 };
    char problem[512];
    enum redis_reader_result result = redis_reader_ask(
        &config, slice_of(text), from_s, to_s, &answer, &report, problem, sizeof problem);
    json_t *json = result == READER_ANSWERED
                       ? json_loadb((const char *)answer.at, answer.len, 0, NULL)
                       : json_pack("{ss}", "error", problem);

    assert_non_null(json);
    bytes_free(&answer);
    return json;
}

static double redis_point(const char *text, int64_t from_s, int64_t to_s, int64_t now_s,
                          int64_t time_s)
{
    json_t *answer = ask_redis(text, from_s, to_s, now_s);
    const json_t *list = json_object_get(answer, "series");
    double value = NAN;

    if (list == NULL)
        fail_msg("%s: %s", text, json_string_value(json_object_get(answer, "error")));
    assert_true(json_array_size(list) <= 1);
    const json_t *points = json_object_get(json_array_get(list, 0), "pointlist");
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        if (json_number_value(json_array_get(point, 0)) == (double)time_s * 1000)
            value = json_number_value(json_array_get(point, 1));
    }
    json_decref(answer);
    return value;
}

/* ---- windows written by hand ------------------------------------------- */

static void adds_up_what_instances_wrote(void **state)
{
    (void)state;

    announce("aaaaaaaaaaaa", 10, "60,3600", START + 9000);
    announce("bbbbbbbbbbbb", 10, "60,3600", START + 9000);
    put("hits", 3600, START, "c|h|env:a|aaaaaaaaaaaa", "30 360 0 5 1 1700009990000");
    put("hits", 3600, START, "c|h|env:a|bbbbbbbbbbbb", "12.5 360 0 4 2 1700009991000");
    put("hits", 3600, START, "c|i|env:b|bbbbbbbbbbbb", "100 360 1 9 7 1700009991000");
    put("load", 3600, START, "g|h||aaaaaaaaaaaa", "9 3 1 5 3 1700009000000");
    put("load", 3600, START, "g|h||bbbbbbbbbbbb", "20 2 8 12 8 1700009000001");
    assert_true(redis_point("sum:hits{*}.rollup(sum,3600)", START, START + 3600, START + 9000,
                            START) == 142.5);
    assert_true(redis_point("sum:hits{env:a}.rollup(sum,3600)", START, START + 3600,
                            START + 9000, START) == 42.5);
    assert_true(redis_point("sum:hits{host:i}.rollup(max,3600).as_count()", START, START + 3600,
                            START + 9000, START) == 9);
    /* one server would have had 360 points of env:a */
    assert_true(redis_point("sum:hits{env:a}.rollup(avg,3600)", START, START + 3600,
                            START + 9000, START) == 42.5 / 3600);
    assert_true(redis_point("avg:load{*}.rollup(last,3600)", START, START + 3600, START + 9000,
                            START) == 8);
    assert_true(redis_point("avg:load{*}.rollup(avg,3600)", START, START + 3600, START + 9000,
                            START) == 29.0 / 5);
    assert_int_equal(report.instances, 2);
    assert_int_equal(report.damaged, 0);
}

static void a_restart_adds_to_the_hour(void **state)
{
    (void)state;

    announce("aaaaaaaaaaaa", 10, "60,3600", START + 600);
    announce("bbbbbbbbbbbb", 10, "60,3600", START + 9000);
    /* the first ended in the midst: its minutes are read, its hour is not */
    put("hits", 3600, START, "c|h||aaaaaaaaaaaa", "5 1 5 5 5 1");
    put("hits", 60, START, "c|h||aaaaaaaaaaaa", "5 1 5 5 5 1");
    put("hits", 60, START + 540, "c|h||aaaaaaaaaaaa",
        "7 1 7 7 7 1"); /* it had no time for this */
    put("hits", 3600, START, "c|h||bbbbbbbbbbbb", "100 1 1 1 1 1");
    put("hits", 60, START + 1200, "c|h||bbbbbbbbbbbb", "100 1 1 1 1 1");
    assert_true(redis_point("sum:hits{*}.rollup(sum,3600)", START, START + 3600, START + 9000,
                            START) == 112);
}

static void intervals_may_differ(void **state)
{
    (void)state;

    announce("aaaaaaaaaaaa", 10, "60", START + 9000);
    announce("bbbbbbbbbbbb", 1, "10,60", START + 9000);
    for (int i = 0; i < 60; i++) {
        if (i % 10 == 0) {
            put("hits", 10, START + i, "c|h||aaaaaaaaaaaa", "20 1 20 20 20 1");
            put("hits", 10, START + i, "c|i||bbbbbbbbbbbb", "30 10 3 3 3 1");
        }
        put("hits", 1, START + i, "c|i||bbbbbbbbbbbb", "3 1 3 3 3 1");
    }
    put("hits", 60, START, "c|h||aaaaaaaaaaaa", "120 6 20 20 20 1");
    put("hits", 60, START, "c|i||bbbbbbbbbbbb", "180 60 3 3 3 1");
    assert_true(redis_point("sum:hits{*}.rollup(sum,60)", START, START + 60, START + 900,
                            START) == 300);
    assert_true(redis_point("sum:hits{*}.rollup(sum,10)", START, START + 60, START + 900,
                            START + 50) == 50);
    assert_true(redis_point("sum:hits{*}.rollup(10)", START, START + 60, START + 900,
                            START + 50) == 5); /* a second */
    assert_true(redis_point("sum:hits{*}.rollup(60)", START, START + 60, START + 900, START) ==
                5);
}

static void damage_is_left_out_and_counted(void **state)
{
    (void)state;

    announce("aaaaaaaaaaaa", 10, "60,3600", START + 9000);
    do_command("ZADD heeler:instances 5 nonsense");
    put("hits", 3600, START, "c|h||aaaaaaaaaaaa", "30 360 0 5 1 1700009990000");
    put("hits", 3600, START, "c|h||aaaaaaaaaaab", "thirty");
    put("hits", 3600, START, "nonsense", "30 360 0 5 1 1700009990000");
    put("hits", 3600, START, "s|h||aaaaaaaaaaaa", "30 360 0 5 1 1700009990000\nMabc");
    do_command("SET heeler:{hits}:3600:%lld x", (long long)START + 3600);
    assert_true(redis_point("sum:hits{*}.rollup(sum,3600)", START, START + 7200, START + 9000,
                            START) == 30);
    assert_int_equal(report.damaged, 5);
}

/* Pieces of a hash: more fields than one reply has, and sent in rounds. */
static void reads_large_windows_in_pieces(void **state)
{
    (void)state;

    announce("aaaaaaaaaaaa", 10, "60,3600", START + 99999);
    for (int i = 0; i < 30000; i++)
        assert_int_equal(redisAppendCommand(redis.client,
                                            "HSET heeler:{hits}:3600:%lld "
                                            "c|h%d|n:%d|aaaaaaaaaaaa %s",
                                            (long long)START, i % 7, i, "3 1 3 3 3 1"),
                         REDIS_OK);
    for (int i = 0; i < 30000; i++) {
        redisReply *reply;
        assert_int_equal(redisGetReply(redis.client, (void **)&reply), REDIS_OK);
        freeReplyObject(reply);
    }
    assert_true(redis_point("count:hits{*}.rollup(sum,3600)", START, START + 3600,
                            START + 99999, START) == 30000);
    assert_int_equal(report.fields, 30000);
}

static void refuses_with_a_sentence(void **state)
{
    static const struct {
        const char *text;
        int64_t from_s, to_s;
        const char *sentence;
    } cases[] = {
        { "hits{", START, START + 60, "column 6: expected a tag or *" },
        { "hits{*}", START, START,
          "from and to are seconds since 1970, from before to, no more than 366 days apart" },
        { "hits{*} + ", START, START + 60, "column 11: expected the name of a metric" },
        { "1 + hits{*} by {a} + hits{*} by {b}", START, START + 60,
          "column 20: expected groups by the same keys on both sides of +, or fewer of them on "
          "one: here are {a} and {b}" },
        { "hits{*}.rollup(sum,86400)", START - 365 * 86400, START,
          "the question needs more than 100000 windows: ask for a shorter range, or for steps "
          "that are whole rollups" },
    };
    (void)state;

    json_t *answer = ask_redis("hits{*}", START, START + 60, START + 60);
    assert_string_equal(json_string_value(json_object_get(answer, "error")),
                        "no heeler has written there under \"heeler\"");
    json_decref(answer);
    announce("aaaaaaaaaaaa", 10, "60", START + 9000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        answer = ask_redis(cases[i].text, cases[i].from_s, cases[i].to_s, START + 60);
        const char *sentence = json_string_value(json_object_get(answer, "error"));
        if (sentence == NULL || strcmp(sentence, cases[i].sentence) != 0)
            fail_msg("%s: %s", cases[i].text, sentence != NULL ? sentence : "accepted");
        json_decref(answer);
    }
}

/* The longest that the setting allows; the metric is as long as a question may be. */
static void a_long_prefix_is_read_whole(void **state)
{
    static char prefix[OPTION_SHORT_MAX + 1], text[QUESTION_TEXT_MAX + 1];
    int name = QUESTION_TEXT_MAX - (int)strlen("sum:{*}.rollup(sum,3600)");
    struct redis_reader_config config = {
        .client = { .url = redis.url }, .prefix = prefix, .now_s = START + 9000, .timeout_s = 60
    };
    struct bytes answer = { 0 };
    char problem[512], metric[QUESTION_TEXT_MAX];
    (void)state;

    memset(prefix, 'p', OPTION_SHORT_MAX);
    memset(metric, 'm', sizeof metric);
    snprintf(text, sizeof text, "sum:%.*s{*}.rollup(sum,3600)", name, metric);
    do_command("ZADD %s:instances %lld %s", prefix, (long long)START + 9000,
               "{\"id\":\"aaaaaaaaaaaa\",\"interval\":10,\"rollups\":[60,3600],\"ttl\":86400,"
               "\"lookback\":3600}");
    do_command("HSET %s:{%b}:3600:%lld c|h||aaaaaaaaaaaa %s", prefix, metric, (size_t)name,
               (long long)START, "30 360 0 5 1 1700009990000");
    assert_int_equal(redis_reader_ask(&config, slice_of(text), START, START + 3600, &answer,
                                      &report, problem, sizeof problem),
                     READER_ANSWERED);
    bytes_add(&answer, "", 1);
    assert_non_null(strstr((const char *)answer.at, ".0,30]]"));
    bytes_free(&answer);
}

static void says_what_redis_says(void **state)
{
    (void)state;

    do_command("SET heeler:instances x");
    json_t *answer = ask_redis("hits{*}", START, START + 60, START + 60);
    assert_string_equal(
        json_string_value(json_object_get(answer, "error")),
        "Redis says: WRONGTYPE Operation against a key holding the wrong kind of value");
    json_decref(answer);
    do_command("CONFIG SET requirepass secret");
    answer = ask_redis("hits{*}", START, START + 60, START + 60);
    do_command("AUTH secret");
    do_command("CONFIG SET requirepass %s", "");
    assert_non_null(strstr(json_string_value(json_object_get(answer, "error")), "password"));
    json_decref(answer);
}

/* ---- many servers as one ----------------------------------------------- */

/* Wall clock of the newest interval of the span in which the series has a value. */
static int64_t last_of(const struct rollup *rollup, uint32_t series, int64_t from_s,
                       int64_t to_s)
{
    struct rollup_span span;
    int64_t last_s = from_s;
    double values[COLUMN_VALUES];

    for (int64_t at = from_s; rollup_find(rollup, 0, &at, &span) && at < to_s;
         at += rollup_step(rollup, 0))
        if (rollup_read(rollup, span, series / COLUMN_VALUES, WINDOW_COUNT, values) &
            UINT64_C(1) << series % COLUMN_VALUES)
            last_s = at;
    return last_s * 1000;
}

static size_t field_text(const struct rollup *rollup, uint32_t series, const char *id,
                         char *out, size_t size)
{
    const struct rollup_series *entry = rollup_entry(rollup, series);
    const struct identities *identities = rollup_identities(rollup);
    struct slice host = identities_text(identities, entry->id.host);
    size_t n, len = (size_t)snprintf(out, size, "%c|%.*s|", cell_kinds[entry->kind].letter,
                                     (int)host.len, host.at);
    const uint32_t *tags = identities_tag_ids(identities, entry->id.tags, &n);

    for (size_t i = 0; i < n; i++) {
        struct slice tag = identities_tag(identities, tags[i]);
        len += (size_t)snprintf(out + len, size - len, "%s%.*s", i > 0 ? "," : "", (int)tag.len,
                                tag.at);
    }
    return len + (size_t)snprintf(out + len, size - len, "|%s", id);
}

static void add_blob(const struct rollup *rollup, struct rollup_span span, uint32_t wanted,
                     struct bytes *value)
{
    uint32_t next = 0, series;
    const uint8_t *at;
    size_t len;

    while (rollup_next_blob(rollup, span, &next, &series, &at, &len))
        if (series == wanted) {
            bytes_add(value, "\n", 1);
            bytes_add(value, at, len);
        }
}

static void write_cell(const struct rollup *rollup, struct rollup_span span, int64_t start_s,
                       uint32_t series, size_t place, const char *id)
{
    const struct rollup_series *entry = rollup_entry(rollup, series);
    struct slice name = identities_text(rollup_identities(rollup), entry->id.name);
    int64_t step_s = rollup_step(rollup, span.level);
    char key[256], field[512], text[NUMBER_TEXT_MAX];
    struct bytes value = { 0 };
    double columns[COLUMN_VALUES];

    for (int column = 0; column < WINDOW_COLUMNS; column++) {
        rollup_read(rollup, span, series / COLUMN_VALUES, (enum window_column)column, columns);
        bytes_add(&value, text, number_format(columns[place], text));
        bytes_add(&value, " ", 1);
    }
    int n = snprintf(text, sizeof text, "%lld",
                     (long long)last_of(rollup, series, start_s, start_s + step_s));
    bytes_add(&value, text, (size_t)n);
    add_blob(rollup, span, series, &value);
    snprintf(key, sizeof key, "heeler:{%.*s}:%lld:%lld", (int)name.len, name.at,
             (long long)step_s, (long long)start_s);
    do_command("HSET %s %b %b", key, field, field_text(rollup, series, id, field, sizeof field),
               value.at, value.len);
    bytes_free(&value);
}

static void write_window(const struct rollup *rollup, struct rollup_span span, int64_t start_s,
                         const char *id)
{
    double counts[COLUMN_VALUES];

    for (uint32_t first = 0; first < rollup_end(rollup); first += COLUMN_VALUES) {
        uint64_t mask = rollup_read(rollup, span, first / COLUMN_VALUES, WINDOW_COUNT, counts);
        for (size_t place = 0; mask != 0; mask &= mask - 1, place++)
            write_cell(rollup, span, start_s, first + (uint32_t)__builtin_ctzll(mask), place,
                       id);
    }
}

static void write_rollup(const struct rollup *rollup, const char *id)
{
    struct rollup_span span;

    for (size_t level = 0; level < rollup_levels(rollup); level++)
        for (int64_t at = START; rollup_find(rollup, level, &at, &span);
             at += rollup_step(rollup, level))
            write_window(rollup, span, at, id);
}

/* A value of one of the series of all, and of one of several servers. */
static void send_random(struct pipeline *one, struct pipeline *parts[INSTANCES], double t_s)
{
    char line[128];
    int i = rand() % INSTANCES, n = rand() % 6;

    switch (rand() % 5) {
    case 0: /* shared by all */
        snprintf(line, sizeof line, "hits:%d|c|#n:%d,k:s", rand() % 100, n);
        break;
    case 1: /* each its own */
        snprintf(line, sizeof line, "own:%d|c|#n:%d,i:%d", rand() % 100, n, i);
        break;
    case 2:
        snprintf(line, sizeof line, "users:u%d|s|#n:%d", rand() % 5000, n % 2);
        break;
    case 3:
        snprintf(line, sizeof line, "lat:%d|d|#n:%d", rand() % 100000, n);
        break;
    default: /* one of them in an interval, now this, now that */
        i = (int)(((int64_t)t_s / 10 + n) % INSTANCES);
        snprintf(line, sizeof line, "load:%d|g|#n:%d", rand() % 1000, n);
    }
    pipeline_line(one, 0, t_s, line);
    pipeline_line(parts[i], 0, t_s, line);
}

/* Fractions are added up in another order. */
static bool same_points(const json_t *a, const json_t *b)
{
    if (json_array_size(a) != json_array_size(b))
        return false;
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *one = json_array_get(a, i), *other = json_array_get(b, i);
        double value = json_number_value(json_array_get(one, 1));
        if (json_number_value(json_array_get(one, 0)) !=
                json_number_value(json_array_get(other, 0)) ||
            fabs(value - json_number_value(json_array_get(other, 1))) > fabs(value) * 1e-14)
            return false;
    }
    return true;
}

static void compare(struct pipeline *one, const char *text, int64_t from_s, int64_t to_s,
                    int64_t now_s)
{
    json_t *wanted = ask(flusher_rollup(one->flusher), text, from_s, to_s);
    json_t *found = ask_redis(text, from_s, to_s, now_s);
    const json_t *series = json_object_get(wanted, "series");

    if (json_array_size(series) == 0)
        fail_msg("%s: %s", text, json_string_value(json_object_get(wanted, "error")));
    if (json_array_size(series) != json_array_size(json_object_get(found, "series")))
        fail_msg("%s: other series", text);
    for (size_t i = 0; i < json_array_size(series); i++) { /* in the order of their scopes */
        const json_t *s = json_array_get(series, i), *same = NULL;
        for (size_t j = 0; j < json_array_size(series); j++) {
            const json_t *other = json_array_get(json_object_get(found, "series"), j);
            if (json_equal(json_object_get(s, "scope"), json_object_get(other, "scope")) &&
                json_equal(json_object_get(s, "query_index"),
                           json_object_get(other, "query_index")))
                same = other;
        }
        if (!same_points(json_object_get(s, "pointlist"), json_object_get(same, "pointlist"))) {
            char *a = json_dumps(json_object_get(s, "pointlist"), JSON_COMPACT);
            char *b = json_dumps(json_object_get(same, "pointlist"), JSON_COMPACT);
            fail_msg("%s at %lld:\n%s\n%s", text, (long long)now_s, a, b);
        }
    }
    json_decref(wanted);
    json_decref(found);
}

static void many_answer_as_one_would(void **state)
{
    static const char *const questions[] = {
        "sum:hits{*}.rollup(sum,3600)",
        "sum:hits{*}.rollup(sum,60)",
        "sum:hits{*} by {n}.rollup(sum,60)",
        "sum:hits{*} by {n}.rollup(sum,10)",
        "sum:hits{*}.rollup(max,10)",
        "sum:own{*} by {i}.rollup(sum,3600)",
        "sum:own{*} by {i,n}.rollup(60)",
        "max:own{n:1}.rollup(max,60)",
        "count:own{*}.rollup(sum,60)",
        "count:users{*}.rollup(3600)",
        "count:users{*} by {n}.rollup(60)",
        "sum:users{*} by {n}.rollup(10)",
        "p50:lat{*}.rollup(60)",
        "p95:lat{*} by {n}.rollup(3600)",
        "p99:lat{*}.rollup(3600)",
        "avg:lat{*}.rollup(3600)",
        "max:lat{*}.rollup(60)",
        "count:lat{n:2}.rollup(60)",
        "count:lat{n:2}.as_rate().rollup(60)",
        "sum:lat{*}.rollup(10)",
        "avg:load{*} by {n}.rollup(last,3600)",
        "avg:load{*} by {n}.rollup(last,60)",
        "max:load{*}.rollup(max,60)",
        "avg:load{*}.rollup(sum,60)",
        "avg:load{n:3}.rollup(10)",
        /* several queries, each with windows of its own */
        "100 * sum:hits{n:1}.rollup(sum,60) / sum:hits{*}.rollup(sum,60)",
        "sum:hits{*} by {n}.rollup(sum,60) - sum:own{*}.rollup(sum,60)",
        "2 * top(max:own{*} by {i,n}.rollup(max,60), 5, 'sum', 'desc')",
        "cumsum(moving_rollup(sum:hits{*}.rollup(sum,60), 300, 'max'))",
        "timeshift(sum:hits{n IN (1,2) OR (n:3 AND NOT k:t)}.rollup(sum,60), -600)",
        "ewma_5(avg:load{*} by {n}.rollup(last,60)) + p50:lat{*}.rollup(60)",
        "sum:hits{n:1}.rollup(sum,60), abs(max:own{*}.rollup(max,10)), p95:lat{*}.rollup(3600)",
    };
    struct pipeline *one = PIPELINE(1, START, "heeler_rollup_max_bytes=67108864");
    struct pipeline *parts[INSTANCES];
    char id[16];
    (void)state;

    srand(17);
    for (int i = 0; i < INSTANCES; i++)
        parts[i] = PIPELINE(1, START, "heeler_rollup_max_bytes=67108864");
    for (int i = 0; i < 9000; i++)
        send_random(one, parts, START + 1 + i * 0.2);
    pipeline_flush(one, START + 1811);
    for (int i = 0; i < INSTANCES; i++) {
        pipeline_flush(parts[i], START + 1811);
        snprintf(id, sizeof id, "%012x", i + 1);
        announce(id, 10, "60,3600", START + 99999);
        write_rollup(flusher_rollup(parts[i]->flusher), id);
    }
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        compare(one, questions[i], START, START + 1800, START + 1811); /* the hour is open */
        if (strstr(questions[i], "10)") == NULL)
            compare(one, questions[i], START, START + 1800, START + 9000); /* long closed */
    }
    pipeline_free(one);
    for (int i = 0; i < INSTANCES; i++)
        pipeline_free(parts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(adds_up_what_instances_wrote, flush_redis),
        cmocka_unit_test_setup(a_restart_adds_to_the_hour, flush_redis),
        cmocka_unit_test_setup(intervals_may_differ, flush_redis),
        cmocka_unit_test_setup(damage_is_left_out_and_counted, flush_redis),
        cmocka_unit_test_setup(reads_large_windows_in_pieces, flush_redis),
        cmocka_unit_test_setup(refuses_with_a_sentence, flush_redis),
        cmocka_unit_test_setup(a_long_prefix_is_read_whole, flush_redis),
        cmocka_unit_test_setup(says_what_redis_says, flush_redis),
        cmocka_unit_test_setup(many_answer_as_one_would, flush_redis),
    };

    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
