/* flush/rollups/monitor_step.h: how long a point of a monitor's window is.
 *
 * As long as in a chart of the window, which has 300 points or fewer. But a chart may begin and
 * end where its steps do; a monitor looks at its window to the second, every minute another
 * one, so that the steps must be those that it is made of. They are the same each time, or the
 * greatest of them would be another one each time. Pure. */
#ifndef FLUSH_ROLLUPS_MONITOR_STEP_H
#define FLUSH_ROLLUPS_MONITOR_STEP_H

#include "flush/rollups/coverage.h"

/* In seconds. looked_s: how much of the window is looked at, which has five points at least;
 * period_s: how far it moves until it is looked at again. */
int64_t monitor_step(const struct coverage_window *window, int64_t looked_s, int64_t period_s);

/* That step, or the next shorter, or else longer one of which the window is made. Where there
 * is none, some of what lies just outside of the window counts, too. */
int64_t monitor_step_near(const struct coverage_window *window, int64_t step_s);

/* The next longer one of which it is made; 0: there is none. */
int64_t monitor_step_longer(const struct coverage_window *window, int64_t step_s);

#endif
