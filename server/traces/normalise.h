/* server/traces/normalise.h: the rules that the Agent has for what spans say
 * (pkg/trace/agent/normalizer.go, truncator.go), and which of them are at the top of a service.
 *
 * A trace with an id that is 0, with spans of two traces, or without spans is dropped as a
 * whole; others are put right in place. New texts are made in the arena, when there is
 * something to put right. */
#ifndef SERVER_TRACES_NORMALISE_H
#define SERVER_TRACES_NORMALISE_H

#include "config/must_check.h"
#include "flush/memory/arena.h"
#include "server/traces/span.h"

/* Why spans were not counted: a label of heeler_trace_spans_refused_total{reason}. X(id, label,
 * sentence). */
#define TRACE_REFUSALS(X)                                                                  \
    X(TRACE_REFUSED_EMPTY, "empty_trace", "a trace without spans")                         \
    X(TRACE_REFUSED_TRACE_ID, "trace_id_zero", "a span with the trace id 0")               \
    X(TRACE_REFUSED_SPAN_ID, "span_id_zero", "a span with the id 0")                       \
    X(TRACE_REFUSED_FOREIGN, "foreign_span", "a span of another trace among those of one") \
    X(TRACE_REFUSED_MEMORY, "memory", "heeler_trace_max_bytes is reached")

#define TRACE_REFUSAL_ENUM(id, label, sentence) id,
enum trace_refusal { TRACE_TAKEN, TRACE_REFUSALS(TRACE_REFUSAL_ENUM) TRACE_REFUSAL_COUNT };
#undef TRACE_REFUSAL_ENUM

/* now_ns: for spans that began before 2000. TRACE_TAKEN: the trace is normal now. */
MUST_CHECK enum trace_refusal normalise_trace(struct trace *trace,
                                              const struct trace_source *source,
                                              struct arena *arena, int64_t now_ns);

/* Fills in root and is_top_level of a trace that has spans. The root is the last span with
 * parent 0; else the last whose parent is not there; else the last. At the top are the spans
 * whose parent is not there or is another service's, or those that the client says. False
 * without memory. */
MUST_CHECK bool trace_shape(struct trace *trace, bool client_computed, struct arena *arena);

/* The same rules for one text, for stats that clients computed: views, or made in the arena;
 * NULL at without memory. */
struct slice normalise_service(struct slice service, struct slice language,
                               struct arena *arena);
struct slice normalise_name(struct slice name, struct arena *arena);
struct slice normalise_resource(struct slice resource, struct slice name); /* a view */
struct slice normalise_tag_value(struct slice value, struct arena *arena);

#endif
