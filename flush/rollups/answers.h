/* flush/rollups/answers.h: questions, taken from their box and answered.
 *
 *   question_box_take_asked -> begin -> step, ... -> question_box_answer
 *
 * What stands between depends on the kind of what is asked (flush/rollups/answer_ops.h). One
 * at a time, in the order they came, a slice at a step. While a snapshot goes into the rollups
 * those that need them wait, and so do the ones behind. One that waits for what is read from
 * a disk is parked, and others go on. On the flusher's thread. */
#ifndef FLUSH_ROLLUPS_ANSWERS_H
#define FLUSH_ROLLUPS_ANSWERS_H

#include "flush/parcels/ledger.h"
#include "flush/rollups/answer_ops.h"
#include "flush/rollups/question_box.h"

struct answers {
    struct question_box *questions; /* shared; NULL: nobody asks */
    struct answer_source source;
    struct flusher_ledger *ledger;
    struct asked_question *asked;  /* taken, oldest first; owned */
    void *begun;                   /* for the first one, once it is looked at; owned */
    struct asked_question *parked; /* begun, and waiting; owned */
};

/* All of it outlives the answers. source->rollup: NULL, and what needs them is refused. */
void answers_init(struct answers *answers, struct question_box *questions,
                  const struct answer_source *source, struct flusher_ledger *ledger);

/* Those that are parked are looked at again. To be called from time to time (each second). */
void answers_tick(struct answers *answers);

/* Questions that were taken go unanswered. */
void answers_free(struct answers *given);

/* A slice of the first question; true when there is more to do. Windows between open_from_s
 * and open_until_s may still get values, which the answer says. */
bool answers_step(struct answers *answers, int64_t open_from_s, int64_t open_until_s);

#endif
