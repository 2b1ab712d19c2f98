/* chart/limits.h: what this process may do, given up before it reads a byte of others.
 *
 * 64 MiB of memory, 5 seconds of the processor, no file but the fonts, no socket, no other
 * program, no descriptor beside the three that it was started with. */
#ifndef CHART_LIMITS_H
#define CHART_LIMITS_H

#include <stdbool.h>

#include "config/must_check.h"

enum { LIMITS_MEMORY = 64 << 20, LIMITS_CPU_S = 5 };

/* False with errno: the system does not let us. Where it filters no calls, that is left out. */
MUST_CHECK bool limits_set(void);

#endif
