#include "flush/snapshots/points.h"

#include <math.h>
#include <stdio.h>

#include "flush/series/enrich.h"

/* One series' way through a visit. */
struct visit {
    const struct point_rules *rules;
    const struct point_visitor *visitor;
    struct series_identity id;
    struct slice unit; /* of what is no rate */
    int64_t stamp_s;
    struct arena *arena; /* scratch of sorting */
};

/* The intake refuses what is not finite; it must not cost the payload. */
static void show_point(const struct visit *visit, struct slice name, enum series_type type,
                       double value)
{
    struct point point = { visit->stamp_s, value };
    struct series series = {
        .id = visit->id,
        .type = type,
        .interval_s = visit->rules->interval_s,
        .unit = type == SERIES_GAUGE ? visit->unit : SLICE(""),
        .points = &point,
        .n_points = 1,
    };

    if (!isfinite(value)) {
        counter_add(&visit->rules->ledger->dropped[POINT_NOT_FINITE], 1);
        return;
    }
    series.id.metric = name;
    visit->visitor->series(visit->visitor->context, &series);
}

static void show_suffix(const struct visit *visit, const char *suffix, enum series_type type,
                        double value)
{
    char joined[512];
    size_t len = visit->id.metric.len;
    int written = len < sizeof joined - 64
                      ? snprintf(joined + len, sizeof joined - len, ".%s", suffix)
                      : -1;

    if (written < 0 || len + (size_t)written > ENRICH_NAME_MAX) {
        counter_add(&visit->rules->ledger->dropped[POINT_INVALID], 1);
        return;
    }
    memcpy(joined, visit->id.metric.at, len);
    struct slice name = { joined, len + (size_t)written };
    if (visit->rules->filter != NULL &&
        filter_drops_suffix(visit->rules->filter, visit->id.metric,
                            (struct slice){ joined + len, (size_t)written })) {
        counter_add(&visit->rules->ledger->dropped[POINT_FILTERED], 1);
        return;
    }
    show_point(visit, name, type, value);
}

static void show_aggregate(const struct visit *visit, struct histogram *histogram,
                           const struct histogram_summary *summary,
                           enum histogram_aggregate aggregate)
{
    double value = 0;
    enum series_type type = SERIES_GAUGE;

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
        value = summary->count / (double)visit->rules->interval_s;
        type = SERIES_RATE;
        break;
    case AGGREGATE_MEDIAN:
        (void)histogram_median(histogram, visit->arena, &value); /* none: 0, as the Agent */
        break;
    case AGGREGATE_KINDS:
        return;
    }
    show_suffix(visit, point_rules_word(aggregate), type, value);
}

static void show_histogram(struct visit *visit, struct histogram *histogram)
{
    struct histogram_summary summary;
    char suffix[32];
    double value;

    histogram_summary(histogram, &summary);
    visit->unit = slice_of(metric_unit_word(histogram_unit(histogram)));
    for (int aggregate = 0; aggregate < AGGREGATE_KINDS; aggregate++)
        if (visit->rules->aggregates[aggregate])
            show_aggregate(visit, histogram, &summary, (enum histogram_aggregate)aggregate);
    for (size_t i = 0; i < visit->rules->n_percentiles; i++) {
        int percent = visit->rules->percentiles[i];
        if (!histogram_percentile(histogram, visit->arena, percent, &value))
            continue;
        snprintf(suffix, sizeof suffix, "%dpercentile", percent);
        show_suffix(visit, suffix, SERIES_GAUGE, value);
    }
}

static void show_sketch(const struct visit *visit, struct sketch *sketch)
{
    struct sketch_point point = { .time_s = visit->stamp_s };
    struct sketch_series series = { visit->id, &point, 1 };

    sketch_summary(sketch, &point.summary);
    if (!sketch_bins(sketch, visit->arena, &point.bins, &point.n_bins)) {
        counter_add(&visit->rules->ledger->dropped[POINT_NO_MEMORY], 1);
        return;
    }
    if (!isfinite(point.summary.sum) || !isfinite(point.summary.avg)) {
        counter_add(&visit->rules->ledger->dropped[POINT_NOT_FINITE], 1);
        return;
    }
    visit->visitor->sketch(visit->visitor->context, &series);
}

struct series_identity points_identity(struct identity_scratch *scratch, struct slice name,
                                       struct slice host, const struct slice *tags,
                                       size_t n_tags)
{
    struct series_identity id = { .metric = name, .host = host, .tags = scratch->tags };

    if (n_tags > POINT_TAGS_MAX) /* admission allows fewer */
        n_tags = POINT_TAGS_MAX;
    id.n_resources =
        enrich_resources(tags, n_tags, scratch->tags, &id.n_tags, scratch->resources);
    id.resources = scratch->resources;
    return id;
}

void points_visit(struct snapshot *snapshot, struct catalogue *catalogue, uint32_t series,
                  const struct point_rules *rules, const struct point_visitor *visitor)
{
    struct identity_scratch scratch;
    struct visit visit = { rules, visitor, .stamp_s = snapshot->stamp_s,
                           .arena = &snapshot->arena };
    struct snapshot_cell *cell = &snapshot->cells[series];
    size_t n_tags;

    if (!snapshot_has(snapshot, series))
        return;
    const struct slice *tags = catalogue_tags(catalogue, series, &n_tags);
    visit.id = points_identity(&scratch, catalogue_name(catalogue, series),
                               catalogue_host(catalogue, series), tags, n_tags);
    switch ((enum cell_kind)catalogue_entry(catalogue, series)->kind) {
    case CELL_COUNT:
        show_point(&visit, visit.id.metric, SERIES_RATE,
                   cell->value / (double)rules->interval_s);
        break;
    case CELL_GAUGE:
        show_point(&visit, visit.id.metric, SERIES_GAUGE, cell->value);
        break;
    case CELL_SET:
        show_point(&visit, visit.id.metric, SERIES_GAUGE,
                   (double)distinct_count(cell->distinct));
        break;
    case CELL_HISTOGRAM:
        show_histogram(&visit, cell->histogram);
        break;
    case CELL_DISTRIBUTION:
    case CELL_DISTRIBUTION_COPY:
        /* A sketch payload has no resources: the tags stay as they are. */
        visit.id.tags = tags;
        visit.id.n_tags = n_tags;
        visit.id.n_resources = 0;
        show_sketch(&visit, cell->sketch);
        break;
    case CELL_KIND_COUNT:
        break;
    }
}
