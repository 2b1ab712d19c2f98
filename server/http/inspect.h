/* server/http/inspect.h: what one may look into over HTTP.
 *
 *   GET /api/v1/status     the state as JSON (server/http/status.h)
 *   GET /api/v1/settings   the settings in force as text, secrets masked; with as=json those
 * that are no secret, for heeler explain GET /api/v1/log        the last lines of the log
 * (config/log_recent.h)
 *
 * Each answers at once, from what main knows and what threads publish. */
#ifndef SERVER_HTTP_INSPECT_H
#define SERVER_HTTP_INSPECT_H

#include "server/http/http_handler.h"
#include "server/http/server_view.h"

/* http: what HTTP counts of itself. */
void inspect_on_status(struct http_exchange *exchange, const struct server_access *server,
                       const struct http_ledger *http);
void inspect_on_settings(struct http_exchange *exchange, const struct http_request *request,
                         const struct server_access *server);
void inspect_on_log(struct http_exchange *exchange);

#endif
