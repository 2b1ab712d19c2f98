/* server/losses.h: what is lost says so.
 *
 *   WARN server: 200 values were shed (contexts_full): a new context beyond heeler_max_contexts
 *
 * Whoever refuses, sheds or drops something only counts it, in a ledger. Here the counters are
 * compared with what was logged of them. Each reason is logged at once, and then at most once a
 * minute, with the number since the last time and the setting or the cause. What the operator
 * asked for (filters, enable_payloads) is no loss. Time is an argument; one thread. */
#ifndef SERVER_LOSSES_H
#define SERVER_LOSSES_H

#include "server/http/server_view.h"

enum { LOSS_KINDS_MAX = 48, LOSS_SILENCE_MS = 60000 };

/* { 0 } is the beginning: nothing was lost and nothing was logged. */
struct losses {
    uint64_t said[LOSS_KINDS_MAX];
    int64_t silent_until_ms[LOSS_KINDS_MAX]; /* monotonic */
};

void losses_look(struct losses *losses, const struct server_view *view, int64_t now_ms);

/* At the end, when the sockets are gated: logs all that was not logged yet. */
void losses_finish(struct losses *losses, const struct server_view *view);

#endif
