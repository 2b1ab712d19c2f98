/* One metric: its series, those with the most values first, and the keys of all their tags.
 *
 *   scan    which series have the name; the best of them are kept, the tags of all are noted
 *   sort    those that are kept
 *   write   the series, as many as there is room for, and the keys
 *
 * Series of every type that the name has stand together. A snapshot that comes meanwhile may
 * change their order a little. */
#include <stdlib.h>

#include "flush/memory/best.h"
#include "flush/memory/json_out.h"
#include "flush/rollups/answer_ops.h"
#include "flush/rollups/shown.h"
#include "flush/rollups/tag_keys.h"
#include "flush/rollups/units.h"

enum {
    UNITS = 8192, /* of work in a step: to look at a series of another name */
    UNITS_A_SERIES = 8,
    UNITS_A_TAG = 16, /* one that is new */
    UNITS_A_TEXT = 64,
    SERIES_BYTES_MAX = 2 << 20, /* of the answer: a series may have 100 KiB of tags */
    KEYS_BYTES_MAX = 1 << 20,   /* and so may a key */
    EXAMPLE_MAX = 256,          /* a longer value helps nobody */
};

enum phase { PHASE_SCAN, PHASE_SORT, PHASE_WRITE };

struct metric {
    struct rollup *rollup;
    struct units *units; /* or NULL */
    const struct identities *identities;
    const struct inquiry *inquiry;
    enum phase phase;
    uint32_t name;
    uint32_t next, end; /* of the series; then of those that are kept */
    uint32_t total;
    struct best best;
    struct tag_keys keys;
    struct json_out out;
};

/* ---- begin and end ----------------------------------------------------- */

static void free_metric(void *given)
{
    struct metric *metric = given;

    rollup_unpin(metric->rollup);
    best_free(&metric->best);
    tag_keys_free(&metric->keys);
    bytes_free(&metric->out.bytes);
    free(metric);
}

/* What came now, then what came lately, then what came first. */
static bool is_before(const void *argument, uint32_t a, uint32_t b)
{
    const struct rollup *rollup = argument;
    const struct rollup_series *left = rollup_entry(rollup, a);
    const struct rollup_series *right = rollup_entry(rollup, b);
    uint32_t values = shown_values(rollup, left), others = shown_values(rollup, right);

    if (values != others)
        return values > others;
    return left->heard_s != right->heard_s ? left->heard_s > right->heard_s : a < b;
}

static void *begin(const struct answer_source *source, const struct inquiry *inquiry,
                   struct answer_problem *problem)
{
    struct metric *metric = calloc(1, sizeof *metric);

    (void)problem;
    if (metric == NULL)
        return NULL;
    metric->rollup = source->rollup;
    metric->units = source->units;
    metric->identities = rollup_identities(source->rollup);
    metric->inquiry = inquiry;
    metric->name = identities_find_text(metric->identities, inquiry->text);
    metric->end = rollup_end(source->rollup);
    rollup_pin(metric->rollup);
    bool has_best = best_init(&metric->best, inquiry->limit, is_before, metric->rollup);
    bool has_keys = tag_keys_init(&metric->keys, metric->identities);

    if (has_best && has_keys)
        return metric;
    free_metric(metric);
    return NULL;
}

/* ---- scan and sort ----------------------------------------------------- */

static int take_series(struct metric *metric, uint32_t number)
{
    const struct rollup_series *series = rollup_entry(metric->rollup, number);
    size_t n;
    const uint32_t *tags = identities_tag_ids(metric->identities, series->id.tags, &n);
    size_t added = tag_keys_add(&metric->keys, tags, n);

    tag_keys_add_host(&metric->keys, series->id.host);
    metric->total++;
    best_offer(&metric->best, number);
    return UNITS_A_SERIES + (int)n + UNITS_A_TAG * (int)added;
}

static enum answer_state scan(struct metric *metric, struct answer_problem *problem)
{
    for (int left = UNITS; left > 0 && metric->next < metric->end; metric->next++, left--) {
        const struct rollup_series *series = rollup_entry(metric->rollup, metric->next);

        if (series->live && series->id.name == metric->name)
            left -= take_series(metric, metric->next);
    }
    if (metric->next < metric->end)
        return ANSWER_MORE;
    if (metric->total == 0)
        return answer_fail(problem, 404, "no series of that name is known");
    metric->phase = PHASE_SORT;
    return ANSWER_MORE;
}

/* ---- write ------------------------------------------------------------- */

/* Its newest point, if that is still kept in the windows of one interval. */
static double last_of(const struct metric *metric, uint32_t number)
{
    const struct rollup *rollup = metric->rollup;
    const struct rollup_series *series = rollup_entry(rollup, number);
    int64_t interval_s = rollup_interval(rollup);
    int64_t start_s = series->last_s - series->last_s % interval_s, found_s = start_s;
    double sums[COLUMN_VALUES], counts[COLUMN_VALUES];
    struct rollup_span span;

    if (!rollup_find(rollup, 0, &found_s, &span) || found_s != start_s)
        return (double)NAN;
    uint64_t mask = rollup_read(rollup, span, number / COLUMN_VALUES, WINDOW_SUM, sums);
    uint64_t bit = UINT64_C(1) << number % COLUMN_VALUES;

    rollup_read(rollup, span, number / COLUMN_VALUES, WINDOW_COUNT, counts);
    if ((mask & bit) == 0)
        return (double)NAN;
    int at = __builtin_popcountll(mask & (bit - 1));
    return shown_value(series->kind, sums[at], counts[at], interval_s);
}

static void write_head(struct metric *metric)
{
    const struct rollup_series *first = rollup_entry(metric->rollup, metric->best.at[0]);
    struct json_out *out = &metric->out;
    struct unit_words words = { .room = "" };

    units_read(metric->units, metric->inquiry->text, (enum metric_unit)first->unit, &words);
    json_out_begin(out, NULL, '{');
    json_out_slice(out, "name", metric->inquiry->text);
    json_out_text(out, "type", shown_type(first->kind));
    json_out_slice(out, "unit", words.unit);
    json_out_slice(out, "per_unit", words.per);
    json_out_signed(out, "interval_s", rollup_interval(metric->rollup));
    json_out_number(out, "series_total", metric->total);
    json_out_begin(out, "series", '[');
}

static void write_series(struct metric *metric, uint32_t number)
{
    const struct rollup_series *series = rollup_entry(metric->rollup, number);
    struct json_out *out = &metric->out;
    size_t n;
    const struct slice *tags = identities_tags(metric->identities, series->id.tags, &n);

    json_out_begin(out, NULL, '{');
    json_out_begin(out, "tags", '[');
    for (size_t i = 0; i < n; i++)
        json_out_slice(out, NULL, tags[i]);
    json_out_end(out, ']');
    json_out_slice(out, "host", identities_text(metric->identities, series->id.host));
    json_out_text(out, "type", shown_type(series->kind));
    json_out_number(out, "values", shown_values(metric->rollup, series));
    json_out_exact(out, "last", last_of(metric, number));
    json_out_number(out, "last_s", series->heard_s);
    json_out_end(out, '}');
}

/* text: what an example is in full; its value stands behind the key. */
static void write_key(struct metric *metric, struct slice key, const struct tag_key_values *of,
                      struct slice (*text)(const struct identities *, uint32_t))
{
    struct json_out *out = &metric->out;

    json_out_begin(out, NULL, '{');
    json_out_slice(out, "key", key);
    json_out_number(out, "values", of->values);
    json_out_begin(out, "examples", '[');
    for (size_t i = 0; i < tag_key_examples(of); i++) {
        struct slice example = text(metric->identities, of->examples[i]);

        if (example.len <= EXAMPLE_MAX)
            json_out_slice(out, NULL, example);
    }
    json_out_end(out, ']');
    json_out_end(out, '}');
}

static struct slice value_text(const struct identities *identities, uint32_t tag)
{
    return tag_value_of(identities_tag(identities, tag));
}

static void write_keys(struct metric *metric)
{
    const struct tag_keys *keys = &metric->keys;
    size_t most = metric->out.bytes.len + KEYS_BYTES_MAX;

    json_out_begin(&metric->out, "keys", '[');
    if (keys->hosts.values > 0)
        write_key(metric, SLICE("host"), &keys->hosts, identities_text);
    for (size_t i = 0; i < keys->n && metric->out.bytes.len < most; i++) {
        struct slice tag = identities_tag(metric->identities, keys->at[i].examples[0]);

        write_key(metric, tag_key_of(tag), &keys->at[i], value_text);
    }
    json_out_end(&metric->out, ']');
}

static bool has_room(const struct metric *metric)
{
    return metric->next < metric->best.n && metric->out.bytes.len < SERIES_BYTES_MAX;
}

static enum answer_state write_metric(struct metric *metric, struct bytes *answer,
                                      struct answer_problem *problem)
{
    struct json_out *out = &metric->out;

    if (out->bytes.len == 0)
        write_head(metric);
    for (int left = UNITS; left > 0 && has_room(metric); left -= UNITS_A_TEXT)
        write_series(metric, metric->best.at[metric->next++]);
    if (has_room(metric) && !out->bytes.failed)
        return ANSWER_MORE;
    json_out_end(out, ']');
    write_keys(metric);
    json_out_end(out, '}');
    return answer_give(out, answer, problem);
}

static enum answer_state step(void *self, struct bytes *answer, struct answer_problem *problem)
{
    struct metric *metric = self;

    switch (metric->phase) {
    case PHASE_SCAN:
        return scan(metric, problem);
    case PHASE_SORT:
        if (!best_sort(&metric->best, UNITS / UNITS_A_SERIES))
            return ANSWER_MORE;
        metric->phase = PHASE_WRITE;
        metric->next = 0;
        return ANSWER_MORE;
    case PHASE_WRITE:
        break;
    }
    return write_metric(metric, answer, problem);
}

const struct answer_ops answer_metric = {
    .of_rollups = true,
    .begin = begin,
    .step = step,
    .free = free_metric,
};
