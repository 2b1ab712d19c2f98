/* Each line of the reference vectors is explained, and what is said of it agrees with the
 * vector: the same fields or a refusal, the same name, host and tags, the same series. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "config/utf8.h"
#include "protocol/lines.h"
#include "server/commands/explainer.h"
#include "tests/support/guard.h"
#include "tests/support/vectors.h"
#include "tests/support/with_settings.h"

enum { NOW_S = 1700000000, BYTES_MAX = 64 * 1024 };

/* ---- explaining -------------------------------------------------------- */

struct bench {
    struct settings settings;
    struct explainer *explainer;
    char problem[512];
};

static bool bench_open(struct bench *bench, const json_t *config)
{
    bench->explainer = NULL;
    snprintf(bench->problem, sizeof bench->problem, "the settings are refused");
    if (with_settings_of(&bench->settings, config))
        bench->explainer = explainer_new(&bench->settings, bench->settings.hostname,
                                         bench->problem, sizeof bench->problem);
    return bench->explainer != NULL;
}

static void bench_close(struct bench *given)
{
    explainer_free(given->explainer);
    settings_free(&given->settings);
}

/* A new reference. */
static json_t *explain(struct bench *bench, struct slice line, int64_t now_s)
{
    struct json_out out = { .comma = false };
    enum explained result = explainer_line(bench->explainer, guarded(line.at, line.len), now_s,
                                           &out, bench->problem, sizeof bench->problem);

    if (result == EXPLAINED_FAILED)
        fail_msg("%.*s: %s", (int)line.len, line.at, bench->problem);
    json_t *object =
        json_loadb((const char *)out.bytes.at, out.bytes.len, JSON_ALLOW_NUL, NULL);

    assert_non_null(object);
    assert_int_equal(json_is_true(json_object_get(object, "sent")), result == EXPLAINED_SENT);
    bytes_free(&out.bytes);
    return object;
}

/* ---- texts ------------------------------------------------------------- */

/* The bytes that a vector's text stands for, of which each may be one character of it. */
static struct slice bytes_of(const json_t *text, bool latin1)
{
    static char bytes[BYTES_MAX];
    const unsigned char *at = (const unsigned char *)json_string_value(text);
    size_t n = json_string_length(text), len = 0;

    for (size_t i = 0; i < n && len < sizeof bytes; i++)
        if (latin1 && at[i] >= 0x80 && i + 1 < n) {
            bytes[len++] = (char)(at[i] << 6 | (at[i + 1] & 0x3f));
            i++;
        } else {
            bytes[len++] = (char)at[i];
        }
    return (struct slice){ bytes, len };
}

/* What an explanation makes of the vector's text; a new reference. */
static json_t *as_shown(const json_t *value, bool latin1)
{
    static char repaired[UTF8_GROWTH * BYTES_MAX];

    if (json_is_array(value)) {
        json_t *list = json_array(), *item;
        size_t i;

        json_array_foreach(value, i, item) json_array_append_new(list, as_shown(item, latin1));
        return list;
    }
    if (!json_is_string(value))
        return json_incref((json_t *)(uintptr_t)value);
    struct slice bytes = bytes_of(value, latin1);

    return json_stringn(repaired, utf8_repair(bytes.at, bytes.len, repaired));
}

static bool is_latin1(const json_t *vector)
{
    return json_is_true(json_object_get(vector, "expect_latin1")) ||
           json_object_get(vector, "input_latin1") != NULL;
}

static struct slice input_of(const json_t *vector)
{
    const json_t *latin1 = json_object_get(vector, "input_latin1");

    return latin1 != NULL ? bytes_of(latin1, true)
                          : bytes_of(json_object_get(vector, "input"), false);
}

/* ---- parse and packet -------------------------------------------------- */

static void compare_member(const json_t *expected, const char *key, const json_t *parsed,
                           const char *shown_as, bool latin1, struct vector_report *report)
{
    const json_t *value = json_object_get(expected, key);
    json_t *left, *right;

    if (value == NULL)
        return;
    left = as_shown(value, latin1);
    right = json_incref(json_object_get(parsed, shown_as));
    if (strcmp(shown_as, "timestamp") == 0 && json_is_null(right) &&
        !json_is_null(left)) { /* of an event: none is 0 */
        json_decref(right);
        right = json_integer(0);
    }
    vector_compare(left, right, report);
    json_decref(left);
    json_decref(right);
}

static void compare_message(const json_t *vector, const json_t *expected, const json_t *told,
                            struct vector_report *report)
{
    static const char *const keys[][2] = {
        { "name", "name" },
        { "type", "type" },
        { "values", "values" },
        { "rate", "rate" },
        { "tags", "tags" },
        { "timestamp", "timestamp" },
        { "ts", "timestamp" },
        { "title", "title" },
        { "text", "text" },
        { "priority", "priority" },
        { "alert_type", "alert_type" },
        { "host", "host" },
        { "aggregation_key", "aggregation_key" },
        { "source_type", "source_type" },
        { "status", "status" },
        { "message", "message" },
    };
    static const char *const origin[] = { "container_id", "external_data", "cardinality" };
    const json_t *parsed = json_object_get(told, "parsed");
    bool asked = vector_config_bool(vector, "dogstatsd_origin_detection_client", false);

    if (parsed == NULL)
        vector_fail(report, "refused: %s", json_string_value(json_object_get(told, "reason")));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        compare_member(expected, keys[i][0], parsed, keys[i][1], is_latin1(vector), report);
    for (size_t i = 0; asked && i < sizeof origin / sizeof origin[0]; i++)
        compare_member(expected, origin[i], parsed, origin[i], is_latin1(vector), report);
}

/* A refusal names a reason, a code, and a byte of the line or the one behind it. */
static void compare_refusal(const json_t *told, size_t len, struct vector_report *report)
{
    if (json_object_get(told, "parsed") != NULL)
        vector_fail(report, "accepted, must be refused");
    if (json_string_length(json_object_get(told, "reason")) == 0 ||
        json_string_length(json_object_get(told, "code")) == 0 ||
        (size_t)json_integer_value(json_object_get(told, "at")) > len ||
        json_is_true(json_object_get(told, "sent")))
        vector_fail(report, "a refusal without its reason");
}

static void run_parse(json_t *vector, struct vector_report *report)
{
    struct bench bench;
    struct slice line = input_of(vector);

    if (!bench_open(&bench, json_object_get(vector, "config"))) {
        vector_fail(report, "%s", bench.problem);
        bench_close(&bench);
        return;
    }
    json_t *told = explain(&bench, line, NOW_S);

    if (json_is_true(json_object_get(vector, "error")))
        compare_refusal(told, line.len, report);
    else
        compare_message(vector, json_object_get(vector, "expect"), told, report);
    json_decref(told);
    bench_close(&bench);
}

static void run_packet(json_t *vector, struct vector_report *report)
{
    const json_t *expected = json_object_get(json_object_get(vector, "expect"), "messages");
    json_int_t errors =
        json_integer_value(json_object_get(json_object_get(vector, "expect"), "errors"));
    struct bench bench;
    size_t n = 0;

    if (!bench_open(&bench, json_object_get(vector, "config")))
        fail_msg("%s", bench.problem);
    struct slice input = input_of(vector), line;
    size_t most = (size_t)bench.settings.dogstatsd_buffer_size;
    char *datagram = malloc(input.len + 1);

    memcpy(datagram, input.at, input.len);
    struct lines lines = lines_of(
        (struct slice){ datagram, input.len < most ? input.len : most },
        json_object_get(json_object_get(vector, "config"), "dogstatsd_eol_required") != NULL);
    while (lines_next(&lines, &line)) {
        json_t *told = explain(&bench, line, NOW_S);

        if (json_object_get(told, "parsed") == NULL)
            errors--;
        else
            compare_message(vector, json_array_get(expected, n++), told, report);
        json_decref(told);
    }
    if (errors != 0 && !lines.unterminated)
        vector_fail(report, "another number of lines is refused");
    free(datagram);
    bench_close(&bench);
}

/* ---- enrich ------------------------------------------------------------ */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a),
                  json_string_value(*(json_t *const *)b));
}

/* A new reference. */
static json_t *sorted(const json_t *list)
{
    json_t *at[256], *out = json_array();
    size_t n = json_array_size(list);

    assert_true(n <= 256);
    for (size_t i = 0; i < n; i++)
        at[i] = json_array_get(list, i);
    qsort(at, n, sizeof at[0], compare_texts);
    for (size_t i = 0; i < n; i++)
        json_array_append(out, at[i]);
    return out;
}

/* The tags of "named", without where they come from; a new reference. */
static json_t *named_tags(const json_t *named)
{
    json_t *list = json_array(), *tag;
    size_t i;

    json_array_foreach(json_object_get(named, "tags"), i, tag)
        json_array_append(list, json_object_get(tag, "tag"));
    return list;
}

static void compare_named(const json_t *expected, const json_t *named,
                          struct vector_report *report)
{
    json_t *want = sorted(json_object_get(expected, "tags")), *tags = named_tags(named);
    json_t *got = sorted(tags);

    if (json_object_get(named, "name") != NULL)
        vector_compare(json_object_get(expected, "name"), json_object_get(named, "name"),
                       report);
    vector_compare(json_object_get(expected, "host"), json_object_get(named, "host"), report);
    vector_compare(want, got, report);
    json_decref(want);
    json_decref(got);
    json_decref(tags);
}

/* Whether a series of that name is among those that are sent. */
static bool is_sent(const json_t *told, const char *list, const char *name)
{
    const json_t *request, *series;
    size_t i, j;

    json_array_foreach(json_object_get(told, "intake"), i, request) json_array_foreach(
        json_object_get(json_object_get(request, "body"), list), j,
        series) if (strcmp(json_string_value(json_object_get(series, "metric")), name) ==
                    0) return true;
    return false;
}

/* The first sample is the line's own; a copy is a distribution. */
static void compare_samples(const json_t *expected, const json_t *told,
                            struct vector_report *report)
{
    const json_t *sample;
    const char *own =
        json_string_value(json_object_get(json_object_get(told, "parsed"), "type"));
    size_t i;

    if (json_array_size(expected) == 0) {
        if (json_is_true(json_object_get(told, "sent")) ||
            json_array_size(json_object_get(told, "shed")) == 0)
            vector_fail(report, "is sent, must be filtered");
        return;
    }
    json_array_foreach(expected, i, sample)
    {
        const char *type = json_string_value(json_object_get(sample, "type"));

        if (strcmp(type, own) == 0)
            compare_named(sample, json_object_get(told, "named"), report);
        else if (!is_sent(told, "sketches", json_string_value(json_object_get(sample, "name"))))
            vector_fail(report, "the copy is not sent");
    }
}

static void run_enrich(json_t *vector, struct vector_report *report)
{
    const json_t *expected = json_object_get(vector, "expect");
    struct bench bench;

    if (!bench_open(&bench, json_object_get(vector, "config")))
        fail_msg("%s", bench.problem);
    json_t *told = explain(&bench, input_of(vector), NOW_S);

    if (json_object_get(expected, "samples") != NULL)
        compare_samples(json_object_get(expected, "samples"), told, report);
    else
        compare_named(expected, json_object_get(told, "named"), report);
    json_decref(told);
    bench_close(&bench);
}

/* ---- aggregation ------------------------------------------------------- */

static void add_identity(json_t *set, const json_t *series, const char *name, const char *type)
{
    json_t *tags = sorted(json_object_get(series, "tags"));
    json_t *identity =
        json_pack("[s,s,O,o]", name, type, json_object_get(series, "host"), tags);
    char *key = json_dumps(identity, JSON_COMPACT);

    json_object_set_new(set, key, json_true());
    free(key);
    json_decref(identity);
}

static void add_sent(json_t *set, const json_t *told)
{
    const json_t *request, *series;
    size_t i, j;

    json_array_foreach(json_object_get(told, "intake"), i, request)
    {
        const json_t *body = json_object_get(request, "body");

        json_array_foreach(json_object_get(body, "series"), j, series)
            add_identity(set, series, json_string_value(json_object_get(series, "metric")),
                         json_string_value(json_object_get(series, "type")));
        json_array_foreach(json_object_get(body, "sketches"), j, series) add_identity(
            set, series, json_string_value(json_object_get(series, "metric")), "sketch");
    }
}

static void explain_step(struct bench *bench, const json_t *step, json_t *set)
{
    const char *text = json_string_value(json_object_get(step, "line"));
    struct slice line;

    if (text == NULL)
        return;
    struct lines lines = lines_of(slice_of(text), false);

    while (lines_next(&lines, &line)) {
        json_t *told =
            explain(bench, line, (int64_t)json_number_value(json_object_get(step, "t")));

        add_sent(set, told);
        json_decref(told);
    }
}

/* The series of all lines, each by itself, are those of the whole run. */
static void run_aggregation(json_t *vector, struct vector_report *report)
{
    json_t *expected = json_object(), *told = json_object(), *flush, *series, *step;
    struct bench bench;
    size_t i, j;

    if (!bench_open(&bench, json_object_get(vector, "config")))
        fail_msg("%s", bench.problem);
    json_array_foreach(json_object_get(vector, "steps"), i, step)
        explain_step(&bench, step, told);
    json_array_foreach(json_object_get(vector, "expect"), i, flush)
        json_array_foreach(json_object_get(flush, "series"), j, series)
            add_identity(expected, series, json_string_value(json_object_get(series, "name")),
                         json_string_value(json_object_get(series, "type")));
    vector_compare(expected, told, report);
    json_decref(expected);
    json_decref(told);
    bench_close(&bench);
}

static void each_line_of_the_vectors_is_explained(void **state)
{
    static const struct vector_kind kinds[] = {
        { "parse", "parse", run_parse },
        { "parse", "packet", run_packet },
        { "parse", "enrich", run_enrich },
        { "aggregation", "", run_aggregation },
    };
    (void)state;
    struct vector_counts counts =
        vectors_run_kinds("tests/data", kinds, sizeof kinds / sizeof kinds[0], stdout);

    assert_int_equal(counts.failed, 0);
    assert_true(counts.passed > 340);
}

/* ---- what was reported ------------------------------------------------- */

/* The series of that name which is sent; NULL: there is none. A view. */
static const json_t *find_series(const json_t *told, const char *name)
{
    const json_t *request, *series;
    size_t i, j;

    json_array_foreach(json_object_get(told, "intake"), i, request)
    {
        json_array_foreach(json_object_get(json_object_get(request, "body"), "series"), j,
                           series)
        {
            if (strcmp(json_string_value(json_object_get(series, "metric")), name) == 0)
                return series;
        }
    }
    return NULL;
}

/* Lines of tests/data/reported.jsonl. */
static void lines_that_were_reported_are_explained_as_they_should(void **state)
{
    static const struct {
        const char *line, *metric, *unit, *tag;
        double value;
    } cases[] = {
        { "t:100|ms", "t.max", "millisecond", NULL, 100 },
        { "t:100|ms", "t.95percentile", "millisecond", NULL, 100 },
        { "t:100|ms", "t.count", NULL, NULL, 0.1 },
        { "t:100|h", "t.max", NULL, NULL, 100 },
        { "t:100|h|@0.3", "t.count", NULL, NULL, 1.0 / 3 },
        { "t:100|h|@0.3", "t.avg", NULL, NULL, 100 },
        { "cut.a:1|g|#k:\xe6\x97", "cut.a", NULL, "k:\xef\xbf\xbd\xef\xbf\xbd", 1 },
    };
    struct bench bench;
    (void)state;

    assert_true(bench_open(&bench, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *told = explain(&bench, slice_of(cases[i].line), NOW_S);
        const json_t *series = find_series(told, cases[i].metric);
        const json_t *point = json_array_get(json_object_get(series, "points"), 0);
        const char *unit = json_string_value(json_object_get(series, "unit"));

        if (series == NULL)
            fail_msg("%s: no series %s", cases[i].line, cases[i].metric);
        assert_float_equal(json_number_value(json_array_get(point, 1)), cases[i].value, 1e-9);
        assert_int_equal(json_integer_value(json_array_get(point, 0)), NOW_S);
        assert_string_equal(unit != NULL ? unit : "",
                            cases[i].unit != NULL ? cases[i].unit : "");
        if (cases[i].tag != NULL)
            assert_string_equal(
                json_string_value(json_array_get(json_object_get(series, "tags"), 0)),
                cases[i].tag);
        json_decref(told);
    }
    bench_close(&bench);
}

static void a_line_longer_than_the_buffer_is_explained_as_it_is_read(void **state)
{
    struct bench bench;
    json_t *config = json_pack("{s:s}", "dogstatsd_buffer_size", "16");
    (void)state;

    assert_true(bench_open(&bench, config));
    json_t *told = explain(&bench, SLICE("name:1|c|#a:b,c:d"), NOW_S);
    const json_t *tags = json_object_get(json_object_get(told, "parsed"), "tags");

    assert_int_equal(json_integer_value(json_object_get(told, "cut_at")), 16);
    assert_string_equal(json_string_value(json_array_get(tags, 1)), "c:");
    json_decref(told);
    json_decref(config);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_of_the_vectors_is_explained),
        cmocka_unit_test(lines_that_were_reported_are_explained_as_they_should),
        cmocka_unit_test(a_line_longer_than_the_buffer_is_explained_as_it_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
