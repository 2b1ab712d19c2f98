/* flush/notify/notify_ledger.h: the account of notifications.
 *
 *   raised = sent + muted + digested + refused + shed + shed_early + waiting
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
    struct counter attempts_failed, digests, heartbeats, heartbeats_failed;
};

#endif
