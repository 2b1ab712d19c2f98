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
                  const struct answer_source *source, struct flusher_ledger *ledger)
{
    *answers = (struct answers){
        .questions = questions,
        .source = *source,
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

static void append(struct asked_question **list, struct asked_question *one)
{
    while (*list != NULL)
        list = &(*list)->next;
    *list = one;
}

/* The first question waits: others go before it. */
static void park(struct answers *answers)
{
    struct asked_question *waiting = answers->asked;

    waiting->begun = answers->begun;
    answers->begun = NULL;
    answers->asked = waiting->next;
    waiting->next = NULL;
    append(&answers->parked, waiting);
}

/* They are older than what has not begun. */
void answers_tick(struct answers *answers)
{
    struct asked_question *rest = answers->asked, *first = NULL;

    if (answers->parked == NULL)
        return;
    if (answers->begun != NULL) {
        first = rest;
        rest = rest->next;
        first->next = answers->parked;
    }
    append(&answers->parked, rest);
    answers->asked = first != NULL ? first : answers->parked;
    answers->parked = NULL;
}

/* What was begun for the first one, if it was parked. */
static void resume(struct answers *answers)
{
    if (answers->begun != NULL || answers->asked == NULL)
        return;
    answers->begun = answers->asked->begun;
    answers->asked->begun = NULL;
}

void answers_free(struct answers *given)
{
    end(given);
    answers_tick(given);
    while (given->asked != NULL) {
        struct asked_question *next = given->asked->next;

        resume(given);
        end(given);
        asked_question_free(given->asked);
        given->asked = next;
    }
}

/* What was before us is not known yet. */
static bool must_wait(const struct answers *answers, const struct answer_ops *ops)
{
    const struct past *past = ops->of_rollups && answers->source.rollup != NULL
                                  ? rollup_past(answers->source.rollup)
                                  : NULL;

    return past != NULL && past->ops->is_starting(past->self);
}

/* Whether something came for those that wait. */
static bool has_come(const struct answers *answers)
{
    const struct past *past =
        answers->source.rollup != NULL ? rollup_past(answers->source.rollup) : NULL;

    return past != NULL && past->ops->take(past->self);
}

static void take(struct answers *answers)
{
    if (answers->questions == NULL)
        return;
    append(&answers->asked, question_box_take_asked(answers->questions));
    if (has_come(answers))
        answers_tick(answers);
    resume(answers);
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
    case ANSWER_WAITS:
        park(answers);
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
    else if (answers->begun == NULL && must_wait(answers, ops))
        park(answers);
    else if (answers->begun == NULL)
        begin(answers, ops);
    else
        go_on(answers, ops);
    return answers->asked != NULL;
}
