/* server/traces/traces.h: what tracing libraries send, as numbers.
 *
 *   tracer ── HTTP ──► door ──► spans ──► buckets of ten seconds ──► a lane into the flusher
 *
 * A thread of its own, with an event loop of its own; there only if apm_config.enabled is set.
 * It shares nothing with the workers: its own table, books and memory, and its own lane of the
 * inbox. Each second it tells of the buckets that are twenty seconds old; at the end, of all of
 * them. With apm_config.forward_stats the intake is told the same numbers. Traces stay here. */
#ifndef SERVER_TRACES_TRACES_H
#define SERVER_TRACES_TRACES_H

#include "config/must_check.h"
#include "server/receive/inherited.h"
#include "server/receive/submitter.h"
#include "server/traces/traces_ledger.h"

struct outbox;
struct settings;
struct trace_box;
struct traces;

struct traces_config {
    const struct settings *settings;     /* those of the start, which outlive it */
    struct submitter *submitter;         /* of its lane; outlives it */
    struct traces_ledger *ledger;        /* the same; it alone writes it */
    struct trace_box *box;               /* the same; questions about kept traces */
    struct inherited_sockets *inherited; /* or NULL; looked at by traces_start() alone */
    struct outbox *outbox;               /* of the numbers that are sent; NULL: none is */
    const char *hostname;                /* outlives it */
};

/* NULL with a sentence. */
struct traces *traces_start(const struct traces_config *config, char *problem,
                            size_t problem_size);

/* Ends the thread, which tells of all that it has, and frees all of it. To be called before the
 * submitter is gated. NULL is fine. */
void traces_stop(struct traces *given);

/* The same; the sockets go to a successor (NULL: they are closed). */
void traces_leave(struct traces *given, struct inherited_sockets *to);

/* Of the TCP address; 0: none. */
int traces_port(const struct traces *traces);

/* When the thread last turned, monotonic. Any thread. */
int64_t traces_alive_ms(const struct traces *traces);

#endif
