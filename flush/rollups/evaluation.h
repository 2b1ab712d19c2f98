/* flush/rollups/evaluation.h: a question answered from the rollups.
 *
 *   parse   the text as an expression (flush/language/expression.h)
 *   plan    for each query in it the steps, the windows, how much earlier it is computed
 *           (timeshift), and how many steps before the range functions look back
 *   compute node after node: queries (flush/rollups/query.h), functions, operators, each of
 *           which leaves a grid (flush/language/grid.h)
 *   write   the answer in Datadog's form, as JSON
 *
 * Queries that say no seconds share one step, the longest of all in the question.
 *
 * In slices: evaluation_step() does some milliseconds of work. What is computed depends on the
 * rollups alone. One thread, that of the rollups. */
#ifndef FLUSH_ROLLUPS_EVALUATION_H
#define FLUSH_ROLLUPS_EVALUATION_H

#include "flush/language/expression.h"
#include "flush/memory/bytes.h"
#include "flush/rollups/query.h"

struct evaluation;
struct units;

/* NULL with a sentence: the text or the range makes no sense. It must be freed before the
 * rollups are. Where .rollup( ) asks for more steps than there may be, they are longer, and the
 * answer's message says so. */
struct evaluation *evaluation_new(struct rollup *rollup, struct slice text, int64_t from_s,
                                  int64_t to_s, char *problem, size_t problem_size);

/* The same, and each query that says no seconds has one step, the whole range. */
struct evaluation *evaluation_new_whole(struct rollup *rollup, struct slice text,
                                        int64_t from_s, int64_t to_s, char *problem,
                                        size_t problem_size);
void evaluation_free(struct evaluation *given);

/* ---- numbers, for monitors --------------------------------------------- */

/* How one asks who needs no JSON. */
struct evaluation_manner {
    int64_t step_s;      /* of queries that say no seconds; 0: the standard */
    bool whole;          /* these have one step, the whole range */
    bool may_be_coarser; /* see struct query_span */
    int64_t before_s;    /* what the answer is more than it was so long before; 0: the answer */
    bool relative;       /* that, in percent of what it was */

    /* Is shown what an operator, or a function with a band, is made of, and may change it: a
     * bounded piece at a call, until it says QUERY_DONE; QUERY_FAILED is for want of memory.
     * of: the number of that node. */
    enum query_state (*show)(void *self, const struct expression *expression, size_t of,
                             struct grid *operand);
    void *self;
};

/* As evaluation_new(). */
struct evaluation *evaluation_new_grid(struct rollup *rollup, struct slice text, int64_t from_s,
                                       int64_t to_s, const struct evaluation_manner *manner,
                                       char *problem, size_t problem_size);

/* As it is computed: with a change its own nodes come first. A view. */
const struct expression *evaluation_expression(const struct evaluation *evaluation);

/* When it is done: what the answer is made of, a view which the caller may change. */
struct grid *evaluation_grid(struct evaluation *evaluation);

/* ---- steps ------------------------------------------------------------- */

/* What came between these two times is not in the rollups yet, because their interval is still
 * open. To be called before the first step. If the range reaches into that time, the answer
 * says so in "open_from_date" and "open_to_date". */
void evaluation_tell_open(struct evaluation *evaluation, int64_t from_s, int64_t to_s);

/* What was written about the units of metrics; it outlives the evaluation. To be called before
 * the first step, or nobody wrote anything. */
void evaluation_tell_units(struct evaluation *evaluation, struct units *units);

/* Does a bounded piece of work. Not to be called while the rollups are busy. */
enum query_state evaluation_step(struct evaluation *evaluation);

/* When it is done: the JSON, a view. */
struct slice evaluation_answer(const struct evaluation *evaluation);

/* The same, which is the caller's then. */
struct bytes evaluation_take_answer(struct evaluation *evaluation);

/* When it has failed: a sentence, a view of the evaluation; and whether there were too many
 * points, of which longer steps make fewer. */
const char *evaluation_problem(const struct evaluation *evaluation);
bool evaluation_is_too_fine(const struct evaluation *evaluation);

/* ---- one query at a time ----------------------------------------------- */

/* For rollups that hold the windows of one query alone (flush/fleet/redis_reader.h). The query
 * that a step is about to begin, and the windows that it reads; views. False: none.
 */
bool evaluation_needs(const struct evaluation *evaluation, const struct question **question,
                      struct query_range *range);

/* Does what can be done until another query is about to begin, or all is done. */
enum query_state evaluation_run(struct evaluation *evaluation, struct rollup *rollup);

#endif
