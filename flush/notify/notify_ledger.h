/* flush/notify/notify_ledger.h: the account of notifications.
 *
 *   raised = sent + muted + digested + refused + refused_there + shed + shed_early + waiting
 *
 * waiting is what is left; the test of the balance counts the queue. Written by the thread that
 * each row names, read by any. */
#ifndef FLUSH_NOTIFY_NOTIFY_LEDGER_H
#define FLUSH_NOTIFY_NOTIFY_LEDGER_H

#include "flush/parcels/ledger.h"

struct notify_ledger {
    /* by the evaluator */
    struct counter raised, muted, refused;
    struct counter shed_early; /* for want of memory */
    /* by the notifier */
    struct counter sent, digested, shed;
    struct counter refused_there; /* by who should get it, or by settings since it was raised */
    struct counter attempts_failed, digests, heartbeats, heartbeats_failed;
    struct counter queued; /* now */
    /* Since when nothing could be sent by mail, or to some webhook, while there was something;
     * seconds since 1970, 0: all is well. */
    struct counter mail_failing_s, webhooks_failing_s;
};

/* Those raised of which nothing became yet. Counts that change meanwhile make no less than 0 of
 * it. */
static inline uint64_t notify_ledger_waiting(const struct notify_ledger *ledger)
{
    uint64_t raised = counter_read(&ledger->raised);
    uint64_t ended = counter_read(&ledger->sent) + counter_read(&ledger->muted) +
                     counter_read(&ledger->digested) + counter_read(&ledger->refused) +
                     counter_read(&ledger->refused_there) + counter_read(&ledger->shed) +
                     counter_read(&ledger->shed_early);

    return raised > ended ? raised - ended : 0;
}

#endif
