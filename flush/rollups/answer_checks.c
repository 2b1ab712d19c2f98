/* The last status of each check of a name (flush/rollups/check_statuses.h), for monitors. */
#include <stdlib.h>

#include "flush/memory/json_out.h"
#include "flush/rollups/answer_ops.h"
#include "flush/rollups/check_statuses.h"

enum { CHECKS_A_SLICE = 1000 };

struct checks_answer {
    const struct check_statuses *statuses;
    struct slice name;
    uint32_t next; /* place */
    struct json_out out;
};

static void *begin(const struct answer_source *source, const struct inquiry *inquiry,
                   struct answer_problem *problem)
{
    struct checks_answer *answer = calloc(1, sizeof *answer);

    (void)problem;
    if (answer == NULL)
        return NULL;
    answer->statuses = source->checks;
    answer->name = inquiry->text;
    json_out_begin(&answer->out, NULL, '{');
    json_out_begin(&answer->out, "checks", '[');
    return answer;
}

static void write_check(struct json_out *out, const struct check_status *check)
{
    json_out_begin(out, NULL, '{');
    json_out_slice(out, "check", check->name);
    json_out_signed(out, "status", check->status);
    json_out_number(out, "in_a_row", check->in_a_row);
    json_out_signed(out, "at_s", check->at_s);
    json_out_slice(out, "host", check->host);
    json_out_begin(out, "tags", '[');
    for (size_t i = 0; i < check->n_tags; i++)
        json_out_slice(out, NULL, check->tags[i]);
    json_out_end(out, ']');
    json_out_slice(out, "message", check->message);
    json_out_end(out, '}');
}

static enum answer_state step(void *self, struct bytes *to, struct answer_problem *problem)
{
    struct checks_answer *answer = self;
    struct json_out *out = &answer->out;
    struct check_status check;

    for (size_t n = 0; n < CHECKS_A_SLICE; n++) {
        if (!check_statuses_next(answer->statuses, &answer->next, answer->name, &check)) {
            json_out_end(out, ']');
            json_out_end(out, '}');
            return answer_give(out, to, problem);
        }
        write_check(out, &check);
    }
    return out->bytes.failed ? answer_fail(problem, 503, "not enough memory for the answer")
                             : ANSWER_MORE;
}

static void free_answer(void *given)
{
    struct checks_answer *answer = given;

    bytes_free(&answer->out.bytes);
    free(answer);
}

const struct answer_ops answer_checks = { .begin = begin, .step = step, .free = free_answer };
