#include <stdlib.h>

#include "flush/rollups/answer_ops.h"

static void *begin(const struct answer_source *source, const struct inquiry *inquiry,
                   struct answer_problem *problem)
{
    (void)source;
    (void)inquiry;
    answer_fail(problem, 501, "checks are not evaluated yet");
    return NULL;
}

static enum answer_state step(void *self, struct bytes *answer, struct answer_problem *problem)
{
    (void)self;
    (void)answer;
    return answer_fail(problem, 501, "checks are not evaluated yet");
}

const struct answer_ops answer_checks = {
    .of_rollups = false, .begin = begin, .step = step, .free = free
};
