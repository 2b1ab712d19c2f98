/* flush/rollups/query.h: the query of one metric, computed from the rollups. Questions are made
 * of such queries (flush/rollups/evaluation.h).
 *
 *   match   which series, and to which group each belongs
 *   scan    per step: the points of each series become one (the rollup method),
 *           then the series of a group become one (the aggregator)
 *   take    the groups and their points
 *
 * In slices: query_step() does some milliseconds of work. Between two steps windows
 * may come and go; the query looks them up by their time each time.
 *
 * Steps are aligned to Unix time. A step that the range touches is taken whole, so
 * that a sum does not depend on who asks when. Without seconds in rollup( ) the step
 * is the first of 1 2 5 10 20 30 60 ... that gives 300 points or fewer; with them it
 * is as asked, up to 1500 points: where there would be more it is as without them, or that is
 * refused. It is never shorter than the interval, nor than
 * windows that still reach back to `from`, and is rounded up to whole windows. Who wants one
 * number of all the range is given one step, aligned to windows alone.
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
 * .fill( ), and diff( ) around a query, are computed between the two: of the points of each
 * series. Values that are merged (distributions, percentiles, members of sets) are no series by
 * then: of these it is left to be computed of the groups.
 *
 * The answer depends on the rollups alone. One thread, that of the rollups. */
#ifndef FLUSH_ROLLUPS_QUERY_H
#define FLUSH_ROLLUPS_QUERY_H

#include "flush/language/grid.h"
#include "flush/rollups/rollup.h"

enum {
    QUERY_POINTS_MAX = 1500,        /* of a series, in the range that is asked for */
    QUERY_LEAD_MAX = 6000,          /* before it, for functions that look back */
    QUERY_GROUPS_MAX = 20000,       /* series of the answer */
    QUERY_VALUES_MAX = 2000000,     /* points, of all parts of a question together */
    QUERY_TEXT_MAX = 64 << 20,      /* bytes of what their groups are called */
    QUERY_RANGE_MAX_S = 366 * 86400 /* to - from */
};

/* The windows that a query is computed from: those of one level that start in the steps. */
struct query_range {
    int64_t first_s; /* of the first step */
    int64_t step_s;
    uint32_t steps;
    uint32_t lead; /* of the steps, those before the range that was asked for */
    size_t level;
    bool coarser; /* than asked for, which would have been too many steps */
};

/* What is asked for, of one query. */
struct query_span {
    int64_t from_s, to_s;
    int64_t shift_s; /* as much earlier it is computed; the steps are those of the range */
    int64_t reach_s; /* before that there should be windows, too, if any reach so far */
    int64_t least_step_s;
    int64_t step_s; /* where no seconds are asked for; 0: the standard */
    bool whole;     /* the same: all of it is one step, which begins and ends with windows */
    bool may_be_coarser; /* too many steps are no reason to refuse */
};

/* Whether the range makes sense; false with a sentence. */
bool query_span_fits(int64_t from_s, int64_t to_s, char *problem, size_t problem_size);

/* Chooses the steps and the windows. False with a sentence. */
bool query_choose(const struct rollup *rollup, const struct question *question,
                  const struct query_span *span, struct query_range *out, char *problem,
                  size_t problem_size);

/* Puts so many steps before the range, QUERY_LEAD_MAX at most, or as many as there are since
 * 1970. */
void query_range_lead(struct query_range *range, int64_t lead);

/* What a query may still take, of what all parts of a question may together. */
struct query_room {
    uint64_t values; /* points */
    uint64_t text;   /* bytes of the groups' texts */
};

/* It waits for what is read from before the rollups' memory (flush/rollups/past.h). */
enum query_state { QUERY_MORE, QUERY_WAITS, QUERY_DONE, QUERY_FAILED };

struct query;

/* NULL without memory. The question is a view until the grid is taken, whose keys are views of
 * it, too. It must be freed before the rollups are. */
struct query *query_new(struct rollup *rollup, const struct question *question,
                        const struct query_range *range, struct query_room room);
void query_free(struct query *given);

/* Does a bounded piece of work. Not to be called while the rollups are busy. */
enum query_state query_step(struct query *query);

/* When it is done: the groups and their points, owned. Once. */
struct grid query_take(struct query *query);

/* What the series that were found are numbers of; UNIT_NONE: nobody knows, or not all of the
 * same.
 */
enum metric_unit query_unit(const struct query *query);

/* When it has failed: a sentence, a view of the query; and whether there were too many points,
 * of which longer steps make fewer. */
const char *query_problem(const struct query *query);
bool query_is_too_fine(const struct query *query);

#endif
