/* server/http/tail.h: lines as they arrive, for those who look on (GET /api/v1/tail).
 *
 *   looks ──► lines ──► of each reader: does it match? ──► its stream
 * (server/http/looks.h)                          (server/http/desk_stream.h)
 *
 * All of it on the desk's thread. A line is parsed once and becomes JSON at most once, however
 * many read it. Once a second a reader is told how many lines there were, if it or the taps
 * have not seen all: {"seen":N,"of":M,"lost":K}. lost are items that had no room in its stream,
 * as it is slow. */
#ifndef SERVER_HTTP_TAIL_H
#define SERVER_HTTP_TAIL_H

#include "server/http/http_handler.h"

struct tail;
struct server_view;

/* For a desk that is not yet started. The view is of the desk's work, and its looks are there.
 * NULL without memory. */
struct tail *tail_new(const struct server_view *view);

/* The desk is gone. NULL is fine. */
void tail_free(struct tail *given);

/* Of GET /api/v1/tail; argument: the view. Parameters: match, a pattern (protocol/glob.h) of
 * names; from, of senders (server/http/tail_item.h); bad=1: refused lines only; events=1:
 * events and service checks only; both: either. */
desk_work tail_work;

#endif
