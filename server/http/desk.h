/* server/http/desk.h: the thread for what would keep main's loop from answering.
 *
 *   main  ── job: an owned copy of the request ──► desk   work(job)
 *   main  ◄── the answer, or a stream and its bytes ──    (mailboxes: nobody waits)
 *
 * A route whose row has `work` comes here: main moves bytes, the desk parses large bodies,
 * inflates, reads the disk, matches and writes long answers. One job after the other; each is
 * answered once, at once or later, with desk_reply() or with a stream
 * (server/http/desk_stream.h). A body with Content-Encoding is plain when the work sees it.
 *
 * Producers of streams have their timers and descriptors in the desk's own event loop:
 * desk_base(). They add them when it is furnished, or in their work. Thread and descriptors are
 * there from the first job on: who never asks pays for none, also where there are few. */
#ifndef SERVER_HTTP_DESK_H
#define SERVER_HTTP_DESK_H

#include "config/must_check.h"
#include "server/http/desk_stream.h"
#include "server/http/http_handler.h"

/* ---- on the desk's thread ---------------------------------------------- */

/* Who asks, as a view of the job. */
const struct sender *desk_peer(const struct desk_job *job);

/* A header of the answer to come. Without memory it is left out. */
void desk_add_header(struct desk_job *job, const char *name, const char *value);

/* The answer; the body is given too, and a failed one becomes 503. The type is static. */
void desk_reply(struct desk_job *given, int status, const char *type, struct bytes *given_body);
void desk_reply_text(struct desk_job *given, int status, const char *type, const char *text);

/* Does the work once more, a moment later, as what it needs is not there yet; it has looked at
 * its request for now. False, and the job is its own as before: it was put off for so long
 * already, or there is no memory. */
MUST_CHECK bool desk_put_off(struct desk_job *given, int64_t patience_ms);

/* The answer is a stream; see there for how long it is whose. NULL without memory: it has
 * replied. */
struct desk_stream *desk_stream_begin(struct desk_job *given, const char *type,
                                      desk_stream_gone *gone, void *argument);

/* ---- on main's --------------------------------------------------------- */

/* Makes what the work needs in the desk's loop, before its thread begins. False, and all is as
 * it was: no memory or descriptors. It may be called again then. */
typedef bool desk_furnish(struct desk *desk, void *argument);

/* argument: of all work and of furnish, which may be NULL. It is read on the desk's thread.
 * items_lost: counts those of all streams; or NULL. NULL without memory. The desk has neither
 * thread nor descriptors until somebody asks for what is its work. */
struct desk *desk_new(struct event_base *main_base, void *argument, struct counter *items_lost,
                      desk_furnish *furnish);
struct event_base *desk_base(const struct desk *desk);

/* Begins, unless it has; desk_take() does so by itself. False: there is no memory, descriptor
 * or thread left, and it can be tried again. */
bool desk_start(struct desk *desk);

/* Ends the thread; producers of streams are told on it. What is not answered never will be, so
 * the connections are gone by then (http_free). False: it is still at work after so long, as
 * with a disk that hangs; nothing that the work may look at can be freed then. */
MUST_CHECK bool desk_end(struct desk *desk, int64_t patience_ms);

/* Its thread has ended, or never began. NULL is fine. */
void desk_free(struct desk *given);

/* The exchange is answered with what the work says; head and body are copied. body_max: of an
 * inflated one. */
void desk_take(struct desk *desk, struct http_exchange *exchange, struct slice head,
               struct slice body, size_t body_max, desk_work *work);

#endif
