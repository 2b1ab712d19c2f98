/* flush/console.h: each flushed bucket as a table that a person can read.
 *
 *   bucket 2026-11-22 20:30:10  (10 s)
 *   series       type     value    sum   tags
 *   my_metric    gauge      417          env:demo
 *   my_requests  rate       0.4      4   env:demo,route:/
 *
 * A point_visitor: the flusher shows it every aggregated point, and events and service
 * checks as they come, a line each. Rows beyond a bound are counted, not kept. What comes
 * from clients is printed quoted. One thread. */
#ifndef FLUSH_CONSOLE_H
#define FLUSH_CONSOLE_H

#include <stdio.h>

#include "flush/payloads/encode.h"
#include "flush/snapshots/points.h"

struct console;

/* Prints to out, which outlives it. NULL without memory. */
struct console *console_new(FILE *out, int64_t interval_s);
void console_free(struct console *console);

/* context of all is the console. */
struct point_visitor console_visitor(struct console *console);
void console_event(void *context, const struct event_record *event);
void console_check(void *context, const struct check_record *check);
void console_begin(void *context, int64_t stamp_s);
void console_end(void *context);

#endif
