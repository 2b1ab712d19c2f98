/* flush/rollups/shown.h: how what is kept of a series is shown in lists: its type as a word,
 * and its points as one number.
 *
 * As a query without functions shows it: a counter as a rate per second, the others as what
 * they are; of several points, and of a distribution's values, their mean. Pure. */
#ifndef FLUSH_ROLLUPS_SHOWN_H
#define FLUSH_ROLLUPS_SHOWN_H

#include <math.h>

#include "flush/rollups/rollup.h"

/* "count", "gauge", "set" or "distribution". */
const char *shown_type(uint8_t kind);

/* The sum of points, and how many there are. NAN without any. */
static inline double shown_value(uint8_t kind, double sum, double count, int64_t interval_s)
{
    if (count == 0)
        return (double)NAN;
    return cell_kinds[kind].shown == SHOWN_RATE ? sum / (double)interval_s : sum / count;
}

/* How many values came in the newest interval. */
static inline uint32_t shown_values(const struct rollup *rollup,
                                    const struct rollup_series *series)
{
    return (int64_t)series->heard_s == rollup_newest(rollup) ? series->values : 0;
}

#endif
