/* server/http/accounts.h: the account of every sink, with its label in /metrics.
 *
 * Those of the intakes come first, in the order of the settings, then that of the intake's door
 * of traces, and then that of the mirror.
 * Whoever tells of all sinks goes through these; a new kind of sink has its line here. */
#ifndef SERVER_HTTP_ACCOUNTS_H
#define SERVER_HTTP_ACCOUNTS_H

#include "server/http/server_view.h"

struct account {
    char label[16]; /* "intake", "intake2", "traces", "redis" */
    const struct delivery_ledger *ledger;
};

size_t accounts_count(const struct server_view *view);
struct account account_at(const struct server_view *view, size_t i);

#endif
