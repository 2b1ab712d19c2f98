#include "flush/delivery/delivery_ledger.h"

const char *delivery_refusal_name(enum delivery_refusal refusal)
{
    static const char *const names[] = { "400", "413", "other" };
    return names[refusal];
}

const char *delivery_shed_name(enum delivery_shed shed)
{
#define DELIVERY_SHED_NAME(id, label, sentence) label,
    static const char *const names[] = { DELIVERY_SHEDS(DELIVERY_SHED_NAME) };
    return names[shed];
}

const char *delivery_state_name(enum delivery_state state)
{
#define DELIVERY_STATE_NAME(id, word) word,
    static const char *const names[] = { DELIVERY_STATES(DELIVERY_STATE_NAME) };
    return names[state];
}

static uint64_t points(const struct delivery_count *account)
{
    return atomic_load_explicit(&account->points, memory_order_relaxed);
}

uint64_t delivery_refused_points(const struct delivery_ledger *ledger)
{
    uint64_t sum = 0;

    for (int i = 0; i < REFUSED_COUNT; i++)
        sum += points(&ledger->refused[i]);
    return sum;
}

uint64_t delivery_shed_points(const struct delivery_ledger *ledger)
{
    uint64_t sum = 0;

    for (int i = 0; i < UNSENT_COUNT; i++)
        sum += points(&ledger->shed[i]);
    return sum;
}

uint64_t delivery_delivered_points(const struct delivery_ledger *ledger)
{
    return points(&ledger->delivered) + points(&ledger->delivered_stale);
}

void delivery_ledger_check(struct delivery_ledger *ledger)
{
    uint64_t came = points(&ledger->accepted) + points(&ledger->recovered);
    uint64_t accounted = delivery_delivered_points(ledger) + delivery_refused_points(ledger) +
                         delivery_shed_points(ledger) + points(&ledger->discarded_local) +
                         points(&ledger->queued) + points(&ledger->spooled) +
                         points(&ledger->handed_over);

    atomic_store_explicit(&ledger->imbalance,
                          came > accounted ? came - accounted : accounted - came,
                          memory_order_relaxed);
}
