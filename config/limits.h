/* config/limits.h: what a program that is started for one answer may do, given up before it
 * reads a byte of others.
 *
 * So much memory, 5 seconds of the processor, no socket, no other program, no descriptor beside
 * the three that it was started with. */
#ifndef CONFIG_LIMITS_H
#define CONFIG_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/must_check.h"

enum { LIMITS_CPU_S = 5 };

/* False with errno: the system does not let us. Where it filters no calls, that is left out. */
MUST_CHECK bool limits_set(size_t memory);

#endif
