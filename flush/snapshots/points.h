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

/* A series of the intake with its one point of this snapshot; the point lies in the
 * struct points that made it. */
struct made_point {
    bool is_sketch;
    union {
        struct series number;
        struct sketch_series sketch;
    };
};

/* Where the points of one series of the snapshot stand, and what a made point refers to.
 * The caller's; nothing has to be freed. */
struct points {
    const struct point_rules *rules;
    struct snapshot_cell *cell;
    struct arena *arena; /* the snapshot's: scratch of sorting */
    enum cell_kind kind;
    int64_t stamp_s;
    size_t next, end; /* among the points that the kind can have */
    struct series_identity id;
    struct slice unit;                /* of what is no rate */
    struct histogram_summary summary; /* of a histogram */
    struct point number;
    struct sketch_point sketch;
    struct identity_scratch scratch;
    char joined[512]; /* a name and its suffix */
};

/* To be called before the first point of the series. Without a value there is no point. */
void points_begin(struct points *points, struct snapshot *snapshot, struct catalogue *catalogue,
                  uint32_t series, const struct point_rules *rules);

/* False: there are no more. A point that cannot be sent is counted and left out. */
bool points_next(struct points *points, struct made_point *out);

#endif
