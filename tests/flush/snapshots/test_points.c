#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "flush/snapshots/points.h"
#include "tests/support/pipeline.h"
#include "tests/support/with_settings.h"

static void each_type_becomes_the_series_that_the_intake_knows(void **state)
{
    static const struct {
        const char *line, *name;
        int type; /* 0: a sketch */
        double value;
    } cases[] = {
        { "a:5|c", "a", SERIES_RATE, 0.5 },
        { "a:5|g", "a", SERIES_GAUGE, 5 },
        { "a:x|s", "a", SERIES_GAUGE, 1 },
        { "a:1:3|h", "a.max", SERIES_GAUGE, 3 },
        { "a:1:3|h", "a.median", SERIES_GAUGE, 1 },
        { "a:1:3|h", "a.avg", SERIES_GAUGE, 2 },
        { "a:1:3|h", "a.count", SERIES_RATE, 0.2 },
        { "a:1:3|ms", "a.95percentile", SERIES_GAUGE, 3 },
        { "a:5:6|d", "a", 0, 2 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pipeline *p = PIPELINE(1, 1000);
        pipeline_line(p, 0, 1001, cases[i].line);
        pipeline_flush(p, 1010);
        assert_float_equal(pipeline_value(p, cases[i].name, "", 1000), cases[i].value, 1e-12);
        const struct pipeline_point *point = pipeline_find(p, cases[i].name, "", 1000);
        assert_int_equal(point->type, cases[i].type);
        assert_string_equal(point->host, "h");
        pipeline_free(p);
    }
}

static void a_rate_is_by_the_interval_that_is_set(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000, "heeler_interval=4");
    (void)state;

    pipeline_line(p, 0, 1001, "a:8|c\nh:1|h");
    pipeline_flush(p, 1004);
    assert_float_equal(pipeline_value(p, "a", "", 1000), 2, 0);
    assert_float_equal(pipeline_value(p, "h.count", "", 1000), 0.25, 0);
    assert_int_equal(pipeline_find(p, "a", "", 1000)->interval_s, 4);
    pipeline_free(p);
}

/* rep-001. */
static void what_is_made_of_timings_is_in_milliseconds_but_for_the_count(void **state)
{
    static const char *const made[] = { "max", "median", "avg", "min", "sum", "95percentile" };
    struct pipeline *p = PIPELINE(2, 1000, "histogram_aggregates=max median avg min sum count");
    char name[32];
    (void)state;

    pipeline_line(p, 0, 1001,
                  "t:100|ms\nboth:1|h\nboth:2|ms\nboth:3|h\nh:100|h\nh:nan|ms\ng:1|g\nd:1|d");
    pipeline_line(p, 1, 1002, "t:50|h\nh:100|h"); /* one worker's unit is that of all */
    pipeline_flush(p, 1010);
    pipeline_line(p, 0, 1011, "both:1|h");
    pipeline_flush(p, 1020);
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        static const struct {
            const char *of, *unit;
            int64_t time_s;
        } cases[] = { { "t", "millisecond", 1000 },
                      { "both", "millisecond", 1000 },
                      { "both", "", 1010 }, /* of that interval's values alone */
                      { "h", "", 1000 } };
        for (size_t j = 0; j < sizeof cases / sizeof cases[0]; j++) {
            snprintf(name, sizeof name, "%s.%s", cases[j].of, made[i]);
            const struct pipeline_point *point = pipeline_find(p, name, "", cases[j].time_s);
            assert_non_null(point);
            assert_string_equal(point->unit, cases[j].unit);
        }
    }
    assert_string_equal(pipeline_find(p, "t.count", "", 1000)->unit, "");
    assert_string_equal(pipeline_find(p, "g", "", 1000)->unit, "");
    pipeline_free(p);
}

/* rep-002. */
static void a_sample_rate_weighs_what_it_says(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000);
    (void)state;

    pipeline_line(p, 0, 1001, "t:100|h|@0.3");
    pipeline_flush(p, 1010);
    assert_float_equal(pipeline_value(p, "t.max", "", 1000), 100, 0);
    assert_float_equal(pipeline_value(p, "t.median", "", 1000), 100, 0);
    assert_float_equal(pipeline_value(p, "t.avg", "", 1000), 100, 0);
    assert_float_equal(pipeline_value(p, "t.95percentile", "", 1000), 100, 0);
    assert_float_equal(pipeline_value(p, "t.count", "", 1000), 0.3333333333333333, 1e-16);
    pipeline_free(p);
}

static void what_is_not_finite_is_dropped_alone(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000, "histogram_aggregates=max avg sum count");
    (void)state;

    pipeline_line(p, 0, 1001, "a:1e308:1e308|c\nb:1|c\nh:1|h|@inf\nd:1e308:1e308|d");
    pipeline_flush(p, 1010);
    assert_null(pipeline_find(p, "a", "", 1000)); /* the sum is not finite */
    assert_non_null(pipeline_find(p, "b", "", 1000));
    assert_null(pipeline_find(p, "h.avg", "", 1000)); /* of no weight */
    assert_non_null(pipeline_find(p, "h.max", "", 1000));
    assert_null(pipeline_find(p, "d", "", 1000));
    assert_int_equal(counter_read(&p->ledger.dropped[POINT_NOT_FINITE]), 3);
    pipeline_free(p);
}

static void rules_are_read_from_the_settings(void **state)
{
    struct settings settings;
    struct flusher_ledger ledger = { .series = { 0 } };
    struct point_rules rules;
    (void)state;

    assert_true(WITH_SETTINGS(&settings, "histogram_aggregates=sum min wrong",
                              "histogram_percentiles=0.951 0.5 0.95 2 x 0.999 -0.1 0"));
    point_rules_read(&rules, &settings, NULL, &ledger);
    assert_true(rules.aggregates[AGGREGATE_SUM] && rules.aggregates[AGGREGATE_MIN]);
    assert_false(rules.aggregates[AGGREGATE_MAX]);
    static const int percents[] = { 0, 50, 95, 100 }; /* once each, ascending */
    assert_int_equal(rules.n_percentiles, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(rules.percentiles[i], percents[i]);
    settings_free(&settings);
}

static void histogram_series_can_be_filtered_one_by_one(void **state)
{
    struct pipeline *p = PIPELINE(1, 1000, "metric_filterlist=h.max h.avg");
    (void)state;

    pipeline_line(p, 0, 1001, "h:1|h\nh.max:1|g");
    pipeline_flush(p, 1010);
    assert_null(pipeline_find(p, "h.max", "", 1000));
    assert_null(pipeline_find(p, "h.avg", "", 1000));
    assert_non_null(pipeline_find(p, "h.median", "", 1000));
    assert_int_equal(counter_read(&p->ledger.dropped[POINT_FILTERED]), 2);
    assert_int_equal(pipeline_values_shed(p, SHED_FILTERED), 1); /* the gauge */
    pipeline_free(p);
}

static void devices_and_resources_leave_the_tags(void **state)
{
    struct identity_scratch scratch;
    const struct slice tags[] = { SLICE("a"), SLICE("dd.internal.resource:kind:name"),
                                  SLICE("device:sda"), SLICE("z") };
    (void)state;

    struct series_identity id =
        points_identity(&scratch, SLICE("m"), SLICE("h"), tags, sizeof tags / sizeof tags[0]);
    assert_int_equal(id.n_tags, 2);
    assert_int_equal(id.n_resources, 2);
    assert_true(slice_equal(id.tags[1], SLICE("z")));
    assert_true(slice_equal(id.resources[0].name, SLICE("sda")));
    assert_true(slice_equal(id.resources[1].type, SLICE("kind")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_becomes_the_series_that_the_intake_knows),
        cmocka_unit_test(a_rate_is_by_the_interval_that_is_set),
        cmocka_unit_test(what_is_made_of_timings_is_in_milliseconds_but_for_the_count),
        cmocka_unit_test(a_sample_rate_weighs_what_it_says),
        cmocka_unit_test(what_is_not_finite_is_dropped_alone),
        cmocka_unit_test(rules_are_read_from_the_settings),
        cmocka_unit_test(histogram_series_can_be_filtered_one_by_one),
        cmocka_unit_test(devices_and_resources_leave_the_tags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
