/* server/losses.h: what is lost says so.
 *
 *   WARN server: 200 values were shed (contexts_full): a new context beyond heeler_max_contexts
 *
 * Whoever refuses, sheds or drops only counts, in a ledger; here the counters are compared
 * with what the log knows of them. Each reason is said at once, then at most once a minute,
 * with the number since the last time and the setting or the cause. What the operator asked
 * for (filters, enable_payloads) is no loss. Time is an argument; one thread. */
#ifndef SERVER_LOSSES_H
#define SERVER_LOSSES_H

#include "server/server.h"

enum { LOSS_KINDS_MAX = 48, LOSS_SILENCE_MS = 60000 };

/* { 0 } is ready: nothing was lost and nothing said. */
struct losses {
    uint64_t said[LOSS_KINDS_MAX];
    int64_t silent_until_ms[LOSS_KINDS_MAX]; /* monotonic */
};

void losses_look(struct losses *losses, const struct server_view *view, int64_t now_ms);

/* At the end, when the sockets are gated: all that was not said yet. */
void losses_finish(struct losses *losses, const struct server_view *view);

#endif
