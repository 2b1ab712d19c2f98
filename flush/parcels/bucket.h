/* flush/parcels/bucket.h: what a worker has of one interval: its cells, indexed by context id,
 * and the ids that it has forgotten.
 *
 * Made and filled by one worker and *given* when pushed on the inbox; from then on it is
 * sealed: nobody writes it but the flusher, which owns it and frees it. */
#ifndef FLUSH_PARCELS_BUCKET_H
#define FLUSH_PARCELS_BUCKET_H

#include "flush/memory/arena.h"
#include "flush/parcels/inbox.h"
#include "flush/values/cell_kind.h"

/* A context's value in one bucket: 16 bytes, dense by context id, four in a
 * cache line. stamp == 0: not touched in this interval; values == 0 and a stamp:
 * touched, but every value was shed (a counter then is zero, as in the Agent). */
struct cell {
    union {
        double value; /* CELL_COUNT: sum; CELL_GAUGE: last */
        void *object; /* any other kind (flush/values/object.h), in the bucket's arena */
    };
    uint32_t stamp;  /* of the last sample, in STAMP_NS since the bucket's base_ns */
    uint32_t values; /* how many values went in */
};

/* 32 ns a step: 31 bits hold 68 s, more than the longest interval. */
enum { STAMP_NS = 32, STAMP_MAX = INT32_MAX - 1 };

/* On top of a gauge's stamp, with heeler_statsd_gauge_deltas: the value is to
 * be added to what the series had before ("+5" or "-5", and no plain value
 * since the interval began). */
#define STAMP_RELATIVE (UINT32_C(1) << 31)

static inline int64_t cell_age_ns(const struct cell *cell)
{
    return (int64_t)(cell->stamp & ~STAMP_RELATIVE) * STAMP_NS;
}

struct rules;

struct bucket {
    struct parcel parcel;
    int64_t start_s;     /* wall clock, aligned to the interval but for the rest of one
                          * that was sealed early */
    int64_t until_s;     /* start of the worker's next bucket */
    int64_t base_ns;     /* the monotonic time that start_s stands for: origin of the stamps */
    struct cell *cells;  /* mapped pages */
    size_t mapped_bytes; /* of cells */
    bool partial;        /* a successor goes on with the interval */
    size_t table_bytes;  /* that the worker's contexts take in its table */
    uint32_t n_cells;    /* ids below this may be touched */
    uint32_t *retired;   /* ids that may mean another context from the next parcel on */
    uint32_t n_retired;
    bool all_retired;    /* whatever the list says */
    struct rules *rules; /* what the worker's parcels follow behind this one; held; NULL:
                          * as before */
    struct arena arena;  /* of the cells' objects */
    /* The worker's own counts at the seal, for the balances. */
    uint64_t values_parsed, values_shed;
    uint64_t lines, lines_accounted;
};

/* The rules are let go before, by who knows them. */
void bucket_free(struct bucket *given);

#endif
