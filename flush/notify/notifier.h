/* flush/notify/notifier.h: the thread that tells people, by mail and webhooks.
 *
 *   evaluator ── notification ──► mailbox ──► queue of each receiver ──► libcurl
 *   evaluator ◄── what became of it ── mailbox
 *
 * Nobody waits for it: a name that is not resolved holds up no point. What fails is tried again
 * with back-off, as long as it is not refused for good; a receiver gets notify_per_hour in an
 * hour, and the rest in one digest. Bounded in bytes: beyond that the oldest are shed, and
 * counted. It has no thread until the first notification comes, or a heartbeat is set.
 *
 * Only http, https, smtp and smtps; no redirects, no netrc; ten seconds; answers are cut at
 * 64 KiB. smtp: STARTTLS is required, but for "?tls=never" in its URL, which only loopback may
 * have. */
#ifndef FLUSH_NOTIFY_NOTIFIER_H
#define FLUSH_NOTIFY_NOTIFIER_H

#include "flush/notify/notification.h"
#include "flush/notify/notify_ledger.h"
#include "flush/notify/receivers.h"

enum { NOTIFIER_BYTES = 8 << 20, NOTIFIER_TIMEOUT_S = 10, NOTIFIER_ANSWER_MAX = 64 << 10 };

/* What became of one, on the way back. */
struct notify_result {
    union {
        struct letter letter;
        struct notify_result *next;
    };
    struct notification *notification; /* owned; NULL: an attempt failed, and it goes on */
    char id[NOTIFICATION_ID_SIZE], receiver[256];
    enum notification_end end; /* NOTIFICATION_WAITING: that, or the notifier ends */
    int64_t at_s;
    uint32_t attempts;
    char answer[256]; /* of the receiver, or why not; no secrets */
};

/* Views, which outlive it. */
struct notifier_config {
    const struct receivers *receivers;
    const char *smtp_url, *smtp_from, *heartbeat_url;
    const char *hostname;
    uint32_t per_hour;
    struct mailbox *results; /* where results go; woken */
    struct notify_ledger *ledger;
};

struct notifier;

/* NULL without memory. */
struct notifier *notifier_new(const struct notifier_config *config);

/* From one thread. */
void notifier_give(struct notifier *notifier, struct notification *given);

/* Evaluation is on time: the heartbeat's URL is fetched. */
void notifier_beat(struct notifier *notifier);

/* Ends the thread; what is not sent yet comes back as NOTIFICATION_WAITING results. False: it
 * has not ended by then, and stays as it is. */
MUST_CHECK bool notifier_end(struct notifier *notifier, int64_t patience_ms);
void notifier_free(struct notifier *given);

#endif
