/* flush/flusher.h: parcels in, payloads out: the owner of all series.
 *
 *   inbox -> parcels, each worker's in the order sent
 *     births   -> catalogue_admit
 *     records  -> encoder (timestamped samples by series, events, checks)
 *     bucket   -> snapshot_fold, into the snapshot of its interval
 *   snapshot complete or late -> snapshot_seal -> points_next -> encoder -> outbox
 *                                                            -> observers: rollups, mirror,
 *                                                               console
 *   questions -> answers_step, from the rollups and what came lately -> answers
 *
 * All work is done in slices: flusher_step() does a bounded piece and says
 * whether there is more, so that neither a flush nor a storm of births holds
 * the loop. Time is an argument; one thread. flusher_loop.h runs it.
 *
 * Settings. A worker's parcels follow the rules that its buckets carry
 * (flush/series/rules.h); a snapshot those that all workers followed when it was sealed.
 *
 * Timestamps. Which second a snapshot carries is said by flush/snapshots/timeline.h. The rest
 * of an interval that was sealed early carries the second of that seal, and no zeros: they
 * came with the first part. */
#ifndef FLUSH_FLUSHER_H
#define FLUSH_FLUSHER_H

#include "flush/memory/state.h"
#include "flush/parcels/inbox.h"
#include "flush/parcels/tag_survey.h"
#include "flush/payloads/encoder.h"
#include "flush/rollups/question_box.h"
#include "flush/rollups/rollup.h"
#include "flush/snapshots/observer.h"

struct flusher;
struct recent;
struct units;

/* The gauges about itself that the server sends with each flush, without tags. Names are
 * static. */
enum { SELF_GAUGES_MAX = 32 };
struct self_report {
    struct {
        const char *name;
        double value;
    } at[SELF_GAUGES_MAX];
    size_t n;
};

struct flusher_config {
    const struct settings *settings; /* those of the start, which outlive the flusher */
    const char *hostname;
    uint32_t workers;
    int64_t start_s;                 /* when the process started, wall clock */
    struct inbox *inbox;             /* shared */
    struct outbox *outbox;           /* shared */
    struct worker_account *accounts; /* one a worker, and behind them one for each lane of who
                                        submits (flush/parcels/submitted.h) */
    struct arena_budget *budget;     /* of all arenas */
    size_t contexts_bytes;           /* for workers' tables and the catalogue; 0: no bound */
    struct flusher_ledger *ledger;
    struct question_box *questions; /* shared; or NULL */
    struct units *units;            /* shared; of what is answered; or NULL */
    /* How many other instances live under the name of this host, and the tag that series carry
     * while there are any; NULL: they carry none. */
    const _Atomic(uint64_t) *duplicates;
    const char *duplicate_tag;
    /* Called with each snapshot if heeler_self_telemetry says so; NULL: there are no gauges. */
    void (*report)(void *argument, struct self_report *out);
    void *report_argument;
    tag_survey_box *tag_survey; /* where tag keys are told of; NULL: nowhere */
};

/* NULL with a sentence when a setting is wrong or memory is exhausted. */
struct flusher *flusher_new(const struct flusher_config *config, char *problem,
                            size_t problem_size);
void flusher_free(struct flusher *given);

/* What the series did lately; NULL when heeler_rollup_max_bytes is 0. A view. */
struct rollup *flusher_rollup(struct flusher *flusher);

/* What came last. A view. */
struct recent *flusher_recent(struct flusher *flusher);

/* Adds an observer (given, even on failure) behind the rollups and those that were added
 * before. To be called before the first step. False: there are too many. */
bool flusher_observe(struct flusher *flusher, struct observer given);

/* Does one bounded piece of work. True: there is more to do at once. */
bool flusher_step(struct flusher *flusher, int64_t now_s, int64_t now_ns);

/* To be called from time to time (each second): seals what waits for a worker
 * for too long and posts records. */
void flusher_tick(struct flusher *flusher, int64_t now_s, int64_t now_ns);

/* Does everything at once: all parcels, all snapshots (complete or not), all records. To be
 * called when the workers have pushed their last parcel. */
void flusher_finish(struct flusher *flusher, int64_t now_s, int64_t now_ns);

/* ---- a successor takes over -------------------------------------------- */

/* As flusher_finish, but what is open stays open: it is written into the part
 * STATE_SERIES, with all series and the stamps that were used, and what the series did lately
 * into STATE_WINDOWS, and what came last into STATE_RECENT, if there is room and as far as
 * nobody keeps it for longer. False: it could not be written; then flusher_finish() is next. */
bool flusher_hand_over(struct flusher *flusher, int64_t now_s, int64_t now_ns,
                       struct state_writer *out);

/* What the series did lately, from the part STATE_WINDOWS, if there is one. As that, and behind
 * it. */
bool flusher_restore_windows(struct flusher *flusher, struct state_reader in);

/* The same of what came last, from STATE_RECENT. */
bool flusher_restore_recent(struct flusher *flusher, struct state_reader in);

/* Goes on where that part ends. To be called before the first step; wall_ns and now_ns are the
 * same moment. False, with a log line: the part is damaged. What could be read of it is series
 * that are whole, without values. */
bool flusher_restore(struct flusher *flusher, struct state_reader in, int64_t wall_ns,
                     int64_t now_ns);

#endif
