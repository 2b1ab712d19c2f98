/* flush/snapshots/points.h: one cell of a sealed snapshot into the series that the intake
 * knows.
 *
 * A counter is one rate, a gauge one gauge, a set a gauge of its size, a
 * histogram a series per aggregate and percentile, a distribution a sketch.
 * Each is shown to a visitor as a view that is good during the call: encoders,
 * the console and the tests are visitors. */
#ifndef FLUSH_SNAPSHOTS_POINTS_H
#define FLUSH_SNAPSHOTS_POINTS_H

#include "flush/series/point_rules.h"
#include "flush/series/series.h"
#include "flush/snapshots/snapshot.h"

struct point_visitor {
    void (*series)(void *context, const struct series *series);
    void (*sketch)(void *context, const struct sketch_series *sketch);
    void *context;
};

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
