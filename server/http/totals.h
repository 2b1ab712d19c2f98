/* server/http/totals.h: the ledgers of all threads as a few sums, for those who tell them in
 * short: the final ledger, and the gauges about ourselves. */
#ifndef SERVER_HTTP_TOTALS_H
#define SERVER_HTTP_TOTALS_H

#include "server/http/server_view.h"

struct totals {
    uint64_t datagrams, bytes, drops;           /* of all sockets */
    uint64_t lines, rejected, values, contexts; /* of all workers */
    uint64_t shed;                              /* values, of workers and flusher */
    uint64_t folded, encoded, lines_imbalance, values_imbalance; /* of the flusher */
    uint64_t points_imbalance;

    /* Points of all sinks. */
    uint64_t delivered, delivered_stale, recovered, refused, unsent, queued, spooled, local,
        handed_over;
};

void totals_read(const struct server_view *view, struct totals *out);

/* All workers as one (ledger_sum()), with what was submitted over HTTP. */
void totals_workers(const struct server_view *view, struct worker_ledger *out);

/* How far the two sides of the points' balance are apart now; 0 when the books balance. */
uint64_t totals_points_imbalance(const struct server_view *view);

/* Of all threads, by one reason: lines, values, events and checks, points of the intakes. */
uint64_t totals_rejected(const struct server_view *view, enum parse_result reason);
uint64_t totals_shed(const struct server_view *view, enum shed_reason reason);
uint64_t totals_records_shed(const struct server_view *view);
uint64_t totals_unsent(const struct server_view *view, enum delivery_shed reason);

/* Datagrams that were read so far. */
uint64_t totals_datagrams(const struct listeners *listeners);

#endif
