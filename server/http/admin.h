/* server/http/admin.h: the HTTP endpoint that must always answer.
 *
 *   GET /live          200 while the process and its loops turn, else 500
 *   GET /ready         200 when it also receives, and the intake takes what is sent;
 *                      503 once a stop was asked for
 *   GET /startup       as /ready
 *   GET /metrics       every counter of the ledgers, as Prometheus text
 *   GET /api/v1/query  questions about the series (server/http/ask.h)
 *   GET /api/v1/status, /settings, /log   (server/http/inspect.h)
 *   GET /api/v1/tail   lines as they arrive (server/http/tail.h)
 *   /api/v1/dash, ...  what Datadog's clients ask for (server/api/api_table.h)
 *   /api/v1/graph/snapshot, /snapshot/view/   pictures (server/http/snapshot.h)
 *   POST /flush, /drain, /reload  (server/http/control.h)
 *   GET /, /page/...   the page (server/http/page.h)
 *   POST /login        the form of the page (server/http/login.h)
 *
 * Served on main's loop (server/http/http.h) from relaxed counters: no flush, slow intake or
 * flood of datagrams delays it. Only questions wait for the flusher. What a page of
 * another origin may have sent is refused (server/http/http_guard.h). Where other machines
 * reach the address, all but health and metrics needs a key (server/http/http_keys.h). */
#ifndef SERVER_HTTP_ADMIN_H
#define SERVER_HTTP_ADMIN_H

#include <event2/event.h>

#include "server/http/server_view.h"

struct admin;
struct http;
struct inherited_sockets;
struct problems;
struct state_writer;

/* full: all of it, and not only health. It listens nowhere yet. NULL without memory. */
struct admin *admin_start(struct event_base *base, bool full,
                          const struct server_access *server);

/* Listens there too. inherited: sockets that may be listened on again, or NULL. False with a
 * sentence. */
bool admin_listen(struct admin *admin, const char *address, struct inherited_sockets *inherited,
                  char *problem, size_t problem_size);

/* Adds to the view what HTTP and its desk count; good as long as the admin. NULL: nothing. */
void admin_show(const struct admin *admin, struct server_view *out);

/* Reads the dashboards of files anew. What is wrong with one becomes a warning. NULL is fine.
 */
void admin_read_files(struct admin *admin, struct problems *problems);

/* Reads anew who may be told by monitors, by the settings in force and files that these name.
 * What cannot be read becomes a warning, and all stays. NULL is fine. */
void admin_read_receivers(struct admin *admin, const struct settings *settings,
                          struct problems *problems);

/* The settings were reloaded, or it is later: streams whose key, cookie or Host counts no more
 * end. When a cookie ends, the loop does so by itself. NULL is fine. */
void admin_follow(struct admin *admin, int64_t now_ms);

/* Closes its sockets and removes their files. False: its desk is still at work, so nothing that
 * it was given may be freed. NULL is fine. */
bool admin_stop(struct admin *given);

/* Nothing is evaluated or sent any more; what became of it is given to who keeps it. NULL is
 * fine. */
void admin_end_monitors(struct admin *admin);

/* Writes what was defined for a successor. What is defined later is answered by nobody any
 * more. NULL is fine. */
void admin_hand_over(struct admin *admin, struct state_writer *out);

/* Stops, and gives its sockets to a successor. NULL is fine: of either. */
bool admin_leave(struct admin *given, struct inherited_sockets *to);

/* Of the first address that has a port; 0: none. */
int admin_port(const struct admin *admin);

/* For tests. */
struct http *admin_http(const struct admin *admin);

#endif
