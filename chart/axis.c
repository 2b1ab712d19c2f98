#include "chart/axis.h"

#include <math.h>
#include <time.h>

/* ---- pixels ------------------------------------------------------------ */

double axis_pixel(const struct axis *axis, long double at)
{
    long double share = (at - axis->low) / (axis->high - axis->low);

    share = share < -100 ? -100 : share > 100 ? 100 : share;
    return axis->low_pixel + (double)share * axis->to_high;
}

/* ---- values ------------------------------------------------------------ */

void axis_of_values(struct axis *out, long double low, long double high)
{
    long double apart = high - low;

    *out = (struct axis){ .low = low - apart * 0.08L, .high = high + apart * 0.08L };
    if (apart <= 0) { /* one value */
        out->low = low < 0 ? low * 1.25L : 0;
        out->high = high > 0 ? high * 1.25L : high < 0 ? 0 : 1;
    } else if (low >= 0 && apart > high * 0.25L) {
        out->low = 0;
    } else if (high <= 0 && apart > -low * 0.25L) {
        out->high = 0;
    }
}

/* 1, 2 or 5 times a power of ten, not less than that. */
static long double round_up_decimal(long double rough)
{
    long double power = powl(10, floorl(log10l(rough))), times = rough / power;

    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

/* The first that is not less; n, which ascend. 0: there is none. */
static long double first_from(long double rough, const int32_t *steps, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (steps[i] >= rough)
            return steps[i];
    return 0;
}

static const int32_t clock_steps[] = { 1,   2,   5,    10,   15,   30,    60,    120,  300,
                                       600, 900, 1800, 3600, 7200, 10800, 21600, 43200 };
enum { CLOCK_STEPS = sizeof clock_steps / sizeof clock_steps[0], DAY_S = 86400 };

static long double round_up(long double rough, enum unit_kind kind)
{
    long double step = 0;

    if (kind == UNIT_BYTES && rough > 1)
        return exp2l(ceill(log2l(rough)));
    if (kind != UNIT_SECONDS || rough <= 1)
        return round_up_decimal(rough);
    step = first_from(rough, clock_steps, CLOCK_STEPS);
    return step > 0 ? step : rough <= DAY_S ? DAY_S : round_up_decimal(rough / DAY_S) * DAY_S;
}

static void put_multiples(struct axis *axis, long double step, long double origin)
{
    long double first = ceill((axis->low - origin) / step);

    axis->step = step;
    axis->n_ticks = 0;
    for (long double i = 0; axis->n_ticks < AXIS_TICKS_MAX; i++) {
        long double at = origin + (first + i) * step;
        if (!(at <= axis->high))
            return;
        axis->ticks[axis->n_ticks++] = at;
    }
}

void axis_choose_ticks(struct axis *axis, enum unit_kind kind, size_t most)
{
    long double rough = (axis->high - axis->low) / (long double)(most > 0 ? most : 1);

    put_multiples(axis, round_up(rough, kind), 0);
}

/* ---- times ------------------------------------------------------------- */

/* The first of each such month, from that year on; step: in months, divides 12 or is a
 * multiple of it. */
static void put_months(struct axis *axis, int step)
{
    time_t first = (time_t)axis->low;
    struct tm month;

    axis->step = (long double)step * 28 * DAY_S;
    if (gmtime_r(&first, &month) == NULL)
        return;
    month =
        (struct tm){ .tm_year = month.tm_year - (step > 12 ? month.tm_year % (step / 12) : 0),
                     .tm_mday = 1 };
    while (axis->n_ticks < AXIS_TICKS_MAX) {
        struct tm copy = month;
        time_t at = timegm(&copy);
        if (at > (time_t)axis->high)
            return;
        if (at >= axis->low)
            axis->ticks[axis->n_ticks++] = at;
        month.tm_mon += step;
    }
}

static void put_long_ticks(struct axis *axis, long double rough)
{
    static const int32_t days[] = { 1, 2, 7, 14 }, months[] = { 1, 3, 6, 12 };
    enum { MONDAY = 4 * DAY_S };
    long double step = first_from(rough / DAY_S, days, sizeof days / sizeof days[0]);

    if (step > 0) {
        put_multiples(axis, step * DAY_S, step >= 7 ? MONDAY : 0);
        return;
    }
    rough /= 30 * DAY_S;
    step = first_from(rough, months, sizeof months / sizeof months[0]);
    put_months(axis, (int)(step > 0 ? step : ceill(rough / 12) * 12));
}

void axis_of_times(struct axis *out, double from_s, double to_s, size_t most)
{
    long double rough = ((long double)to_s - from_s) / (long double)(most > 0 ? most : 1);
    long double step = first_from(rough, clock_steps, CLOCK_STEPS);

    *out = (struct axis){ .low = from_s, .high = to_s };
    if (step > 0)
        put_multiples(out, step, 0);
    else
        put_long_ticks(out, rough);
}

void axis_format_time(const struct axis *axis, long double time_s, char out[AXIS_TEXT_SIZE])
{
    time_t at = (time_t)floorl(time_s);
    bool midnight = at % DAY_S == 0;
    struct tm parts;

    out[0] = '\0';
    if (gmtime_r(&at, &parts) != NULL)
        (void)strftime(out, AXIS_TEXT_SIZE,
                       axis->step >= 28 * DAY_S ? "%b %Y"
                       : midnight               ? "%b %-d"
                       : axis->step < 60        ? "%H:%M:%S"
                                                : "%H:%M",
                       &parts);
}
