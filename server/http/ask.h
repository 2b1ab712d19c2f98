/* server/http/ask.h: questions over HTTP, given to the flusher and answered later.
 *
 *   GET /api/v1/query              in the form of Datadog's API, so that its client libraries
 *                                  can ask here
 *   GET /api/v1/catalogue          the metrics that are known
 *   GET /api/v1/catalogue/metric   one of them
 *   GET /api/v1/catalogue/host     those of one host
 *   GET /api/v1/events             the last events and service checks
 *
 * What each takes is said by server/http/ask_target.h. A question never waits on main's loop:
 * it goes to the flusher (flush/rollups/question_box.h) and its request is answered when it
 * comes back, or with 504 five seconds after its turn came.
 *
 *   connections, each with one question at a time ──► queue ──► two at the flusher
 *        └ an equal one: waits for the same answer, or gets the one of this interval
 *
 * A connection asks its next question when the last was answered, behind those of the others:
 * so they take turns. How many may wait is the bound of all that ask (server/http/http.h).
 * Answers are kept until the interval ends or is flushed, 2 MiB of them at most. Runs on
 * main's loop. */
#ifndef SERVER_HTTP_ASK_H
#define SERVER_HTTP_ASK_H

#include <event2/event.h>

#include "flush/parcels/ledger.h"
#include "flush/rollups/question_box.h"
#include "server/http/http_handler.h"

struct ask;

/* flushed_s: up to which second all is in the rollups. NULL without memory. */
struct ask *ask_new(struct event_base *base, struct question_box *questions,
                    const struct counter *flushed_s, int64_t interval_s);

/* To be called when the flusher has ended and the HTTP server is freed. Questions that wait are
 * not answered. NULL is fine. */
void ask_free(struct ask *given);

/* Handles a request for that kind. */
void ask_on(struct ask *ask, enum inquiry_kind kind, struct http_exchange *exchange,
            const struct http_request *request);

/* ---- for others on main's loop ----------------------------------------- */

struct ask_waiter;

/* Called once, with the status and the JSON of the answer: a view, empty without memory. */
typedef void ask_told(void *argument, int status, struct slice json);

/* Asks the same for itself. NULL: it was told before this returned. */
struct ask_waiter *ask_for(struct ask *ask, const struct inquiry *inquiry, ask_told *tell,
                           void *argument);

/* It is not told any more. */
void ask_forget(struct ask_waiter *given);

#endif
