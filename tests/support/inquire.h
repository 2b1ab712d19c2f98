/* tests/support/inquire.h: one inquiry of any kind, answered at once. */
#ifndef TESTS_SUPPORT_INQUIRE_H
#define TESTS_SUPPORT_INQUIRE_H

#include <jansson.h>

#include "flush/rollups/answer_ops.h"
#include "tests/support/pipeline.h"

/* The answer, owned; a refusal is {"error": sentence, "status": number}. steps: how many it
 * took, or NULL. Fails the test when the answer is no JSON. */
json_t *inquire(const struct answer_ops *ops, const struct answer_source *source,
                const struct inquiry *inquiry, int *steps);

/* The same of what a pipeline has in its rollups. */
json_t *inquire_of(struct pipeline *p, const struct answer_ops *ops, struct inquiry inquiry);

#endif
