#include "server/final_ledger.h"

#include <inttypes.h>

#include "config/log.h"
#include "server/http/totals.h"
#include "server/receive/listeners.h"

void final_ledger_log(const struct server_view *view, uint64_t gated,
                      const struct instance *instance)
{
    const struct flusher_ledger *flusher = view->flusher_ledger;
    struct totals sum;
    char mirrored[160];

    totals_read(view, &sum);
    log_info(
        "server: final ledger: datagrams=%" PRIu64 " kernel_drops=%" PRIu64 " gate=%" PRIu64
        " lines=%" PRIu64 " rejected=%" PRIu64 " values=%" PRIu64 " shed=%" PRIu64
        " folded=%" PRIu64 " points=%" PRIu64 " delivered=%" PRIu64 " delivered_stale=%" PRIu64
        " recovered=%" PRIu64 " refused=%" PRIu64 " points_shed=%" PRIu64 " spooled=%" PRIu64
        " local=%" PRIu64 " handed_over=%" PRIu64 "/%" PRIu64 " taken_over=%" PRIu64
        " imbalance=%" PRIu64 "/%" PRIu64 "/%" PRIu64 "%s",
        sum.datagrams, sum.drops - gated, gated, sum.lines, sum.rejected, sum.values, sum.shed,
        sum.folded, sum.encoded, sum.delivered, sum.delivered_stale, sum.recovered, sum.refused,
        sum.unsent, sum.spooled, sum.local, counter_read(&flusher->handed_over),
        sum.handed_over, counter_read(&flusher->taken_over), sum.lines_imbalance,
        sum.values_imbalance, sum.points_imbalance,
        instance_account(instance, flusher, mirrored, sizeof mirrored));
    if (sum.drops > 0 && listeners_coalesce(view->listeners))
        log_info("server: kernel_drops and gate count buffers, each of one datagram or more "
                 "(heeler_udp_gro)");
}
