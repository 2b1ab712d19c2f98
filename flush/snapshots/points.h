/* flush/snapshots/points.h: one cell of a sealed snapshot into the series that the intake
 * knows.
 *
 *     points_begin(&points, ...);
 *     while (points_next(&points, &made))
 *         ...
 *
 * A counter is one rate, a gauge one gauge, a set a gauge of its size, a
 * histogram a series per aggregate and percentile, a distribution a sketch.
 * Each is a view that is good until the next call. */
#ifndef FLUSH_SNAPSHOTS_POINTS_H
#define FLUSH_SNAPSHOTS_POINTS_H

#include "flush/series/point_rules.h"
#include "flush/series/series.h"
#include "flush/snapshots/snapshot.h"

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

/* A series of the intake with its one point of this snapshot: one of the two, the other is
 * NULL. Views of the struct points that made it. */
struct made_point {
    const struct series *number;
    const struct sketch_series *sketch;
};

/* Where the points of one series of the snapshot stand, and what is shown of the last one.
 * The caller's; nothing has to be freed. */
struct points {
    const struct point_rules *rules;
    const struct snapshot_cell *cell;
    const struct cell_kind_row *row;
    struct arena *arena;              /* the snapshot's: scratch of sorting */
    size_t next, end;                 /* among the points that the kind can have */
    struct slice name, unit;          /* the unit of what is no rate */
    struct histogram_summary summary; /* of a histogram */
    struct series number; /* only its name, type and unit change from point to point */
    struct point number_point;
    struct sketch_series sketch;
    struct sketch_point sketch_point;
    struct identity_scratch scratch;
    char joined[512]; /* a name and its suffix */
};

/* To be called before the first point of a series of the snapshot. */
void points_begin(struct points *points, struct snapshot *snapshot, struct catalogue *catalogue,
                  const struct snapshot_series *series, const struct point_rules *rules);

/* False: there are no more. A point that cannot be sent is counted and left out. */
bool points_next(struct points *points, struct made_point *out);

#endif
