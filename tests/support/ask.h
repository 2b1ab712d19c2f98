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

struct ask_case {
    const char *text, *scope;
    int64_t at; /* after the start */
    double value;
};

/* Fails the test unless each question from start_s to to_s has that point, nearly. */
void ask_cases(struct rollup *rollup, const struct ask_case *cases, size_t n, int64_t start_s,
               int64_t to_s);

/* Fails the test unless it is refused with that sentence; NULL: answered. */
void ask_refused(struct rollup *rollup, const char *text, int64_t from_s, int64_t to_s,
                 const char *sentence);

#endif
