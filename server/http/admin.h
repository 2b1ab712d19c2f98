/* server/http/admin.h: the HTTP endpoint that must always answer.
 *
 *   GET /live          200 while the process and its loops turn, else 500
 *   GET /ready         200 when it also receives, and the intake takes what is sent;
 *                      503 once a stop was asked for
 *   GET /startup       as /ready
 *   GET /metrics       every counter of the ledgers, as Prometheus text
 *   GET /api/v1/query  questions about the series (server/http/ask.h)
 *   POST /flush, /drain, /reload  (server/http/control.h)
 *
 * Served on main's loop (server/http/http.h) from relaxed counters: no flush, slow intake or
 * flood of datagrams delays it. Only questions wait for the flusher. What a page in a
 * browser may have sent is refused (server/http/http_guard.h). */
#ifndef SERVER_HTTP_ADMIN_H
#define SERVER_HTTP_ADMIN_H

#include <event2/event.h>

#include "server/http/server_view.h"

struct admin;
struct http;

/* address: "host:port" (port 0: chosen by the kernel). full: all of it, and
 * not only health. NULL with a sentence. */
struct admin *admin_start(struct event_base *base, const char *address, bool full,
                          const struct server_access *server, char *problem,
                          size_t problem_size);
void admin_stop(struct admin *given);

int admin_port(const struct admin *admin);

/* For tests. */
struct http *admin_http(const struct admin *admin);

#endif
