/* server/http/ask.h: questions over HTTP, given to the flusher and answered later.
 *
 *   GET /api/v1/query?from=&to=&query=
 *
 * in the form of Datadog's API, so that its client libraries can ask here. A
 * question never waits on main's loop: it goes to the flusher (flush/rollups/question_box.h)
 * and its request is answered when it comes back, or with 504 after five seconds.
 * No more than a few wait at a time; others get 503. Runs on main's loop. */
#ifndef SERVER_HTTP_ASK_H
#define SERVER_HTTP_ASK_H

#include <event2/event.h>

#include "flush/rollups/question_box.h"
#include "server/http/http_handler.h"

struct ask;

/* NULL without memory. */
struct ask *ask_new(struct event_base *base, struct question_box *questions);

/* To be called when the flusher has ended and the HTTP server is freed. Questions that wait are
 * not answered. NULL is fine. */
void ask_free(struct ask *given);

/* A handler of HTTP; argument: struct ask. */
http_handler ask_on_query;

#endif
