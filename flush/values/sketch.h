/* flush/values/sketch.h: the Agent's distribution sketch, bin for bin.
 *
 * A value falls in the bin of its key, round-half-to-even(ln|v| / ln 1.015625)
 * + 1338 with the sign of the value; bins count in 32 bits (older Agents: 16); above
 * SKETCH_BINS bins the lowest ones collapse into the first that is kept. Two sketches merge
 * into exactly what one sketch of all values would have been.
 *
 * Memory comes from the arena given and dies with it. Small sketches are
 * small: most contexts see two or three values an interval. */
#ifndef FLUSH_VALUES_SKETCH_H
#define FLUSH_VALUES_SKETCH_H

#include <stdint.h>

#include "config/must_check.h"
#include "flush/memory/arena.h"

enum { SKETCH_BINS = 4096 };

struct sketch_bin {
    int16_t key;
    uint32_t count;
};

/* Count (integer part of each weight), extremes and moments, exact. */
struct sketch_summary {
    int64_t count;
    double min, max;
    double sum; /* of value * untruncated weight */
    double avg; /* of value * whole weight / count, as the Agent reports it */
};

struct sketch; /* lives in an arena */

int16_t sketch_key(double value); /* value must be finite */

/* The value at the middle of the key's bin, within 0.8 % of all in it; +-Inf at +-32767. */
double sketch_key_value(int16_t key);

/* A new empty sketch, or NULL when the arena is exhausted. */
struct sketch *sketch_new(struct arena *arena);

/* Adds a finite value with a sample rate (outside (0,1] or NaN: 1). False when
 * the arena is exhausted; the sketch is then unchanged. */
MUST_CHECK bool sketch_add(struct sketch *sketch, struct arena *arena, double value,
                           double rate);

/* The same with 1/rate given: its whole part counts, from 1 (also for what is
 * less or NaN) to 2^53. */
MUST_CHECK bool sketch_add_weighted(struct sketch *sketch, struct arena *arena, double value,
                                    double weight);

/* A sketch of what sketch_summary() and sketch_bins() told of another, ascending
 * bins, n up to SKETCH_BINS; NULL when the arena is exhausted. */
struct sketch *sketch_restore(struct arena *arena, const struct sketch_summary *summary,
                              const struct sketch_bin *bins, size_t n);

/* other is only read (it may be compacted in place) and may live in another arena.
 * False when the arena is exhausted; both are then unchanged. */
MUST_CHECK bool sketch_merge(struct sketch *into, struct arena *arena, struct sketch *other);

void sketch_summary(const struct sketch *sketch, struct sketch_summary *out);

/* The bins in ascending key order, compacted first; a view good until the next
 * add or merge. False when the arena is exhausted. */
MUST_CHECK bool sketch_bins(struct sketch *sketch, struct arena *arena,
                            const struct sketch_bin **bins, size_t *n);

/* The value of the nearest rank to q in [0,1], round-half-to-even(q * (values - 1)), within
 * 0.8 %: the middle of its bin, and no more than the extremes; 0 when empty, NaN when the arena
 * is exhausted. (The Agent's own function goes upward from there to the next bin, by how much
 * of the bin lies below, and so up to 2.4 % away.) */
double sketch_quantile(struct sketch *sketch, struct arena *arena, double q);

#endif
