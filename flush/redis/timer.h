/* flush/redis/timer.h: a timer of the event loop that always comes.
 *
 * libevent may need memory to set one. Without memory the timer fires at once: whoever waits
 * then tries again too early, and not never. A time that is over fires at once, too. */
#ifndef FLUSH_REDIS_TIMER_H
#define FLUSH_REDIS_TIMER_H

#include <event2/event.h>
#include <stdint.h>

#include "config/clock.h"

static inline void timer_start(struct event *timer, int64_t wait_ms)
{
    struct timeval wait = clock_wait_ms(wait_ms);

    if (evtimer_add(timer, &wait) != 0)
        event_active(timer, EV_TIMEOUT, 0);
}

#endif
