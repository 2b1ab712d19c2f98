#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/payloads/encode.h"
#include "flush/payloads/payload.h"

static void keep(void *argument, struct payload *given)
{
    *(struct payload **)argument = given;
}

static struct payload *make(enum payload_route route, enum compression compression,
                            struct payload_frame frame, const struct slice *items, size_t n,
                            uint32_t points)
{
    struct payload *made = NULL;
    struct payload_writer *writer = payload_writer_new(
        route, compression, 1, (struct payload_limits){ 0, 1 << 20, 1 << 20 }, frame,
        1700000020, keep, &made);

    for (size_t i = 0; i < n; i++)
        assert_int_equal(payload_writer_add(writer, items[i].at, items[i].len, points),
                         PAYLOAD_ADDED);
    payload_writer_end(writer);
    return made;
}

/* The bytes of a payload as a text, or a sentence in its place. */
static char *text_of(const struct payload *payload)
{
    unsigned char *raw = payload_decompress(payload);
    char *text = malloc(payload->raw_size + 1);

    assert_non_null(raw);
    memcpy(text, raw, payload->raw_size);
    text[payload->raw_size] = '\0';
    free(raw);
    return text;
}

static void json_is_cut_between_items(void **state)
{
    static const struct {
        enum payload_route route;
        const char *head, *tail;
        const char *items[4];
        size_t n, first;
        const char *why;
    } cases[] = {
        { ROUTE_CHECKS, "[", "]", { "{\"a\":1}", "{\"a\":2}" }, 2, 1, "one each" },
        { ROUTE_CHECKS,
          "[",
          "]",
          { "{\"a\":1}", "{\"a\":2}", "{\"a\":3}" },
          3,
          1,
          "in the middle" },
        { ROUTE_CHECKS,
          "[",
          "]",
          { "{\"a\":\"a long one, longer\"}", "{}" },
          2,
          1,
          "by bytes" },
        { ROUTE_CHECKS,
          "[",
          "]",
          { "{}", "{\"a\":\"a long one, longer\"}" },
          2,
          1,
          "never empty" },
        { ROUTE_CHECKS,
          "[",
          "]",
          { "{\"a\":\"]},[\\\"\"}", "{\"b\":[{},[]]}" },
          2,
          1,
          "brackets" },
        { ROUTE_EVENTS,
          "{\"apiKey\":\"\",\"events\":{\"a[\\\"\":[",
          "]},\"internalHostname\":\"h\"}",
          { "{\"t\":\"x\"}", "{\"t\":\"y\"}" },
          2,
          1,
          "the frame stays on both" },
        { ROUTE_SERIES_V1,
          "{\"series\":[",
          "]}",
          { "{\"points\":[[1,2]]}", "{\"points\":[[3,4]]}" },
          2,
          1,
          "series of one point" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (enum compression kind = 0; kind < COMPRESSION_COUNT; kind++) {
            struct slice items[4];
            char expected[2][256];
            struct payload *halves[2];

            for (size_t k = 0; k < cases[i].n; k++)
                items[k] = slice_of(cases[i].items[k]);
            for (size_t half = 0; half < 2; half++) {
                size_t from = half == 0 ? 0 : cases[i].first;
                size_t to = half == 0 ? cases[i].first : cases[i].n;
                int len = snprintf(expected[half], 256, "%s", cases[i].head);

                for (size_t k = from; k < to; k++)
                    len += snprintf(expected[half] + len, 256 - (size_t)len, "%s%s",
                                    k > from ? "," : "", cases[i].items[k]);
                snprintf(expected[half] + len, 256 - (size_t)len, "%s", cases[i].tail);
            }
            struct payload *whole =
                make(cases[i].route, kind,
                     (struct payload_frame){ .head = slice_of(cases[i].head),
                                             .separator = SLICE(","),
                                             .tail = slice_of(cases[i].tail) },
                     items, cases[i].n, 1);

            if (payload_split(whole, halves) != SPLIT_DONE)
                fail_msg("%s", cases[i].why);
            for (int half = 0; half < 2; half++) {
                char *text = text_of(halves[half]);

                if (strcmp(text, expected[half]) != 0)
                    fail_msg("%s: %s, not %s", cases[i].why, text, expected[half]);
                assert_int_equal(halves[half]->compression, kind);
                assert_int_equal(halves[half]->route, cases[i].route);
                assert_int_equal(halves[half]->created_s, 1700000020);
                free(text);
            }
            assert_int_equal(halves[0]->points + halves[1]->points, whole->points);
            assert_int_equal(halves[0]->items + halves[1]->items, whole->items);
            payload_free(halves[0]);
            payload_free(halves[1]);
            payload_free(whole);
        }
}

/* Events of several sources: each half opens the lists that it has items of. */
static void lists_are_cut_between_and_within(void **state)
{
    static const struct {
        const char *whole, *halves[2];
        uint32_t events;
    } cases[] = {
        { "{\"e\":{\"a\":[{\"n\":1},{\"n\":2}],\"b\":[{\"n\":3},{\"n\":4}]},\"h\":\"x\"}",
          { "{\"e\":{\"a\":[{\"n\":1},{\"n\":2}],\"b\":[{\"n\":3}]},\"h\":\"x\"}",
            "{\"e\":{\"b\":[{\"n\":4}]},\"h\":\"x\"}" },
          4 },
        { "{\"e\":{\"a\":[1],\"],[\":[{\"n\":\"}]\"},\"ab]c\"]},\"h\":[]}",
          { "{\"e\":{\"a\":[1],\"],[\":[{\"n\":\"}]\"}]},\"h\":[]}",
            "{\"e\":{\"],[\":[\"ab]c\"]},\"h\":[]}" },
          3 },
        { "{\"e\":{\"a\\\"[\":[1],\"b\":[2]}}",
          { "{\"e\":{\"a\\\"[\":[1]}}", "{\"e\":{\"b\":[2]}}" },
          2 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice whole = slice_of(cases[i].whole);
        struct payload *payload =
            make(ROUTE_EVENTS, COMPRESSION_ZLIB, (struct payload_frame){ .head = SLICE("") },
                 &whole, 1, cases[i].events);
        struct payload *halves[2];

        if (payload_split(payload, halves) != SPLIT_DONE)
            fail_msg("%s", cases[i].whole);
        for (int half = 0; half < 2; half++) {
            char *text = text_of(halves[half]);

            assert_string_equal(text, cases[i].halves[half]);
            free(text);
            payload_free(halves[half]);
        }
        payload_free(payload);
    }
}

static struct payload *make_series(size_t n_series, size_t n_points)
{
    static struct point points[64];
    struct bytes bytes = { 0 };
    struct slice items[64];
    size_t ends[64];

    for (size_t i = 0; i < n_points; i++)
        points[i] = (struct point){ 1700000000 + (int64_t)i, 0.5 };
    for (size_t i = 0; i < n_series; i++) {
        struct series series = { .id = { .metric = SLICE("m"), .host = SLICE("h") },
                                 .type = SERIES_GAUGE,
                                 .points = points,
                                 .n_points = n_points };

        encode_series_v2(&bytes, &series);
        ends[i] = bytes.len;
    }
    for (size_t i = 0; i < n_series; i++) {
        size_t from = i > 0 ? ends[i - 1] : 0;

        items[i] = (struct slice){ (const char *)bytes.at + from, ends[i] - from };
    }
    struct payload *made =
        make(ROUTE_SERIES_V2, COMPRESSION_ZSTD, encode_frame(ROUTE_SERIES_V2), items, n_series,
             (uint32_t)n_points);

    bytes_free(&bytes);
    return made;
}

/* Splits down to single series; returns the points at the ends. */
static uint32_t split_all(struct payload *given, uint32_t *singles)
{
    struct payload *halves[2];
    uint32_t points;

    switch (payload_split(given, halves)) {
    case SPLIT_DONE:
        points = split_all(halves[0], singles) + split_all(halves[1], singles);
        break;
    case SPLIT_SINGLE:
        ++*singles;
        points = given->points;
        assert_int_equal(given->items, 1);
        break;
    default:
        points = 0;
        break;
    }
    payload_free(given);
    return points;
}

static void protobuf_is_split_down_to_single_series_and_no_point_is_lost(void **state)
{
    static const size_t sizes[][2] = { { 1, 1 }, { 2, 1 }, { 3, 5 }, { 50, 7 } };
    (void)state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint32_t singles = 0;

        assert_int_equal(split_all(make_series(sizes[i][0], sizes[i][1]), &singles),
                         sizes[i][0] * sizes[i][1]);
        assert_int_equal(singles, sizes[i][0]);
    }
}

static void both_halves_of_sketches_have_the_footer(void **state)
{
    /* Field 1 of 2 bytes: a field 7 (one point), empty. */
    const struct slice items[] = { { "\x0a\x02\x3a\x00", 4 }, { "\x0a\x02\x3a\x00", 4 } };
    struct payload *whole =
        make(ROUTE_SKETCHES, COMPRESSION_NONE, encode_frame(ROUTE_SKETCHES), items, 2, 1);
    struct payload *halves[2];
    (void)state;

    assert_int_equal(payload_split(whole, halves), SPLIT_DONE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(halves[i]->size, 6);
        assert_memory_equal(halves[i]->bytes, "\x0a\x02\x3a\x00\x12\x00", 6);
        assert_int_equal(halves[i]->points, 1);
        payload_free(halves[i]);
    }
    payload_free(whole);
}

/* Whatever the names and numbers, a v1 series counts as it did when it was encoded. */
static void points_of_a_v1_series_are_counted_as_they_were_encoded(void **state)
{
    static const struct point points[] = {
        { 1, 123456789012345678890.0 }, { 2, -9.3e18 }, { 3, 1e308 }, { 4, 5e-324 },
        { 5, (double)INFINITY },        { 6, 0 },
    };
    static const struct slice names[] = {
        SLICE("m"),  SLICE("\0\0"),     SLICE("\"points\":[[1,2]]"),
        SLICE("\\"), SLICE("\xff\xfe"), SLICE("],[{}}")
    };
    (void)state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct bytes bytes = { 0 };
        struct series series = {
            .id = { .metric = names[i], .host = names[i], .tags = &names[i], .n_tags = 1 },
            .type = SERIES_GAUGE,
            .points = points,
            .n_points = sizeof points / sizeof points[0]
        };

        encode_series_v1(&bytes, &series);
        struct slice item = bytes_view(&bytes);
        struct payload *whole =
            make(ROUTE_SERIES_V1, COMPRESSION_ZLIB, encode_frame(ROUTE_SERIES_V1),
                 (struct slice[]){ item, item }, 2, 6);
        struct payload *halves[2];

        assert_int_equal(payload_split(whole, halves), SPLIT_DONE);
        for (int half = 0; half < 2; half++) {
            assert_int_equal(halves[half]->points, 6);
            payload_free(halves[half]);
        }
        payload_free(whole);
        bytes_free(&bytes);
    }
}

static void halves_that_count_for_something_else_are_refused(void **state)
{
    const struct slice items[] = { SLICE("{\"points\":[[1,2]]}"), SLICE("{\"points\":[]}"),
                                   SLICE("{\"other\":[[1,2]]}") };
    struct payload *halves[2];
    (void)state;

    for (uint32_t points = 0; points < 3; points++) {
        struct payload *whole = make(ROUTE_SERIES_V1, COMPRESSION_NONE,
                                     encode_frame(ROUTE_SERIES_V1), items, 3, points);

        assert_int_equal(payload_split(whole, halves), SPLIT_DAMAGED);
        assert_null(halves[0]);
        payload_free(whole);
    }
}

static void damaged_bytes_are_not_split(void **state)
{
    static const char *const texts[] = { "", "[", "[{}", "[{},", "{}", "[\"", "[{\"a\":[}" };
    struct payload *halves[2];
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t len = strlen(texts[i]);
        struct payload *payload = calloc(1, sizeof *payload + len);

        payload->route = ROUTE_CHECKS;
        payload->compression = COMPRESSION_NONE;
        payload->size = payload->raw_size = len;
        memcpy(payload->bytes, texts[i], len);
        if (payload_split(payload, halves) != SPLIT_DAMAGED)
            fail_msg("%s", texts[i]);
        payload_free(payload);
    }
}

static void cut_and_changed_protobuf_is_survived(void **state)
{
    struct payload *whole = make_series(4, 3);
    unsigned char *raw = payload_decompress(whole);
    struct payload *halves[2];
    (void)state;

    for (size_t at = 0; at < whole->raw_size; at++)
        for (int cut = 0; cut < 2; cut++) {
            size_t len = cut ? at : whole->raw_size;
            struct payload *payload = calloc(1, sizeof *payload + len);

            payload->compression = COMPRESSION_NONE;
            payload->size = payload->raw_size = len;
            memcpy(payload->bytes, raw, len);
            if (!cut)
                payload->bytes[at] ^= 0xff;
            if (payload_split(payload, halves) == SPLIT_DONE) {
                payload_free(halves[0]);
                payload_free(halves[1]);
            }
            payload_free(payload);
        }
    for (size_t at = 0; at < whole->size; at++) { /* and compressed */
        whole->bytes[at] ^= 0xff;
        if (payload_split(whole, halves) == SPLIT_DONE) {
            payload_free(halves[0]);
            payload_free(halves[1]);
        }
        whole->bytes[at] ^= 0xff;
    }
    free(raw);
    payload_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_cut_between_items),
        cmocka_unit_test(protobuf_is_split_down_to_single_series_and_no_point_is_lost),
        cmocka_unit_test(both_halves_of_sketches_have_the_footer),
        cmocka_unit_test(lists_are_cut_between_and_within),
        cmocka_unit_test(points_of_a_v1_series_are_counted_as_they_were_encoded),
        cmocka_unit_test(halves_that_count_for_something_else_are_refused),
        cmocka_unit_test(damaged_bytes_are_not_split),
        cmocka_unit_test(cut_and_changed_protobuf_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
