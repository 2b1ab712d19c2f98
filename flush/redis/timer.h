/* flush/redis/timer.h: a timer of the event loop that always comes.
 *
 * libevent may need memory to set one. Without it the timer comes at once: whoever waits
 * tries again too early, instead of never. */
#ifndef FLUSH_REDIS_TIMER_H
#define FLUSH_REDIS_TIMER_H

#include <event2/event.h>
#include <stdint.h>

static inline void timer_start(struct event *timer, int64_t wait_ms)
{
    struct timeval wait = { wait_ms / 1000, wait_ms % 1000 * 1000 };

    if (evtimer_add(timer, &wait) != 0)
        event_active(timer, EV_TIMEOUT, 0);
}

#endif
