/* server/watch.h: a look at the server each second, for what an operator has to know:
 * what is lost (server/losses.h), and a loop that hangs (server/http/health.h). On main's loop.
 */
#ifndef SERVER_WATCH_H
#define SERVER_WATCH_H

#include <event2/event.h>

#include "server/server.h"

struct watch;

/* NULL: no memory. */
struct watch *watch_start(struct event_base *base, const struct server *server);

/* Says the rest, in a server whose loops have ended. given may be NULL. */
void watch_stop(struct watch *given, const struct server_view *view);

#endif
