/* flush/language/question.h: the query of one metric.
 *
 *   [agg:]metric{scope}[ by {tag,...}][.rollup(...)][.fill(...)][.as_count()|.as_rate()]
 *
 *   agg      avg sum min max count, pNN on distributions; without one: avg
 *   scope    flush/language/scope.h
 *   rollup   (method), (seconds) or (method, seconds); method: avg sum min max
 *            count last
 *   fill     (how) or (how, seconds); how: linear last zero null
 *
 * Such queries, put together, are an expression (flush/language/expression.h). Pure. What comes
 * out are views into the text. */
#ifndef FLUSH_LANGUAGE_QUESTION_H
#define FLUSH_LANGUAGE_QUESTION_H

#include <stdint.h>

#include "flush/language/scope.h"

enum {
    QUESTION_BY_MAX = 8,
    QUESTION_TEXT_MAX = 4096, /* of a whole expression */
    QUESTION_FILL_S = 300,    /* as far as gaps are filled, unless it is said */
    QUESTION_FILL_MAX_S = 600
};

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

/* What becomes of a step without a point. The order is that of the words in the table of
 * functions. */
enum fill { FILL_LINEAR, FILL_LAST, FILL_ZERO, FILL_NULL };

struct question {
    struct slice text;           /* of this query alone */
    struct slice aggregate_word; /* as written; empty: none */
    enum aggregate aggregate;
    double quantile; /* 0 to 1, of AGGREGATE_OVER_QUANTILE */
    struct slice metric;
    struct scope scope;
    struct slice by_text; /* " by {...}", as written; empty: none */
    struct slice by[QUESTION_BY_MAX];
    size_t n_by;
    enum method method;
    int64_t seconds; /* 0: not said */
    enum counter_shape shape;
    enum fill fill; /* FILL_NULL unless it is said */
    int64_t fill_s;
    bool differs; /* diff( ) stands around it: it is of each series, before they are one */
};

/* Reads one query. False with a sentence. */
bool question_read(struct reader *reader, struct question *out);

#endif
