/* config/clock.h: the only place that asks the system for the time.
 *
 * Loops and threads read it here; what they call takes time as an argument, so
 * tests never sleep. Schedule by the monotonic clock, stamp by the wall clock. */
#ifndef CONFIG_CLOCK_H
#define CONFIG_CLOCK_H

#include <stdint.h>
#include <sys/time.h>

/* The intake refuses points further ahead of its clock than this. What bears a stamp of ours
 * further ahead of now was stamped before the clock was set back. */
enum { CLOCK_AHEAD_MAX_S = 600 };

int64_t clock_wall_ns(void);      /* since 1970; may jump */
int64_t clock_monotonic_ns(void); /* since some start; never goes back */
int64_t clock_cpu_ns(void);       /* that this thread has had */

static inline int64_t clock_wall_ms(void)
{
    return clock_wall_ns() / 1000000;
}

static inline int64_t clock_wall_s(void)
{
    return clock_wall_ns() / 1000000000;
}

static inline int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

/* How long a timer waits; none of less than nothing. */
static inline struct timeval clock_wait_us(int64_t us)
{
    int64_t left_us = us > 0 ? us : 0;

    return (struct timeval){ left_us / 1000000, left_us % 1000000 };
}

static inline struct timeval clock_wait_ms(int64_t ms)
{
    return clock_wait_us(ms * 1000);
}

#endif
