#include "flush/parcels/ledger.h"

#define LABEL2(id, label)           [id] = label,
#define LABEL3(id, label, sentence) [id] = label,
#define SENTENCE(id, label, text)   [id] = text,

const char *shed_reason_label(enum shed_reason reason)
{
    static const char *const labels[] = { SHED_REASONS(LABEL3) };

    return labels[reason];
}

const char *shed_reason_sentence(enum shed_reason reason)
{
    static const char *const sentences[] = { SHED_REASONS(SENTENCE) };

    return sentences[reason];
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

const char *point_drop_sentence(enum point_drop drop)
{
    static const char *const sentences[] = { POINT_DROPS(SENTENCE) };

    return sentences[drop];
}

const char *timed_place_label(enum timed_place place)
{
    static const char *const labels[] = { TIMED_PLACES(LABEL3) };

    return labels[place];
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

/* Every field is a counter, or an array of them. */
enum { WORKER_COUNTERS = sizeof(struct worker_ledger) / sizeof(struct counter) };

static const struct counter *counter_of(const struct worker_ledger *ledger, size_t i)
{
    return (const void *)((const char *)ledger + i * sizeof(struct counter));
}

static void take_extremes(const struct worker_ledger *one, struct worker_ledger *out)
{
    counter_raise(&out->longest_seal_us, counter_read(&one->longest_seal_us));
    counter_raise(&out->longest_gap_us, counter_read(&one->longest_gap_us));
    if (counter_read(&one->alive_ms) < counter_read(&out->alive_ms))
        counter_set(&out->alive_ms, counter_read(&one->alive_ms));
}

void ledger_sum(const struct worker_ledger *ledgers, uint32_t workers,
                struct worker_ledger *out)
{
    for (size_t i = 0; i < WORKER_COUNTERS; i++) {
        uint64_t sum = 0;

        for (uint32_t w = 0; w < workers; w++)
            sum += counter_read(counter_of(&ledgers[w], i));
        counter_set((void *)((char *)out + i * sizeof(struct counter)), sum);
    }
    counter_set(&out->longest_seal_us, 0);
    counter_set(&out->longest_gap_us, 0);
    counter_set(&out->alive_ms, UINT64_MAX);
    for (uint32_t w = 0; w < workers; w++)
        take_extremes(&ledgers[w], out);
}
