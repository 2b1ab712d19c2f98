/* flush/values/histogram.h: histograms and timings as the Agent aggregates them.
 *
 * Every value is kept with its weight (1/rate, not rounded) up to a bound, so
 * that median and percentiles are exact; beyond it the values move into a sketch
 * and only those become approximate (within 1 %): count, sum, average, min and
 * max stay exact. The sum is a compensated one: what each addition rounds off is
 * added up beside it. When the budget of all arenas is under pressure the
 * bound falls to HISTOGRAM_EXACT_LEAST, so that many large histograms become
 * sketches before any value has to be shed.
 *
 * Memory comes from the arena given and dies with it. */
#ifndef FLUSH_VALUES_HISTOGRAM_H
#define FLUSH_VALUES_HISTOGRAM_H

#include <stdint.h>

#include "config/must_check.h"
#include "flush/memory/arena.h"
#include "protocol/parse.h"

enum { HISTOGRAM_EXACT_LEAST = 32 };

struct histogram; /* lives in an arena */

struct histogram *histogram_new(struct arena *arena);

/* What a value of that sample rate weighs: a rate of 0 is 1; one above 1 weighs less
 * than one and a negative one counts backward, both as in the Agent. */
static inline double histogram_weight(double rate)
{
    return rate == 0 || rate == 1 ? 1 : 1 / rate;
}

/* Adds a finite value; the weight, no NaN, is bounded by +-2^53. exact_values: the
 * bound. *switched is set when this value moved the histogram to a sketch. False when
 * the arena is exhausted: nothing was added. */
MUST_CHECK bool histogram_add(struct histogram *histogram, struct arena *arena, double value,
                              double weight, size_t exact_values, bool *switched);

/* other is only read (it may be sorted in place) and may live in another arena.
 * False when the arena is exhausted: nothing was added. */
MUST_CHECK bool histogram_merge(struct histogram *into, struct arena *arena,
                                struct histogram *other, size_t exact_values, bool *switched);

/* A value of that unit went in: the histogram has it from now on. UNIT_NONE changes
 * nothing. */
void histogram_note_unit(struct histogram *histogram, enum metric_unit unit);
enum metric_unit histogram_unit(const struct histogram *histogram);

struct histogram_summary {
    double count; /* of weights */
    double min, max;
    double sum;  /* of value / rate */
    double rest; /* what sum is too small by, for who goes on adding */
    double avg;  /* sum / count; not finite when count is 0 */
};

void histogram_summary(const struct histogram *histogram, struct histogram_summary *out);

/* The first value whose cumulative weight is above target, by spec: median target =
 * (count-1)/2; percentile target = (p*count-1)/100. False: no such value (a median
 * is then 0, a percentile is not reported), or the arena is exhausted. */
bool histogram_median(struct histogram *histogram, struct arena *arena, double *out);
MUST_CHECK bool histogram_percentile(struct histogram *histogram, struct arena *arena,
                                     int percent, double *out);

/* ---- writing one down -------------------------------------------------- */

/* How many exact values it has; 0 once they are a sketch. In no order. */
size_t histogram_values(const struct histogram *histogram);
typedef void histogram_visit(void *argument, double value, double weight);
void histogram_each(const struct histogram *histogram, histogram_visit *visit, void *argument);
struct sketch *histogram_sketch(const struct histogram *histogram); /* or NULL: exact */

/* A histogram of that summary without values, unless sketch holds them (of the same
 * arena); the exact ones follow. NULL and false when the arena is exhausted. */
struct histogram *histogram_restore(struct arena *arena,
                                    const struct histogram_summary *summary,
                                    struct sketch *sketch);
/* False, too, for what no histogram ever has. */
bool histogram_restore_value(struct histogram *histogram, struct arena *arena, double value,
                             double weight);

#endif
