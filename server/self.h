/* server/self.h: the gauges about itself that the server sends to the intake, read from its
 * ledgers. */
#ifndef SERVER_SELF_H
#define SERVER_SELF_H

#include "flush/flusher.h"
#include "server/http/server_view.h"

/* Any thread. */
void self_gauges(const struct server_view *view, struct self_report *out);

#endif
