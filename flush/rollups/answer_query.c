/* Questions in the query language (flush/rollups/evaluation.h). */
#include "flush/rollups/answer_ops.h"
#include "flush/rollups/evaluation.h"

static void *begin(const struct answer_source *source, const struct inquiry *inquiry,
                   struct answer_problem *problem)
{
    struct evaluation *evaluation = (inquiry->whole ? evaluation_new_whole : evaluation_new)(
        source->rollup, inquiry->text, inquiry->from_s, inquiry->to_s, problem->sentence,
        sizeof problem->sentence);

    problem->status = 400;
    if (evaluation == NULL)
        return NULL;
    evaluation_tell_open(evaluation, source->open_from_s, source->open_until_s);
    evaluation_tell_units(evaluation, source->units);
    return evaluation;
}

static enum answer_state step(void *self, struct bytes *answer, struct answer_problem *problem)
{
    switch (evaluation_step(self)) {
    case QUERY_MORE:
        return ANSWER_MORE;
    case QUERY_WAITS:
        return ANSWER_WAITS;
    case QUERY_FAILED:
        return answer_fail(problem, 400, evaluation_problem(self));
    case QUERY_DONE:
        break;
    }
    *answer = evaluation_take_answer(self);
    return ANSWER_DONE;
}

static void free_query(void *given)
{
    evaluation_free(given);
}

const struct answer_ops answer_query = {
    .of_rollups = true,
    .begin = begin,
    .step = step,
    .free = free_query,
};
