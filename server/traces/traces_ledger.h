/* server/traces/traces_ledger.h: the account of the trace thread, which alone writes it.
 *
 *   spans   received = counted + not eligible + partial + client computed + refused (by reason)
 *
 * held against each other as the other balances are (flush/parcels/ledger.h). */
#ifndef SERVER_TRACES_TRACES_LEDGER_H
#define SERVER_TRACES_TRACES_LEDGER_H

#include "flush/parcels/ledger.h"
#include "server/traces/normalise.h"
#include "server/traces/trace_decode.h"

struct traces_ledger {
    _Alignas(OWN_LINE) struct counter payloads[TRACE_LAYOUT_COUNT]; /* that decoded */
    struct counter bad_payloads[TRACE_LAYOUT_COUNT];
    struct counter overloaded;    /* payloads answered for want of memory, not read */
    struct counter foreign_pages; /* 403 */
    struct counter stats_payloads, bad_stats_payloads, stats_groups;
    struct counter telemetry; /* accepted and dropped */
    struct counter traces, spans;
    struct counter counted, not_eligible, partial, client_computed;
    struct counter refused[TRACE_REFUSAL_COUNT];
    struct counter buckets, groups, late_spans;
    struct counter held_bytes; /* a gauge: of bodies, buckets and ring */
    struct counter ring_traces, ring_bytes;
};

#endif
