/* server/api/api.h: Datadog's API, as its clients send it: what it defines and submits, and
 * what it asks that the flusher does not answer (server/http/ask.h).
 *
 *   one row a path and method (server/api/api_table.h) ──► its work, on the desk's thread
 *
 * Facts about the clients are in the comments of the files; what a client needs and gets is in
 * docs/datadog.md. */
#ifndef SERVER_API_API_H
#define SERVER_API_API_H

#include "server/api/definitions.h"
#include "server/http/http_handler.h"

struct server_view;

struct api {
    struct definitions definitions;
};

/* keeper: of the definitions; units: told of those of metrics; or NULL. NULL without memory. */
struct api *api_new(const struct definition_keeper *keeper, struct units *units);
void api_free(struct api *given); /* NULL is fine */

/* Those of a view, as new as can be. */
struct definitions *api_definitions(const struct server_view *view);

/* What a client may send; what is submitted is often compressed. */
enum {
    API_DEFINITION_MAX = 1 << 20,
    API_SUBMIT_MAX = 3200000, /* Datadog's own bound */
    API_SUBMIT_INFLATED_MAX = 16 << 20,
};

/* Refuses a path that is not there, by name if it is one of Datadog's. */
void api_unknown(struct http_exchange *exchange, const struct http_request *request);

/* The work of each route; argument: struct server_view, whose member api is whose this is. */
#define API_ROUTE(at, is_below, what, method, function, most, most_inflated) desk_work function;
#include "server/api/api_table.h"
#undef API_ROUTE

#endif
