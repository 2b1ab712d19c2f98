#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/series/catalogue.h"
#include "tests/support/with_settings.h"

struct bench {
    struct settings settings;
    struct enricher *enricher;
    struct flusher_ledger ledger;
    struct catalogue *catalogue;
};

static void bench_open_with(struct bench *bench, uint32_t max_series, bool keep_gauges,
                            char *more)
{
    char problem[200];

    *bench = (struct bench){ .catalogue = NULL };
    assert_true(WITH_SETTINGS(&bench->settings, "hostname=h", more));
    bench->enricher = enrich_new(&bench->settings, "h", problem, sizeof problem);
    struct catalogue_config config = {
        .max_series = max_series,
        .workers = 2,
        .expiry_s = 300,
        .keep_gauges = keep_gauges,
        .aggregates = bench->settings.histogram_aggregates.at,
        .n_aggregates = bench->settings.histogram_aggregates.n,
    };
    bench->catalogue = catalogue_new(&config, &bench->ledger);
    assert_non_null(bench->catalogue);
}

static void bench_open(struct bench *bench, uint32_t max_series)
{
    bench_open_with(bench, max_series, false, "tags=");
}

static void bench_close(struct bench *bench)
{
    catalogue_free(bench->catalogue);
    enrich_free(bench->enricher);
    settings_free(&bench->settings);
}

static struct mapped admit(struct bench *bench, uint32_t worker, uint32_t id, const char *name,
                           const char *tags, enum cell_kind kind)
{
    struct birth birth = { id, (uint32_t)strlen(name), (uint32_t)strlen(tags), (uint32_t)kind };

    catalogue_admit(bench->catalogue, bench->enricher, worker, &birth, slice_of(name),
                    slice_of(tags));
    return catalogue_lookup(bench->catalogue, worker, id);
}

static uint32_t admitted(struct bench *bench, uint32_t worker, uint32_t id, const char *name,
                         const char *tags, enum cell_kind kind)
{
    struct mapped mapped = admit(bench, worker, id, name, tags, kind);

    assert_int_equal(mapped.refused, SHED_NOTHING);
    return mapped.series;
}

/* ---- identity ---------------------------------------------------------- */

static void spellings_of_one_identity_are_one_series(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 100);
    uint32_t series = admitted(&bench, 0, 0, "a", "x,y", CELL_COUNT);
    assert_int_equal(admitted(&bench, 0, 1, "a", "y,x", CELL_COUNT), series);
    assert_int_equal(admitted(&bench, 0, 2, "a", "x,y,x", CELL_COUNT), series);
    assert_int_equal(admitted(&bench, 1, 0, "a", "y,x,host:h", CELL_COUNT), series);
    assert_int_equal(catalogue_entry(bench.catalogue, series)->contexts, 4);
    assert_int_equal(catalogue_end(bench.catalogue), 1);
    assert_int_equal(counter_read(&bench.ledger.series), 1);
    bench_close(&bench);
}

static void kind_name_host_and_tags_tell_series_apart(void **state)
{
    static const struct {
        const char *name, *tags;
        enum cell_kind kind;
    } cases[] = {
        { "a", "", CELL_COUNT },      { "b", "", CELL_COUNT },
        { "a", "x", CELL_COUNT },     { "a", "host:other", CELL_COUNT },
        { "a", "", CELL_GAUGE },      { "a", "x,y", CELL_COUNT },
        { "a", "xy", CELL_COUNT },    { "a", "", CELL_DISTRIBUTION },
        { "a", "x", CELL_HISTOGRAM }, { "x", "a", CELL_COUNT },
    };
    enum { CASES = sizeof cases / sizeof cases[0] };
    struct bench bench;
    (void)state;

    bench_open(&bench, 100);
    for (uint32_t i = 0; i < CASES; i++)
        assert_int_equal(admitted(&bench, 0, i, cases[i].name, cases[i].tags, cases[i].kind),
                         i);
    assert_true(slice_equal(catalogue_name(bench.catalogue, 1), SLICE("b")));
    assert_true(slice_equal(catalogue_host(bench.catalogue, 3), SLICE("other")));
    size_t n;
    const struct slice *tags = catalogue_tags(bench.catalogue, 5, &n);
    assert_int_equal(n, 2);
    assert_true(slice_equal(tags[0], SLICE("x")) && slice_equal(tags[1], SLICE("y")));
    bench_close(&bench);
}

static void a_refused_context_keeps_its_reason(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with(&bench, 2, false, "metric_filterlist=bad");
    assert_int_equal(admit(&bench, 0, 0, "bad", "", CELL_COUNT).refused, SHED_FILTERED);
    assert_int_equal(admit(&bench, 0, 1, "123", "", CELL_COUNT).refused, SHED_REFUSED_NAME);
    admitted(&bench, 1, 0, "a", "", CELL_COUNT);
    admitted(&bench, 1, 1, "b", "", CELL_COUNT);
    assert_int_equal(admit(&bench, 0, 0, "c", "t", CELL_COUNT).refused, SHED_CONTEXTS_FULL);
    catalogue_retire(bench.catalogue, 0, 0);
    catalogue_retire(bench.catalogue, 0, 1);
    bench_close(&bench);
}

/* ---- life -------------------------------------------------------------- */

static void a_series_lives_while_a_context_maps_to_it(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 100);
    uint32_t series = admitted(&bench, 0, 5, "g", "x,y", CELL_GAUGE);
    admitted(&bench, 1, 7, "g", "y,x", CELL_GAUGE);
    catalogue_retire(bench.catalogue, 0, 5);
    catalogue_expire(bench.catalogue, 1000, NULL, NULL);
    assert_true(catalogue_entry(bench.catalogue, series)->live);
    catalogue_retire(bench.catalogue, 1, 7);
    catalogue_expire(bench.catalogue, 1000, NULL, NULL);
    assert_int_equal(catalogue_end(bench.catalogue), 0);
    assert_int_equal(counter_read(&bench.ledger.strings), 0);
    bench_close(&bench);
}

static void a_counter_lives_as_long_as_it_is_filled_with_zeros(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 100);
    uint32_t series = admitted(&bench, 0, 0, "c", "", CELL_COUNT);
    catalogue_entry(bench.catalogue, series)->last_seen_s = 1000;
    catalogue_retire(bench.catalogue, 0, 0);
    assert_true(catalogue_wants_zero(bench.catalogue, series, 1299));
    assert_false(catalogue_wants_zero(bench.catalogue, series, 1300));
    catalogue_expire(bench.catalogue, 1290, NULL, NULL);
    assert_int_equal(catalogue_end(bench.catalogue), 1);
    catalogue_expire(bench.catalogue, 1300, NULL, NULL);
    assert_int_equal(catalogue_end(bench.catalogue), 0);
    bench_close(&bench);
}

static void zeros_end_when_the_clock_is_set_back_far(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 100);
    uint32_t series = admitted(&bench, 0, 0, "c", "", CELL_COUNT);
    catalogue_entry(bench.catalogue, series)->last_seen_s = 100000;
    assert_true(catalogue_wants_zero(bench.catalogue, series, 99990));
    assert_false(catalogue_wants_zero(bench.catalogue, series, 90000));
    bench_close(&bench);
}

static void zeros_give_way_when_the_catalogue_is_nearly_full(void **state)
{
    struct bench bench;
    char name[16];
    (void)state;

    bench_open(&bench, 100);
    for (uint32_t i = 0; i < 90; i++) {
        snprintf(name, sizeof name, "c%u", i);
        uint32_t series = admitted(&bench, 0, i, name, "", CELL_COUNT);
        catalogue_entry(bench.catalogue, series)->last_seen_s = 1000;
        if (i < 50)
            catalogue_retire(bench.catalogue, 0, i);
    }
    catalogue_expire(bench.catalogue, 1010, NULL, NULL);
    assert_true(counter_read(&bench.ledger.series) <= 75);
    for (uint32_t i = 50; i < 90; i++) /* what is still seen stays */
        assert_int_equal(catalogue_lookup(bench.catalogue, 0, i).refused, SHED_NOTHING);
    bench_close(&bench);
}

static void a_kept_gauge_lives_as_long_as_a_counter(void **state)
{
    struct bench bench;
    (void)state;

    bench_open_with(&bench, 100, true, "tags=");
    uint32_t series = admitted(&bench, 0, 0, "g", "", CELL_GAUGE);
    catalogue_entry(bench.catalogue, series)->last_seen_s = 1000;
    *catalogue_gauge(bench.catalogue, series) = 7;
    catalogue_retire(bench.catalogue, 0, 0);
    catalogue_expire(bench.catalogue, 1290, NULL, NULL);
    assert_int_equal(admitted(&bench, 0, 0, "g", "", CELL_GAUGE), series);
    assert_float_equal(*catalogue_gauge(bench.catalogue, series), 7, 0);
    catalogue_retire(bench.catalogue, 0, 0);
    catalogue_expire(bench.catalogue, 1300, NULL, NULL);
    series = admitted(&bench, 0, 0, "g", "", CELL_GAUGE);
    assert_float_equal(*catalogue_gauge(bench.catalogue, series), 0, 0);
    bench_close(&bench);
}

static void no_new_series_comes_in_when_memory_is_short(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 100);
    uint32_t series = admitted(&bench, 0, 0, "a", "x,y", CELL_GAUGE);
    admitted(&bench, 0, 1, "b", "", CELL_GAUGE);
    assert_false(catalogue_is_crowded(bench.catalogue));
    catalogue_limit(bench.catalogue, catalogue_memory(bench.catalogue));
    assert_true(catalogue_is_crowded(bench.catalogue));
    assert_int_equal(admit(&bench, 0, 2, "c", "z", CELL_GAUGE).refused, SHED_MEMORY);
    assert_int_equal(admitted(&bench, 1, 0, "a", "y,x", CELL_GAUGE), series); /* known */
    assert_null(catalogue_refused(bench.catalogue, 0));
    catalogue_retire(bench.catalogue, 0, 0);
    catalogue_retire(bench.catalogue, 1, 0);
    catalogue_expire(bench.catalogue, 1000, NULL, NULL);
    catalogue_limit(bench.catalogue, 2 * catalogue_memory(bench.catalogue));
    struct id_list *refused = catalogue_refused(bench.catalogue, 0);
    assert_non_null(refused);
    assert_int_equal(refused->n, 1);
    assert_int_equal(refused->ids[0], 2);
    free(refused);
    catalogue_retire(bench.catalogue, 0, 2);
    admitted(&bench, 0, 2, "c", "z", CELL_GAUGE);
    assert_null(catalogue_refused(bench.catalogue, 0));
    bench_close(&bench);
}

static bool is_third(const void *argument, uint32_t series)
{
    (void)argument;
    return series == 2;
}

static void what_an_unsent_snapshot_names_stays(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 100);
    for (uint32_t id = 0; id < 4; id++) {
        admitted(&bench, 0, id, (const char *[]){ "a", "b", "c", "d" }[id], "", CELL_GAUGE);
        catalogue_retire(bench.catalogue, 0, id);
    }
    catalogue_expire(bench.catalogue, 1000, is_third, NULL);
    assert_int_equal(counter_read(&bench.ledger.series), 1);
    assert_true(slice_equal(catalogue_name(bench.catalogue, 2), SLICE("c")));
    catalogue_expire(bench.catalogue, 1000, NULL, NULL);
    assert_int_equal(counter_read(&bench.ledger.series), 0);
    bench_close(&bench);
}

static void everything_is_given_back_after_a_spike(void **state)
{
    enum { SPIKE = 100000 };
    struct bench bench;
    char tags[64];
    (void)state;

    bench_open(&bench, 200000);
    uint32_t stays = admitted(&bench, 1, 0, "stays", "a,b", CELL_COUNT);
    uint64_t strings = counter_read(&bench.ledger.strings);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < SPIKE; i++) {
            snprintf(tags, sizeof tags, "b,id:%u,round:%u", i, round);
            admitted(&bench, 0, i, "spike", tags, CELL_COUNT);
        }
        assert_int_equal(counter_read(&bench.ledger.series), SPIKE + 1);
        for (uint32_t i = 0; i < SPIKE; i++)
            catalogue_retire(bench.catalogue, 0, i);
        catalogue_expire(bench.catalogue, 1000, NULL, NULL);
        assert_int_equal(catalogue_end(bench.catalogue), stays + 1);
        assert_int_equal(counter_read(&bench.ledger.strings), strings);
    }
    assert_int_equal(admitted(&bench, 1, 1, "stays", "b,a", CELL_COUNT), stays);
    catalogue_retire(bench.catalogue, 1, 0);
    catalogue_retire(bench.catalogue, 1, 1);
    catalogue_expire(bench.catalogue, 1000, NULL, NULL);
    assert_int_equal(catalogue_end(bench.catalogue), 0);
    assert_int_equal(counter_read(&bench.ledger.strings), 0);
    bench_close(&bench);
}

/* ---- clashes ----------------------------------------------------------- */

static void each_clash_of_types_is_counted_once(void **state)
{
    static const struct {
        const char *first, *second;
        enum cell_kind first_kind, second_kind;
        int clashes;
    } cases[] = {
        { "a", "a", CELL_COUNT, CELL_COUNT, 0 },
        { "a", "a", CELL_COUNT, CELL_GAUGE, 1 },
        { "a", "a", CELL_GAUGE, CELL_SET, 1 },
        { "a", "b", CELL_COUNT, CELL_GAUGE, 0 },
        { "h", "h.max", CELL_HISTOGRAM, CELL_GAUGE, 1 }, /* h sends a series "h.max" */
        { "h.count", "h", CELL_COUNT, CELL_HISTOGRAM, 1 },
        { "h", "h.min", CELL_HISTOGRAM, CELL_GAUGE, 0 },        /* not made by default */
        { "h.max", "h", CELL_DISTRIBUTION, CELL_HISTOGRAM, 0 }, /* sketches are apart */
        { "h", "h", CELL_HISTOGRAM, CELL_DISTRIBUTION_COPY, 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        bench_open(&bench, 100);
        admitted(&bench, 0, 0, cases[i].first, "t", cases[i].first_kind);
        admitted(&bench, 0, 1, cases[i].second, "t", cases[i].second_kind);
        admitted(&bench, 1, 0, cases[i].second, "t", cases[i].second_kind); /* not again */
        admitted(&bench, 1, 1, cases[i].second, "other", cases[i].second_kind);
        if (counter_read(&bench.ledger.type_conflicts) != (uint64_t)cases[i].clashes)
            fail_msg("%s and %s: %llu", cases[i].first, cases[i].second,
                     (unsigned long long)counter_read(&bench.ledger.type_conflicts));
        bench_close(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_of_one_identity_are_one_series),
        cmocka_unit_test(kind_name_host_and_tags_tell_series_apart),
        cmocka_unit_test(a_refused_context_keeps_its_reason),
        cmocka_unit_test(a_series_lives_while_a_context_maps_to_it),
        cmocka_unit_test(a_counter_lives_as_long_as_it_is_filled_with_zeros),
        cmocka_unit_test(zeros_end_when_the_clock_is_set_back_far),
        cmocka_unit_test(zeros_give_way_when_the_catalogue_is_nearly_full),
        cmocka_unit_test(a_kept_gauge_lives_as_long_as_a_counter),
        cmocka_unit_test(no_new_series_comes_in_when_memory_is_short),
        cmocka_unit_test(what_an_unsent_snapshot_names_stays),
        cmocka_unit_test(everything_is_given_back_after_a_spike),
        cmocka_unit_test(each_clash_of_types_is_counted_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
