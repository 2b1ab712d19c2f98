#include "server/self.h"

#include "server/http/metrics.h"
#include "server/sinks.h"

static void put(struct self_report *out, const char *name, uint64_t value)
{
    if (out->n == SELF_GAUGES_MAX)
        return;
    out->at[out->n].name = name;
    out->at[out->n++].value = (double)value;
}

static void put_received(struct self_report *out, const struct server_view *view)
{
    uint64_t lines = 0, rejected = 0, shed = 0, contexts = 0, drops = 0;

    for (uint32_t w = 0; w < view->workers; w++) {
        const struct worker_ledger *ledger = &view->worker_ledgers[w];

        for (int i = 0; i < LINE_KIND_COUNT; i++)
            lines += counter_read(&ledger->lines[i]);
        for (int i = 0; i < PARSE_RESULT_COUNT; i++)
            rejected += counter_read(&ledger->rejected[i]);
        shed += ledger_values_shed(ledger);
        contexts += counter_read(&ledger->contexts);
    }
    for (size_t i = 0; i < view->listeners->n; i++)
        for (uint32_t s = 0; s < view->listeners->at[i].n_sockets; s++)
            drops += listener_drops(&view->listeners->at[i].sockets[s]);
    for (int i = SHED_NOTHING + 1; i < SHED_REASON_COUNT; i++)
        shed += counter_read(&view->flusher_ledger->shed[i]);
    put(out, "heeler.lines.received", lines);
    put(out, "heeler.lines.rejected", rejected);
    put(out, "heeler.values.shed", shed);
    put(out, "heeler.contexts", contexts);
    put(out, "heeler.datagrams.dropped_by_kernel", drops);
}

static void put_points(struct self_report *out, const struct server_view *view)
{
    struct sinks_sum sum;
    uint64_t encoded = 0;

    sinks_add_up(view->delivery_ledger, view->n_sinks, &sum);
    for (int i = 0; i < POINT_KIND_COUNT; i++)
        encoded += counter_read(&view->flusher_ledger->encoded[i]);
    put(out, "heeler.points.encoded", encoded);
    put(out, "heeler.points.delivered", sum.delivered);
    put(out, "heeler.points.delivered_stale", sum.delivered_stale);
    put(out, "heeler.points.recovered", sum.recovered);
    put(out, "heeler.points.refused", sum.refused);
    put(out, "heeler.points.shed", sum.shed);
    put(out, "heeler.points.queued", sum.queued);
    put(out, "heeler.points.spooled", sum.spooled);
    put(out, "heeler.ledger.imbalance",
        counter_read(&view->flusher_ledger->lines_imbalance) +
            counter_read(&view->flusher_ledger->values_imbalance) +
            metrics_points_imbalance(view));
}

void self_gauges(const struct server_view *view, struct self_report *out)
{
    put(out, "datadog.dogstatsd.running", 1);
    put(out, "heeler.series", counter_read(&view->flusher_ledger->series));
    put_received(out, view);
    put_points(out, view);
}
