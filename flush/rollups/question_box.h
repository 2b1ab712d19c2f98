/* flush/rollups/question_box.h: the mailbox of questions to the flusher, and of their answers.
 *
 * Whoever asks pushes a question, which is given to the flusher until it comes back among
 * the answers; each way is a mailbox. The flusher answers one at a time, in slices, in the
 * order they came. One that is cancelled comes back soon, without an answer. */
#ifndef FLUSH_ROLLUPS_QUESTION_BOX_H
#define FLUSH_ROLLUPS_QUESTION_BOX_H

#include "flush/memory/bytes.h"
#include "flush/memory/mailbox.h"
#include "flush/rollups/inquiry.h"

struct asked_question {
    union {
        struct letter letter;
        struct asked_question *next;
    };
    struct inquiry inquiry;  /* its text is owned, as is the answer */
    _Atomic(bool) cancelled; /* by the asker, at any time */
    int status;              /* of HTTP: 200, 400, 404 or 503 */
    struct bytes answer;     /* JSON */
    void *argument;          /* the asker's; with a mailbox of its own of malloc, and freed
                                with the question */
    struct mailbox *back; /* where the answer goes, which outlives the flusher; NULL: the box */
    void *begun;          /* the answerer's, while it waits */
};

struct question_box {
    struct mailbox asked, answered;
};

/* False when the system has no eventfd left. */
bool question_box_open(struct question_box *questions);

/* Frees what is still in the box. */
void question_box_close(struct question_box *given);

/* A question, as given to the box; NULL without memory. */
struct asked_question *asked_question_new(const struct inquiry *inquiry, void *argument);
void asked_question_free(struct asked_question *given);

/* Makes {"status":"error","error":"...","errors":["..."]} the answer. */
void asked_question_refuse(struct asked_question *asked, int status, const char *sentence);

void question_box_ask(struct question_box *questions, struct asked_question *given);
void question_box_answer(struct question_box *questions, struct asked_question *given);

/* All that are in the box, oldest first, or NULL. The caller owns them. */
struct asked_question *question_box_take_asked(struct question_box *questions);
struct asked_question *question_box_take_answered(struct question_box *questions);

#endif
