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
                        double value)
{
    if (!isfinite(value)) {
        counter_add(&points->rules->ledger->dropped[POINT_NOT_FINITE], 1);
        return false;
    }
    points->number.id.metric = name;
    points->number.type = type;
    points->number.unit = type == SERIES_GAUGE ? points->unit : SLICE("");
    points->number_point.value = value;
    return true;
}

/* Makes a series of the histogram, which has its name and that suffix. */
static bool make_suffixed(struct points *points, const char *suffix, enum series_type type,
                          double value)
{
    char *joined = points->joined;
    size_t len = points->name.len;
    int written = len < sizeof points->joined - 64
                      ? snprintf(joined + len, sizeof points->joined - len, ".%s", suffix)
                      : -1;

    if (written < 0 || len + (size_t)written > ENRICH_NAME_MAX) {
        counter_add(&points->rules->ledger->dropped[POINT_INVALID], 1);
        return false;
    }
    memcpy(joined, points->name.at, len);
    struct slice name = { joined, len + (size_t)written };
    if (points->rules->filter != NULL &&
        filter_drops_suffix(points->rules->filter, points->name,
                            (struct slice){ joined + len, (size_t)written })) {
        counter_add(&points->rules->ledger->dropped[POINT_FILTERED], 1);
        return false;
    }
    return make_number(points, name, type, value);
}

static bool make_aggregate(struct points *points, enum histogram_aggregate aggregate)
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
    return make_suffixed(points, point_rules_word(aggregate), type, value);
}

static bool make_percentile(struct points *points, int percent)
{
    char suffix[32];
    double value;

    if (!histogram_percentile(points->cell->object, points->arena, percent, &value))
        return false;
    snprintf(suffix, sizeof suffix, "%dpercentile", percent);
    return make_suffixed(points, suffix, SERIES_GAUGE, value);
}

static bool make_sketch(struct points *points)
{
    struct sketch *sketch = points->cell->object;
    struct sketch_point *point = &points->sketch_point;

    sketch_summary(sketch, &point->summary);
    if (!sketch_bins(sketch, points->arena, &point->bins, &point->n_bins)) {
        counter_add(&points->rules->ledger->dropped[POINT_NO_MEMORY], 1);
        return false;
    }
    if (!isfinite(point->summary.sum) || !isfinite(point->summary.avg)) {
        counter_add(&points->rules->ledger->dropped[POINT_NOT_FINITE], 1);
        return false;
    }
    return true;
}

/* Makes the i-th of the points that the kind can have. False: the settings do not ask for it,
 * or it cannot be sent. */
static bool make(struct points *points, size_t i)
{
    const struct point_rules *rules = points->rules;
    const struct snapshot_cell *cell = points->cell;
    const struct object_ops *object = points->row->object;

    switch (points->row->shown) {
    case SHOWN_RATE:
        return make_number(points, points->name, SERIES_RATE,
                           cell->value / (double)rules->interval_s);
    case SHOWN_VALUE:
        return make_number(points, points->name, SERIES_GAUGE,
                           object != NULL ? object->summary(cell->object).last : cell->value);
    case SHOWN_AGGREGATES:
        return i < AGGREGATE_KINDS
                   ? make_aggregate(points, (enum histogram_aggregate)i)
                   : make_percentile(points, rules->percentiles[i - AGGREGATE_KINDS]);
    case SHOWN_SKETCH:
        return make_sketch(points);
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

/* A sketch has no resources at the intake, so those stay tags. */
static void begin_sketch(struct points *points, const struct slice *tags, size_t n_tags)
{
    points->sketch =
        (struct sketch_series){ points->number.id, &points->sketch_point, .n_points = 1 };
    points->sketch.id.tags = tags;
    points->sketch.id.n_tags = n_tags;
    points->sketch.id.n_resources = 0;
    points->sketch_point.time_s = points->number_point.time_s;
}

void points_begin(struct points *points, struct snapshot *snapshot, struct catalogue *catalogue,
                  const struct snapshot_series *series, const struct point_rules *rules)
{
    size_t n_tags;
    const struct slice *tags = catalogue_tags(catalogue, series->number, &n_tags);

    points->rules = rules;
    points->cell = series->cell;
    points->row = &cell_kinds[series->kind];
    points->arena = &snapshot->arena;
    points->next = 0;
    points->end = 1;
    points->name = catalogue_name(catalogue, series->number);
    points->unit = SLICE("");
    points->number_point.time_s = snapshot->stamp_s;
    points->number = (struct series){
        .id = points_identity(&points->scratch, points->name,
                              catalogue_host(catalogue, series->number), tags, n_tags),
        .interval_s = rules->interval_s,
        .points = &points->number_point,
        .n_points = 1,
    };
    if (points->row->shown == SHOWN_AGGREGATES)
        begin_histogram(points);
    if (points->row->shown == SHOWN_SKETCH)
        begin_sketch(points, tags, n_tags);
}

bool points_next(struct points *points, struct made_point *out)
{
    bool sketch = points->row->shown == SHOWN_SKETCH;

    *out =
        (struct made_point){ sketch ? NULL : &points->number, sketch ? &points->sketch : NULL };
    while (points->next < points->end)
        if (make(points, points->next++))
            return true;
    return false;
}
