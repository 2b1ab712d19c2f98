/* server/api/kept_traces.h: traces that are kept to be looked at, asked for by the page:
 * GET /api/v1/traces and /api/v1/traces/ID (docs/api.md).
 *
 *   work ── question ──► trace thread ── what it found ──► the desk's loop ──► JSON
 *
 * The desk's. Nothing is answered at once, and nobody waits. */
#ifndef SERVER_API_KEPT_TRACES_H
#define SERVER_API_KEPT_TRACES_H

#include <event2/event.h>

#include "config/must_check.h"

enum {
    KEPT_TRACES_LIMIT = 20,           /* of a list, unless it says another */
    KEPT_TRACES_ANSWER_MAX = 4 << 20, /* then meta and metrics are left out */
};

struct kept_traces;
struct trace_box;

/* The answers come in that loop; the box outlives it. NULL without memory. */
struct kept_traces *kept_traces_new(struct event_base *desk_base, struct trace_box *box);
void kept_traces_free(struct kept_traces *given); /* NULL is fine */

#endif
