/* flush/snapshots/snapshot.h: all buckets of one interval, merged by series.
 *
 * A bucket is folded in the moment it arrives: its context ids mean series only
 * until the next parcel of that worker. Counts add, the newest gauge wins by
 * stamp, sets, histograms and sketches merge; where there is nothing to merge
 * with, the snapshot adopts the block and with it the bucket's arena. Once
 * sealed, a snapshot is read by the encoders and freed.
 *
 * Owned by the flusher, one thread. */
#ifndef FLUSH_SNAPSHOTS_SNAPSHOT_H
#define FLUSH_SNAPSHOTS_SNAPSHOT_H

#include "flush/parcels/bucket.h"
#include "flush/series/catalogue.h"

struct snapshot_cell {
    union {
        double value;
        void *object;
    };
    int64_t stamp_ns; /* monotonic, of the newest sample; 0: no value */
};

struct rules;
struct fold_rules;

struct snapshot {
    struct snapshot *next;
    int64_t start_s;             /* of its interval */
    int64_t until_s;             /* where its buckets end */
    int64_t base_ns;             /* monotonic, what start_s stands for; 0: not known */
    int64_t stamp_s;             /* what its points carry, set when sealed */
    int64_t opened_ns;           /* monotonic, when the first bucket came */
    uint64_t arrived;            /* workers that have handed in, a bit each */
    bool fill_zeros;             /* false for what came late, or the rest of an interval */
    struct rules *rules;         /* that it is sent by, once sealed; held by the flusher */
    struct snapshot_cell *cells; /* pages, by series id */
    uint32_t *counts;            /* the same: how many values went into each */
    uint32_t max_series;
    uint32_t end;    /* series below may have a value */
    uint64_t values; /* folded into it */
    struct arena arena;
    struct arena *adopted;
    size_t n_adopted, adopted_capacity;
};

/* NULL without memory. */
struct snapshot *snapshot_new(int64_t start_s, int64_t now_ns, uint32_t max_series,
                              struct arena_budget *budget);
void snapshot_free(struct snapshot *given);

/* Where a fold stands; starts as zeros. */
struct fold {
    uint32_t next; /* cell */
};

/* Folds at most max_cells cells of the bucket; true when the bucket is done:
 * its arena has then moved to the snapshot or is empty. */
bool snapshot_fold(struct snapshot *snapshot, struct catalogue *catalogue,
                   struct bucket *bucket, struct fold *fold, uint32_t max_cells,
                   const struct fold_rules *rules);

/* Adds the zeros of quiet counters and notes gauges that deltas build on. To be
 * called once, with the last bucket folded. */
void snapshot_seal(struct snapshot *snapshot, struct catalogue *catalogue, int64_t stamp_s);

/* The series from `from` up to `to` were read for the last time, as were all below them: gives
 * back the memory of their cells. */
void snapshot_forget(struct snapshot *snapshot, uint32_t from, uint32_t to);

static inline bool snapshot_has(const struct snapshot *snapshot, uint32_t series)
{
    return series < snapshot->end && snapshot->cells[series].stamp_ns != 0;
}

/* One series of a sealed snapshot, with all that others need to know of it: views, good
 * until the snapshot is told to forget it. */
struct snapshot_series {
    uint32_t number; /* in the catalogue, which holds its identity */
    struct identity id;
    const struct identities *identities; /* what the id is of */
    enum cell_kind kind;
    const struct snapshot_cell *cell;
    int64_t newest_ms; /* wall clock of its newest sample */
    uint32_t values;   /* that came in the interval; 0: a zero, or from the program before */
};

/* False: it has no value. */
bool snapshot_show(const struct snapshot *snapshot, struct catalogue *catalogue,
                   uint32_t series, struct snapshot_series *out);

#endif
