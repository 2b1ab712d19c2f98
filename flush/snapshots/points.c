#include "flush/snapshots/points.h"

#include <math.h>
#include <stdio.h>

#include "flush/series/enrich.h"

/* ---- the identity of a series ------------------------------------------ */

struct series_identity points_identity(struct identity_scratch *scratch, struct slice name,
                                       struct slice host, const struct slice *tags,
                                       size_t n_tags)
{
    struct series_identity id = { .metric = name, .host = host, .tags = scratch->tags };

    if (n_tags > POINT_TAGS_MAX) /* cannot be: admission allows fewer */
        n_tags = POINT_TAGS_MAX;
    id.n_resources =
        enrich_resources(tags, n_tags, scratch->tags, &id.n_tags, scratch->resources);
    id.resources = scratch->resources;
    return id;
}

/* ---- one point --------------------------------------------------------- */

/* Leaves out a value that is not finite: the intake would refuse the whole payload for it. */
static bool make_number(struct points *points, struct slice name, enum series_type type,
                        double value, struct made_point *out)
{
    if (!isfinite(value)) {
        counter_add(&points->rules->ledger->dropped[POINT_NOT_FINITE], 1);
        return false;
    }
    points->number = (struct point){ points->stamp_s, value };
    out->is_sketch = false;
    out->number = (struct series){
        .id = points->id,
        .type = type,
        .interval_s = points->rules->interval_s,
        .unit = type == SERIES_GAUGE ? points->unit : SLICE(""),
        .points = &points->number,
        .n_points = 1,
    };
    out->number.id.metric = name;
    return true;
}

/* Makes a series of the histogram, which has its name and that suffix. */
static bool make_suffixed(struct points *points, const char *suffix, enum series_type type,
                          double value, struct made_point *out)
{
    char *joined = points->joined;
    size_t len = points->id.metric.len;
    int written = len < sizeof points->joined - 64
                      ? snprintf(joined + len, sizeof points->joined - len, ".%s", suffix)
                      : -1;

    if (written < 0 || len + (size_t)written > ENRICH_NAME_MAX) {
        counter_add(&points->rules->ledger->dropped[POINT_INVALID], 1);
        return false;
    }
    memcpy(joined, points->id.metric.at, len);
    struct slice name = { joined, len + (size_t)written };
    if (points->rules->filter != NULL &&
        filter_drops_suffix(points->rules->filter, points->id.metric,
                            (struct slice){ joined + len, (size_t)written })) {
        counter_add(&points->rules->ledger->dropped[POINT_FILTERED], 1);
        return false;
    }
    return make_number(points, name, type, value, out);
}

static bool make_aggregate(struct points *points, enum histogram_aggregate aggregate,
                           struct made_point *out)
{
    const struct histogram_summary *summary = &points->summary;
    enum series_type type = SERIES_GAUGE;
    double value = 0;

    if (!points->rules->aggregates[aggregate])
        return false;
    switch (aggregate) {
    case AGGREGATE_MAX:
        value = summary->max;
        break;
    case AGGREGATE_MIN:
        value = summary->min;
        break;
    case AGGREGATE_AVG:
        value = summary->avg;
        break;
    case AGGREGATE_SUM:
        value = summary->sum;
        break;
    case AGGREGATE_COUNT:
        value = summary->count / (double)points->rules->interval_s;
        type = SERIES_RATE;
        break;
    case AGGREGATE_MEDIAN: /* without values it is 0, as in the Agent */
        (void)histogram_median(points->cell->object, points->arena, &value);
        break;
    case AGGREGATE_KINDS:
        return false;
    }
    return make_suffixed(points, point_rules_word(aggregate), type, value, out);
}

static bool make_percentile(struct points *points, int percent, struct made_point *out)
{
    char suffix[32];
    double value;

    if (!histogram_percentile(points->cell->object, points->arena, percent, &value))
        return false;
    snprintf(suffix, sizeof suffix, "%dpercentile", percent);
    return make_suffixed(points, suffix, SERIES_GAUGE, value, out);
}

static bool make_sketch(struct points *points, struct made_point *out)
{
    struct sketch_point *point = &points->sketch;

    *point = (struct sketch_point){ .time_s = points->stamp_s };
    sketch_summary(points->cell->object, &point->summary);
    if (!sketch_bins(points->cell->object, points->arena, &point->bins, &point->n_bins)) {
        counter_add(&points->rules->ledger->dropped[POINT_NO_MEMORY], 1);
        return false;
    }
    if (!isfinite(point->summary.sum) || !isfinite(point->summary.avg)) {
        counter_add(&points->rules->ledger->dropped[POINT_NOT_FINITE], 1);
        return false;
    }
    out->is_sketch = true;
    out->sketch = (struct sketch_series){ points->id, point, 1 };
    return true;
}

/* Makes the i-th of the points that the kind can have. False: the settings do not ask for it,
 * or it cannot be sent. */
static bool make(struct points *points, size_t i, struct made_point *out)
{
    const struct point_rules *rules = points->rules;
    const struct snapshot_cell *cell = points->cell;
    const struct cell_kind_row *row = &cell_kinds[points->kind];

    switch (row->shown) {
    case SHOWN_RATE:
        return make_number(points, points->id.metric, SERIES_RATE,
                           cell->value / (double)rules->interval_s, out);
    case SHOWN_VALUE:
        return make_number(
            points, points->id.metric, SERIES_GAUGE,
            row->object != NULL ? row->object->summary(cell->object).last : cell->value, out);
    case SHOWN_AGGREGATES:
        return i < AGGREGATE_KINDS
                   ? make_aggregate(points, (enum histogram_aggregate)i, out)
                   : make_percentile(points, rules->percentiles[i - AGGREGATE_KINDS], out);
    case SHOWN_SKETCH:
        return make_sketch(points, out);
    }
    return false;
}

/* ---- one after another ------------------------------------------------- */

static void begin_histogram(struct points *points)
{
    const struct histogram *histogram = points->cell->object;

    points->end = AGGREGATE_KINDS + points->rules->n_percentiles;
    points->unit = slice_of(metric_unit_word(histogram_unit(histogram)));
    histogram_summary(histogram, &points->summary);
}

void points_begin(struct points *points, struct snapshot *snapshot, struct catalogue *catalogue,
                  uint32_t series, const struct point_rules *rules)
{
    size_t n_tags;

    points->next = points->end = 0;
    if (!snapshot_has(snapshot, series))
        return;
    points->rules = rules;
    points->cell = &snapshot->cells[series];
    points->arena = &snapshot->arena;
    points->kind = (enum cell_kind)catalogue_entry(catalogue, series)->kind;
    points->stamp_s = snapshot->stamp_s;
    points->end = 1;
    points->unit = SLICE("");
    const struct slice *tags = catalogue_tags(catalogue, series, &n_tags);

    points->id = points_identity(&points->scratch, catalogue_name(catalogue, series),
                                 catalogue_host(catalogue, series), tags, n_tags);
    if (cell_kinds[points->kind].shown == SHOWN_AGGREGATES)
        begin_histogram(points);
    if (cell_kinds[points->kind].shown == SHOWN_SKETCH) {
        points->id.tags =
            tags; /* a sketch has no resources at the intake, so those stay tags */
        points->id.n_tags = n_tags;
        points->id.n_resources = 0;
    }
}

bool points_next(struct points *points, struct made_point *out)
{
    while (points->next < points->end)
        if (make(points, points->next++, out))
            return true;
    return false;
}
