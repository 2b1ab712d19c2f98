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
    struct counter stats_payloads, bad_stats_payloads; /* of libraries that count themselves */
    struct counter stats_groups, stats_groups_shed;    /* of these; for want of memory */
    struct counter telemetry;                          /* accepted and dropped */
    struct counter traces, spans;
    struct counter counted, not_eligible, partial, client_computed;
    struct counter refused[TRACE_REFUSAL_COUNT];
    struct counter buckets, groups;                    /* told to the flusher */
    struct counter upstream_groups, upstream_payloads; /* given to delivery */
    struct counter upstream_shed; /* groups: without memory, or while delivery hangs */
    struct counter buckets_open;  /* a gauge */
    struct counter late_spans;    /* counted in a younger bucket than their own */
    struct counter imbalance;     /* of spans, when the thread last looked; a gauge */
    struct counter held_bytes;    /* a gauge: of bodies, buckets and ring */
    struct counter ring_traces, ring_bytes;
};

static inline uint64_t traces_ledger_imbalance(const struct traces_ledger *ledger)
{
    uint64_t received = counter_read(&ledger->spans);
    uint64_t known = counter_read(&ledger->counted) + counter_read(&ledger->not_eligible) +
                     counter_read(&ledger->partial) + counter_read(&ledger->client_computed);

    for (int i = TRACE_TAKEN + 1; i < TRACE_REFUSAL_COUNT; i++)
        known += counter_read(&ledger->refused[i]);
    return received > known ? received - known : known - received;
}

#endif
