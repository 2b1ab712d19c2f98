#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/payloads/payload.h"
#include "tests/support/decode.h"

enum { MOST_PAYLOADS = 512 };

/* Collects what a writer emits. */
struct shelf {
    struct payload *payloads[MOST_PAYLOADS];
    size_t n;
};

static void shelve(void *argument, struct payload *given)
{
    struct shelf *shelf = argument;

    assert_true(shelf->n < MOST_PAYLOADS);
    shelf->payloads[shelf->n++] = given;
}

static void shelf_clear(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->n; i++)
        payload_free(shelf->payloads[i]);
    shelf->n = 0;
}

static const struct payload_frame json_list = { .head = SLICE("["),
                                                .separator = SLICE(","),
                                                .tail = SLICE("]") };
static const struct payload_frame bare = { .head = SLICE("") };
static const struct payload_limits wide = { 0, 1 << 20, 1 << 20 };

static struct payload_writer *writer(struct shelf *shelf, enum compression compression,
                                     struct payload_limits limits, struct payload_frame frame)
{
    struct payload_writer *made = payload_writer_new(ROUTE_CHECKS, compression, 1, limits,
                                                     frame, 1700000000, shelve, shelf);

    assert_non_null(made);
    return made;
}

/* The raw text of a payload; owned. */
static char *raw_text(const struct payload *payload)
{
    size_t size;
    char *raw = (char *)decode_content(payload->bytes, payload->size,
                                       payload_content_encoding(payload->compression), &size);

    assert_non_null(raw);
    assert_int_equal(size, payload->raw_size);
    raw[size] = '\0';
    return raw;
}

static void every_compression_carries_the_same_bytes(void **state)
{
    (void)state;
    for (enum compression kind = 0; kind < COMPRESSION_COUNT; kind++) {
        struct shelf shelf = { .n = 0 };
        struct payload_writer *out = writer(&shelf, kind, wide, json_list);

        assert_int_equal(payload_writer_add(out, "1", 1, 2), PAYLOAD_ADDED);
        assert_int_equal(payload_writer_add(out, "\"two\"", 5, 3), PAYLOAD_ADDED);
        payload_writer_end(out);
        assert_int_equal(shelf.n, 1);
        const struct payload *payload = shelf.payloads[0];
        char *raw = raw_text(payload);

        assert_string_equal(raw, "[1,\"two\"]");
        assert_int_equal(payload->points, 5);
        assert_int_equal(payload->items, 2);
        assert_int_equal(payload->compression, kind);
        assert_int_equal(payload->route, ROUTE_CHECKS);
        assert_int_equal(payload->created_s, 1700000000);
        free(raw);
        shelf_clear(&shelf);
    }
}

static void a_payload_without_items_is_never_emitted(void **state)
{
    struct shelf shelf = { .n = 0 };
    (void)state;

    payload_writer_end(writer(&shelf, COMPRESSION_ZSTD, wide, json_list));
    assert_int_equal(shelf.n, 0);
}

static void points_limit_payloads(void **state)
{
    static const struct {
        size_t max_points;
        uint32_t points;
        size_t items, payloads, refused;
    } cases[] = {
        { 100, 50, 10, 5, 0 },  /* two series a payload */
        { 100, 51, 10, 10, 0 }, /* never two */
        { 100, 100, 3, 3, 0 },  /* exactly full */
        { 1, 2, 1, 0, 1 },      /* more points than the cap: dropped whole */
        { 0, 1000, 20, 1, 0 },  /* no limit */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct shelf shelf = { .n = 0 };
        struct payload_limits limits = { cases[i].max_points, 1 << 20, 1 << 20 };
        struct payload_writer *out = writer(&shelf, COMPRESSION_ZSTD, limits, bare);
        size_t refused = 0;

        for (size_t k = 0; k < cases[i].items; k++)
            refused +=
                payload_writer_add(out, "series", 6, cases[i].points) == PAYLOAD_TOO_LARGE;
        payload_writer_end(out);
        assert_int_equal(refused, cases[i].refused);
        assert_int_equal(shelf.n, cases[i].payloads);
        shelf_clear(&shelf);
    }
}

static void raw_bytes_limit_payloads_to_the_byte(void **state)
{
    /* "[" + items joined by "," + "]": three items of 10 make 34 bytes. */
    static const struct {
        size_t max_raw, payloads;
    } cases[] = { { 34, 1 }, { 33, 2 }, { 23, 2 }, { 22, 3 }, { 12, 3 }, { 11, 0 } };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct shelf shelf = { .n = 0 };
        struct payload_writer *out =
            writer(&shelf, COMPRESSION_ZLIB,
                   (struct payload_limits){ 0, cases[i].max_raw, 1 << 20 }, json_list);

        for (int k = 0; k < 3; k++)
            payload_writer_add(out, "1234567890", 10, 1);
        payload_writer_end(out);
        assert_int_equal(shelf.n, cases[i].payloads);
        for (size_t k = 0; k < shelf.n; k++)
            assert_true(shelf.payloads[k]->raw_size <= cases[i].max_raw);
        shelf_clear(&shelf);
    }
}

/* {"a":[1,2],"b":[3]} in one payload; in several each has the opening of its list. */
static void lists_are_opened_in_every_payload_that_has_items_of_them(void **state)
{
    static const struct payload_frame frame = {
        .head = SLICE("{"), .separator = SLICE(","), .tail = SLICE("]}"), .turn = SLICE("],")
    };
    static const struct {
        size_t max_raw;
        const char *want[3];
    } cases[] = {
        { 19, { "{\"a\":[1,2],\"b\":[3]}" } },
        { 18, { "{\"a\":[1,2]}", "{\"b\":[3]}" } },
        { 11, { "{\"a\":[1,2]}", "{\"b\":[3]}" } },
        { 10, { "{\"a\":[1]}", "{\"a\":[2]}", "{\"b\":[3]}" } },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct shelf shelf = { .n = 0 };
        struct payload_writer *out =
            writer(&shelf, COMPRESSION_ZLIB,
                   (struct payload_limits){ 0, cases[i].max_raw, 1 << 20 }, frame);

        payload_writer_list(out, SLICE("\"a\":["));
        assert_int_equal(payload_writer_add(out, "1", 1, 1), PAYLOAD_ADDED);
        assert_int_equal(payload_writer_add(out, "2", 1, 1), PAYLOAD_ADDED);
        payload_writer_list(out, SLICE("\"b\":["));
        assert_int_equal(payload_writer_add(out, "3", 1, 1), PAYLOAD_ADDED);
        payload_writer_end(out);
        for (size_t k = 0; k < shelf.n; k++) {
            char *raw = raw_text(shelf.payloads[k]);

            assert_string_equal(raw, cases[i].want[k]);
            free(raw);
        }
        assert_true(shelf.n == 3 || cases[i].want[shelf.n] == NULL);
        shelf_clear(&shelf);
    }
}

static void an_item_too_large_leaves_the_open_payload_alone(void **state)
{
    struct shelf shelf = { .n = 0 };
    struct payload_writer *out = writer(&shelf, COMPRESSION_ZSTD,
                                        (struct payload_limits){ 10, 100, 1 << 20 }, json_list);
    static const char large[100] = { 0 };
    (void)state;

    assert_int_equal(payload_writer_add(out, "1", 1, 1), PAYLOAD_ADDED);
    assert_int_equal(payload_writer_add(out, large, sizeof large, 1), PAYLOAD_TOO_LARGE);
    assert_int_equal(payload_writer_add(out, "2", 1, 11), PAYLOAD_TOO_LARGE);
    assert_int_equal(payload_writer_add(out, "3", SIZE_MAX, 1), PAYLOAD_TOO_LARGE);
    assert_int_equal(payload_writer_add(out, "4", 1, 1), PAYLOAD_ADDED);
    payload_writer_end(out);
    assert_int_equal(shelf.n, 1);
    char *raw = raw_text(shelf.payloads[0]);

    assert_string_equal(raw, "[1,4]");
    free(raw);
    shelf_clear(&shelf);
}

static uint32_t next_random(uint32_t *seed)
{
    return *seed = *seed * 1664525u + 1013904223u;
}

/* Items of some hundred bytes, from all alike to pure noise. */
static size_t make_item(unsigned char *item, uint32_t *seed, unsigned noise_percent)
{
    size_t size = 50 + (next_random(seed) >> 16) % 400;

    for (size_t i = 0; i < size; i++)
        item[i] = (next_random(seed) >> 16) % 100 < noise_percent
                      ? (unsigned char)(next_random(seed) >> 24)
                      : (unsigned char)('a' + i % 16);
    return size;
}

static void compressed_bytes_never_exceed_the_limit_and_nothing_is_lost(void **state)
{
    static const struct {
        size_t max_compressed;
        unsigned noise_percent;
    } cases[] = { { 2000, 0 },  { 2000, 30 },  { 2000, 100 },
                  { 20000, 0 }, { 20000, 30 }, { 20000, 100 } };
    unsigned char item[512];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (enum compression kind = 0; kind < COMPRESSION_COUNT; kind++) {
            struct shelf shelf = { .n = 0 };
            uint32_t seed = 7;
            struct payload_writer *out =
                writer(&shelf, kind,
                       (struct payload_limits){ 0, 1 << 20, cases[i].max_compressed }, bare);
            size_t raw = 0, raw_out = 0, items_out = 0;

            for (int k = 0; k < 1000; k++) {
                size_t size = make_item(item, &seed, cases[i].noise_percent);

                assert_int_equal(payload_writer_add(out, item, size, 1), PAYLOAD_ADDED);
                raw += size;
            }
            payload_writer_end(out);
            for (size_t k = 0; k < shelf.n; k++) {
                assert_true(shelf.payloads[k]->size <= cases[i].max_compressed);
                free(raw_text(shelf.payloads[k]));
                raw_out += shelf.payloads[k]->raw_size;
                items_out += shelf.payloads[k]->items;
            }
            assert_int_equal(raw_out, raw);
            assert_int_equal(items_out, 1000);
            shelf_clear(&shelf);
        }
}

static void payloads_fill_to_the_compressed_limit(void **state)
{
    unsigned char item[512];
    struct shelf shelf = { .n = 0 };
    uint32_t seed = 7;
    struct payload_writer *out =
        writer(&shelf, COMPRESSION_ZSTD, (struct payload_limits){ 0, 10 << 20, 100000 }, bare);
    (void)state;

    for (int k = 0; k < 10000; k++)
        payload_writer_add(out, item, make_item(item, &seed, 10), 1);
    payload_writer_end(out);
    assert_true(shelf.n > 3);
    for (size_t k = 0; k + 1 < shelf.n; k++)
        assert_true(shelf.payloads[k]->size > 95000);
    shelf_clear(&shelf);
}

static void an_item_alone_above_the_compressed_bound_is_too_large(void **state)
{
    struct shelf shelf = { .n = 0 };
    struct payload_writer *out =
        writer(&shelf, COMPRESSION_NONE, (struct payload_limits){ 0, 1000, 11 }, json_list);
    (void)state;

    assert_int_equal(payload_writer_add(out, "123456789", 9, 1), PAYLOAD_ADDED);
    assert_int_equal(payload_writer_add(out, "1234567890", 10, 1), PAYLOAD_TOO_LARGE);
    payload_writer_end(out);
    assert_int_equal(shelf.n, 1);
    assert_int_equal(shelf.payloads[0]->size, 11);
    shelf_clear(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_compression_carries_the_same_bytes),
        cmocka_unit_test(a_payload_without_items_is_never_emitted),
        cmocka_unit_test(points_limit_payloads),
        cmocka_unit_test(raw_bytes_limit_payloads_to_the_byte),
        cmocka_unit_test(lists_are_opened_in_every_payload_that_has_items_of_them),
        cmocka_unit_test(an_item_too_large_leaves_the_open_payload_alone),
        cmocka_unit_test(compressed_bytes_never_exceed_the_limit_and_nothing_is_lost),
        cmocka_unit_test(payloads_fill_to_the_compressed_limit),
        cmocka_unit_test(an_item_alone_above_the_compressed_bound_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
