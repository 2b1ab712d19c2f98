/* server/control.h: what one may ask of the server over HTTP, by POST.
 *
 *   POST /flush    the open interval ends at the next full second, its points are
 *                  sent; answered when nothing waits for an intake any more: 200.
 *                  After five seconds 202 if it is on its way, else 504.
 *   POST /drain    202, then a stop as by SIGTERM
 *   POST /reload   as SIGHUP: 200, or 400 with a sentence for each error
 *
 * A page in a browser on this machine can post to the loopback too. Browsers put an
 * Origin header on every POST, whatever site they believe to talk to, and most a
 * Sec-Fetch-Site: with either the request is refused (403). Other programs send none.
 * Runs on main's loop. */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H

#include <event2/event.h>
#include <event2/http.h>

#include "server/server.h"

struct control;

/* NULL without memory. */
struct control *control_new(struct event_base *base, struct server *server);

/* Before the HTTP server is freed; control_free() after it. Both take NULL. */
void control_stop(struct control *control);
void control_free(struct control *given);

/* Whether it may come from a page in a browser; it is answered then. */
bool control_refuses(struct evhttp_request *request);

/* evhttp callbacks; context: struct control. */
void control_on_flush(struct evhttp_request *request, void *context);
void control_on_drain(struct evhttp_request *request, void *context);
void control_on_reload(struct evhttp_request *request, void *context);

#endif
