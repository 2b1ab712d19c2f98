#include "server/self.h"

#include "server/http/totals.h"

static void put(struct self_report *out, const char *name, uint64_t value)
{
    if (out->n == SELF_GAUGES_MAX)
        return;
    out->at[out->n].name = name;
    out->at[out->n++].value = (double)value;
}

void self_gauges(const struct server_view *view, struct self_report *out)
{
    struct totals totals;

    totals_read(view, &totals);
    put(out, "datadog.dogstatsd.running", 1);
    put(out, "heeler.series", counter_read(&view->flusher_ledger->series));
    put(out, "heeler.lines.received", totals.lines);
    put(out, "heeler.lines.rejected", totals.rejected);
    put(out, "heeler.values.shed", totals.shed);
    put(out, "heeler.contexts", totals.contexts);
    put(out, "heeler.datagrams.dropped_by_kernel", totals.drops);
    put(out, "heeler.points.encoded", totals.encoded);
    put(out, "heeler.points.delivered", totals.delivered);
    put(out, "heeler.points.delivered_stale", totals.delivered_stale);
    put(out, "heeler.points.recovered", totals.recovered);
    put(out, "heeler.points.refused", totals.refused);
    put(out, "heeler.points.shed", totals.unsent);
    put(out, "heeler.points.queued", totals.queued);
    put(out, "heeler.points.spooled", totals.spooled);
    put(out, "heeler.ledger.imbalance",
        totals.lines_imbalance + totals.values_imbalance + totals.points_imbalance);
}
