/* chart/axis.h: from values and times to pixels, and which of them are written beside an axis.
 *
 * Sums of the largest doubles have no room in a double, so values are long doubles here. Pure:
 * times are in UTC. */
#ifndef CHART_AXIS_H
#define CHART_AXIS_H

#include <stdint.h>

#include "chart/unit.h"

enum { AXIS_TICKS_MAX = 64, AXIS_TEXT_SIZE = 32 };

struct axis {
    long double low, high;     /* low < high */
    double low_pixel, to_high; /* where low is, and how many pixels beyond it high is */
    long double ticks[AXIS_TICKS_MAX];
    size_t n_ticks;
    long double step; /* between two ticks; of times in months: less */
};

/* An axis of values that shows low to high, and zero if that is near; with room beyond both. */
void axis_of_values(struct axis *out, long double low, long double high);

/* Chooses at most so many ticks: round numbers of the unit. Its pixels do not matter. */
void axis_choose_ticks(struct axis *axis, enum unit_kind kind, size_t most);

/* An axis of times with its ticks, two at least where there is room: full seconds, minutes,
 * hours, days or months. */
void axis_of_times(struct axis *out, double from_s, double to_s, size_t most);

/* "14:05:10", "14:05", "Nov 28" or "Nov 2026", as ticks are apart. Midnight shows its date. */
void axis_format_time(const struct axis *axis, long double time_s, char out[AXIS_TEXT_SIZE]);

/* Far outside stays finite. */
double axis_pixel(const struct axis *axis, long double at);

#endif
