/* server/http/snapshot.h: pictures of graphs, made when they are asked for.
 *
 *   GET or POST /api/v1/graph/snapshot      {"snapshot_url": ".../snapshot/view/NAME.png", ...}
 *   GET /api/v1/graph/snapshot_status/NAME  {"status_code": 200}, or 404
 *   GET /snapshot/view/NAME.png             the picture (server/http/pictures.h)
 *
 *   main:  request ──► its questions, one after another ──► answers ──► definition
 *   desk:  definition ──► heeler-chart ──► picture, kept under a name ──► the address
 *
 * The address is told when the picture is there, so that what is wrong with a question or a
 * definition is told to who asked. On main's loop. */
#ifndef SERVER_HTTP_SNAPSHOT_H
#define SERVER_HTTP_SNAPSHOT_H

#include "server/http/ask.h"
#include "server/http/http_handler.h"

struct snapshots;

/* Both outlive it. NULL without memory. */
struct snapshots *snapshots_new(struct ask *ask, struct desk *desk);

/* The HTTP server is freed already, ask not yet. NULL is fine. */
void snapshots_free(struct snapshots *given);

void snapshots_on(struct snapshots *snapshots, struct http_exchange *exchange,
                  const struct http_request *request);

#endif
