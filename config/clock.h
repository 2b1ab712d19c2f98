/* config/clock.h: the only place that asks the system for the time.
 *
 * Loops and threads read it here; what they call takes time as an argument, so
 * tests never sleep. Schedule by the monotonic clock, stamp by the wall clock. */
#ifndef CONFIG_CLOCK_H
#define CONFIG_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ns(void);      /* since 1970; may jump */
int64_t clock_monotonic_ns(void); /* since some start; never goes back */

#endif
