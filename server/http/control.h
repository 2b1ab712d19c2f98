/* server/http/control.h: what one may ask of the server over HTTP, by POST.
 *
 *   POST /flush    the open interval ends at the next full second, its points are
 *                  sent; answered when nothing waits for an intake any more: 200.
 *                  After five seconds 202 if it is on its way, else 504.
 *   POST /drain    202, then a stop as by SIGTERM
 *   POST /reload   as SIGHUP: 200, or 400 with a sentence for each error
 *
 * What a page in a browser may have sent is refused before (server/http/http_guard.h). Runs on
 * main's loop. */
#ifndef SERVER_HTTP_CONTROL_H
#define SERVER_HTTP_CONTROL_H

#include <event2/event.h>

#include "server/http/http_handler.h"
#include "server/http/server_view.h"

struct control;

/* NULL without memory. */
struct control *control_new(struct event_base *base, const struct server_access *server);

/* To be called when the HTTP server is freed. NULL is fine. */
void control_free(struct control *given);

/* Handlers of HTTP; argument: struct control. */
http_handler control_on_flush, control_on_drain, control_on_reload;

#endif
