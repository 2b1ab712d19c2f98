#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flush/rollups/units.h"
#include "tests/support/assert_json.h"
#include "tests/support/inquire.h"

enum { START = 1700006400 };

#define STRANGE "<img onerror=x>\x1b[2J\xffz"

/* Four intervals: a counter of two series, one name with two types, a set, a distribution, a
 * timing, a name from a stranger; and one that came in the first interval only. */
static struct pipeline *some(void)
{
    struct pipeline *p = PIPELINE(1, START, "histogram_aggregates=max count",
                                  "histogram_percentiles=", "dogstatsd_expiry_seconds=0");

    pipeline_line(p, 0, START + 1, "gone:1|g");
    for (int i = 0; i < 4; i++)
        pipeline_line(p, 0, START + 10 * i + 2,
                      "hits:10|c|#env:dev\nhits:20:30|c|#env:prod\nboth:1|c\nboth:6|g\n"
                      "users:a|s\nusers:b|s\nlat:2:4|d\ntime:7:9|ms\n" STRANGE
                      ":1|g|#\x1bk:\xfe");
    pipeline_flush(p, START + 41);
    return p;
}

static json_t *list(struct pipeline *p, struct inquiry inquiry)
{
    inquiry.limit = inquiry.limit == 0 ? 200 : inquiry.limit;
    return inquire_of(p, &answer_list, inquiry);
}

/* The names as "a b c". */
static void assert_names(struct pipeline *p, struct inquiry inquiry, const char *names,
                         int total)
{
    char text[512] = "";
    json_t *answer = list(p, inquiry), *metric;
    size_t i;

    json_array_foreach(json_object_get(answer, "metrics"), i, metric)
    {
        strcat(text, i > 0 ? " " : "");
        strcat(text, json_string_value(json_object_get(metric, "name")));
    }
    assert_string_equal(text, names);
    assert_int_equal(json_integer_value(json_object_get(answer, "total")), total);
    json_decref(answer);
}

#define SEEK(what, ...) ((struct inquiry){ .text = SLICE(what), __VA_ARGS__ })

static void names_are_found_sorted_and_cut(void **state)
{
    struct pipeline *p = some();
    (void)state;

    assert_names(p, SEEK("", .limit = 4), "<img onerror=x>\x1b[2J\xef\xbf\xbdz both both gone",
                 9);
    assert_names(p, SEEK("", .limit = 3, .offset = 4), "hits lat time.count", 9);
    assert_names(p, SEEK("", .offset = 8), "users", 9);
    assert_names(p, SEEK("", .offset = 9), "", 9);
    assert_names(p, SEEK("TIME."), "time.count time.max", 2);
    assert_names(p, SEEK("*t*"), "both both hits lat time.count time.max", 6);
    assert_names(p, SEEK("t*"), "time.count time.max", 2);
    assert_names(p, SEEK("nothing"), "", 0);
    assert_names(p, SEEK("<img"), "<img onerror=x>\x1b[2J\xef\xbf\xbdz", 1);
    assert_names(p, SEEK("", .order = ORDER_VALUES, .limit = 5),
                 "hits lat time.count time.max users", 9);
    assert_names(p, SEEK("", .order = ORDER_SERIES, .limit = 1), "hits", 9);
    pipeline_free(p);
}

static void rows_say_what_came(void **state)
{
    static const struct {
        const char *name, *expected;
        int at;
        const char *spark; /* of the last five intervals */
    } cases[] = {
        { "hits",
          "{\"type\":\"count\",\"unit\":\"\",\"series\":2,\"live\":2,\"values\":3,"
          "\"last_s\":1700006430,\"last\":6}",
          0, "[null,6,6,6,6]" },
        { "both", "{\"type\":\"count\",\"values\":1,\"last\":0.1}", 0,
          "[null,0.1,0.1,0.1,0.1]" },
        { "both", "{\"type\":\"gauge\",\"values\":1,\"last\":6}", 1, "[null,6,6,6,6]" },
        { "users", "{\"type\":\"set\",\"values\":2,\"last\":2}", 0, "[null,2,2,2,2]" },
        { "lat", "{\"type\":\"distribution\",\"values\":2,\"last\":3}", 0, "[null,3,3,3,3]" },
        { "time.max", "{\"type\":\"gauge\",\"unit\":\"millisecond\",\"values\":2,\"last\":9}",
          0, "[null,9,9,9,9]" },
        { "time.count", "{\"type\":\"count\",\"unit\":\"\",\"values\":2,\"last\":0.2}", 0,
          "[null,0.2,0.2,0.2,0.2]" },
        { "gone",
          "{\"type\":\"gauge\",\"series\":1,\"live\":1,\"values\":0,"
          "\"last_s\":1700006400,\"last\":1}",
          0, "[null,1,null,null,null]" },
    };
    struct pipeline *p = some();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *answer = list(p, (struct inquiry){ .text = slice_of(cases[i].name) });
        json_t *row = json_array_get(json_object_get(answer, "metrics"), (size_t)cases[i].at);
        json_t *spark = json_object_get(row, "spark"), *wanted;

        assert_members(row, cases[i].expected);
        assert_int_equal(json_array_size(spark), 30);
        wanted = json_loads(cases[i].spark, JSON_DECODE_ANY, NULL);
        for (size_t at = 0; at < 5; at++)
            if (json_number_value(json_array_get(spark, 25 + at)) !=
                    json_number_value(json_array_get(wanted, at)) ||
                json_is_null(json_array_get(spark, 25 + at)) !=
                    json_is_null(json_array_get(wanted, at)))
                fail_msg("%s: %s", cases[i].name, json_dumps(spark, 0));
        json_decref(wanted);
        json_decref(answer);
    }
    pipeline_free(p);
}

/* A counter is filled with zeros; that is no value. */
static void zeros_are_no_values(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "dogstatsd_expiry_seconds=300");
    (void)state;

    pipeline_line(p, 0, START + 1, "hits:10|c");
    pipeline_flush(p, START + 31);
    json_t *answer = list(p, SEEK(""));
    assert_members(json_array_get(json_object_get(answer, "metrics"), 0),
                   "{\"values\":0,\"last_s\":1700006400,\"last\":0,\"live\":1}");
    assert_members(answer, "{\"until_s\":1700006430,\"interval_s\":10}");
    json_decref(answer);
    pipeline_free(p);
}

/* Counted are the series of that host alone, whose name is said letter by letter. */
static void one_host_has_its_metrics(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=1048576");
    (void)state;

    pipeline_line(p, 0, START + 1,
                  "a:1|g|#host:web-1,x:1\na:3|g|#host:web-1,x:2\na:50|g|#host:web-10\n"
                  "b:20|c|#host:web-1\nweb-1:1|g|#host:web-2\nc:1|g|#host:");
    pipeline_flush(p, START + 11);
    json_t *answer = inquire_of(p, &answer_host, SEEK("web-1", .limit = 200));
    json_t *metrics = json_object_get(answer, "metrics");
    assert_members(answer, "{\"host\":\"web-1\",\"last_s\":1700006400,\"total\":2,"
                           "\"until_s\":1700006410,\"interval_s\":10}");
    assert_members(json_array_get(metrics, 0),
                   "{\"name\":\"a\",\"type\":\"gauge\",\"series\":2,\"values\":2,\"last\":2}");
    assert_members(json_array_get(metrics, 1), "{\"name\":\"b\",\"series\":1,\"last\":2}");
    json_decref(answer);
    answer = inquire_of(p, &answer_host, SEEK("web-1", .limit = 1, .offset = 1));
    assert_int_equal(json_integer_value(json_object_get(answer, "total")), 2);
    assert_members(json_array_get(json_object_get(answer, "metrics"), 0), "{\"name\":\"b\"}");
    json_decref(answer);
    pipeline_free(p);
}

static void a_unit_that_was_written_is_shown(void **state)
{
    struct pipeline *p = some();
    struct units *units = units_new();
    struct answer_source source = { .rollup = flusher_rollup(p->flusher), .units = units };
    struct inquiry inquiry = SEEK("time.max", .limit = 1);
    (void)state;

    units_set(units, SLICE("time.max"), SLICE("byte"), SLICE("second"));
    json_t *answer = inquire(&answer_list, &source, &inquiry, NULL);
    assert_members(json_array_get(json_object_get(answer, "metrics"), 0),
                   "{\"unit\":\"byte\",\"per_unit\":\"second\"}");
    json_decref(answer);
    answer = inquire(&answer_metric, &source, &inquiry, NULL);
    assert_members(answer, "{\"unit\":\"byte\",\"per_unit\":\"second\"}");
    json_decref(answer);
    units_free(units);
    pipeline_free(p);
}

static void a_host_of_no_series_is_not_found(void **state)
{
    static const char *const cases[] = { "web", "WEB-1", "web-*", "a", "", "nobody" };
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=1048576");
    (void)state;

    pipeline_line(p, 0, START + 1, "a:1|g|#host:web-1\nb:1|g|#host:");
    pipeline_flush(p, START + 11);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct inquiry inquiry = { .text = slice_of(cases[i]), .limit = 200 };

        assert_answer(inquire_of(p, &answer_host, inquiry),
                      "{\"error\":\"no series of that host is known\",\"status\":404}");
    }
    pipeline_free(p);
}

static void an_empty_server_has_no_metrics(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=1048576");
    (void)state;

    assert_answer(list(p, SEEK("")),
                  "{\"total\":0,\"interval_s\":10,\"until_s\":0,\"metrics\":[]}");
    pipeline_free(p);
}

/* Series without values, of n_names names in turn. */
static struct rollup *fill(struct identities *identities, struct flusher_ledger *ledger,
                           uint32_t n, uint32_t n_names)
{
    static const struct string_list no_steps;
    struct rollup_config config = { .interval_s = 10,
                                    .steps = &no_steps,
                                    .lookback_s = 3600,
                                    .max_bytes = (size_t)1 << 30,
                                    .max_series = n };
    char problem[200], name[32], tag[32];
    struct rollup *rollup = rollup_new(&config, identities, ledger, problem, sizeof problem);
    struct slice tags[1];

    assert_non_null(rollup);
    assert_true(rollup_open(rollup, START));
    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "name.%u", i % n_names);
        snprintf(tag, sizeof tag, "id:%u", i / n_names);
        tags[0] = slice_of(tag);
        struct rollup_outside outside = { .name = slice_of(name),
                                          .host = SLICE("h"),
                                          .tags = tags,
                                          .n_tags = 1,
                                          .kind = CELL_GAUGE,
                                          .cell = { { 1, 1, 1, 1, 1 } } };

        assert_true(rollup_add_outside(rollup, 0, &outside));
    }
    rollup_close(rollup);
    return rollup;
}

/* However many there are, a step does a bounded piece: so there are many steps. */
static void very_many_series_are_listed_in_steps(void **state)
{
    enum { N = 200000, NAMES = 4000, UNITS = 8192 };
    static struct flusher_ledger ledger;
    struct identities *identities = identities_new(&ledger);
    struct rollup *rollup = fill(identities, &ledger, N, NAMES);
    struct answer_source source = { .rollup = rollup };
    struct inquiry inquiry = { .text = SLICE("name"), .limit = 200, .offset = 1000 };
    int steps;
    (void)state;

    json_t *answer = inquire(&answer_list, &source, &inquiry, &steps);
    assert_int_equal(json_integer_value(json_object_get(answer, "total")), NAMES);
    assert_int_equal(json_array_size(json_object_get(answer, "metrics")), 200);
    assert_in_range(steps, 2 * N / UNITS, 8 * N / UNITS);
    json_decref(answer);
    inquiry = (struct inquiry){ .text = SLICE("name.7"), .limit = 500 };
    answer = inquire(&answer_metric, &source, &inquiry, &steps);
    assert_int_equal(json_integer_value(json_object_get(answer, "series_total")), N / NAMES);
    assert_in_range(steps, N / UNITS, 4 * N / UNITS);
    json_decref(answer);
    inquiry = (struct inquiry){ .text = SLICE("h"), .limit = 100, .offset = 50 };
    answer = inquire(&answer_host, &source, &inquiry, &steps);
    assert_int_equal(json_integer_value(json_object_get(answer, "total")), NAMES);
    assert_in_range(steps, 2 * N / UNITS, 8 * N / UNITS);
    json_decref(answer);
    rollup_free(rollup);
    identities_free(identities);
}

/* The time that a name takes is the product of its length and the pattern's. */
static void long_names_are_compared_in_more_steps(void **state)
{
    enum { N = 1000, NAME = 300 };
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=8388608");
    struct answer_source source = { .rollup = flusher_rollup(p->flusher) };
    char line[NAME + 8], pattern[256];
    int few, many;
    (void)state;

    memset(line, 'a', sizeof line);
    for (int i = 0; i < N; i++) {
        snprintf(line + NAME - 6, 14, "%06d:1|g", i);
        pipeline_line(p, 0, START + 1, line);
    }
    pipeline_flush(p, START + 11);
    struct inquiry inquiry = { .text = SLICE("*b"), .limit = 1 };
    json_decref(inquire(&answer_list, &source, &inquiry, &few));
    memset(pattern, 'a', sizeof pattern);
    pattern[0] = '*';
    pattern[sizeof pattern - 1] = 'b';
    inquiry.text = (struct slice){ pattern, sizeof pattern };
    json_decref(inquire(&answer_list, &source, &inquiry, &many));
    assert_in_range(many, few + N / 32, few + N / 8);
    pipeline_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_sorted_and_cut),
        cmocka_unit_test(rows_say_what_came),
        cmocka_unit_test(zeros_are_no_values),
        cmocka_unit_test(one_host_has_its_metrics),
        cmocka_unit_test(a_unit_that_was_written_is_shown),
        cmocka_unit_test(a_host_of_no_series_is_not_found),
        cmocka_unit_test(an_empty_server_has_no_metrics),
        cmocka_unit_test(very_many_series_are_listed_in_steps),
        cmocka_unit_test(long_names_are_compared_in_more_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
