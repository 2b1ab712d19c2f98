/* flush/rollups/question.h: the text of a query in, its parts out.
 *
 *   [agg:]metric{scope}[ by {tag,...}][.rollup(...)][.as_count()|.as_rate()]
 *
 *   agg      avg sum min max count, pNN on distributions; without one: avg
 *   scope    * or tags: "a,b" both, "!a" not, "key:begin*" by its beginning
 *   rollup   (method), (seconds) or (method, seconds); method: avg sum min max
 *            count last
 *
 * Pure. What comes out are views into the text. A text that is refused is answered
 * with its column, from 1, and what was expected there. */
#ifndef FLUSH_ROLLUPS_QUESTION_H
#define FLUSH_ROLLUPS_QUESTION_H

#include <stdint.h>

#include "protocol/slice.h"

enum { QUESTION_TERMS_MAX = 32, QUESTION_BY_MAX = 8, QUESTION_TEXT_MAX = 4096 };

enum aggregate {
    AGGREGATE_OVER_AVG,
    AGGREGATE_OVER_SUM,
    AGGREGATE_OVER_MIN,
    AGGREGATE_OVER_MAX,
    AGGREGATE_OVER_COUNT,
    AGGREGATE_OVER_QUANTILE
};

/* How points of one series become one. */
enum method {
    METHOD_STANDARD, /* none was asked for; it depends on the kind of series */
    METHOD_AVG,
    METHOD_SUM,
    METHOD_MIN,
    METHOD_MAX,
    METHOD_COUNT,
    METHOD_LAST
};

enum counter_shape { SHAPE_STANDARD, SHAPE_COUNT, SHAPE_RATE };

struct question_term {
    struct slice tag;
    bool negated;
    bool beginning; /* tag is the part before a * */
};

struct question {
    struct slice text;
    struct slice aggregate_word; /* as written; empty: none */
    enum aggregate aggregate;
    double quantile; /* 0 to 1, of AGGREGATE_OVER_QUANTILE */
    struct slice metric;
    struct slice scope; /* between the braces */
    struct question_term terms[QUESTION_TERMS_MAX];
    size_t n_terms;
    struct slice by[QUESTION_BY_MAX];
    size_t n_by;
    struct slice functions; /* ".rollup(...)...", as written */
    enum method method;
    int64_t seconds; /* 0: not said */
    enum counter_shape shape;
};

/* False with a sentence: "column 9: expected ...". */
bool question_parse(struct slice text, struct question *out, char *problem,
                    size_t problem_size);

#endif
