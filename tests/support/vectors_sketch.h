/* tests/support/vectors_sketch.h: one line of tests/data/sketch.jsonl against
 * flush/values/sketch. Vectors of the older 16-bit bins are checked as far as the two
 * forms agree: by the total of each key where a key fills several bins (without
 * quantiles), and by the summary alone where 16 bits keep more bins than the
 * limit. */
#ifndef TESTS_SUPPORT_VECTORS_SKETCH_H
#define TESTS_SUPPORT_VECTORS_SKETCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* False: why says, in words, what differs. */
bool vector_sketch(json_t *vector, char *why, size_t why_size);

#endif
