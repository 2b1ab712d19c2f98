/* server/http/health.h: what /live and /ready say.
 *
 *   dogstatsd-main   every worker turns
 *   aggregator       the flusher turns
 *   forwarder        delivery turns; for readiness, the intake also takes what is sent
 *   api-key          for readiness: no intake calls its key invalid
 *   lifecycle        for readiness: no stop was asked for
 *
 * The names are the Agent's. Each loop stamps the time of its last turn, and one that did
 * not turn for 30 s hangs; main's own turns are told by its answer. Pure: judged from the
 * view, and time is an argument. */
#ifndef SERVER_HTTP_HEALTH_H
#define SERVER_HTTP_HEALTH_H

#include "server/http/server_view.h"

enum { HEALTH_SILENT_MS = 30000, HEALTH_TEXT_MAX = 4096 };

/* Whether a loop that turned last at that time is at work. */
bool health_turns(int64_t alive_ms, int64_t now_ms);

/* {"Healthy":[...],"Unhealthy":[...]} and a newline; for readiness also "Findings", the ids of
 * what is not as it should be (server/http/findings.h), which decide nothing. Returns the
 * status of the answer: 200, 500, or 503 when it is not ready because of a stop. */
int health_write(const struct server_view *view, bool readiness, int64_t monotonic_ms,
                 int64_t wall_ms, char out[HEALTH_TEXT_MAX]);

#endif
