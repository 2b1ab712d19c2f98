/* The band of anomalies(query, 'basic', bounds): the formula is in docs/questions.md.
 *
 * The window slides over the points: a sorted array of those in it, into which each point goes
 * behind its own band, and out of which those go that are too old. */
#include <math.h>

#include "flush/language/functions_internal.h"

enum { WINDOW_S = 3600, WINDOW_STEPS = 60, PAST_S = 1800, POINTS_MIN = 15, WIDER = 4 };

static const double NORMAL_Q90 = 1.2815515655446004; /* standard deviations */

struct sorted {
    double *at;
    uint32_t n;
};

static uint32_t place_of(const struct sorted *sorted, double value)
{
    uint32_t low = 0, high = sorted->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sorted->at[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(struct sorted *sorted, double value)
{
    uint32_t at = place_of(sorted, value);

    memmove(sorted->at + at + 1, sorted->at + at, (sorted->n - at) * sizeof *sorted->at);
    sorted->at[at] = value;
    sorted->n++;
}

static void take_out(struct sorted *sorted, double value)
{
    uint32_t at = place_of(sorted, value);

    sorted->n--;
    memmove(sorted->at + at, sorted->at + at + 1, (sorted->n - at) * sizeof *sorted->at);
}

static double quantile(const struct sorted *sorted, double q)
{
    double place = q * (sorted->n - 1);
    uint32_t below = (uint32_t)place;
    double rest = place - below;

    if (below + 1 >= sorted->n)
        return sorted->at[below];
    return sorted->at[below] * (1 - rest) + sorted->at[below + 1] * rest;
}

static void bounds_at(const struct points *points, const struct sorted *sorted, double bounds,
                      uint32_t i)
{
    double middle = quantile(sorted, 0.5);
    double factor = bounds * (1 + WIDER / (double)sorted->n) / NORMAL_Q90;

    points->at[points->n + i] = middle - factor * (middle - quantile(sorted, 0.1));
    points->at[2 * (size_t)points->n + i] = middle + factor * (quantile(sorted, 0.9) - middle);
}

int64_t lead_anomalies(const struct call *call, int64_t step_s)
{
    int64_t steps = WINDOW_S / step_s;

    (void)call;
    return steps > WINDOW_STEPS ? steps : WINDOW_STEPS;
}

/* The first step of the window that still has a point. */
static uint32_t oldest_point(const struct points *points, uint32_t from, uint32_t to)
{
    while (from < to && isnan(points->at[from]))
        from++;
    return from;
}

void points_anomalies(const struct call *call, const struct points *points)
{
    struct sorted sorted = { points->scratch, 0 };
    uint32_t width = (uint32_t)lead_anomalies(call, (int64_t)points->step_s);
    uint32_t oldest = 0;
    double *lower = points->at + points->n, *upper = lower + points->n;

    for (uint32_t i = 0; i < points->n; i++) {
        lower[i] = upper[i] = (double)NAN;
        for (uint32_t end = i > width ? i - width : 0; oldest < end; oldest++)
            if (!isnan(points->at[oldest]))
                take_out(&sorted, points->at[oldest]);
        if (isnan(points->at[i]))
            continue;
        oldest = oldest_point(points, oldest, i);
        if (sorted.n >= POINTS_MIN && (i - oldest) * points->step_s >= PAST_S)
            bounds_at(points, &sorted, call->arguments[ANOMALIES_BOUNDS], i);
        insert(&sorted, points->at[i]);
    }
}
