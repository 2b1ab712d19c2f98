/* tests/support/ask.h: one question to the rollups, answered at once. */
#ifndef TESTS_SUPPORT_ASK_H
#define TESTS_SUPPORT_ASK_H

#include <jansson.h>

#include "flush/rollups/evaluation.h"

/* The answer, owned; a refusal is {"error": sentence}. Fails the test when the
 * answer is no JSON. */
json_t *ask(struct rollup *rollup, const char *text, int64_t from_s, int64_t to_s);

/* Its only series' point at that time, or NAN: no such point. "scope" chooses among
 * several series; NULL: there must be one at most. */
double ask_point(struct rollup *rollup, const char *text, int64_t from_s, int64_t to_s,
                 const char *scope, int64_t time_s);

#endif
