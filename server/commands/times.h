/* server/commands/times.h: times as commands take and show them.
 *
 * Pure but for the stream that is written to. */
#ifndef SERVER_COMMANDS_TIMES_H
#define SERVER_COMMANDS_TIMES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* "90", "90s", "15m", "1h", "7d", "1w": seconds, one at least. False: it is none of these. */
bool times_read_span(const char *text, int64_t *out);

/* "20 min", "1 h", "90 s", "2 d": in the longest unit of which it is a whole number. */
void times_write_span(int64_t seconds, char *out, size_t size);

/* "2026-11-28 20:51:00Z"; a time that no calendar has is a number. */
void times_put(FILE *out, int64_t time_s);

#endif
