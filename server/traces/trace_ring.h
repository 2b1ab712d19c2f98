/* server/traces/trace_ring.h: traces that are kept to be looked at, for some minutes.
 *
 *   trace that was counted ──► worth it? ──► copy (trace_copy.h) ──► of each service and
 *                                              resource the slowest, and the last that failed
 *
 * Resources are those of its root and of what is at the top of other services, as the calls of
 * a database: a trace is there once, whatever it is kept for.
 *
 * Most traces are not worth a copy: they are faster than those that are kept of their resource.
 * Of failed ones there is one a second, once there are enough. What is kept has so many bytes
 * at most: where they are not enough, the resource with the most traces gives its least away,
 * and where each has few, the one to which nothing came for longest does. So a resource that
 * is rarely asked for is not driven out by one that is asked for all the time, nor that one by
 * many that never come again.
 *
 * The trace thread's; copies that it gave out are anybody's. Time is an argument, which may go
 * back. */
#ifndef SERVER_TRACES_TRACE_RING_H
#define SERVER_TRACES_TRACE_RING_H

#include "server/traces/trace_copy.h"
#include "server/traces/traces_ledger.h"

enum {
    TRACE_RING_SLOWEST = 8, /* of a resource */
    TRACE_RING_FAILED = 8,  /* the same */
    TRACE_RING_KEPT_S = 900,
    TRACE_RING_SHARE = 16, /* a trace has that part of the bytes at most */
    TRACE_RING_FOUND_MAX = 100
};

struct trace_ring;

struct trace_ring_config {
    struct arena_budget *budget; /* from which bytes are taken */
    struct traces_ledger *ledger;
    size_t bytes;
    uint64_t secret; /* random */
};

/* NULL without memory. */
struct trace_ring *trace_ring_new(const struct trace_ring_config *config);
void trace_ring_free(struct trace_ring *given); /* NULL is fine */

/* A trace that has its shape; it may be kept. NULL is fine. */
void trace_ring_offer(struct trace_ring *ring, const struct trace *trace, int64_t now_s);

/* What is too old goes. NULL is fine. */
void trace_ring_age(struct trace_ring *ring, int64_t now_s);

/* ---- what is asked ----------------------------------------------------- */

/* Empty texts: any. A trace fits if one of its spans does. */
struct trace_search {
    bool by_id;
    uint64_t trace_id; /* then all parts of it, the oldest first, and nothing else counts */
    struct slice service, name, resource;
    bool errors; /* the span has one; where no span is asked for, the trace has failed */
    bool latest; /* newest first; else by the span that took longest */
    uint32_t limit;
};

struct trace_found {
    struct trace_copy *copy;        /* held */
    const struct copied_span *span; /* that fits and took longest; of the copy */
    int64_t arrived_s;
};

struct trace_results {
    uint32_t n, n_fitting, n_kept;
    uint64_t kept_bytes;
    struct trace_found at[TRACE_RING_FOUND_MAX];
};

void trace_ring_search(const struct trace_ring *ring, const struct trace_search *search,
                       struct trace_results *out);

/* Drops what was found. */
void trace_results_free(struct trace_results *given);

#endif
