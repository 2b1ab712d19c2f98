/* flush/snapshots/points.h: one cell of a sealed snapshot into the series that the intake
 * knows.
 *
 * A counter is one rate, a gauge one gauge, a set a gauge of its size, a
 * histogram a series per aggregate and percentile, a distribution a sketch.
 * Each is shown to a visitor as a view that is good during the call: encoders,
 * the console and the tests are visitors. */
#ifndef FLUSH_SNAPSHOTS_POINTS_H
#define FLUSH_SNAPSHOTS_POINTS_H

#include "config/problems.h"
#include "config/settings.h"
#include "flush/series/filter.h"
#include "flush/series/series.h"
#include "flush/snapshots/snapshot.h"

struct point_visitor {
    void (*series)(void *context, const struct series *series);
    void (*sketch)(void *context, const struct sketch_series *sketch);
    void *context;
};

enum histogram_aggregate {
    AGGREGATE_MAX,
    AGGREGATE_MEDIAN,
    AGGREGATE_AVG,
    AGGREGATE_COUNT,
    AGGREGATE_MIN,
    AGGREGATE_SUM,
    AGGREGATE_KINDS
};

enum { PERCENTILES_MAX = 101 };

/* What the settings ask of a flush. */
struct point_rules {
    int64_t interval_s;
    bool aggregates[AGGREGATE_KINDS];
    int percentiles[PERCENTILES_MAX]; /* ascending */
    size_t n_percentiles;
    const struct filter *filter; /* of histogram suffixes; NULL: none */
    struct flusher_ledger *ledger;
};

/* A warning for each word and number of histogram_aggregates and histogram_percentiles
 * that makes no sense: it is skipped, as by the Agent. */
void point_rules_check(const struct settings *settings, struct problems *problems);

/* From these settings. */
void point_rules_read(struct point_rules *rules, const struct settings *settings,
                      const struct filter *filter, struct flusher_ledger *ledger);

/* Shows every point of that series to the visitor; nothing when it has none. */
void points_visit(struct snapshot *snapshot, struct catalogue *catalogue, uint32_t series,
                  const struct point_rules *rules, const struct point_visitor *visitor);

/* The identity of a series in the form of the encoders: views into the scratch
 * and the catalogue. */
enum { POINT_TAGS_MAX = 128 };
struct identity_scratch {
    struct slice tags[POINT_TAGS_MAX];
    struct resource resources[POINT_TAGS_MAX];
};
struct series_identity points_identity(struct identity_scratch *scratch, struct slice name,
                                       struct slice host, const struct slice *tags,
                                       size_t n_tags);

#endif
