#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/timed.h"
#include "tests/support/decode.h"
#include "tests/support/with_settings.h"

enum { NOW_S = 1000 };

struct bench {
    struct settings settings;
    struct outbox outbox;
    struct flusher_ledger ledger;
    struct rules *rules;
    struct encoder *encoder;
    struct timed *timed;
};

static struct rules *make_rules(struct bench *bench, const struct settings *settings)
{
    char problem[256];
    struct rules *rules = rules_new(settings, "h", &bench->ledger, problem, sizeof problem);

    assert_non_null(rules);
    return rules;
}

static void bench_open(struct bench *bench)
{
    assert_true(outbox_open(&bench->outbox));
    bench->rules = make_rules(bench, &bench->settings);
    bench->encoder = encoder_new(&bench->settings, "h", &bench->outbox, &bench->ledger);
    bench->timed = timed_new(bench->encoder, NULL, 10, &bench->ledger);
    assert_non_null(bench->timed);
}

#define OPEN(at, ...)                                             \
    do {                                                          \
        *(at) = (struct bench){ .encoder = NULL };                \
        assert_true(WITH_SETTINGS(&(at)->settings, __VA_ARGS__)); \
        bench_open(at);                                           \
    } while (0)

/* Whatever was encoded has been posted. */
static void bench_close(struct bench *bench)
{
    timed_free(bench->timed);
    encoder_free(bench->encoder);
    assert_int_equal(counter_read(&bench->ledger.encoded[POINT_SERIES]),
                     counter_read(&bench->ledger.posted[POINT_SERIES]));
    assert_int_equal(atomic_load(&bench->rules->holders), 1);
    rules_release(bench->rules);
    outbox_close(&bench->outbox);
    settings_free(&bench->settings);
}

/* Any print will do that differs by identity. */
static uint64_t print_of(enum cell_kind cell, const char *name, const char *tags)
{
    uint64_t hash = 14695981039346656037U + 1000003 * (uint64_t)cell;

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211U;
    for (hash *= 31; *tags != '\0'; tags++)
        hash = (hash ^ (unsigned char)*tags) * 1099511628211U;
    return hash;
}

static void add(struct bench *bench, struct rules *rules, enum cell_kind cell, const char *name,
                const char *tags, int64_t time_s, double value)
{
    struct timed_sample sample = { .print = { print_of(cell, name, tags), 7 },
                                   .name = slice_of(name),
                                   .tags = slice_of(tags),
                                   .values = &value,
                                   .n_values = 1,
                                   .cell = cell,
                                   .time_s = time_s };

    timed_add(bench->timed, rules, &sample, NOW_S);
}

static void add_gauge(struct bench *bench, const char *name, int64_t time_s, double value)
{
    add(bench, bench->rules, CELL_GAUGE, name, "", time_s, value);
}

/* "name{tags}=time:value,time:value " of each entry of all payloads since the last call, which
 * are "/ " apart; a view, good until the next call. */
static const char *taken(struct bench *bench)
{
    static char text[4096];
    size_t i, k, len = 0;
    json_t *series, *point, *tag;

    text[0] = '\0';
    for (struct payload *p = outbox_take(&bench->outbox), *next; p != NULL; p = next) {
        json_t *body = decode_payload(p);
        json_t *list = json_is_array(body) ? body : json_object_get(body, "series");

        next = p->next;
        json_array_foreach(list, i, series)
        {
            len += (size_t)sprintf(text + len, "%s{",
                                   json_string_value(json_object_get(series, "metric")));
            json_array_foreach(json_object_get(series, "tags"), k, tag) len +=
                (size_t)sprintf(text + len, k > 0 ? ",%s" : "%s", json_string_value(tag));
            len += (size_t)sprintf(text + len, "}");
            json_array_foreach(json_object_get(series, "points"), k, point) len +=
                (size_t)sprintf(text + len, "%c%lld:%g", k > 0 ? ',' : '=',
                                (long long)json_integer_value(json_array_get(point, 0)),
                                json_number_value(json_array_get(point, 1)));
            len += (size_t)sprintf(text + len, " ");
        }
        len += (size_t)sprintf(text + len, "/ ");
        json_decref(body);
        outbox_settle(&bench->outbox, p);
    }
    return text;
}

static uint64_t shed(const struct bench *bench, enum shed_reason reason)
{
    return counter_read(&bench->ledger.shed[reason]);
}

/* ---- entries ----------------------------------------------------------- */

static void points_of_a_series_are_one_entry_in_the_order_they_came(void **state)
{
    static char *const routes[] = { "use_v2_api.series=true", "use_v2_api.series=false" };
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        struct bench bench;

        OPEN(&bench, routes[i]);
        add_gauge(&bench, "a", 9, 1);
        add_gauge(&bench, "b", 5, 2);
        add_gauge(&bench, "a", 8, 3);
        add_gauge(&bench, "a", 9, 4); /* a second that was there already */
        add(&bench, bench.rules, CELL_COUNT, "a", "", 9, 5);
        add(&bench, bench.rules, CELL_GAUGE, "a", "y,x,y", 9, 6);
        assert_string_equal(taken(&bench), "");
        timed_post(bench.timed, NOW_S);
        assert_string_equal(taken(&bench), "a{}=9:1,8:3,9:4 b{}=5:2 a{}=9:0.5 a{x,y}=9:6 / ");
        add_gauge(&bench, "b", 6, 7);
        timed_post(bench.timed, NOW_S);
        assert_string_equal(taken(&bench), "b{}=6:7 / ");
        assert_int_equal(counter_read(&bench.ledger.folded), 7);
        assert_int_equal(counter_read(&bench.ledger.posted[POINT_SERIES]), 7);
        bench_close(&bench);
    }
}

static void a_full_batch_is_posted_at_once(void **state)
{
    struct bench bench;
    (void)state;

    OPEN(&bench, "dogstatsd_no_aggregation_pipeline_batch_size=3");
    for (int i = 0; i < 7; i++)
        add_gauge(&bench, i % 2 == 0 ? "a" : "b", i + 1, i);
    assert_string_equal(taken(&bench), "a{}=1:0,3:2 b{}=2:1 / a{}=5:4 b{}=4:3,6:5 / ");
    timed_post(bench.timed, NOW_S);
    assert_string_equal(taken(&bench), "a{}=7:6 / ");
    bench_close(&bench);
}

/* An intake that answers 413 gets halves, which are cut between entries. */
static void an_entry_of_many_points_is_cut_so_that_its_payload_can_be_split(void **state)
{
    struct bench bench;
    struct payload *halves[2];
    (void)state;

    OPEN(&bench, "env=");
    for (int i = 0; i < 1000; i++)
        add_gauge(&bench, "a", i + 1, i);
    timed_post(bench.timed, NOW_S);
    struct payload *payload = outbox_take(&bench.outbox);
    assert_int_equal(payload->points, 1000);
    assert_int_equal(payload->items, 4);
    assert_int_equal(payload_split(payload, halves), SPLIT_DONE);
    assert_true(halves[0]->points > 0 && halves[1]->points > 0);
    assert_int_equal(halves[0]->points + halves[1]->points, 1000);
    for (size_t i = 0; i < 2; i++)
        payload_free(halves[i]);
    outbox_settle(&bench.outbox, payload);
    bench_close(&bench);
}

/* ---- what series are called -------------------------------------------- */

static void each_value_of_a_refused_series_is_counted(void **state)
{
    struct bench bench;
    (void)state;

    OPEN(&bench, "metric_filterlist=bad");
    for (int i = 0; i < 3; i++) {
        add_gauge(&bench, "bad", 1, i);
        add_gauge(&bench, "1", 1, NAN);
        add_gauge(&bench, "good", 1, i == 1 ? (double)INFINITY : i);
    }
    timed_post(bench.timed, NOW_S);
    assert_int_equal(shed(&bench, SHED_FILTERED), 3);
    assert_int_equal(shed(&bench, SHED_REFUSED_NAME), 3);
    assert_int_equal(shed(&bench, SHED_NOT_FINITE), 1);
    assert_int_equal(counter_read(&bench.ledger.folded), 2);
    assert_string_equal(taken(&bench), "good{}=1:0,1:2 / ");
    bench_close(&bench);
}

static void a_series_is_called_by_the_rules_of_each_sample(void **state)
{
    struct bench bench;
    struct settings settings;
    (void)state;

    OPEN(&bench, "tags=old:1");
    assert_true(WITH_SETTINGS(&settings, "tags=new:1", "metric_filterlist=b"));
    struct rules *next = make_rules(&bench, &settings);

    add_gauge(&bench, "a", 1, 1);
    add_gauge(&bench, "b", 1, 2);
    add(&bench, next, CELL_GAUGE, "a", "", 2, 3);
    add(&bench, next, CELL_GAUGE, "b", "", 2, 4);
    assert_string_equal(taken(&bench), "a{old:1}=1:1 b{old:1}=1:2 / ");
    add_gauge(&bench, "a", 3, 5); /* another worker still follows the old ones */
    assert_string_equal(taken(&bench), "a{new:1}=2:3 / ");
    timed_post(bench.timed, NOW_S);
    assert_string_equal(taken(&bench), "a{old:1}=3:5 / ");
    assert_int_equal(shed(&bench, SHED_FILTERED), 1);
    assert_int_equal(atomic_load(&next->holders), 1);
    rules_release(next);
    settings_free(&settings);
    bench_close(&bench);
}

static void names_and_tags_are_kept_as_long_as_samples_come(void **state)
{
    struct bench bench;
    char name[] = "abc", tags[] = "device:d,t:1,dd.internal.resource:kind:one,host:x";
    (void)state;

    OPEN(&bench, "env=");
    add(&bench, bench.rules, CELL_GAUGE, name, tags, 1, 1);
    memset(name, '?', sizeof name - 1); /* views of the chunk end */
    memset(tags, '?', sizeof tags - 1);
    timed_post(bench.timed, NOW_S);
    struct payload *payload = outbox_take(&bench.outbox);
    json_t *body = decode_payload(payload), *series = json_array_get(body, 0);
    char *resources = json_dumps(json_object_get(series, "resources"), JSON_COMPACT);
    assert_string_equal(json_string_value(json_object_get(series, "metric")), "abc");
    assert_string_equal(json_string_value(json_object_get(series, "host")), "x");
    assert_string_equal(resources, "[[\"device\",\"d\"],[\"kind\",\"one\"]]");
    assert_int_equal(json_array_size(json_object_get(series, "tags")), 1);
    free(resources);
    json_decref(body);
    outbox_settle(&bench.outbox, payload);
    assert_int_equal(atomic_load(&bench.rules->holders), 2);
    timed_tidy(bench.timed, NOW_S);
    assert_int_equal(atomic_load(&bench.rules->holders), 2);
    timed_tidy(bench.timed, NOW_S); /* a second without samples */
    assert_int_equal(atomic_load(&bench.rules->holders), 1);
    bench_close(&bench);
}

/* ---- bounds ------------------------------------------------------------ */

/* More series than are kept at a time, and more bytes of tags; each comes twice. */
static void however_many_series_there_are_no_point_is_lost(void **state)
{
    enum { SERIES = 20000, LONG = 500 };
    struct bench bench;
    char name[16], tags[LONG + 1];
    uint64_t points = 0, items = 0;
    (void)state;

    memset(tags, 't', LONG);
    tags[LONG] = '\0';
    OPEN(&bench, "serializer_compressor_kind=none");
    for (int i = 0; i < 2 * SERIES; i++) {
        snprintf(name, sizeof name, "n%d", i / 2);
        add(&bench, bench.rules, CELL_GAUGE, name, i < SERIES ? "" : tags, 1, i);
    }
    timed_post(bench.timed, NOW_S);
    for (struct payload *p = outbox_take(&bench.outbox), *next; p != NULL; p = next) {
        next = p->next;
        points += p->points;
        items += p->items;
        outbox_settle(&bench.outbox, p);
    }
    assert_int_equal(points, 2 * SERIES);
    assert_in_range(items, SERIES, SERIES + 100); /* a batch may end between two points */
    assert_int_equal(counter_read(&bench.ledger.folded), 2 * SERIES);
    assert_int_equal(shed(&bench, SHED_MEMORY), 0);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_of_a_series_are_one_entry_in_the_order_they_came),
        cmocka_unit_test(a_full_batch_is_posted_at_once),
        cmocka_unit_test(an_entry_of_many_points_is_cut_so_that_its_payload_can_be_split),
        cmocka_unit_test(each_value_of_a_refused_series_is_counted),
        cmocka_unit_test(a_series_is_called_by_the_rules_of_each_sample),
        cmocka_unit_test(names_and_tags_are_kept_as_long_as_samples_come),
        cmocka_unit_test(however_many_series_there_are_no_point_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
