/* flush/memory/loop.h: event loops that are made or not, and never end the process.
 *
 * libevent calls exit() when it has made half of a loop and finds no descriptors for its
 * signals: open intervals and inherited states would be lost with the process. */
#ifndef FLUSH_MEMORY_LOOP_H
#define FLUSH_MEMORY_LOOP_H

#include <event2/event.h>

/* NULL without memory or descriptors. Freed with event_base_free(). */
struct event_base *loop_new(void);

#endif
