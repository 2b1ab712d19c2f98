#include "flush/series/rules.h"

#include <stdio.h>
#include <stdlib.h>

struct rules *rules_new(const struct settings *settings, const char *hostname,
                        struct flusher_ledger *ledger, char *problem, size_t problem_size)
{
    struct rules *rules = calloc(1, sizeof *rules);

    snprintf(problem, problem_size, "not enough memory for the settings");
    if (rules == NULL)
        return NULL;
    atomic_init(&rules->holders, 1);
    rules->settings = settings;
    rules->enricher = enrich_new(settings, hostname, problem, problem_size);
    if (rules->enricher == NULL) {
        free(rules);
        return NULL;
    }
    point_rules_read(&rules->points, settings, enrich_filter(rules->enricher), ledger);
    rules->fold = (struct fold_rules){
        .histogram_exact_values = (size_t)settings->heeler_histogram_exact_values,
        .ledger = ledger,
    };
    return rules;
}

struct rules *rules_hold(struct rules *rules)
{
    atomic_fetch_add_explicit(&rules->holders, 1, memory_order_relaxed);
    return rules;
}

void rules_release(struct rules *given)
{
    if (given == NULL ||
        atomic_fetch_sub_explicit(&given->holders, 1, memory_order_acq_rel) > 1)
        return;
    enrich_free(given->enricher);
    if (given->owned != NULL)
        settings_free(given->owned);
    free(given->owned);
    free(given);
}

void rules_note_limited(struct rules *rules, struct flusher_ledger *ledger)
{
    uint64_t limited = enrich_limited(rules->enricher);

    counter_add(&ledger->mapper_limited, limited - rules->limited_noted);
    rules->limited_noted = limited;
}

void rules_put(struct rules_box *box, struct rules *given)
{
    rules_release(atomic_exchange_explicit(&box->newest, given, memory_order_acq_rel));
}

struct rules *rules_take(struct rules_box *box)
{
    if (atomic_load_explicit(&box->newest, memory_order_relaxed) == NULL)
        return NULL;
    return atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
}
