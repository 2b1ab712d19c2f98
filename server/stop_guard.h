/* server/stop_guard.h: a stop that takes no longer than it may.
 *
 * Whatever blocks a stop, a disk, a look-up or a fault of ours, the process ends in time. */
#ifndef SERVER_STOP_GUARD_H
#define SERVER_STOP_GUARD_H

#include <stdint.h>

/* After limit_ms the process ends, with a line in the log and the status EXIT_SYSTEM, unless it
 * ended before. This cannot be taken back. */
void stop_guard_begin(int64_t limit_ms);

/* The final ledger is said, and all that is left is to tidy up: when the time is over now,
 * the process ends with EXIT_OK. */
void stop_guard_accounted(void);

#endif
