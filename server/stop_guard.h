/* server/stop_guard.h: a stop that takes no longer than it may.
 *
 * Whatever blocks then, a disk, a look-up or a fault of ours: the process ends. */
#ifndef SERVER_STOP_GUARD_H
#define SERVER_STOP_GUARD_H

#include <stdint.h>

/* The process ends in so long, unless it has ended before; with EXIT_SYSTEM, a line in the
 * log, and no more. There is no way back. */
void stop_guard_begin(int64_t limit_ms);

#endif
