#include <stdlib.h>

#include "flush/delivery/sink_list.h"

/* Without an intake nothing leaves this machine: payloads are counted and let go. */
struct local {
    struct sink sink;
    struct sink_common *common;
};

static bool wants(const struct sink *sink, enum payload_route route)
{
    (void)sink;
    return route < ROUTE_COUNT;
}

static void accept_payload(struct sink *sink, struct payload *payload, uint64_t order)
{
    const struct sink_common *common = ((struct local *)sink)->common;
    struct delivery_ledger *ledger = &common->ledgers[0];

    (void)order;
    count(&ledger->accepted, payload->points);
    count(&ledger->discarded_local, payload->points);
    delivery_ledger_check(ledger);
    if (common->config->observe != NULL)
        common->config->observe(common->config->observe_argument, ledger);
}

static void local_free(struct sink *given)
{
    free(given);
}

bool local_open(struct sink_list *list, struct sink_common *common)
{
    static const struct sink_operations operations = { .wants = wants,
                                                       .accept = accept_payload,
                                                       .free = local_free };

    if (common->config->base_url != NULL)
        return true;
    struct local *local = malloc(sizeof *local);

    if (local == NULL)
        return false;
    *local = (struct local){ { .operations = &operations }, common };
    return sink_list_add(list, &local->sink);
}
