/* flush/rollups/answers.h: questions, taken from their box and answered from the rollups.
 *
 *   question_box_take_asked -> query_new -> query_step, ... -> question_box_answer
 *
 * One at a time, in the order they came, a slice at a step. While a snapshot goes into the
 * rollups they wait. On the flusher's thread. */
#ifndef FLUSH_ROLLUPS_ANSWERS_H
#define FLUSH_ROLLUPS_ANSWERS_H

#include "flush/parcels/ledger.h"
#include "flush/rollups/question_box.h"
#include "flush/rollups/rollup.h"

struct answers {
    struct question_box *questions; /* shared; NULL: nobody asks */
    struct rollup *rollup;          /* NULL: every question is refused */
    struct flusher_ledger *ledger;
    struct asked_question *asked; /* taken, oldest first; owned */
    struct query *query;          /* of the first one, once it is looked at; owned */
};

/* All of them outlive the answers. */
void answers_init(struct answers *answers, struct question_box *questions,
                  struct rollup *rollup, struct flusher_ledger *ledger);

/* Questions that were taken go unanswered. */
void answers_free(struct answers *given);

/* A slice of the first question; true when there is more to do. Windows between open_from_s
 * and open_until_s may still get values, which the answer says. */
bool answers_step(struct answers *answers, int64_t open_from_s, int64_t open_until_s);

#endif
