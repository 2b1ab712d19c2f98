/* Runs the vectors of the enrichment: a line and settings in, the samples, event
 * or check out as the aggregator would get it. */
#include <stdlib.h>

#include "flush/series/enrich.h"
#include "protocol/check.h"
#include "protocol/event.h"
#include "tests/support/guard.h"
#include "tests/support/letters.h"
#include "tests/support/vectors.h"
#include "tests/support/with_settings.h"

enum { MOST_VALUES = 64 };

/* What every enricher stands on; owned. */
struct bench {
    struct settings settings;
    struct enricher *enricher;
    char problem[512];
};

static void bench_open(struct bench *bench, const json_t *vector, struct vector_report *report)
{
    bench->enricher = NULL;
    bench->problem[0] = '\0';
    if (with_settings_of(&bench->settings, json_object_get(vector, "config")))
        bench->enricher = enrich_new(&bench->settings, bench->settings.hostname, bench->problem,
                                     sizeof bench->problem);
    else
        vector_fail(report, "the settings are refused");
}

static void bench_close(struct bench *given)
{
    enrich_free(given->enricher);
    settings_free(&given->settings);
}

static json_t *text_json(struct slice text)
{
    return json_stringn(text.len > 0 ? text.at : "", text.len);
}

static json_t *tags_json(const struct enriched *enriched)
{
    json_t *list = json_array();

    for (size_t i = 0; i < enriched->n_tags; i++)
        json_array_append_new(list, text_json(enriched->tags[i]));
    return list;
}

static void add_identity(json_t *to, const struct enriched *enriched)
{
    json_object_set_new(to, "host", text_json(enriched->host));
    json_object_set_new(to, "tags", tags_json(enriched));
    json_object_set_new(to, "pod_uid", text_json(enriched->pod_uid));
    json_object_set_new(to, "cardinality", text_json(enriched->cardinality));
}

static void add_sample(json_t *samples, const char *type, const json_t *message, size_t i,
                       const struct enriched *enriched)
{
    json_t *value = json_array_get(json_object_get(message, "values"), i);
    json_t *sample =
        json_pack("{s:o, s:s, s:O, s:O, s:O}", "name", text_json(enriched->name), "type", type,
                  "value", value, "rate", json_object_get(message, "rate"), "timestamp",
                  json_object_get(message, "timestamp"));

    add_identity(sample, enriched);
    json_array_append_new(samples, sample);
}

/* Each value, and behind it its copy. */
static json_t *samples_of(struct bench *bench, struct slice line, const json_t *message)
{
    double pool[MOST_VALUES];
    struct parser parser = { .pool = pool };
    json_t *samples = json_array();
    struct sample sample;
    struct enriched enriched;

    parse_sample(&parser, line, &sample);
    bool copied = bench->settings.histogram_copy_to_distribution &&
                  cell_kind_of(sample.type) == CELL_HISTOGRAM;

    for (size_t i = 0; i < sample.n_values; i++)
        for (int copy = 0; copy <= copied; copy++)
            if (enrich_metric(bench->enricher, sample.name, sample.tags,
                              copy ? CELL_DISTRIBUTION_COPY : cell_kind_of(sample.type),
                              &enriched) == SHED_NOTHING)
                add_sample(samples, copy ? "d" : metric_type_letters(sample.type), message, i,
                           &enriched);
    return json_pack("{s:o}", "samples", samples);
}

/* An event or check: what it was before, with the identity that it has now. */
static json_t *record_of(struct bench *bench, struct slice line, json_t *message)
{
    struct slice tags = { 0 }, host = { 0 };
    struct enriched enriched;
    struct event event;
    struct check check;

    if (event_parse(line, &event) == PARSE_OK) {
        tags = event.tags;
        host = event.host;
    } else if (check_parse(line, &check) == PARSE_OK) {
        tags = check.tags;
        host = check.host;
    }
    if (enrich_record(bench->enricher, tags, host, &enriched))
        add_identity(message, &enriched);
    return json_incref(message);
}

void vector_run_enrich(json_t *vector, struct vector_report *report)
{
    const char *input = json_string_value(json_object_get(vector, "input"));
    struct slice line = guarded_text(input != NULL ? input : "");
    json_t *message = vector_message(vector, line), *actual = NULL;
    struct bench bench;

    bench_open(&bench, vector, report);
    if (message == NULL)
        vector_fail(report, "the line is refused");
    else if (bench.enricher == NULL)
        vector_fail(report, "no enricher: %s", bench.problem);
    else
        actual = parse_kind(line) == LINE_METRIC ? samples_of(&bench, line, message)
                                                 : record_of(&bench, line, message);
    if (actual != NULL)
        vector_compare(json_object_get(vector, "expect"), actual, report);
    json_decref(actual);
    json_decref(message);
    bench_close(&bench);
}

void vector_run_mapper_config(json_t *vector, struct vector_report *report)
{
    struct bench bench;

    bench_open(&bench, vector, report);
    if (bench.enricher != NULL)
        vector_fail(report, "accepted, must be refused");
    else if (strstr(bench.problem, "dogstatsd_mapper_profiles") == NULL)
        vector_fail(report, "refused with the sentence \"%s\"", bench.problem);
    bench_close(&bench);
}
