/* server/final_ledger.h: the account of a whole run, as one line of the log. */
#ifndef SERVER_FINAL_LEDGER_H
#define SERVER_FINAL_LEDGER_H

#include "server/http/server_view.h"
#include "server/succession/instance.h"

/* To be called when all threads have ended. gated: how many datagrams the kernel refused at the
 * gate, which it counts as dropped. */
void final_ledger_log(const struct server_view *view, uint64_t gated,
                      const struct instance *instance);

#endif
