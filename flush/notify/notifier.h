/* flush/notify/notifier.h: the thread that tells people, by mail and webhooks.
 *
 *   evaluator ── notification ──► mailbox ──► queue of each receiver ──► libcurl
 *   evaluator ◄── what became of it ── mailbox
 *
 * Nobody waits for it: a name that is not resolved holds up no point. What fails is tried again
 * with back-off, as long as it is not refused for good; a receiver gets notify_per_hour in an
 * hour, and the rest in one digest (flush/notify/notify_queue.h). Bounded in bytes: beyond that
 * the oldest are shed, and counted. It has no thread until the first notification comes, or a
 * heartbeat is set.
 *
 * How it sends is flush/notify/sending.h's. smtp: STARTTLS is required, but for "?tls=never" in
 * its URL, which only loopback may have. */
#ifndef FLUSH_NOTIFY_NOTIFIER_H
#define FLUSH_NOTIFY_NOTIFIER_H

#include "flush/notify/hourly.h"
#include "flush/notify/notification.h"
#include "flush/notify/notify_ledger.h"
#include "flush/notify/receivers.h"

enum { NOTIFIER_BYTES = 8 << 20, NOTIFIER_AT_ONCE = 8 };

/* Views, which outlive it, but for the receivers, which it holds. */
struct notifier_config {
    struct receivers *receivers;
    const char *hostname;
    struct mailbox *results; /* where each struct notify_result goes; woken */
    struct notify_ledger *ledger;
};

struct notifier;

/* NULL without memory or descriptors. */
struct notifier *notifier_new(const struct notifier_config *config);

/* The five below: from one thread. */

/* What a receiver got within the hour from a process before this one: notify_queue_recall(). */
void notifier_recall(struct notifier *notifier, struct slice receiver,
                     const struct hourly *sent, int64_t digest_s);
void notifier_give(struct notifier *notifier, struct notification *given);

/* Evaluation is on time: the heartbeat's URL is fetched, if there is one. */
void notifier_beat(struct notifier *notifier);

/* A reload: from now on with these, which are held once for it. What waits for somebody who is
 * no receiver any more is refused. */
void notifier_follow(struct notifier *notifier, struct receivers *given);

/* Ends the thread; what is under way may take so long, and what is not sent by then comes back
 * as results with a notification and NOTIFICATION_WAITING. False: the thread has not ended (a
 * name look-up that hangs), and all stays as it is. */
MUST_CHECK bool notifier_end(struct notifier *notifier, int64_t patience_ms);

/* One whose thread has not ended is left as it is, to the end of the process. */
void notifier_free(struct notifier *given);

#endif
