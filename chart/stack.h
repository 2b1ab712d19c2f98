/* chart/stack.h: areas stand on areas, and bars on bars.
 *
 * In the order of their lines, over all requests: a point stands on the sum of those before it
 * that have the same time, what is below 0 hangs below what is, and each is then at the height
 * of the sum. A line that has no point at a time adds nothing to it. What has a band is not
 * stacked, as its bounds stand where they are. */
#ifndef CHART_STACK_H
#define CHART_STACK_H

#include "chart/chart.h"
#include "config/must_check.h"

/* False without memory. */
MUST_CHECK bool stack_lines(struct chart *chart);

#endif
