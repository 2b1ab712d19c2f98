/* tests/support/spans.h: traces for tests, made of a few words a span.
 *
 * All of it is static, and good until the next spans_begin(). */
#ifndef TESTS_SUPPORT_SPANS_H
#define TESTS_SUPPORT_SPANS_H

#include "server/traces/span.h"

enum { SPANS_MAX = 32, SPANS_PAIRS_MAX = 16 };

void spans_begin(void);

/* A span of trace 7 with that service, name and resource; start and duration in milliseconds
 * since 1970 and of their length. */
struct span *spans_add(uint64_t id, uint64_t parent, const char *service, const char *name,
                       const char *resource, int64_t start_ms, int64_t duration_ms);
void spans_meta(struct span *span, const char *key, const char *value);
void spans_metric(struct span *span, const char *key, double value);

/* All that were added, as one trace. */
struct trace *spans_trace(void);

#endif
