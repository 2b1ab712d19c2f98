#include "tests/support/vectors.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/vectors_aggregation.h"
#include "tests/support/vectors_payloads.h"
#include "tests/support/vectors_sketch.h"

/* Files whose vectors name no kind have one function each. */
static void run_aggregation(json_t *vector, struct vector_report *report)
{
    report->failed = !vector_aggregation(vector, report->why, sizeof report->why);
}

static void run_sketch(json_t *vector, struct vector_report *report)
{
    report->failed = !vector_sketch(vector, report->why, sizeof report->why);
}

static void run_payload(json_t *vector, struct vector_report *report)
{
    enum vector_result result = vector_payload(vector, report->why, sizeof report->why);

    report->failed = result == VECTOR_FAIL;
    report->unsupported = result == VECTOR_UNSUPPORTED;
}

const struct vector_kind vector_kinds[] = {
    { "parse", "parse", vector_run_parse },
    { "parse", "packet", vector_run_packet },
    { "parse", "uds_stream", vector_run_uds_stream },
    { "parse", "enrich", vector_run_enrich },
    { "parse", "mapper_config", vector_run_mapper_config },
    { "aggregation", "", run_aggregation },
    { "sketch", "", run_sketch },
    { "payloads", "", run_payload },
};
const size_t vector_kind_count = sizeof vector_kinds / sizeof vector_kinds[0];

static const char *const vector_files[] = { "parse", "aggregation", "sketch", "payloads" };

/* Where a run stands: its sums, and the kinds that nobody runs yet. */
struct run {
    const struct vector_kind *kinds;
    size_t n_kinds;
    struct vector_counts counts;
    FILE *out;
    const char *file;
    json_t *not_run; /* kind to number */
};

void vector_fail(struct vector_report *report, const char *format, ...)
{
    va_list arguments;

    if (report->failed)
        return;
    report->failed = true;
    va_start(arguments, format);
    vsnprintf(report->why, sizeof report->why, format, arguments);
    va_end(arguments);
}

bool vector_config_bool(const json_t *vector, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(json_object_get(vector, "config"), key);

    return value != NULL ? json_is_true(value) : otherwise;
}

json_int_t vector_config_int(const json_t *vector, const char *key, json_int_t otherwise)
{
    const json_t *value = json_object_get(json_object_get(vector, "config"), key);

    return value != NULL ? json_integer_value(value) : otherwise;
}

json_t *vector_real(double value)
{
    if (isnan(value))
        return json_string("NaN");
    if (isinf(value))
        return json_string(value < 0 ? "-Inf" : "+Inf");
    return json_real(value);
}

/* A number, or the digits of an integer too long for one. */
static bool is_numeric(const json_t *value, double *out)
{
    const char *text = json_string_value(value);
    char *end = NULL;

    *out = text != NULL ? strtod(text, &end) : json_number_value(value);
    return text != NULL ? end != text && *end == '\0' : json_is_number(value);
}

static bool same_number(const json_t *expected, const json_t *actual)
{
    if (json_is_integer(expected) && json_is_integer(actual))
        return json_integer_value(expected) == json_integer_value(actual);

    double a, b;
    if (!is_numeric(expected, &a) || !is_numeric(actual, &b))
        return false;
    return a == b || fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

static void fail_at(const char *path, const json_t *expected, const json_t *actual,
                    struct vector_report *report)
{
    char *want = json_dumps(expected, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    char *got = json_dumps(actual, JSON_ENCODE_ANY | JSON_SORT_KEYS);

    vector_fail(report, "%s: expected %.400s, got %.400s", path,
                want != NULL ? want : "nothing", got != NULL ? got : "nothing");
    free(want);
    free(got);
}

static void compare_at(const char *path, const json_t *expected, const json_t *actual,
                       struct vector_report *report);

static void compare_objects(const char *path, const json_t *expected, const json_t *actual,
                            struct vector_report *report)
{
    const char *key;
    json_t *value;
    char below[256];

    json_object_foreach((json_t *)expected, key, value)
    {
        snprintf(below, sizeof below, "%s.%s", path, key);
        compare_at(below, value, json_object_get(actual, key), report);
    }
    if (json_object_size(expected) != json_object_size(actual))
        fail_at(path, expected, actual, report);
}

static void compare_arrays(const char *path, const json_t *expected, const json_t *actual,
                           struct vector_report *report)
{
    char below[256];

    if (json_array_size(expected) != json_array_size(actual))
        fail_at(path, expected, actual, report);
    for (size_t i = 0; i < json_array_size(expected) && !report->failed; i++) {
        snprintf(below, sizeof below, "%s[%zu]", path, i);
        compare_at(below, json_array_get(expected, i), json_array_get(actual, i), report);
    }
}

static void compare_at(const char *path, const json_t *expected, const json_t *actual,
                       struct vector_report *report)
{
    if (json_is_object(expected) && json_is_object(actual))
        compare_objects(path, expected, actual, report);
    else if (json_is_array(expected) && json_is_array(actual))
        compare_arrays(path, expected, actual, report);
    else if (json_is_number(expected) && json_is_number(actual) ? !same_number(expected, actual)
                                                                : !json_equal(expected, actual))
        fail_at(path, expected, actual, report);
}

void vector_compare(const json_t *expected, const json_t *actual, struct vector_report *report)
{
    compare_at("expect", expected, actual, report);
}

static bool beyond_int64(const char *digits, size_t length)
{
    char text[32];

    if (length < 19 || length >= sizeof text)
        return length >= sizeof text;
    memcpy(text, digits, length);
    text[length] = '\0';
    errno = 0;
    strtoll(text, NULL, 10);
    return errno == ERANGE;
}

/* jansson's integers end at int64: puts those beyond it in quotes. The caller
 * frees. */
static char *quote_huge_integers(const char *line)
{
    char *quoted = malloc(2 * strlen(line) + 1), *to = quoted;
    bool in_string = false;

    while (quoted != NULL && *line != '\0') {
        size_t length = strspn(line, "+-.0123456789eE");
        bool huge =
            !in_string && length == strspn(line, "-0123456789") && beyond_int64(line, length);

        if (*line == '"')
            in_string = !in_string;
        else if (in_string && *line == '\\')
            *to++ = *line++;
        if (in_string || length == 0)
            length = 1;
        if (huge)
            *to++ = '"';
        memcpy(to, line, length);
        to += length;
        line += length;
        if (huge)
            *to++ = '"';
    }
    if (quoted != NULL)
        *to = '\0';
    return quoted;
}

static const struct vector_kind *find_kind(const struct run *run, const char *kind)
{
    for (size_t i = 0; i < run->n_kinds; i++)
        if (strcmp(run->kinds[i].file, run->file) == 0 && strcmp(run->kinds[i].kind, kind) == 0)
            return &run->kinds[i];
    return NULL;
}

static const char *text_of(const json_t *vector, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(vector, key));

    return text != NULL ? text : otherwise;
}

static void count_not_run(struct run *run, const char *kind)
{
    json_t *seen = json_object_get(run->not_run, kind);

    run->counts.not_run++;
    json_object_set_new(run->not_run, kind, json_integer(json_integer_value(seen) + 1));
}

static void run_vector(struct run *run, json_t *vector)
{
    const char *name = text_of(vector, "id", text_of(vector, "name", "(no name)"));
    const char *kind = text_of(vector, "kind", "");
    const struct vector_kind *row = find_kind(run, kind);
    struct vector_report report = { 0 };

    if (row == NULL) {
        count_not_run(run, kind[0] != '\0' ? kind : run->file);
        return;
    }
    row->run(vector, &report);
    if (report.unsupported) {
        count_not_run(run, run->file);
    } else if (!report.failed) {
        run->counts.passed++;
    } else if (json_is_true(json_object_get(vector, "quirk"))) {
        run->counts.differs++;
        fprintf(run->out, "differs: %s: %s\n", name, report.why);
    } else {
        run->counts.failed++;
        fprintf(run->out, "failed: %s: %s\n", name, report.why);
    }
}

static void run_line(struct run *run, const char *line, size_t number)
{
    char *quoted = quote_huge_integers(line);
    json_error_t error;
    json_t *vector = quoted != NULL
                         ? json_loads(quoted, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error)
                         : NULL;

    if (json_is_object(vector)) {
        run_vector(run, vector);
    } else {
        run->counts.failed++;
        fprintf(run->out, "failed: %s.jsonl:%zu: no JSON object\n", run->file, number);
    }
    json_decref(vector);
    free(quoted);
}

static void run_file(struct run *run, const char *folder)
{
    char path[4096], *line = NULL;
    size_t room = 0, number = 0;

    snprintf(path, sizeof path, "%s/%s.jsonl", folder, run->file);
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return;
    run->counts.files++;
    while (getline(&line, &room, in) >= 0) {
        number++;
        if (line[strspn(line, " \t\r\n")] != '\0')
            run_line(run, line, number);
    }
    free(line);
    fclose(in);
}

struct vector_counts vectors_run(const char *folder, FILE *out)
{
    return vectors_run_kinds(folder, vector_kinds, vector_kind_count, out);
}

struct vector_counts vectors_run_kinds(const char *folder, const struct vector_kind *kinds,
                                       size_t n_kinds, FILE *out)
{
    struct run run = {
        .kinds = kinds, .n_kinds = n_kinds, .out = out, .not_run = json_object()
    };
    const char *kind, *comma = "not yet run: ";
    json_t *number;

    for (size_t i = 0; i < sizeof vector_files / sizeof vector_files[0]; i++) {
        run.file = vector_files[i];
        run_file(&run, folder);
    }
    if (run.counts.files == 0) {
        run.counts.failed++;
        fprintf(out, "failed: no vectors in %s\n", folder);
    }
    json_object_foreach(run.not_run, kind, number)
    {
        fprintf(out, "%s%s %lld", comma, kind, (long long)json_integer_value(number));
        comma = ", ";
    }
    if (run.counts.not_run > 0)
        fprintf(out, "\n");
    if (run.counts.differs > 0)
        fprintf(out, "answered differently on purpose: %zu\n", run.counts.differs);
    fprintf(out, "%zu passed, %zu failed\n", run.counts.passed, run.counts.failed);
    json_decref(run.not_run);
    return run.counts;
}
