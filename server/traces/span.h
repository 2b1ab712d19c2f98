/* server/traces/span.h: a span, as tracers tell of it: one piece of work of a service, with
 * when it began and how long it took.
 *
 *   body of a request ──► struct trace_payload ──► traces ──► spans
 *
 * A trace is what tracers send as a list of spans that belong together; it may be a part of a
 * whole request. All layouts (v0.3 to v0.5, v0.7; msgpack and JSON) are decoded to the same.
 *
 * Everything is a view: texts into the body, or into the arena where a layout needs another
 * form of them; lists are in the arena. Body and arena live until the trace thread is done with
 * the request. What the layouts say and what clients send: docs/traces.md. */
#ifndef SERVER_TRACES_SPAN_H
#define SERVER_TRACES_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/slice.h"

struct span_meta {
    struct slice key, value;
};

struct span_metric {
    struct slice key;
    double value;
};

struct span {
    struct slice service, name, resource, type;
    uint64_t trace_id, span_id, parent_id; /* parent 0: none */
    int64_t start_ns, duration_ns;
    int32_t error; /* 0: none */
    const struct span_meta *meta;
    const struct span_metric *metrics;
    uint32_t n_meta, n_metrics;
    bool is_top_level; /* filled in by trace_shape() */
};

struct trace {
    struct span *spans;
    uint32_t n_spans;
    uint32_t root; /* its place; filled in by trace_shape() */
    /* Of v0.7, where a chunk may say them; empty, and INT32_MIN, elsewhere. */
    struct slice origin;
    int32_t priority;
};

/* What holds for all traces of a body: of the headers of the request, or of v0.7. */
struct trace_source {
    struct slice language, language_version, tracer_version, container_id, runtime_id;
    struct slice env, hostname, app_version; /* v0.7; empty: the spans say it */
    bool computed_top_level;                 /* by the client, which marked its spans */
    bool computed_stats;                     /* by the client: spans are not counted again */
};

struct trace_payload {
    struct trace_source source;
    struct trace *traces;
    uint32_t n_traces;
    uint64_t n_spans; /* of all of them */
};

/* The value of a key, as a view; empty: there is none. The last of several counts. */
struct slice span_meta(const struct span *span, struct slice key);

/* False: there is none. */
bool span_metric(const struct span *span, struct slice key, double *out);

#endif
