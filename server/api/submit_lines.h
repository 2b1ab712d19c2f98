/* server/api/submit_lines.h: an event or a check of JSON as the line that says the same.
 *
 * They go the way of lines from there on. What a line cannot say is refused. Pure. */
#ifndef SERVER_API_SUBMIT_LINES_H
#define SERVER_API_SUBMIT_LINES_H

#include <stdint.h>

#include "config/must_check.h"
#include "flush/memory/bytes.h"
#include "protocol/slice.h"

enum { SUBMIT_SENTENCE_MAX = 160 };

/* Appends the line of {check, status, host_name, timestamp, message, tags}. False with a
 * sentence. */
MUST_CHECK bool submit_check_line(struct bytes *out, struct slice object,
                                  char problem[static SUBMIT_SENTENCE_MAX]);

/* Appends the line of an event, and tells its time. False with a sentence. */
MUST_CHECK bool submit_event_line(struct bytes *out, struct slice object, int64_t now_s,
                                  int64_t *time_s, char problem[static SUBMIT_SENTENCE_MAX]);

#endif
