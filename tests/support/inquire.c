#include "tests/support/inquire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static json_t *refusal(const struct answer_problem *problem)
{
    return json_pack("{sssi}", "error", problem->sentence, "status", problem->status);
}

json_t *inquire(const struct answer_ops *ops, const struct answer_source *source,
                const struct inquiry *inquiry, int *steps)
{
    struct answer_problem problem = { 503, "no memory" };
    struct bytes answer = { 0 };
    enum answer_state state;
    int n = 1;
    void *begun = ops->begin(source, inquiry, &problem);

    if (begun == NULL)
        return refusal(&problem);
    while ((state = ops->step(begun, &answer, &problem)) == ANSWER_MORE)
        n++;
    ops->free(begun);
    if (steps != NULL)
        *steps = n;
    json_t *json = state == ANSWER_FAILED
                       ? refusal(&problem)
                       : json_loadb((const char *)answer.at, answer.len, JSON_ALLOW_NUL, NULL);

    if (json == NULL)
        fail_msg("no JSON: %.*s", (int)answer.len, (const char *)answer.at);
    bytes_free(&answer);
    return json;
}

json_t *inquire_of(struct pipeline *p, const struct answer_ops *ops, struct inquiry inquiry)
{
    struct answer_source source = { .rollup = flusher_rollup(p->flusher) };

    return inquire(ops, &source, &inquiry, NULL);
}
