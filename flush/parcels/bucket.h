/* flush/parcels/bucket.h: what a worker hands to the flusher.
 *
 * Three parcels carry everything:
 *   births   the raw bytes of contexts seen for the first time, sent ahead of
 *            the bucket, so that a storm of new contexts never piles up
 *   records  lines that are not aggregated (timestamped samples, events,
 *            service checks), as their raw bytes
 *   bucket   the cells of one interval, indexed by context id, and the ids that
 *            the worker has forgotten
 *
 * All are made and filled by one worker, *given* when pushed on the inbox, and
 * freed by the flusher. A bucket is sealed when pushed: nobody writes it but
 * the flusher that owns it then. */
#ifndef FLUSH_PARCELS_BUCKET_H
#define FLUSH_PARCELS_BUCKET_H

#include "flush/memory/arena.h"
#include "flush/parcels/inbox.h"
#include "flush/values/cell_kind.h"
#include "flush/values/distinct.h"
#include "flush/values/histogram.h"
#include "flush/values/sketch.h"

/* A context's value in one bucket: 16 bytes, dense by context id, four in a
 * cache line. stamp == 0: not touched in this interval; values == 0 and a stamp:
 * touched, but every value was shed (a counter then is zero, as in the Agent). */
struct cell {
    union {
        double value; /* CELL_COUNT: sum; CELL_GAUGE: last */
        struct distinct *distinct;
        struct histogram *histogram;
        struct sketch *sketch;
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
    struct arena arena;  /* of the cells' sets, histograms and sketches */
    /* The worker's own counts at the seal, for the balances. */
    uint64_t values_parsed, values_shed;
    uint64_t lines, lines_accounted;
};

/* The rules are let go before, by who knows them. */
void bucket_free(struct bucket *given);

/* One birth: this head, then name_len + tags_len raw bytes. */
struct birth {
    uint32_t id;
    uint32_t name_len;
    uint32_t tags_len;
    uint32_t kind; /* enum cell_kind */
};

/* One record: this head, then len raw bytes of the line. */
struct record {
    int64_t received_s;
    uint32_t len;
    uint32_t kind;   /* enum line_kind */
    uint32_t values; /* of a timestamped sample */
    uint32_t unused;
};

/* A run of births or records; pushed when the next one does not fit. */
struct chunk {
    struct parcel parcel;
    size_t used, capacity;
    char bytes[];
};

enum { CHUNK_BYTES = 256 * 1024 - sizeof(struct chunk) };

/* NULL without memory. least: the size of what must fit. */
struct chunk *chunk_new(enum parcel_kind kind, uint32_t worker, size_t least);
void chunk_free(struct chunk *given);

/* Appends head and up to two byte runs; false when they do not fit. */
bool chunk_append(struct chunk *chunk, const void *head, size_t head_size, struct slice first,
                  struct slice second);

/* Walks a chunk: *offset starts at 0. False at the end. The slice is a view. */
bool chunk_next_birth(const struct chunk *chunk, size_t *offset, struct birth *birth,
                      struct slice *name, struct slice *tags);
bool chunk_next_record(const struct chunk *chunk, size_t *offset, struct record *record,
                       struct slice *line);

#endif
