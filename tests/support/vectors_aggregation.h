/* tests/support/vectors_aggregation.h: one line of aggregation.jsonl through the
 * whole pipeline, from the datagram to the decoded payload. */
#ifndef TESTS_SUPPORT_VECTORS_AGGREGATION_H
#define TESTS_SUPPORT_VECTORS_AGGREGATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* False: why says, in words, what differs. */
bool vector_aggregation(json_t *vector, char *why, size_t why_size);

#endif
