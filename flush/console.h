/* flush/console.h: each flushed bucket as a table that a person can read.
 *
 *   bucket 2026-11-22 20:30:10  (10 s)
 *   series       type     value    sum   tags
 *   my_metric    gauge      417          env:demo
 *   my_requests  rate       0.4      4   env:demo,route:/
 *
 * An observer: the flusher shows it every aggregated point, and events and service
 * checks as they come, a line each. Rows beyond a bound are counted, not kept. What comes
 * from clients is printed quoted. One thread. */
#ifndef FLUSH_CONSOLE_H
#define FLUSH_CONSOLE_H

#include <stdio.h>

#include "flush/snapshots/observer.h"

struct console;

/* Prints to out, which outlives it. NULL without memory. */
struct console *console_new(FILE *out, int64_t interval_s);
void console_free(struct console *given);

/* The console is given with it. */
struct observer console_observer(struct console *given);

#endif
