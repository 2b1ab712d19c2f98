/* server/traces/upstream.h: the numbers of traces on their way to the intake, if they are sent.
 *
 *   bucket ──► stats_encode ──► payloads ──► outbox ──► delivery, at the door of traces
 *
 * They take the outbox that the flusher's payloads take, which anybody may push to, and are
 * beside its books: the trace thread counts what it pushes, and the account of that door, which
 * takes nothing else, says what became of it. Both count groups.
 *
 * The trace thread's. */
#ifndef SERVER_TRACES_UPSTREAM_H
#define SERVER_TRACES_UPSTREAM_H

#include "flush/payloads/outbox.h"
#include "server/traces/stats_encode.h"
#include "server/traces/traces_ledger.h"

struct upstream {
    struct outbox *outbox; /* NULL: nothing is sent */
    struct slice hostname, env;
    struct arena_budget *budget;
    struct traces_ledger *ledger;
    unsigned short random[3];
};

/* A bucket that has been told of here. */
void upstream_tell(struct upstream *upstream, const struct span_bucket *bucket, int64_t now_s);

#endif
