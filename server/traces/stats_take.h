/* server/traces/stats_take.h: spans that a tracing library has counted itself (/v0.6/stats).
 *
 *   body ──► groups, put right ──► merged with those of the same key that were counted here
 *
 * Sketches are read by the grid that they say (server/traces/ddsketch.h). The trace thread's.
 */
#ifndef SERVER_TRACES_STATS_TAKE_H
#define SERVER_TRACES_STATS_TAKE_H

#include "server/traces/trace_take.h"

/* language: what the headers say, if the body says none. TRACE_OK: each group is merged, or
 * shed for want of memory, which is counted. Else none is, and problem is a sentence. */
enum trace_result stats_take(const struct trace_taker *taker, struct slice body,
                             struct slice language, int64_t now_s,
                             char problem[TRACE_PROBLEM_MAX]);

#endif
