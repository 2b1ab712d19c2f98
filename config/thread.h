/* config/thread.h: a thread of ours, with a name and without signals.
 *
 * Signals are main's: every other thread blocks them all. That of a broken pipe then stays
 * pending in the thread and does no harm. Only what a thread does wrong itself (a bad
 * address, an abort) still reaches it, for the reports of sanitizers and for core dumps. */
#ifndef CONFIG_THREAD_H
#define CONFIG_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "config/must_check.h"

/* name: at most 15 bytes, as ps and top show it. False when the system has no thread left. */
MUST_CHECK bool thread_start(pthread_t *out, const char *name, void *(*run)(void *),
                             void *argument);

#endif
