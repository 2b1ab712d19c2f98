#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/payloads/encoder.h"
#include "tests/support/decode.h"
#include "tests/support/with_settings.h"

struct bench {
    struct settings settings;
    struct outbox outbox;
    struct flusher_ledger ledger;
    struct encoder *encoder;
};

#define OPEN(at, ...)                                             \
    do {                                                          \
        *(at) = (struct bench){ .encoder = NULL };                \
        assert_true(WITH_SETTINGS(&(at)->settings, __VA_ARGS__)); \
        bench_open(at);                                           \
    } while (0)

static void bench_open(struct bench *bench)
{
    assert_true(outbox_open(&bench->outbox));
    bench->encoder = encoder_new(&bench->settings, "sender", &bench->outbox, &bench->ledger);
    assert_non_null(bench->encoder);
}

/* Whatever was encoded has been posted when nothing is open. */
static void bench_close(struct bench *bench)
{
    encoder_free(bench->encoder);
    for (int kind = 0; kind < POINT_KIND_COUNT; kind++)
        assert_int_equal(counter_read(&bench->ledger.encoded[kind]),
                         counter_read(&bench->ledger.posted[kind]));
    outbox_close(&bench->outbox);
    settings_free(&bench->settings);
}

static void add_series(struct bench *bench,
                       void (*add)(struct encoder *, const struct series *, int64_t),
                       struct slice name)
{
    struct point point = { 1000, 1.5 };
    struct series series = { .id = { .metric = name, .host = SLICE("h") },
                             .type = SERIES_GAUGE,
                             .interval_s = 10,
                             .points = &point,
                             .n_points = 1 };

    add(bench->encoder, &series, 1010);
}

static void add_event(struct bench *bench, struct slice title, struct slice source)
{
    struct event_record event = { .event = { .title = title, .source_type = source },
                                  .host = SLICE("h"),
                                  .time_s = 1000 };

    encoder_event(bench->encoder, &event, 1010);
}

static void add_check(struct bench *bench)
{
    struct check_record check = { .check = { .name = SLICE("up") },
                                  .host = SLICE("h"),
                                  .time_s = 1000 };

    encoder_check(bench->encoder, &check, 1010);
}

/* The payloads so far, each settled: "2 series" items and routes in order. */
static size_t take_payloads(struct bench *bench, json_t *bodies)
{
    size_t n = 0;

    for (struct payload *p = outbox_take(&bench->outbox), *next; p != NULL; p = next, n++) {
        next = p->next;
        if (bodies != NULL)
            json_array_append_new(bodies, decode_payload(p));
        outbox_settle(&bench->outbox, p);
    }
    return n;
}

static uint64_t dropped(const struct bench *bench, enum point_drop reason)
{
    return counter_read(&bench->ledger.dropped[reason]);
}

static void a_snapshot_is_posted_at_its_end(void **state)
{
    struct bench bench;
    (void)state;

    OPEN(&bench, "env=");
    add_series(&bench, encoder_series, SLICE("a"));
    add_series(&bench, encoder_series, SLICE("b"));
    assert_int_equal(take_payloads(&bench, NULL), 0);
    assert_false(encoder_has_records(bench.encoder));
    encoder_end_snapshot(bench.encoder);
    json_t *bodies = json_array();
    assert_int_equal(take_payloads(&bench, bodies), 1);
    assert_int_equal(json_array_size(json_array_get(bodies, 0)), 2);
    assert_int_equal(counter_read(&bench.ledger.posted[POINT_SERIES]), 2);
    encoder_end_snapshot(bench.encoder); /* nothing is open: nothing is sent */
    assert_int_equal(take_payloads(&bench, NULL), 0);
    json_decref(bodies);
    bench_close(&bench);
}

static void what_delivery_does_not_take_is_dropped_and_counted(void **state)
{
    struct bench bench;
    (void)state;

    OPEN(&bench, "serializer_max_series_points_per_payload=2");
    bench.outbox.limit = 200; /* of one payload, not of two */
    for (int i = 0; i < 4; i++)
        add_series(&bench, encoder_series, SLICE("a"));
    encoder_end_snapshot(bench.encoder);
    assert_int_equal(dropped(&bench, POINT_OUTBOX_FULL), 2);
    assert_int_equal(counter_read(&bench.ledger.encoded[POINT_SERIES]), 2);
    assert_int_equal(take_payloads(&bench, NULL), 1);
    bench_close(&bench);
}

static void full_payloads_are_posted_at_once(void **state)
{
    struct bench bench;
    (void)state;

    OPEN(&bench, "serializer_max_series_points_per_payload=3");
    for (int i = 0; i < 10; i++)
        add_series(&bench, encoder_series, SLICE("a"));
    assert_int_equal(take_payloads(&bench, NULL), 3);
    encoder_end_snapshot(bench.encoder);
    assert_int_equal(take_payloads(&bench, NULL), 1);
    bench_close(&bench);
}

static void timestamped_samples_are_posted_at_the_end_of_their_batch(void **state)
{
    struct bench bench;
    (void)state;

    OPEN(&bench, "env=");
    for (int i = 0; i < 10; i++)
        add_series(&bench, encoder_timed, SLICE("a"));
    assert_true(encoder_has_records(bench.encoder));
    encoder_end_snapshot(bench.encoder); /* is about others */
    assert_int_equal(take_payloads(&bench, NULL), 0);
    for (int i = 0; i < 2; i++) {
        encoder_end_timed(bench.encoder); /* the second time nothing is open */
        assert_int_equal(take_payloads(&bench, NULL), i == 0);
    }
    add_series(&bench, encoder_timed, SLICE("a"));
    encoder_end_records(bench.encoder, 1010);
    assert_int_equal(take_payloads(&bench, NULL), 1);
    assert_false(encoder_has_records(bench.encoder));
    bench_close(&bench);
}

/* Their values are 0, 1, 2, ... in this order, however they were cut. */
static size_t check_points(json_t *bodies)
{
    size_t i, j, k, n = 0;
    json_t *body, *series, *point;

    json_array_foreach(bodies, i, body) json_array_foreach(body, j, series)
        json_array_foreach(json_object_get(series, "points"), k, point)
            assert_int_equal((int)json_number_value(json_array_get(point, 1)), n++);
    return n;
}

static void add_many_points(struct bench *bench, struct slice name, size_t n)
{
    struct point points[256];

    for (size_t i = 0; i < n; i++)
        points[i] = (struct point){ 1000, (double)i };
    struct series series = { .id = { .metric = name, .host = SLICE("h") },
                             .type = SERIES_GAUGE,
                             .points = points,
                             .n_points = n };

    encoder_timed(bench->encoder, &series, 1010);
}

static void a_series_of_more_points_than_a_payload_may_have_is_cut(void **state)
{
    static const struct {
        char *limit;
        size_t payloads;
    } cases[] = {
        { "serializer_max_series_points_per_payload=10000", 1 },
        { "serializer_max_series_points_per_payload=128", 2 },
        { "serializer_max_series_points_per_payload=1", 256 },
        { "serializer_max_series_uncompressed_payload_size=1024", 4 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        json_t *bodies = json_array();

        OPEN(&bench, cases[i].limit);
        add_many_points(&bench, SLICE("a"), 256);
        encoder_end_timed(bench.encoder);
        assert_int_equal(take_payloads(&bench, bodies), cases[i].payloads);
        assert_int_equal(check_points(bodies), 256);
        assert_int_equal(counter_read(&bench.ledger.posted[POINT_SERIES]), 256);
        json_decref(bodies);
        bench_close(&bench);
    }
}

static void of_a_series_too_large_even_alone_each_point_is_counted(void **state)
{
    struct bench bench;
    char name[1100];
    (void)state;

    memset(name, 'n', sizeof name);
    OPEN(&bench, "serializer_max_series_uncompressed_payload_size=1024");
    add_many_points(&bench, (struct slice){ name, sizeof name }, 77);
    assert_int_equal(dropped(&bench, POINT_TOO_LARGE), 77);
    assert_int_equal(counter_read(&bench.ledger.encoded[POINT_SERIES]), 0);
    bench_close(&bench);
    OPEN(&bench, "enable_payloads.series=false");
    add_many_points(&bench, SLICE("a"), 77);
    assert_int_equal(dropped(&bench, POINT_DISABLED), 77);
    bench_close(&bench);
}

static const char *title_of(json_t *events, const char *source, size_t i)
{
    json_t *event = json_array_get(json_object_get(events, source), i);

    return json_string_value(json_object_get(event, "msg_title"));
}

/* The decoder refuses an object with a key twice: sources that are written alike must
 * be one. */
static void events_of_all_sources_share_a_payload_in_the_order_they_came(void **state)
{
    struct bench bench;
    json_t *bodies = json_array();
    (void)state;

    OPEN(&bench, "env=");
    add_event(&bench, SLICE("1"), SLICE("b"));
    add_event(&bench, SLICE("2"), SLICE(""));
    add_event(&bench, SLICE("3"), SLICE("b"));
    add_event(&bench, SLICE("4"), SLICE("api"));
    add_event(&bench, SLICE("5"), SLICE("x\xff"));
    add_event(&bench, SLICE("6"), SLICE("x\xfe"));
    assert_true(encoder_has_records(bench.encoder));
    encoder_end_records(bench.encoder, 1010);
    assert_false(encoder_has_records(bench.encoder));
    assert_int_equal(take_payloads(&bench, bodies), 1);
    json_t *events = json_object_get(json_array_get(bodies, 0), "events");
    assert_int_equal(json_object_size(events), 3);
    assert_string_equal(title_of(events, "b", 0), "1");
    assert_string_equal(title_of(events, "b", 1), "3");
    assert_string_equal(title_of(events, "api", 0), "2");
    assert_string_equal(title_of(events, "api", 1), "4");
    assert_string_equal(title_of(events, "x\xef\xbf\xbd", 1), "6");
    json_decref(bodies);
    bench_close(&bench);
}

static void add_events_of_sources(struct bench *bench, int n)
{
    for (int i = 0; i < n; i++) {
        char source[16];

        snprintf(source, sizeof source, "s%d", i);
        add_event(bench, SLICE("1"), slice_of(source));
    }
}

static void many_sources_are_split_by_size_alone(void **state)
{
    struct bench bench;
    json_t *bodies = json_array();
    size_t events = 0, sources = 0, i;
    json_t *body, *list;
    const char *source;
    (void)state;

    OPEN(&bench, "serializer_max_uncompressed_payload_size=100000");
    add_events_of_sources(&bench, 5000);
    encoder_end_records(bench.encoder, 1010);
    assert_in_range(take_payloads(&bench, bodies), 2, 9);
    json_array_foreach(bodies, i, body)
    {
        json_object_foreach(json_object_get(body, "events"), source, list)
        {
            sources++;
            events += json_array_size(list);
        }
    }
    assert_int_equal(events, 5000);
    assert_int_equal(sources, 5000);
    json_decref(bodies);
    bench_close(&bench);
}

/* Beyond sixteen payloads a second events are dropped; the next second has its own. */
static void a_flood_of_events_is_bounded(void **state)
{
    struct bench bench;
    (void)state;

    OPEN(&bench, "serializer_max_uncompressed_payload_size=1024");
    add_events_of_sources(&bench, 1000);
    encoder_end_records(bench.encoder, 1010);
    assert_int_equal(take_payloads(&bench, NULL), 16);
    uint64_t posted = counter_read(&bench.ledger.posted[POINT_EVENT]);
    assert_in_range(posted, 16, 500);
    assert_int_equal(dropped(&bench, POINT_EVENTS_FULL), 1000 - posted);
    add_events_of_sources(&bench, 1);
    encoder_end_records(bench.encoder, 1011);
    assert_int_equal(take_payloads(&bench, NULL), 1);
    assert_int_equal(dropped(&bench, POINT_EVENTS_FULL), 1000 - posted);
    bench_close(&bench);
}

static void a_flood_that_does_not_wait_for_the_tick_is_bounded_too(void **state)
{
    struct bench bench;
    char *title = calloc(1, 60000);
    (void)state;

    memset(title, 'x', 60000);
    OPEN(&bench, "env=");
    for (int i = 0; i < 500; i++)
        add_event(&bench, (struct slice){ title, 60000 }, SLICE("s"));
    assert_true(encoder_has_records(bench.encoder)); /* though nothing waits any more */
    assert_int_equal(take_payloads(&bench, NULL), 16);
    assert_int_equal(counter_read(&bench.ledger.posted[POINT_EVENT]) +
                         dropped(&bench, POINT_EVENTS_FULL),
                     500);
    encoder_end_records(bench.encoder, 1010);
    add_event(&bench, SLICE("1"), SLICE("s"));
    encoder_end_records(bench.encoder, 1011);
    assert_int_equal(take_payloads(&bench, NULL), 1);
    bench_close(&bench);
    free(title);
}

static void any_number_of_checks_is_one_payload(void **state)
{
    struct bench bench;
    (void)state;

    OPEN(&bench, "env=");
    for (int i = 0; i < 5000; i++)
        add_check(&bench);
    encoder_end_records(bench.encoder, 1010);
    assert_int_equal(take_payloads(&bench, NULL), 1);
    bench_close(&bench);
}

static void many_events_do_not_wait_for_the_tick(void **state)
{
    struct bench bench;
    char *title = calloc(1, 5000);
    (void)state;

    memset(title, 'x', 5000);
    OPEN(&bench, "env=");
    for (int i = 0; i < 300; i++)
        add_event(&bench, (struct slice){ title, 5000 }, SLICE("s"));
    assert_true(take_payloads(&bench, NULL) > 0);
    bench_close(&bench);
    free(title);
}

static void what_is_turned_off_is_counted_and_not_sent(void **state)
{
    struct bench bench;
    struct sketch_series sketch = { .n_points = 0 };
    (void)state;

    OPEN(&bench, "enable_payloads.series=false", "enable_payloads.events=false",
         "enable_payloads.service_checks=false", "enable_payloads.sketches=false");
    add_series(&bench, encoder_series, SLICE("a"));
    add_series(&bench, encoder_timed, SLICE("a"));
    encoder_sketch(bench.encoder, &sketch, 1010);
    add_event(&bench, SLICE("1"), SLICE("b"));
    add_check(&bench);
    assert_int_equal(dropped(&bench, POINT_DISABLED), 5);
    encoder_end_snapshot(bench.encoder);
    encoder_end_records(bench.encoder, 1010);
    assert_int_equal(take_payloads(&bench, NULL), 0);
    bench_close(&bench);
}

static void what_fits_in_no_payload_is_dropped_alone(void **state)
{
    struct bench bench;
    char *name = calloc(1, 5000);
    (void)state;

    for (size_t i = 0; i < 5000; i++)
        name[i] = (char)('a' + rand() % 26);
    OPEN(&bench, "serializer_max_series_uncompressed_payload_size=2000",
         "serializer_max_uncompressed_payload_size=2000");
    add_series(&bench, encoder_series, SLICE("a"));
    add_series(&bench, encoder_series, (struct slice){ name, 5000 });
    add_series(&bench, encoder_series, SLICE("b"));
    add_event(&bench, (struct slice){ name, 5000 }, SLICE("s"));
    add_event(&bench, SLICE("1"), SLICE("s"));
    encoder_end_snapshot(bench.encoder);
    encoder_end_records(bench.encoder, 1010);
    assert_int_equal(dropped(&bench, POINT_TOO_LARGE), 2);
    assert_int_equal(counter_read(&bench.ledger.posted[POINT_SERIES]), 2);
    assert_int_equal(counter_read(&bench.ledger.posted[POINT_EVENT]), 1);
    bench_close(&bench);
    free(name);
}

static void the_older_series_route_is_json(void **state)
{
    struct bench bench;
    json_t *bodies = json_array();
    (void)state;

    OPEN(&bench, "use_v2_api.series=false", "serializer_compressor_kind=gzip");
    add_series(&bench, encoder_series, SLICE("a"));
    encoder_end_snapshot(bench.encoder);
    assert_int_equal(take_payloads(&bench, bodies), 1);
    json_t *series = json_object_get(json_array_get(bodies, 0), "series");
    assert_string_equal(json_string_value(json_object_get(json_array_get(series, 0), "metric")),
                        "a");
    json_decref(bodies);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_is_posted_at_its_end),
        cmocka_unit_test(full_payloads_are_posted_at_once),
        cmocka_unit_test(what_delivery_does_not_take_is_dropped_and_counted),
        cmocka_unit_test(timestamped_samples_are_posted_at_the_end_of_their_batch),
        cmocka_unit_test(a_series_of_more_points_than_a_payload_may_have_is_cut),
        cmocka_unit_test(of_a_series_too_large_even_alone_each_point_is_counted),
        cmocka_unit_test(events_of_all_sources_share_a_payload_in_the_order_they_came),
        cmocka_unit_test(many_sources_are_split_by_size_alone),
        cmocka_unit_test(a_flood_of_events_is_bounded),
        cmocka_unit_test(a_flood_that_does_not_wait_for_the_tick_is_bounded_too),
        cmocka_unit_test(any_number_of_checks_is_one_payload),
        cmocka_unit_test(many_events_do_not_wait_for_the_tick),
        cmocka_unit_test(what_is_turned_off_is_counted_and_not_sent),
        cmocka_unit_test(what_fits_in_no_payload_is_dropped_alone),
        cmocka_unit_test(the_older_series_route_is_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
