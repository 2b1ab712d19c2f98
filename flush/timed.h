/* flush/timed.h: samples with a time of their own, gathered by series.
 *
 *   sample -> print -> series, named at its first sample -> its points
 *   a batch is full, or a second is over -> an entry a series, of many points -> encoder
 *                                        -> the same points, each by its time -> rollups
 *
 * What a name and its tags become is found once for all samples of that identity, and kept as
 * long as such samples come and the worker's rules stay the same. Nothing is added up: each
 * value is a point, and the points of a series are sent in the order in which they came, also
 * those of one second.
 *
 * Memory is bounded: so many points a batch (dogstatsd_no_aggregation_pipeline_batch_size),
 * so many series and bytes of their names and tags. When there is no room for one series more
 * the batch is posted, and all series are forgotten. A second without samples gives all memory
 * back.
 *
 * The flusher's, one thread. Counts what becomes of each value. */
#ifndef FLUSH_TIMED_H
#define FLUSH_TIMED_H

#include "flush/parcels/chunk.h"
#include "flush/payloads/encoder.h"
#include "flush/rollups/rollup.h"
#include "flush/series/rules.h"

struct timed;

/* The encoder, the rollups (or NULL) and the ledger outlive it. NULL without memory. */
struct timed *timed_new(struct encoder *encoder, struct rollup *rollup, int64_t interval_s,
                        struct flusher_ledger *ledger);

/* What was gathered and not posted is lost. */
void timed_free(struct timed *given);

/* Takes a sample of a worker that follows these rules. */
void timed_add(struct timed *timed, struct rules *rules, const struct timed_sample *sample,
               int64_t now_s);

/* Posts what was gathered. */
void timed_post(struct timed *timed, int64_t now_s);

/* To be called from time to time (each second): forgets the series when none got a sample since
 * the last time. */
void timed_tidy(struct timed *timed, int64_t now_s);

#endif
