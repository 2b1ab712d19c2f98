#include "server/http/totals.h"

#include "flush/parcels/submitted.h"
#include "server/http/accounts.h"
#include "server/receive/listeners.h"
#include "server/traces/traces_ledger.h"

static uint64_t load(const _Atomic(uint64_t) *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

uint64_t totals_datagrams(const struct listeners *listeners)
{
    return listeners_sum(listeners, listener_datagrams);
}

/* ---- by reason --------------------------------------------------------- */

uint64_t totals_rejected(const struct server_view *view, enum parse_result reason)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < view->workers; i++)
        sum += counter_read(&view->worker_ledgers[i].rejected[reason]);
    return sum;
}

uint64_t totals_shed(const struct server_view *view, enum shed_reason reason)
{
    uint64_t sum = counter_read(&view->flusher_ledger->shed[reason]);

    for (uint32_t i = 0; i < view->workers; i++)
        sum += counter_read(&view->worker_ledgers[i].shed[reason]);
    for (int lane = 0; view->submitted != NULL && lane < SUBMITTED_LANE_COUNT; lane++)
        sum += counter_read(&view->submitted[lane].shed[reason]);
    return sum;
}

uint64_t totals_records_shed(const struct server_view *view)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < view->workers; i++)
        sum += counter_read(&view->worker_ledgers[i].records_shed);
    for (int lane = 0; view->submitted != NULL && lane < SUBMITTED_LANE_COUNT; lane++)
        sum += counter_read(&view->submitted[lane].records_shed);
    return sum;
}

uint64_t totals_unsent(const struct server_view *view, enum delivery_shed reason)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < view->n_sinks; i++)
        sum += load(&view->delivery_ledger[i].shed[reason].points);
    return sum;
}

/* ---- all of it --------------------------------------------------------- */

static void add_submitted(const struct worker_ledger *submitted, struct worker_ledger *out)
{
    for (int i = 0; i < METRIC_TYPE_COUNT; i++)
        counter_add(&out->values[i], counter_read(&submitted->values[i]));
    for (int i = SHED_NOTHING + 1; i < SHED_REASON_COUNT; i++)
        counter_add(&out->shed[i], counter_read(&submitted->shed[i]));
    counter_add(&out->records_shed, counter_read(&submitted->records_shed));
}

void totals_workers(const struct server_view *view, struct worker_ledger *out)
{
    ledger_sum(view->worker_ledgers, view->workers, out);
    for (int lane = 0; view->submitted != NULL && lane < SUBMITTED_LANE_COUNT; lane++)
        add_submitted(&view->submitted[lane], out);
}

static void sum_workers(const struct server_view *view, struct totals *out)
{
    struct worker_ledger workers;

    totals_workers(view, &workers);
    for (int i = 0; i < LINE_KIND_COUNT; i++)
        out->lines += counter_read(&workers.lines[i]);
    for (int i = 0; i < PARSE_RESULT_COUNT; i++)
        out->rejected += counter_read(&workers.rejected[i]);
    out->values = ledger_values_parsed(&workers);
    out->shed = ledger_values_shed(&workers);
    out->contexts = counter_read(&workers.contexts);
}

static void sum_flusher(const struct flusher_ledger *flusher, struct totals *out)
{
    for (int i = SHED_NOTHING + 1; i < SHED_REASON_COUNT; i++)
        out->shed += counter_read(&flusher->shed[i]);
    for (int i = 0; i < POINT_KIND_COUNT; i++)
        out->encoded += counter_read(&flusher->encoded[i]);
    out->folded = counter_read(&flusher->folded);
    out->lines_imbalance = counter_read(&flusher->lines_imbalance);
    out->values_imbalance = counter_read(&flusher->values_imbalance);
}

static uint64_t points(const struct delivery_count *count)
{
    return load(&count->points);
}

static void sum_sinks(const struct delivery_ledger *ledgers, size_t n, struct totals *out)
{
    for (size_t i = 0; i < n; i++) {
        out->delivered += points(&ledgers[i].delivered);
        out->delivered_stale += points(&ledgers[i].delivered_stale);
        out->recovered += points(&ledgers[i].recovered);
        out->handed_over += points(&ledgers[i].handed_over);
        out->refused += delivery_refused_points(&ledgers[i]);
        out->unsent += delivery_shed_points(&ledgers[i]);
        out->queued += points(&ledgers[i].queued);
        out->spooled += points(&ledgers[i].spooled);
        out->local += points(&ledgers[i].discarded_local);
    }
}

uint64_t totals_points_imbalance(const struct server_view *view)
{
    uint64_t sum = counter_read(&view->flusher_ledger->points_imbalance);

    for (size_t i = 0; i < accounts_count(view); i++)
        sum += load(&account_at(view, i).ledger->imbalance);
    if (view->mirror != NULL)
        sum += counter_read(&view->flusher_ledger->mirror_imbalance);
    return sum;
}

void totals_read(const struct server_view *view, struct totals *out)
{
    *out = (struct totals){
        .datagrams = totals_datagrams(view->listeners),
        .bytes = listeners_sum(view->listeners, listener_bytes),
        .drops = listeners_sum(view->listeners, listener_drops),
        .points_imbalance = totals_points_imbalance(view),
    };
    sum_workers(view, out);
    sum_flusher(view->flusher_ledger, out);
    if (view->traces != NULL) /* beside the flusher's: delivery has them too */
        out->encoded += counter_read(&view->traces->upstream_groups);
    sum_sinks(view->delivery_ledger, view->n_sinks, out);
}
