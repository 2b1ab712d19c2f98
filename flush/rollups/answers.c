#include "flush/rollups/answers.h"

#include "flush/rollups/query.h"

void answers_init(struct answers *answers, struct question_box *questions,
                  struct rollup *rollup, struct flusher_ledger *ledger)
{
    *answers = (struct answers){ .questions = questions, .rollup = rollup, .ledger = ledger };
}

void answers_free(struct answers *given)
{
    query_free(given->query);
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

    answers->asked = done->next;
    query_free(answers->query);
    answers->query = NULL;
    counter_add(&answers->ledger->questions, 1);
    question_box_answer(answers->questions, done);
}

static void refuse(struct answers *answers, int status, const char *sentence)
{
    asked_question_refuse(answers->asked, status, sentence);
    give_back(answers);
}

static void begin(struct answers *answers, int64_t open_from_s, int64_t open_until_s)
{
    struct asked_question *asked = answers->asked;
    char problem[256];

    if (answers->rollup == NULL) {
        refuse(answers, 503, "nothing is kept for questions: heeler_rollup_max_bytes is 0");
        return;
    }
    answers->query = query_new(answers->rollup, (struct slice){ asked->text, asked->text_len },
                               asked->from_s, asked->to_s, problem, sizeof problem);
    if (answers->query != NULL)
        query_tell_open(answers->query, open_from_s, open_until_s);
    else
        refuse(answers, 400, problem);
}

static void go_on(struct answers *answers)
{
    struct slice answer;

    switch (query_step(answers->query)) {
    case QUERY_MORE:
        break;
    case QUERY_DONE:
        answer = query_answer(answers->query);
        answers->asked->status = 200;
        bytes_add(&answers->asked->answer, answer.at, answer.len);
        give_back(answers);
        break;
    case QUERY_FAILED:
        refuse(answers, 400, query_problem(answers->query));
        break;
    }
}

bool answers_step(struct answers *answers, int64_t open_from_s, int64_t open_until_s)
{
    take(answers);
    if (answers->asked == NULL)
        return false;
    if (atomic_load_explicit(&answers->asked->cancelled, memory_order_relaxed))
        give_back(answers);
    else if (answers->rollup != NULL && rollup_is_busy(answers->rollup))
        return true;
    else if (answers->query == NULL)
        begin(answers, open_from_s, open_until_s);
    else
        go_on(answers);
    return answers->asked != NULL;
}
