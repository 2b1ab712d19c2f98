/* server/watch.h: a look at the server each second, for what an operator has to know:
 * what was lost (server/losses.h), and whether a loop hangs (server/http/health.h). Runs on
 * main's loop. */
#ifndef SERVER_WATCH_H
#define SERVER_WATCH_H

#include <event2/event.h>

#include "server/http/server_view.h"

struct watch;

/* NULL: no memory. */
struct watch *watch_start(struct event_base *base, const struct server_access *server);

/* Logs what was not logged yet. The loops of the server have ended. NULL is fine. */
void watch_stop(struct watch *given, const struct server_view *view);

#endif
