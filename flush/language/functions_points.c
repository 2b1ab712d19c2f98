/* Functions that look at each point, and at the one before it. */
#include <math.h>

#include "flush/language/functions_internal.h"

/* ---- each point by itself ---------------------------------------------- */

void points_abs(const struct call *call, const struct points *points)
{
    (void)call;
    for (uint32_t i = 0; i < points->n; i++)
        points->at[i] = fabs(points->at[i]);
}

void points_log(const struct call *call, const struct points *points)
{
    double (*logarithm)(double) = call->chosen[0] == 2 ? log2 : log10;

    for (uint32_t i = 0; i < points->n; i++)
        points->at[i] = points->at[i] > 0 ? logarithm(points->at[i]) : (double)NAN;
}

void points_clamp_min(const struct call *call, const struct points *points)
{
    for (uint32_t i = 0; i < points->n; i++)
        if (points->at[i] < call->arguments[0])
            points->at[i] = call->arguments[0];
}

void points_clamp_max(const struct call *call, const struct points *points)
{
    for (uint32_t i = 0; i < points->n; i++)
        if (points->at[i] > call->arguments[0])
            points->at[i] = call->arguments[0];
}

void points_cutoff_min(const struct call *call, const struct points *points)
{
    for (uint32_t i = 0; i < points->n; i++)
        if (points->at[i] < call->arguments[0])
            points->at[i] = (double)NAN;
}

void points_cutoff_max(const struct call *call, const struct points *points)
{
    for (uint32_t i = 0; i < points->n; i++)
        if (points->at[i] > call->arguments[0])
            points->at[i] = (double)NAN;
}

void points_default_zero(const struct call *call, const struct points *points)
{
    (void)call;
    for (uint32_t i = 0; i < points->n; i++)
        if (isnan(points->at[i]))
            points->at[i] = 0;
}

void points_throughput(const struct call *call, const struct points *points)
{
    (void)call;
    for (uint32_t i = 0; i < points->n; i++)
        points->at[i] /= points->step_s;
}

/* ---- neighbours -------------------------------------------------------- */

/* Each point becomes what was added since the one before it, by the seconds between them if
 * that is asked for, times the factor. The first has none before it. */
static void differ(const struct points *points, bool by_time, double factor)
{
    double before = (double)NAN;
    uint32_t at = 0;

    for (uint32_t i = 0; i < points->n; i++) {
        double value = points->at[i];
        if (isnan(value))
            continue;
        points->at[i] = (value - before) * factor;
        if (by_time)
            points->at[i] /= (i - at) * points->step_s;
        before = value;
        at = i;
    }
}

void points_diff(const struct call *call, const struct points *points)
{
    (void)call;
    differ(points, false, 1);
}

void points_monotonic_diff(const struct call *call, const struct points *points)
{
    (void)call;
    differ(points, false, 1);
    for (uint32_t i = 0; i < points->n; i++)
        if (!(points->at[i] > 0))
            points->at[i] = (double)NAN;
}

void points_derivative(const struct call *call, const struct points *points)
{
    (void)call;
    differ(points, true, 1);
}

void points_per(const struct call *call, const struct points *points)
{
    static const double seconds[] = { 1, 60, 3600 };

    differ(points, true, seconds[(size_t)call->chosen[0]]);
}

/* ---- sums since the beginning of what is shown ------------------------- */

/* Before it there is none. */
static void leave_out_lead(const struct points *points)
{
    for (uint32_t i = 0; i < points->lead; i++)
        points->at[i] = (double)NAN;
}

void points_cumsum(const struct call *call, const struct points *points)
{
    double sum = 0;

    (void)call;
    leave_out_lead(points);
    for (uint32_t i = points->lead; i < points->n; i++)
        if (!isnan(points->at[i]))
            points->at[i] = sum += points->at[i];
}

void points_integral(const struct call *call, const struct points *points)
{
    double sum = 0, before = 0;
    uint32_t at = UINT32_MAX;

    (void)call;
    leave_out_lead(points);
    for (uint32_t i = points->lead; i < points->n; i++) {
        double value = points->at[i];
        if (isnan(value))
            continue;
        if (at != UINT32_MAX)
            sum += (value - before) * ((i - at) * points->step_s);
        points->at[i] = sum;
        before = value;
        at = i;
    }
}

/* ---- gaps -------------------------------------------------------------- */

static void fill_line(const struct points *points, uint32_t from, uint32_t to, uint32_t most)
{
    double begin = points->at[from], slope = (points->at[to] - begin) / (to - from);

    for (uint32_t i = from + 1; i < to && i - from <= most; i++)
        points->at[i] = begin + slope * (i - from);
}

void function_fill(enum fill fill, double seconds, const struct points *points)
{
    uint32_t most = seconds > points->step_s ? (uint32_t)(seconds / points->step_s) : 1;
    uint32_t last = UINT32_MAX;

    for (uint32_t i = 0; i < points->n && fill != FILL_NULL; i++) {
        if (!isnan(points->at[i])) {
            if (fill == FILL_LINEAR && last != UINT32_MAX)
                fill_line(points, last, i, most);
            last = i;
        } else if (fill != FILL_LINEAR && last != UINT32_MAX && i - last <= most) {
            points->at[i] = fill == FILL_ZERO ? 0 : points->at[last];
        }
    }
}
