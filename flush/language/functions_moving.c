/* Functions that look at the points before, and those that look at another time. */
#include <math.h>

#include "flush/language/functions_internal.h"

/* ---- smooth lines ------------------------------------------------------ */

void points_ewma(const struct call *call, const struct points *points)
{
    double weight = 2 / (call->chosen[0] + 1), mean = (double)NAN;

    for (uint32_t i = 0; i < points->n; i++) {
        if (isnan(points->at[i]))
            continue;
        mean = isnan(mean) ? points->at[i] : weight * points->at[i] + (1 - weight) * mean;
        points->at[i] = mean;
    }
}

/* Of n values, 9 at most. */
static double median_of(const double *values, uint32_t n)
{
    double sorted[16] = { 0 };

    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] > values[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = values[i];
    }
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

void points_median(const struct call *call, const struct points *points)
{
    double *values = points->scratch; /* the points, without gaps */
    uint32_t n = 0, most = (uint32_t)call->chosen[0];

    for (uint32_t i = 0; i < points->n; i++) {
        if (isnan(points->at[i]))
            continue;
        values[n++] = points->at[i];
        uint32_t taken = n < most ? n : most;
        points->at[i] = median_of(values + n - taken, taken);
    }
}

int64_t lead_median(const struct call *call, int64_t step_s)
{
    (void)step_s;
    return (int64_t)call->chosen[0] - 1;
}

/* ---- the last seconds -------------------------------------------------- */

enum moving { MOVING_AVG, MOVING_SUM, MOVING_MIN, MOVING_MAX, MOVING_COUNT };

/* Steps whose time is within the last seconds of that of a step. */
static int64_t width_of(const struct call *call, double step_s)
{
    return (int64_t)ceil(call->arguments[0] / step_s);
}

int64_t lead_moving(const struct call *call, int64_t step_s)
{
    return width_of(call, (double)step_s) - 1;
}

bool unit_of_moving(const struct call *call)
{
    return call->arguments[1] != MOVING_COUNT;
}

/* The least or the most of the last `width` steps. In `queue` stand the steps that may still be
 * it, the best first; NAN never is one. */
static void slide_extreme(const struct points *points, double *out, int64_t width, double sign)
{
    double *queue = out + points->n; /* numbers of steps */
    uint32_t head = 0, tail = 0;

    for (uint32_t i = 0; i < points->n; i++) {
        double value = points->at[i];
        while (head < tail && (int64_t)queue[head] <= (int64_t)i - width)
            head++;
        while (!isnan(value) && head < tail &&
               sign * points->at[(uint32_t)queue[tail - 1]] <= sign * value)
            tail--;
        if (!isnan(value))
            queue[tail++] = i;
        out[i] = head < tail ? points->at[(uint32_t)queue[head]] : (double)NAN;
    }
}

/* A sum that is exact as long as a double can be: what leaves the window takes nothing with it,
 * since each sum is made of two of blocks of `width` steps, from behind and from before. */
static void slide_sum(const struct points *points, double *out, int64_t width, bool count)
{
    double *behind = out + points->n; /* of a block, from each step to its end */
    uint32_t n = points->n;
    double before = 0;

    for (uint32_t i = n; i-- > 0;) {
        double value = isnan(points->at[i]) ? 0 : count ? 1 : points->at[i];
        bool last = i + 1 == n || (i + 1) % width == 0;
        behind[i] = value + (last ? 0 : behind[i + 1]);
    }
    for (uint32_t i = 0; i < n; i++) {
        double value = isnan(points->at[i]) ? 0 : count ? 1 : points->at[i];
        before = i % width == 0 ? value : before + value;
        bool whole = (i + 1) % width == 0;
        int64_t first = (int64_t)i - width + 1;
        out[i] = before + (first > 0 && !whole ? behind[first] : 0);
    }
}

static void take_over(const struct points *points, const double *from, bool zero_is_none)
{
    for (uint32_t i = 0; i < points->n; i++)
        points->at[i] = zero_is_none && from[i] == 0 ? (double)NAN : from[i];
}

/* The sums, where there is a point, and by how many there are if that is asked for. */
static void moving_sum(const struct points *points, int64_t width, bool divide)
{
    double *out = points->scratch;

    slide_sum(points, out, width, false);
    for (uint32_t i = 0; i < points->n; i++) {
        /* The queue's place is free now, and what is read of the points is not yet written. */
        out[points->n + i] = isnan(points->at[i]) ? 0 : 1;
    }
    double count = 0;
    for (uint32_t i = 0; i < points->n; i++) {
        count += out[points->n + i];
        if ((int64_t)i >= width)
            count -= out[points->n + (uint32_t)((int64_t)i - width)];
        points->at[i] = count == 0 ? (double)NAN : divide ? out[i] / count : out[i];
    }
}

void points_moving(const struct call *call, const struct points *points)
{
    int64_t width = width_of(call, points->step_s);

    switch ((enum moving)call->arguments[1]) {
    case MOVING_AVG:
        moving_sum(points, width, true);
        break;
    case MOVING_SUM:
        moving_sum(points, width, false);
        break;
    case MOVING_MIN:
    case MOVING_MAX:
        slide_extreme(points, points->scratch, width,
                      call->arguments[1] == MOVING_MAX ? 1 : -1);
        take_over(points, points->scratch, false);
        break;
    case MOVING_COUNT:
        slide_sum(points, points->scratch, width, true);
        take_over(points, points->scratch, true);
        break;
    }
}

/* ---- another time ------------------------------------------------------ */

int64_t shift_any(const struct call *call)
{
    return -(int64_t)call->arguments[0];
}

int64_t shift_before(const struct call *call)
{
    static const int64_t seconds[] = { 3600, 86400, 7 * 86400, 28 * 86400 };

    return seconds[(size_t)call->chosen[0]];
}
