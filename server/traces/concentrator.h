/* server/traces/concentrator.h: spans counted by what they are, in buckets of ten seconds by
 * their end (pkg/trace/stats/concentrator.go).
 *
 *   trace ──► spans that count ──► key ──► struct span_group of the bucket
 *   each ten seconds ──► the buckets that are old enough, oldest first ──► the caller
 *
 * A span counts if it is the top of its service, if it says so (_dd.measured), or by its kind
 * (server, client, producer, consumer). One that comes for a bucket that is gone counts in the
 * oldest that is open. Groups and their texts are in the arena of their bucket, whose budget is
 * that of all traces: without memory a span is not counted, which the caller counts.
 *
 * The trace thread's; time is an argument. */
#ifndef SERVER_TRACES_CONCENTRATOR_H
#define SERVER_TRACES_CONCENTRATOR_H

#include "config/must_check.h"
#include "flush/memory/arena.h"
#include "flush/values/sketch.h"
#include "server/traces/span.h"

enum { CONCENTRATOR_BUCKET_S = 10, CONCENTRATOR_OPEN_S = 20 };

/* What makes a group; texts are views of the bucket's arena. */
struct span_key {
    struct slice env, version, hostname, container_id, language; /* of the payload */
    struct slice service, name, resource, type, kind, origin_service, method, endpoint;
    struct slice grpc_status;
    struct slice peer_tags; /* "k:v" joined by NUL, sorted */
    uint32_t http_status;   /* 0: none */
    bool synthetics, is_trace_root;
    bool from_client; /* of /v0.6/stats */
};

/* Durations in seconds in the sketches, in nanoseconds in the sum; weights are fractions until
 * they are told. */
struct span_group {
    struct span_key key;
    double hits, errors, top_level_hits, duration_ns;
    struct sketch *ok, *failed; /* in the bucket's arena; NULL: nothing yet */
    struct span_group *next;    /* of the bucket */
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
    struct slice default_env, hostname; /* outlive it */
    bool by_span_kind, peer_tags;
    size_t groups_max; /* of a bucket; beyond them as tracer_blocked_value: 7000 in clients */
};

/* NULL without memory. */
struct concentrator *concentrator_new(const struct concentrator_config *config, int64_t now_s);
void concentrator_free(struct concentrator *given); /* NULL is fine */

/* What became of the spans of a trace. */
struct concentrated {
    uint32_t counted, not_eligible, partial, no_memory;
};

/* A normal trace with its marks. */
struct concentrated concentrator_add(struct concentrator *concentrator,
                                     const struct trace_payload *payload,
                                     const struct trace *trace, int64_t now_s);

/* A group that a client counted in the bucket that starts at start_s: merged with what has the
 * same key. False without memory. */
MUST_CHECK bool concentrator_merge(struct concentrator *concentrator, int64_t start_s,
                                   const struct span_group *group, int64_t now_s);

/* The oldest bucket that is due at now_s (or any, with all), as a view until the next call of
 * any function; NULL: none. It is gone with the next call of this. */
const struct span_bucket *concentrator_take(struct concentrator *concentrator, int64_t now_s,
                                            bool all);

#endif
