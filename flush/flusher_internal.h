/* flush/flusher_internal.h: what the flusher's files share: its state, and who does what.
 *
 *   flusher.c             parcels, and the step that drives everything
 *   flusher_records.c     timestamped samples (timed.h), events and checks
 *   flusher_submitted.c   what others than workers submit
 *   flusher_snapshots.c   which snapshot takes a bucket, and when it is sealed
 *   flusher_send.c        a sealed snapshot, slice by slice
 *   flusher_workers.c     what the workers are told
 *   flusher_state.c       what a successor goes on with */
#ifndef FLUSH_FLUSHER_INTERNAL_H
#define FLUSH_FLUSHER_INTERNAL_H

#include "flush/flusher.h"
#include "flush/parcels/bucket.h"
#include "flush/parcels/chunk.h"
#include "flush/parcels/inbox.h"
#include "flush/parcels/submitted.h"
#include "flush/rollups/answers.h"
#include "flush/rollups/check_statuses.h"
#include "flush/series/catalogue.h"
#include "flush/series/rules.h"
#include "flush/series/tag_surveyor.h"
#include "flush/snapshots/recent.h"
#include "flush/snapshots/snapshot.h"
#include "flush/snapshots/timeline.h"
#include "flush/timed.h"

/* A worker whose bucket has not come this long after the first one is late: its values go into
 * the next snapshot. */
#define FLUSHER_LATE_NS INT64_C(2000000000)

/* What a step that was cut short goes on from: a place in the first parcel, which is taken up
 * again before any other, and one in the first sealed snapshot. No other field says where a
 * step stands. */
struct step {
    size_t offset;            /* in a chunk: of its next birth or record */
    struct fold fold;         /* in a bucket: of its next cell */
    struct snapshot *folding; /* what the bucket goes into; NULL: it is not begun */
    uint32_t next_series;     /* to be sent; 0: the sealed snapshot is not begun */
};

/* The workers, and behind them who submits. */
enum { SENDERS_MAX = WORKERS_MAX + SUBMITTED_LANE_COUNT };

struct flusher {
    struct flusher_config config;
    struct catalogue *catalogue;
    struct encoder *encoder;
    int64_t interval_s;
    uint32_t max_series;

    struct rules *rules; /* held, as the others: the rules that all workers follow */
    struct rules *rules_of[WORKERS_MAX]; /* by worker: the rules of its next parcel; who submits
                                            follows those of all */
    struct rules *sending;               /* the rules that the encoder follows */

    struct parcel *first,
        *last;               /* parcels that were taken and are not handled yet, oldest first */
    struct snapshot *open;   /* oldest first */
    struct snapshot *sealed; /* oldest first; the first is being sent */
    struct step step;
    struct timeline timeline;

    struct observers observers;    /* the rollups are the first, then what came lately */
    struct rollup *rollup;         /* a view of that; or NULL */
    struct recent *recent;         /* the same */
    struct check_statuses *checks; /* the same */
    struct answers answers;

    struct timed *timed;           /* samples that carry a time of their own */
    struct tag_surveyor *surveyor; /* or NULL */

    /* By worker, as of its last seal. */
    size_t table_bytes[WORKERS_MAX];
    uint64_t folded_of[SENDERS_MAX]; /* values that balance 2 has seen */
    uint64_t values_off[SENDERS_MAX], lines_off[SENDERS_MAX];
    bool gave_back[WORKERS_MAX]; /* a chunk, since flusher_tidy_spares() */
};

/* ---- flusher_records.c ------------------------------------------------- */

/* Handles a record by the rules of its worker. */
void flusher_record(struct flusher *flusher, struct rules *rules, const struct record *record,
                    struct slice body, int64_t now_s);

/* ---- flusher_submitted.c ----------------------------------------------- */

/* Handles a record of enum submitted_kind, which came by that lane. */
void flusher_submitted(struct flusher *flusher, struct rules *rules, enum submitted_lane lane,
                       const struct record *record, struct slice body, int64_t now_s);

/* Such records came, and no more follow in this parcel. */
void flusher_submitted_end(struct flusher *flusher);

/* ---- flusher_snapshots.c ----------------------------------------------- */

/* Makes a snapshot, the last of those that are open; NULL without memory. */
struct snapshot *flusher_open(struct flusher *flusher, int64_t start_s, int64_t now_ns);

/* The snapshot of the bucket's interval. One that is sealed already takes no more: the
 * bucket then goes into the newest open one, or one of its own. NULL without memory. */
struct snapshot *flusher_snapshot_for(struct flusher *flusher, const struct bucket *bucket,
                                      int64_t now_ns);

/* Seals it: it is no longer open, and is sent when those that were sealed before it are. */
void flusher_seal(struct flusher *flusher, struct snapshot *snapshot);

/* The worker has pushed all that goes into it. When all workers have, it is sealed. */
void flusher_arrived(struct flusher *flusher, struct snapshot *snapshot, uint32_t worker);

void flusher_free_snapshots(struct snapshot *given);

/* ---- flusher_send.c ---------------------------------------------------- */

/* Sends a slice of the first sealed snapshot, and frees the snapshot after the last slice. */
void flusher_send(struct flusher *flusher, int64_t now_s);

/* Posts the records that are gathered or open. */
void flusher_end_records(struct flusher *flusher, int64_t now_s);

/* ---- flusher_workers.c ------------------------------------------------- */

/* Tells the workers whether there is room for new contexts. */
void flusher_tell_workers(struct flusher *flusher);

/* Tells the workers which contexts that were refused may come again, because there is room. */
void flusher_offer_room(struct flusher *flusher);

/* Tells the worker of this parcel that it is handled. */
void flusher_tell_handled(struct flusher *flusher, const struct parcel *done);

/* Gives the chunk of records back to its worker, which may fill it again. */
void flusher_give_back(struct flusher *flusher, struct chunk *given);

/* Frees what was given back and is not taken yet. */
void flusher_free_spares(struct flusher *flusher, uint32_t worker);

/* The same of each worker that has filled no chunk of records since the last time. */
void flusher_tidy_spares(struct flusher *flusher);

#endif
