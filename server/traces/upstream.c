#include "server/traces/upstream.h"

#include "config/log.h"

static void post(void *argument, struct payload *given)
{
    struct upstream *upstream = argument;
    struct traces_ledger *ledger = upstream->ledger;

    if (outbox_is_full(upstream->outbox, given)) {
        counter_add(&ledger->upstream_shed, given->points);
        payload_free(given);
        return;
    }
    counter_add(&ledger->upstream_groups, given->points);
    counter_add(&ledger->upstream_payloads, 1);
    outbox_push(upstream->outbox, given);
}

void upstream_tell(struct upstream *upstream, const struct span_bucket *bucket, int64_t now_s)
{
    struct stats_encoding encoding = { .hostname = upstream->hostname,
                                       .env = upstream->env,
                                       .budget = upstream->budget,
                                       .random = upstream->random,
                                       .emit = post,
                                       .argument = upstream };
    uint64_t before = counter_read(&upstream->ledger->upstream_shed);

    if (upstream->outbox == NULL)
        return;
    counter_add(&upstream->ledger->upstream_shed, stats_encode(&encoding, bucket, now_s));
    if (before == 0 && counter_read(&upstream->ledger->upstream_shed) > 0)
        log_warn("traces: numbers are not sent, for want of memory or because delivery hangs");
}
