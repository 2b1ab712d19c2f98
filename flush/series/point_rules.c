#include "flush/series/point_rules.h"

#include <math.h>
#include <stdlib.h>

#include "config/log.h"
#include "protocol/number.h"

static const char *const aggregate_words[AGGREGATE_KINDS] = {
    [AGGREGATE_MAX] = "max",     [AGGREGATE_MEDIAN] = "median", [AGGREGATE_AVG] = "avg",
    [AGGREGATE_COUNT] = "count", [AGGREGATE_MIN] = "min",       [AGGREGATE_SUM] = "sum",
};

const char *point_rules_word(enum histogram_aggregate aggregate)
{
    return aggregate_words[aggregate];
}

static bool read_aggregate(struct point_rules *rules, const char *word)
{
    for (int i = 0; i < AGGREGATE_KINDS; i++) {
        if (strcmp(word, aggregate_words[i]) == 0) {
            rules->aggregates[i] = true;
            return true;
        }
    }
    return false;
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static bool read_percentile(struct point_rules *rules, const char *text)
{
    double fraction;

    if (!number_double(slice_of(text), &fraction) || !(fraction >= 0 && fraction <= 1) ||
        rules->n_percentiles == PERCENTILES_MAX)
        return false;
    int percent = (int)floor(100 * fraction + 0.5);

    for (size_t i = 0; i < rules->n_percentiles; i++)
        if (rules->percentiles[i] == percent)
            return true; /* it is there already: "0.95" and "0.951" are one series */
    rules->percentiles[rules->n_percentiles++] = percent;
    return true;
}

/* With problems, a warning for each word of the list that read() does not take. */
static void read_list(struct point_rules *rules, const struct string_list *list,
                      bool (*read)(struct point_rules *, const char *), const char *allowed,
                      const char *key, struct problems *problems)
{
    char quoted[80];

    for (size_t i = 0; i < list->n; i++)
        if (!read(rules, list->at[i]) && problems != NULL)
            problems_warn(problems, "%s: \"%s\" is skipped: allowed are %s.", key,
                          log_quote(list->at[i], strlen(list->at[i]), quoted, sizeof quoted),
                          allowed);
}

static void read_lists(struct point_rules *rules, const struct settings *settings,
                       struct problems *problems)
{
    read_list(rules, &settings->histogram_aggregates, read_aggregate,
              "max median avg count min sum", "histogram_aggregates", problems);
    read_list(rules, &settings->histogram_percentiles, read_percentile, "numbers from 0 to 1",
              "histogram_percentiles", problems);
}

void point_rules_check(const struct settings *settings, struct problems *problems)
{
    struct point_rules rules = { .interval_s = 0 };

    read_lists(&rules, settings, problems);
}

void point_rules_read(struct point_rules *rules, const struct settings *settings,
                      const struct filter *filter, struct flusher_ledger *ledger)
{
    *rules = (struct point_rules){ .interval_s = settings->heeler_interval,
                                   .filter = filter,
                                   .ledger = ledger };
    read_lists(rules, settings, NULL);
    qsort(rules->percentiles, rules->n_percentiles, sizeof rules->percentiles[0], compare_ints);
}
