/* flush/rollups/query.h: a question answered from the rollups.
 *
 *   match   which series, and to which group each belongs
 *   scan    per step: the points of each series become one (the rollup method),
 *           then the series of a group become one (the aggregator)
 *   write   the answer in Datadog's form, as JSON
 *
 * In slices: query_step() does some milliseconds of work. Between two steps windows
 * may come and go; the query looks them up by their time each time.
 *
 * Steps are aligned to Unix time. A step that the range touches is taken whole, so
 * that a sum does not depend on who asks when. Without seconds in rollup( ) the step
 * is the first of 1 2 5 10 20 30 60 ... that gives 300 points or fewer; with them it
 * is as asked, up to 1500 points. It is never shorter than the interval, nor than
 * windows that still reach back to `from`, and is rounded up to whole windows.
 *
 * What a value is:
 *   counter   rates, as Datadog shows: the average of each interval's rate.
 *             .as_count(): sums. .as_rate(): the sum divided by the step.
 *             .rollup(sum) and .rollup(count) alone are of counts, too: the sum of
 *             all increments. (Datadog adds up rates there unless .as_count() is
 *             said; with it both agree.) min, max and last are rates unless
 *             .as_count() is said.
 *   gauge     the average of its points, or what the method says.
 *   set       as a gauge of its size in each window; but count: the number of
 *             different members of all series over the whole step.
 *   distribution  the method is not looked at: all values of all series are one:
 *             avg, sum, min, max, count of values, percentiles.
 * For the others the aggregator count is the number of series, and there are no
 * percentiles.
 *
 * The answer depends on the rollups alone. One thread, that of the rollups. */
#ifndef FLUSH_ROLLUPS_QUERY_H
#define FLUSH_ROLLUPS_QUERY_H

#include "flush/rollups/question.h"
#include "flush/rollups/rollup.h"

enum {
    QUERY_POINTS_MAX = 1500,        /* of a series */
    QUERY_GROUPS_MAX = 20000,       /* series of the answer */
    QUERY_VALUES_MAX = 2000000,     /* points of the answer */
    QUERY_RANGE_MAX_S = 366 * 86400 /* to - from */
};

/* The windows that an answer is made of: those of one level that start in the steps. */
struct query_range {
    int64_t first_s; /* of the first step */
    int64_t step_s;
    uint32_t steps;
    size_t level;
};

/* Says what query_new() would choose. False with a sentence. */
bool query_choose(struct rollup *rollup, const struct question *question, int64_t from_s,
                  int64_t to_s, struct query_range *out, char *problem, size_t problem_size);

enum query_state { QUERY_MORE, QUERY_DONE, QUERY_FAILED };

struct query;

/* NULL with a sentence: the text or the range makes no sense. It must be freed
 * before the rollups are. */
struct query *query_new(struct rollup *rollup, struct slice text, int64_t from_s, int64_t to_s,
                        char *problem, size_t problem_size);
void query_free(struct query *given);

/* What came between these two times is not in the rollups yet, because their interval is still
 * open. To be called before the first step. If the range reaches into that time, the answer
 * says so in "open_from_date" and "open_to_date". */
void query_tell_open(struct query *query, int64_t from_s, int64_t to_s);

/* Does a bounded piece of work. Not to be called while the rollups are busy. */
enum query_state query_step(struct query *query);

/* When it is done: the JSON, a view. */
struct slice query_answer(const struct query *query);

/* When it has failed: a sentence, static or a view of the query. */
const char *query_problem(const struct query *query);

#endif
