/* server/http/status.h: the whole state of the server as one JSON: GET /api/v1/status.
 *
 * What it holds is a contract with others, and docs/api.md has a row for each member, which a
 * test compares with an answer. Read from counters and from what threads publish, so it is
 * there while a thread hangs, and says so.
 *
 *   status.c          the process, threads, listeners, series, memory
 *   status_ledger.c   the books, stage by stage, and the sinks */
#ifndef SERVER_HTTP_STATUS_H
#define SERVER_HTTP_STATUS_H

#include "flush/memory/json_out.h"
#include "server/http/server_view.h"

struct status_moment {
    const struct server_view *view;
    const char *hostname;
    int64_t monotonic_ms, wall_ms;
};

/* The text and a newline. */
void status_write(struct json_out *out, const struct status_moment *moment);

/* ---- status_ledger.c --------------------------------------------------- */

void status_write_ledger(struct json_out *out, const struct server_view *view);
void status_write_sinks(struct json_out *out, const struct status_moment *moment);
void status_write_redis(struct json_out *out, const struct server_view *view);

#endif
