#include "flush/parcels/ledger.h"

#define LABEL2(id, label)           [id] = label,
#define LABEL3(id, label, sentence) [id] = label,

const char *shed_reason_label(enum shed_reason reason)
{
    static const char *const labels[] = { SHED_REASONS(LABEL3) };

    return labels[reason];
}

const char *point_kind_label(enum point_kind kind)
{
    static const char *const labels[] = { POINT_KINDS(LABEL2) };

    return labels[kind];
}

const char *point_drop_label(enum point_drop drop)
{
    static const char *const labels[] = { POINT_DROPS(LABEL3) };

    return labels[drop];
}

uint64_t ledger_values_parsed(const struct worker_ledger *ledger)
{
    uint64_t sum = counter_read(&ledger->values_copied);

    for (int type = 0; type < METRIC_TYPE_COUNT; type++)
        sum += counter_read(&ledger->values[type]);
    return sum;
}

uint64_t ledger_values_shed(const struct worker_ledger *ledger)
{
    uint64_t sum = 0;

    for (int reason = SHED_NOTHING + 1; reason < SHED_REASON_COUNT; reason++)
        sum += counter_read(&ledger->shed[reason]);
    return sum;
}
