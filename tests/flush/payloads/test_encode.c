#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/payloads/encode.h"
#include "tests/support/decode.h"
#include "tests/support/vectors_payloads.h"

enum { MOST = 8 };

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    return *seed ^= *seed << 17;
}

/* Fails with both texts. */
static void assert_text(const struct bytes *got, const char *want)
{
    assert_false(got->failed);
    if (!slice_equal(bytes_view(got), slice_of(want)))
        fail_msg("got %.*s, want %s", (int)got->len, (const char *)got->at, want);
}

static void assert_json(json_t *got, const char *want_text)
{
    json_t *want = json_loads(want_text, 0, NULL);

    assert_non_null(want);
    if (!json_equal(got, want)) {
        char *text = json_dumps(got, JSON_ENCODE_ANY);

        fail_msg("got %s, want %s", text, want_text);
    }
    json_decref(want);
    json_decref(got);
}

static void golden_payloads_are_reproduced_byte_for_byte(void **state)
{
    FILE *file = fopen("tests/data/payloads.jsonl", "r");
    char why[4096] = "";
    json_t *vector;
    int passed = 0;
    (void)state;

    assert_non_null(file);
    while ((vector = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        enum vector_result result = vector_payload(vector, why, sizeof why);

        if (result == VECTOR_FAIL)
            fail_msg("%s: %s", json_string_value(json_object_get(vector, "name")), why);
        passed += result == VECTOR_PASS;
        json_decref(vector);
    }
    fclose(file);
    assert_int_equal(passed, 3);
}

static const struct slice two_tags[] = { { "env:test", 8 }, { "svc:a", 5 } };
static const struct resource disk[] = { { { "device", 6 }, { "sda", 3 } },
                                        { { "cloud", 5 }, { "eu", 2 } } };
static const struct point two_points[] = { { 1700000000, 21.25 }, { 1700000010, 0 } };

static struct series example(void)
{
    return (struct series){
        .id = { SLICE("my.count"), SLICE("h1"), two_tags, 2, disk, 2 },
        .type = SERIES_RATE,
        .interval_s = 10,
        .points = two_points,
        .n_points = 2,
    };
}

static void a_v2_series_is_read_back_by_another_decoder(void **state)
{
    struct series series = example();
    struct bytes out = { 0 };
    (void)state;

    encode_series_v2(&out, &series);
    assert_json(decode_series_v2(out.at, out.len),
                "[{\"metric\":\"my.count\",\"host\":\"h1\",\"type\":\"rate\",\"interval\":10,"
                "\"tags\":[\"env:test\",\"svc:a\"],"
                "\"resources\":[[\"device\",\"sda\"],[\"cloud\",\"eu\"]],"
                "\"points\":[[1700000000,21.25],[1700000010,0.0]],\"origin\":[10,10,0]}]");
    bytes_free(&out);
}

static void a_unit_is_field_6_in_v2_and_a_key_in_v1(void **state)
{
    struct series series = { .id = { .metric = SLICE("t.max") },
                             .type = SERIES_GAUGE,
                             .interval_s = 10,
                             .unit = SLICE("millisecond") };
    struct bytes out = { 0 };
    (void)state;

    encode_series_v2(&out, &series);
    assert_json(decode_series_v2(out.at, out.len),
                "[{\"metric\":\"t.max\",\"host\":\"\",\"type\":\"gauge\",\"interval\":10,"
                "\"tags\":[],\"resources\":[],\"points\":[],\"origin\":[10,10,0],"
                "\"unit\":\"millisecond\"}]");
    bytes_clear(&out);
    encode_series_v1(&out, &series);
    assert_text(&out, "{\"metric\":\"t.max\",\"points\":[],\"tags\":[],\"host\":\"\","
                      "\"type\":\"gauge\",\"interval\":10,\"unit\":\"millisecond\"}");
    bytes_free(&out);
}

static void an_empty_host_still_is_a_resource(void **state)
{
    struct series series = { .id = { .metric = SLICE("m") }, .type = SERIES_GAUGE };
    struct bytes out = { 0 };
    (void)state;

    encode_series_v2(&out, &series);
    assert_json(
        decode_series_v2(out.at, out.len),
        "[{\"metric\":\"m\",\"host\":\"\",\"type\":\"gauge\",\"interval\":0,\"tags\":[],"
        "\"resources\":[],\"points\":[],\"origin\":[10,10,0]}]");
    bytes_free(&out);
}

/* ---- random series, and back ------------------------------------------- */

struct random_identity {
    char texts[MOST][300];
    struct slice tags[MOST];
    struct series_identity id;
};

static struct slice random_text(char *text, uint64_t *seed)
{
    /* Long ones now and then: lengths of two bytes. */
    size_t len = 1 + next_random(seed) % (next_random(seed) % 8 == 0 ? 290 : 30);

    for (size_t i = 0; i < len; i++)
        text[i] = (char)('!' + next_random(seed) % 90);
    return (struct slice){ text, len };
}

static void fill_identity(struct random_identity *made, uint64_t *seed)
{
    made->id = (struct series_identity){ .metric = random_text(made->texts[0], seed),
                                         .host = random_text(made->texts[1], seed),
                                         .tags = made->tags,
                                         .n_tags = next_random(seed) % (MOST - 2) };
    for (size_t i = 0; i < made->id.n_tags; i++)
        made->tags[i] = random_text(made->texts[2 + i], seed);
}

/* Any bits but NaN and the infinities; zero now and then. */
static double random_double(uint64_t *seed)
{
    uint64_t bits = next_random(seed);
    double value;

    memcpy(&value, &bits, sizeof value);
    return !isfinite(value) || bits % 8 == 0 ? 0 : value;
}

static json_t *json_slice(struct slice text)
{
    return json_stringn_nocheck(text.at, text.len);
}

static json_t *tags_json(const struct series_identity *id)
{
    json_t *tags = json_array();

    for (size_t i = 0; i < id->n_tags; i++)
        json_array_append_new(tags, json_slice(id->tags[i]));
    return tags;
}

static json_t *series_json(const struct series *series)
{
    static const char *const types[] = { "", "count", "rate", "gauge" };
    json_t *points = json_array();

    for (size_t i = 0; i < series->n_points; i++)
        json_array_append_new(points, json_pack("[I,f]", (json_int_t)series->points[i].time_s,
                                                series->points[i].value));
    return json_pack("{s:o,s:o,s:s,s:I,s:o,s:[],s:o,s:[iii]}", "metric",
                     json_slice(series->id.metric), "host", json_slice(series->id.host), "type",
                     types[series->type], "interval", (json_int_t)series->interval_s, "tags",
                     tags_json(&series->id), "resources", "points", points, "origin", 10, 10,
                     0);
}

static void random_series_come_back_as_they_went(void **state)
{
    static struct random_identity identity;
    struct point points[MOST];
    struct bytes out = { 0 };
    json_t *want = json_array();
    uint64_t seed = 42;
    (void)state;

    for (int i = 0; i < 500; i++) {
        fill_identity(&identity, &seed);
        struct series series = { .id = identity.id,
                                 .type = 1 + next_random(&seed) % 3,
                                 .interval_s = (int64_t)(next_random(&seed) % 300),
                                 .points = points,
                                 .n_points = next_random(&seed) % MOST };

        for (size_t k = 0; k < series.n_points; k++)
            points[k] = (struct point){ (int64_t)next_random(&seed), random_double(&seed) };
        encode_series_v2(&out, &series);
        json_array_append_new(want, series_json(&series));
    }
    json_t *got = decode_series_v2(out.at, out.len);

    assert_int_equal(json_array_size(got), 500);
    for (size_t i = 0; i < 500; i++)
        assert_true(json_equal(json_array_get(got, i), json_array_get(want, i)));
    json_decref(got);
    json_decref(want);
    bytes_free(&out);
}

static json_t *sketch_json(const struct sketch_series *series)
{
    json_t *points = json_array();

    for (size_t i = 0; i < series->n_points; i++) {
        const struct sketch_point *point = &series->points[i];
        json_t *keys = json_array(), *counts = json_array();

        for (size_t k = 0; k < point->n_bins; k++) {
            json_array_append_new(keys, json_integer(point->bins[k].key));
            json_array_append_new(counts, json_integer(point->bins[k].count));
        }
        json_array_append_new(points, json_pack("{s:I,s:I,s:f,s:f,s:f,s:f,s:o,s:o}", "ts",
                                                (json_int_t)point->time_s, "cnt",
                                                (json_int_t)point->summary.count, "min",
                                                point->summary.min, "max", point->summary.max,
                                                "avg", point->summary.avg, "sum",
                                                point->summary.sum, "k", keys, "n", counts));
    }
    return json_pack("{s:o,s:o,s:o,s:o,s:[iii]}", "metric", json_slice(series->id.metric),
                     "host", json_slice(series->id.host), "tags", tags_json(&series->id),
                     "points", points, "origin", 10, 10, 0);
}

static void random_sketches_come_back_as_they_went(void **state)
{
    static struct random_identity identity;
    struct sketch_bin bins[MOST][64];
    struct sketch_point points[MOST];
    struct bytes out = { 0 };
    uint64_t seed = 43;
    (void)state;

    for (int i = 0; i < 200; i++) {
        fill_identity(&identity, &seed);
        struct sketch_series series = { .id = identity.id,
                                        .points = points,
                                        .n_points = 1 + next_random(&seed) % (MOST - 1) };

        for (size_t p = 0; p < series.n_points; p++) {
            points[p] = (struct sketch_point){
                .time_s = (int64_t)(next_random(&seed) >> 1),
                .summary = { (int64_t)(next_random(&seed) >> 1), random_double(&seed),
                             random_double(&seed), random_double(&seed), random_double(&seed) },
                .bins = bins[p],
                .n_bins = next_random(&seed) % 64,
            };
            for (size_t k = 0; k < points[p].n_bins; k++)
                bins[p][k] = (struct sketch_bin){ (int16_t)next_random(&seed),
                                                  (uint32_t)next_random(&seed) };
        }
        bytes_clear(&out);
        encode_sketch(&out, &series);
        struct payload_frame frame = encode_frame(ROUTE_SKETCHES);

        bytes_add(&out, frame.tail.at, frame.tail.len);
        json_t *got = decode_sketches(out.at, out.len), *want = sketch_json(&series);

        assert_true(json_equal(json_array_get(got, 0), want));
        json_decref(got);
        json_decref(want);
    }
    bytes_free(&out);
}

/* ---- JSON -------------------------------------------------------------- */

static void a_v1_series_has_the_keys_of_the_agent_in_its_order(void **state)
{
    struct series series = example();
    struct bytes out = { 0 };
    (void)state;

    encode_series_v1(&out, &series);
    assert_text(&out, "{\"metric\":\"my.count\",\"points\":[[1700000000,21.25],[1700000010,0]],"
                      "\"tags\":[\"env:test\",\"svc:a\"],\"host\":\"h1\",\"device\":\"sda\","
                      "\"type\":\"rate\",\"interval\":10}");
    bytes_free(&out);
}

static void a_point_that_is_not_finite_cannot_spoil_a_json_payload(void **state)
{
    const struct point points[] = { { 1, NAN }, { INT64_MIN, -INFINITY }, { -3, -0.5 } };
    struct series series = {
        .id = { .metric = SLICE("m") }, .type = SERIES_COUNT, .points = points, .n_points = 3
    };
    struct bytes out = { 0 };
    (void)state;

    encode_series_v1(&out, &series);
    assert_text(&out,
                "{\"metric\":\"m\",\"points\":[[1,null],[-9223372036854775808,null],"
                "[-3,-0.5]],\"tags\":[],\"host\":\"\",\"type\":\"count\",\"interval\":0}");
    bytes_free(&out);
}

static void an_event_has_what_was_sent_and_the_rest_is_left_out(void **state)
{
    struct event_record full = {
        .event = { .title = SLICE("a\\nb"),
                   .text = SLICE("say \"x\\n\\ny\\"),
                   .aggregation_key = SLICE("key"),
                   .source_type = SLICE("jenkins"),
                   .priority = EVENT_LOW,
                   .alert = EVENT_ERROR },
        .host = SLICE("h1"),
        .tags = two_tags,
        .n_tags = 2,
        .time_s = 1700000000,
    };
    struct event_record plain = { .event = { .title = SLICE("t") }, .time_s = 5 };
    struct bytes out = { 0 };
    (void)state;

    encode_event(&out, &full);
    assert_text(&out, "{\"msg_title\":\"a\\nb\",\"msg_text\":\"say \\\"x\\n\\ny\\\\\","
                      "\"timestamp\":1700000000,\"priority\":\"low\",\"host\":\"h1\","
                      "\"tags\":[\"env:test\",\"svc:a\"],\"alert_type\":\"error\","
                      "\"aggregation_key\":\"key\",\"source_type_name\":\"jenkins\"}");
    bytes_clear(&out);
    encode_event(&out, &plain);
    assert_text(&out, "{\"msg_title\":\"t\",\"msg_text\":\"\",\"timestamp\":5,"
                      "\"priority\":\"normal\",\"host\":\"\",\"alert_type\":\"info\"}");
    bytes_free(&out);
}

static void a_check_has_all_its_keys(void **state)
{
    struct check_record check = {
        .check = { .name = SLICE("db.up"), .message = SLICE("no \"route\""), .status = 2 },
        .host = SLICE("h1"),
        .tags = two_tags,
        .n_tags = 1,
        .time_s = 1700000000,
    };
    struct bytes out = { 0 };
    (void)state;

    encode_check(&out, &check);
    assert_text(&out, "{\"check\":\"db.up\",\"host_name\":\"h1\",\"timestamp\":1700000000,"
                      "\"status\":2,\"message\":\"no \\\"route\\\"\",\"tags\":[\"env:test\"]}");
    bytes_free(&out);
}

static void frame_json(struct payload_frame frame, struct bytes *item, const char *want)
{
    struct bytes all = { 0 };

    bytes_add(&all, frame.head.at, frame.head.len);
    bytes_add(&all, item->at, item->len);
    bytes_add(&all, frame.separator.at, frame.separator.len);
    bytes_add(&all, item->at, item->len);
    bytes_add(&all, frame.tail.at, frame.tail.len);
    assert_text(&all, want);
    bytes_free(&all);
}

static void frames_make_whole_documents(void **state)
{
    struct bytes item = { 0 }, text = { 0 };
    (void)state;

    bytes_add(&item, "{}", 2);
    frame_json(encode_frame(ROUTE_SERIES_V1), &item, "{\"series\":[{},{}]}");
    frame_json(encode_frame(ROUTE_CHECKS), &item, "[{},{}]");
    bytes_clear(&item);
    encode_events_list(&item, SLICE("my\"app"));
    assert_text(&item, "\"my\\\"app\":[");
    frame_json(encode_events_frame(&text, SLICE("h1")), &item,
               "{\"apiKey\":\"\",\"events\":{\"my\\\"app\":[,\"my\\\"app\":[]},"
               "\"internalHostname\":\"h1\"}");
    bytes_clear(&item);
    encode_events_list(&item, SLICE(""));
    assert_text(&item, "\"api\":[");
    bytes_free(&item);
    bytes_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_payloads_are_reproduced_byte_for_byte),
        cmocka_unit_test(a_v2_series_is_read_back_by_another_decoder),
        cmocka_unit_test(a_unit_is_field_6_in_v2_and_a_key_in_v1),
        cmocka_unit_test(an_empty_host_still_is_a_resource),
        cmocka_unit_test(random_series_come_back_as_they_went),
        cmocka_unit_test(random_sketches_come_back_as_they_went),
        cmocka_unit_test(a_v1_series_has_the_keys_of_the_agent_in_its_order),
        cmocka_unit_test(a_point_that_is_not_finite_cannot_spoil_a_json_payload),
        cmocka_unit_test(an_event_has_what_was_sent_and_the_rest_is_left_out),
        cmocka_unit_test(a_check_has_all_its_keys),
        cmocka_unit_test(frames_make_whole_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
