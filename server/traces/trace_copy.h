/* server/traces/trace_copy.h: a trace that is kept: one block of memory, which nobody changes.
 *
 *   spans of a body (views) ──► texts, each of them once ──► a block of so many bytes at most
 *
 * Of a trace that is larger its first spans are there, and of those meta and metrics as far as
 * they fit; a text that many spans name is there once, however it was sent. What a list shows
 * of the trace is of its root, whether that one is among them or not.
 *
 * The ring holds a copy, and so does who was given it by an answer: any thread, each with
 * trace_copy_hold() and trace_copy_drop(). */
#ifndef SERVER_TRACES_TRACE_COPY_H
#define SERVER_TRACES_TRACE_COPY_H

#include <stdatomic.h>

#include "config/must_check.h"
#include "flush/memory/arena.h"
#include "server/traces/span.h"

enum { TRACE_COPY_TEXT_MAX = 2000, TRACE_COPY_RESOURCE_MAX = 5000 };

/* Places among the texts. */
struct copied_meta {
    uint32_t key, value;
};

struct copied_metric {
    double value;
    uint32_t key;
};

struct copied_span {
    uint64_t span_id, parent_id;
    int64_t start_ns, duration_ns;
    uint32_t service, name, resource, type; /* places among the texts */
    uint32_t first_meta, n_meta, first_metric, n_metrics;
    int32_t error;
    bool is_top_level;
    bool is_cut; /* there was more meta, or longer */
};

struct trace_copy {
    _Atomic(uint32_t) holders;
    uint32_t times_kept; /* the ring's */
    uint32_t n_texts;
    size_t size; /* of the block */
    uint64_t trace_id;
    struct copied_span root; /* without meta and metrics */
    uint32_t n_spans, n_spans_sent;
    bool has_failed; /* an error at the top of a service */
    const struct copied_span *spans;
    const struct copied_meta *meta;
    const struct copied_metric *metrics;
    const uint32_t *text_ends;
    const char *texts;
};

/* A trace that has its shape. Held once. NULL: size_max is too small for any span, or there is
 * no memory; the block itself is not taken from the budget, which is for what it is made with.
 * secret: random, so that nobody can make texts whose hashes are the same. */
struct trace_copy *trace_copy_make(const struct trace *trace, size_t size_max, uint64_t secret,
                                   struct arena_budget *budget);

struct trace_copy *trace_copy_hold(struct trace_copy *copy);
void trace_copy_drop(struct trace_copy *given); /* NULL is fine */

/* A view, as long as the copy is held. */
struct slice trace_copy_text(const struct trace_copy *copy, uint32_t text);

#endif
