/* server/traces/concentrator.h: spans counted by what they are, in buckets of ten seconds by
 * their end (pkg/trace/stats/concentrator.go).
 *
 *   trace ──► spans that count ──► key ──► struct span_group of the bucket
 *                                            hits, errors, seconds by 1 / _sample_rate
 *   each ten seconds ──► the buckets that are old enough, oldest first ──► the caller
 *
 * A span counts if it is the top of its service, if it says so (_dd.measured), or by its kind
 * (server, client, producer, consumer). One that comes for a bucket that is gone counts in the
 * oldest that is open. Groups and their texts are in the arena of their bucket, whose budget is
 * that of all traces: without memory a span is not counted, which the caller counts. One that
 * ends more than ten minutes ahead counts as if it ended now.
 *
 * The trace thread's; time is an argument. */
#ifndef SERVER_TRACES_CONCENTRATOR_H
#define SERVER_TRACES_CONCENTRATOR_H

#include "config/must_check.h"
#include "flush/memory/arena.h"
#include "flush/values/sketch.h"
#include "server/traces/span_key.h"

enum { CONCENTRATOR_BUCKET_S = 10, CONCENTRATOR_OPEN_S = 20 };

/* Durations in seconds in the sketches, in nanoseconds in the sum; weights are fractions until
 * they are told. */
struct span_group {
    struct span_key key;
    double hits, errors, top_level_hits, duration_ns;
    struct sketch *ok, *failed; /* in the bucket's arena; NULL: nothing yet */
    struct span_group *next;    /* of the bucket */
    struct span_group *chained; /* with the same place by hash */
    uint64_t hash;
};

struct span_bucket {
    int64_t start_s;
    struct span_group *groups;
    size_t n_groups;
    struct arena *arena; /* to read sketches with (sketch_bins) */
};

struct concentrator;

struct concentrator_config {
    struct arena_budget *budget;
    struct slice default_env; /* outlives it; for spans that say none */
    uint64_t secret;          /* random, so that nobody knows which keys meet */
    bool by_span_kind, peer_tags;
    size_t groups_max; /* of a bucket; what is beyond is one group, "tracer_blocked_value" */
};

/* NULL without memory. */
struct concentrator *concentrator_new(const struct concentrator_config *config, int64_t now_s);
void concentrator_free(struct concentrator *given); /* NULL is fine */

/* A view, as it was configured. */
struct slice concentrator_default_env(const struct concentrator *concentrator);

/* What became of the spans of a trace; late: of those that were counted. */
struct concentrated {
    uint32_t counted, not_eligible, partial, no_memory, late;
};

/* A trace that is normal and has its shape (server/traces/normalise.h). */
struct concentrated concentrator_add(struct concentrator *concentrator,
                                     const struct trace_payload *payload,
                                     const struct trace *trace, int64_t now_s);

/* A group that a client counted in the bucket that starts at start_s: merged with what has the
 * same key. False without memory. */
MUST_CHECK bool concentrator_merge(struct concentrator *concentrator, int64_t start_s,
                                   const struct span_group *group, int64_t now_s);

/* The oldest bucket that is due at now_s (or any, with all), as a view until it is dropped or
 * something is added; NULL: none. */
const struct span_bucket *concentrator_due(struct concentrator *concentrator, int64_t now_s,
                                           bool all);

/* How many are open. */
size_t concentrator_open(const struct concentrator *concentrator);

/* That bucket has been told of. */
void concentrator_drop(struct concentrator *concentrator, const struct span_bucket *given);

#endif
