/* server/traces/door.h: the HTTP that tracing libraries speak (docs/traces.md).
 *
 *   /info                             what is understood here; the same bytes while it runs
 *   /v0.3 to /v0.5, /v0.7 /traces     spans; an answer with sampling rates, which are all 1
 *   /v0.6/stats                       spans that the library has counted itself
 *   /v0.3 and /v0.4 /services         "OK", and nothing else
 *   /telemetry/proxy/...              accepted and dropped
 *   any other                         404, by which clients know that it is not there
 *
 * A body is admitted by its length before a byte of it is read, one in chunks again as it
 * grows: what it takes, with all other bodies, open buckets and traces that are kept, stays
 * within heeler_trace_max_bytes. Above that the newest is answered as the Agent does under
 * load, with the usual rates (or 429 to those who ask for it), and counted.
 *
 * On the trace thread, in its event loop. */
#ifndef SERVER_TRACES_DOOR_H
#define SERVER_TRACES_DOOR_H

#include "server/http/http.h"
#include "server/traces/trace_take.h"

enum { DOOR_BODY_MAX = 25 * 1000 * 1000 };

struct door;

struct door_config {
    struct event_base *base;
    const struct trace_taker *taker;
    int dogstatsd_port; /* told by /info; 0: none */
    const char *default_env;
};

/* NULL without memory. What the configuration points to outlives it. */
struct door *door_new(const struct door_config *config);
void door_free(struct door *given); /* NULL is fine */

/* As http_listen() and http_leave(). */
bool door_listen(struct door *door, const char *address, struct inherited_sockets *inherited,
                 char *problem, size_t problem_size);
void door_leave(struct door *door, struct inherited_sockets *to);
int door_port(const struct door *door);

#endif
