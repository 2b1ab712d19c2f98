#include "flush/rollups/answers.h"

#include <stdio.h>

#include "flush/memory/json_out.h"

enum answer_state answer_give(struct json_out *out, struct bytes *answer,
                              struct answer_problem *problem)
{
    bytes_add(&out->bytes, "\n", 1);
    if (out->bytes.failed)
        return answer_fail(problem, 503, "not enough memory for the answer");
    *answer = out->bytes;
    out->bytes = (struct bytes){ 0 };
    return ANSWER_DONE;
}

enum answer_state answer_fail(struct answer_problem *problem, int status, const char *sentence)
{
    problem->status = status;
    snprintf(problem->sentence, sizeof problem->sentence, "%s", sentence);
    return ANSWER_FAILED;
}

static const struct answer_ops *ops_of(const struct asked_question *asked)
{
#define ANSWERED_BY(id, ops) [id] = &ops,
    static const struct answer_ops *const by_kind[INQUIRY_KIND_COUNT] = { INQUIRY_KINDS(
        ANSWERED_BY) };
#undef ANSWERED_BY
    return by_kind[asked->inquiry.kind];
}

void answers_init(struct answers *answers, struct question_box *questions,
                  struct rollup *rollup, const struct recent *recent,
                  struct flusher_ledger *ledger)
{
    *answers = (struct answers){
        .questions = questions,
        .source = { .rollup = rollup, .recent = recent },
        .ledger = ledger,
    };
}

/* What was begun for the first question. */
static void end(struct answers *answers)
{
    if (answers->begun != NULL)
        ops_of(answers->asked)->free(answers->begun);
    answers->begun = NULL;
}

void answers_free(struct answers *given)
{
    end(given);
    while (given->asked != NULL) {
        struct asked_question *next = given->asked->next;

        asked_question_free(given->asked);
        given->asked = next;
    }
}

static void take(struct answers *answers)
{
    struct asked_question **end = &answers->asked;

    if (answers->questions == NULL)
        return;
    while (*end != NULL)
        end = &(*end)->next;
    *end = question_box_take_asked(answers->questions);
}

/* The first question goes back with what it has been given. */
static void give_back(struct answers *answers)
{
    struct asked_question *done = answers->asked;

    end(answers);
    answers->asked = done->next;
    counter_add(&answers->ledger->questions, 1);
    question_box_answer(answers->questions, done);
}

static void refuse(struct answers *answers, const struct answer_problem *problem)
{
    asked_question_refuse(answers->asked, problem->status, problem->sentence);
    give_back(answers);
}

static void begin(struct answers *answers, const struct answer_ops *ops)
{
    struct answer_problem problem = { 503, "not enough memory for the question" };

    if (ops->of_rollups && answers->source.rollup == NULL)
        (void)answer_fail(&problem, 503,
                          "nothing is kept for questions: heeler_rollup_max_bytes is 0");
    else
        answers->begun = ops->begin(&answers->source, &answers->asked->inquiry, &problem);
    if (answers->begun == NULL)
        refuse(answers, &problem);
}

static void go_on(struct answers *answers, const struct answer_ops *ops)
{
    struct answer_problem problem;

    switch (ops->step(answers->begun, &answers->asked->answer, &problem)) {
    case ANSWER_MORE:
        break;
    case ANSWER_DONE:
        answers->asked->status = 200;
        give_back(answers);
        break;
    case ANSWER_FAILED:
        refuse(answers, &problem);
        break;
    }
}

bool answers_step(struct answers *answers, int64_t open_from_s, int64_t open_until_s)
{
    const struct rollup *rollup = answers->source.rollup;

    take(answers);
    if (answers->asked == NULL)
        return false;
    const struct answer_ops *ops = ops_of(answers->asked);

    answers->source.open_from_s = open_from_s;
    answers->source.open_until_s = open_until_s;
    if (atomic_load_explicit(&answers->asked->cancelled, memory_order_relaxed))
        give_back(answers);
    else if (ops->of_rollups && rollup != NULL && rollup_is_busy(rollup))
        return true;
    else if (answers->begun == NULL)
        begin(answers, ops);
    else
        go_on(answers, ops);
    return answers->asked != NULL;
}
