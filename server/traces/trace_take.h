/* server/traces/trace_take.h: the body of a request becomes spans that are counted.
 *
 *   body ──► decoded ──► put right, trace by trace ──► counted, and offered to the ring
 *
 * One body at a time, and all that is made of it is given back before the next. The trace
 * thread's. */
#ifndef SERVER_TRACES_TRACE_TAKE_H
#define SERVER_TRACES_TRACE_TAKE_H

#include "server/traces/concentrator.h"
#include "server/traces/trace_ring.h"
#include "server/traces/traces_ledger.h"

struct trace_taker {
    struct arena_budget *budget;
    struct concentrator *concentrator;
    struct trace_ring *ring; /* NULL: none are kept */
    struct traces_ledger *ledger;
};

/* source: what the headers of the request say; a view. TRACE_OK: each span is in the ledger.
 * Else none is, and problem is a sentence. */
enum trace_result trace_take(const struct trace_taker *taker, enum trace_layout layout,
                             enum trace_form form, struct slice body,
                             const struct trace_source *source, int64_t now_ns,
                             char problem[TRACE_PROBLEM_MAX]);

#endif
