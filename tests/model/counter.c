/* Counts spans at times that it is told, for trace_differential.py. Its first line of output
 * has what /info tells: the keys that say whom a call reached. On standard input:
 *
 *   B NOW_NS LAYOUT FORM LANGUAGE TOP_LEVEL STATS SIZE   a body of SIZE bytes, and a line feed
 *   T NOW_S                                              a tick: a line for each group due
 *   E                                                    the rest, and what the ledger says
 *
 * LAYOUT and FORM are numbers of trace_decode.h; the LAYOUT behind the last is what a library
 * counted itself. LANGUAGE is a word or "-"; TOP_LEVEL and STATS say whether the client
 * computed them. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/traces/stats_take.h"

static struct arena_budget budget;
static struct traces_ledger ledger;
static struct trace_taker taker;

static void fail(const char *sentence)
{
    fprintf(stderr, "counter: %s\n", sentence);
    exit(1);
}

/* ---- out --------------------------------------------------------------- */

static void say(json_t *given)
{
    json_dumpf(given, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(given);
}

static void say_peer_keys(void)
{
    json_t *keys = json_array();

    for (size_t i = 0; span_peer_key(i) != NULL; i++)
        json_array_append_new(keys, json_string(span_peer_key(i)));
    say(keys);
    fflush(stdout);
}

static json_t *text(struct slice slice)
{
    return json_stringn(slice.len > 0 ? slice.at : "", slice.len);
}

static json_t *tags(struct slice joined)
{
    json_t *list = json_array();

    while (joined.len > 0)
        json_array_append_new(list, text(slice_cut(&joined, '\0')));
    return list;
}

static json_t *durations(const struct sketch *sketch)
{
    struct sketch_summary summary = { 0 };

    if (sketch != NULL)
        sketch_summary(sketch, &summary);
    return json_pack("[I,f,f,f]", (json_int_t)summary.count, summary.min, summary.max,
                     summary.sum);
}

static void say_group(int64_t start_s, const struct span_group *group)
{
    const struct span_key *key = &group->key;
    json_t *texts = json_object();

#define TEXT(field) json_object_set_new(texts, #field, text(key->field));
    SPAN_KEY_TEXTS(TEXT)
#undef TEXT
    json_object_set_new(texts, "peer_tags", tags(key->peer_tags));
    json_object_set_new(texts, "http_status", json_integer(key->http_status));
    json_object_set_new(texts, "synthetics", json_boolean(key->synthetics));
    json_object_set_new(texts, "is_trace_root", json_boolean(key->is_trace_root));
    say(json_pack("{s:I,s:o,s:f,s:f,s:f,s:f,s:o,s:o}", "start", (json_int_t)start_s, "key",
                  texts, "hits", group->hits, "errors", group->errors, "top",
                  group->top_level_hits, "duration", group->duration_ns, "ok",
                  durations(group->ok), "failed", durations(group->failed)));
}

static void say_due(int64_t now_s, bool all)
{
    const struct span_bucket *bucket;

    while ((bucket = concentrator_due(taker.concentrator, now_s, all)) != NULL) {
        for (const struct span_group *group = bucket->groups; group != NULL;
             group = group->next)
            say_group(bucket->start_s, group);
        concentrator_drop(taker.concentrator, bucket);
    }
    puts("null");
    fflush(stdout);
}

static void say_ledger(void)
{
    json_int_t refused = 0;

    for (int i = TRACE_TAKEN + 1; i < TRACE_REFUSAL_COUNT; i++)
        refused += (json_int_t)counter_read(&ledger.refused[i]);
    say(json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "groups",
                  (json_int_t)counter_read(&ledger.stats_groups), "spans",
                  (json_int_t)counter_read(&ledger.spans), "counted",
                  (json_int_t)counter_read(&ledger.counted), "not_eligible",
                  (json_int_t)counter_read(&ledger.not_eligible), "partial",
                  (json_int_t)counter_read(&ledger.partial), "client_computed",
                  (json_int_t)counter_read(&ledger.client_computed), "refused", refused, "late",
                  (json_int_t)counter_read(&ledger.late_spans)));
}

/* ---- in ---------------------------------------------------------------- */

static enum trace_result take_body(int layout, int form, struct slice body,
                                   const struct trace_source *source, int64_t now_ns,
                                   char problem[TRACE_PROBLEM_MAX])
{
    return layout == TRACE_LAYOUT_COUNT
               ? stats_take(&taker, body, source->language, now_ns / 1000000000, problem)
               : trace_take(&taker, (enum trace_layout)layout, (enum trace_form)form, body,
                            source, now_ns, problem);
}

static void take(const char *line)
{
    int64_t now_ns;
    int layout, form, top_level, stats;
    char language[64], problem[TRACE_PROBLEM_MAX];
    size_t size;

    if (sscanf(line, "B %" SCNd64 " %d %d %63s %d %d %zu", &now_ns, &layout, &form, language,
               &top_level, &stats, &size) != 7)
        fail("a line that is none");
    char *body = malloc(size > 0 ? size : 1); /* of its size, for a sanitizer */
    struct trace_source source = { .computed_top_level = top_level, .computed_stats = stats };

    if (body == NULL || fread(body, 1, size, stdin) != size || getchar() != '\n')
        fail("a body that ends early");
    if (language[0] != '-')
        source.language = slice_of(language);
    if (take_body(layout, form, (struct slice){ body, size }, &source, now_ns, problem) !=
        TRACE_OK)
        fail(problem);
    free(body);
}

int main(int argc, char **argv)
{
    struct concentrator_config config = { .budget = &budget,
                                          .default_env = SLICE("none"),
                                          .secret = 7,
                                          .by_span_kind = true,
                                          .peer_tags = true,
                                          .groups_max = 1 << 20 };
    int64_t now_s = argc > 1 ? strtoll(argv[1], NULL, 10) : 0;
    char *line = NULL;
    size_t size = 0;

    arena_budget_init(&budget, 1L << 30);
    taker = (struct trace_taker){ .budget = &budget,
                                  .concentrator = concentrator_new(&config, now_s),
                                  .ledger = &ledger };
    if (taker.concentrator == NULL)
        fail("no memory");
    say_peer_keys();
    while (getline(&line, &size, stdin) > 0 && line[0] != 'E')
        if (line[0] == 'B')
            take(line);
        else
            say_due(now_s = strtoll(line + 1, NULL, 10), false);
    say_due(now_s, true);
    say_ledger();
    free(line);
    concentrator_free(taker.concentrator);
    return 0;
}
