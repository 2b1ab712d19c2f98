/* Questions in the query language (flush/rollups/query.h). */
#include "flush/rollups/answer_ops.h"
#include "flush/rollups/query.h"

static void *begin(const struct answer_source *source, const struct inquiry *inquiry,
                   struct answer_problem *problem)
{
    struct query *query = query_new(source->rollup, inquiry->text, inquiry->from_s,
                                    inquiry->to_s, problem->sentence, sizeof problem->sentence);

    problem->status = 400;
    if (query != NULL)
        query_tell_open(query, source->open_from_s, source->open_until_s);
    return query;
}

static enum answer_state step(void *self, struct bytes *answer, struct answer_problem *problem)
{
    struct slice text;

    switch (query_step(self)) {
    case QUERY_MORE:
        return ANSWER_MORE;
    case QUERY_FAILED:
        return answer_fail(problem, 400, query_problem(self));
    case QUERY_DONE:
        break;
    }
    text = query_answer(self);
    bytes_add(answer, text.at, text.len);
    return ANSWER_DONE;
}

static void free_query(void *given)
{
    query_free(given);
}

const struct answer_ops answer_query = {
    .of_rollups = true,
    .begin = begin,
    .step = step,
    .free = free_query,
};
