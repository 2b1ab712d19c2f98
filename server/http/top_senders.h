/* server/http/top_senders.h: who sends most, gathered from the workers while somebody asks.
 *
 *   a question ──► wanted ──► workers count (server/receive/sender_tally.h)
 *   each second    boxes ──► recent: the last seconds ──► before: the ten before them
 *   an answer      recent and before, merged, as rates
 *
 * A minute after the last question nobody counts any more and all memory is given back, unless
 * heeler_senders says that senders are always counted. On the desk's thread, but for new and
 * free. */
#ifndef SERVER_HTTP_TOP_SENDERS_H
#define SERVER_HTTP_TOP_SENDERS_H

#include <event2/event.h>

#include "server/http/http_handler.h"
#include "server/http/server_view.h"

struct top_senders;

/* Its timer runs in the base, whose loop does not run yet. The view is that of the start. NULL
 * without memory. */
struct top_senders *top_senders_new(struct event_base *desk_base,
                                    const struct server_view *view);

/* The loop has ended. NULL is fine. */
void top_senders_free(struct top_senders *given);

/* Work of the desk; argument: the view, which has it. */
desk_work top_senders_work;

#endif
