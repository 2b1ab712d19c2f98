/* flush/series/point_rules.h: what the settings ask of a flush: which series a histogram
 * becomes, and over how many seconds a rate is taken.
 *
 * Read once for each generation of the settings (flush/series/rules.h), then read only. */
#ifndef FLUSH_SERIES_POINT_RULES_H
#define FLUSH_SERIES_POINT_RULES_H

#include "config/problems.h"
#include "config/settings.h"
#include "flush/parcels/ledger.h"
#include "flush/series/filter.h"

enum histogram_aggregate {
    AGGREGATE_MAX,
    AGGREGATE_MEDIAN,
    AGGREGATE_AVG,
    AGGREGATE_COUNT,
    AGGREGATE_MIN,
    AGGREGATE_SUM,
    AGGREGATE_KINDS
};

/* Its word in the settings, which is also the suffix of its series. */
const char *point_rules_word(enum histogram_aggregate aggregate);

enum { PERCENTILES_MAX = 101 };

struct point_rules {
    int64_t interval_s;
    bool aggregates[AGGREGATE_KINDS];
    int percentiles[PERCENTILES_MAX]; /* ascending */
    size_t n_percentiles;
    const struct filter *filter; /* of histogram suffixes; NULL: none */
    struct flusher_ledger *ledger;
};

/* A warning for each word and number of histogram_aggregates and histogram_percentiles
 * that makes no sense: it is skipped, as by the Agent. */
void point_rules_check(const struct settings *settings, struct problems *problems);

/* From these settings. */
void point_rules_read(struct point_rules *rules, const struct settings *settings,
                      const struct filter *filter, struct flusher_ledger *ledger);

#endif
