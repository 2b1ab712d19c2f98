/* server/http/capture.h: datagrams as they came, for who captures them (GET /api/v1/capture).
 *
 *   ?ms=60000        looks ──► a record each ──► stream, for so long
 *   (server/http/looks.h)
 *   ?last_ms=30000   the workers' rings (server/receive/recent.h) ──► the same; then the end
 *
 * All of it on the desk's thread. The answer is the file of protocol/dog.h with notes in it:
 * one each second, and a last one at the end, which say what was left out so far. What comes
 * from a ring waits for a slow reader, five minutes or as long as ms says; what arrives does
 * not, and is lost, and counted. */
#ifndef SERVER_HTTP_CAPTURE_H
#define SERVER_HTTP_CAPTURE_H

#include "server/http/http_handler.h"

/* argument: struct server_view. */
desk_work capture_work;

#endif
