/* server/traces/trace_box.h: the mailbox of questions about kept traces, and of their answers.
 *
 *   the desk ── question ──► trace thread ── what it found ──► the desk, which writes it down
 *
 * What is found is held, not copied, so a question costs the trace thread a walk over the ring.
 * A question is given to the box until it comes back. The box is there before that thread, and
 * outlives it: what is asked after its end is never answered. */
#ifndef SERVER_TRACES_TRACE_BOX_H
#define SERVER_TRACES_TRACE_BOX_H

#include "flush/memory/mailbox.h"
#include "server/traces/trace_ring.h"

enum { TRACE_QUESTION_TEXTS = 16384 };

struct trace_question {
    union {
        struct letter letter;
        struct trace_question *next;
    };
    struct trace_search search; /* its texts are in the room below, or static */
    struct trace_results results;
    void *argument; /* the asker's */
    size_t texts_used;
    char texts[TRACE_QUESTION_TEXTS];
};

struct trace_box {
    struct mailbox asked, answered;
};

/* NULL without memory or descriptors. */
struct trace_box *trace_box_new(void);

/* Frees what is still in it. NULL is fine. */
void trace_box_free(struct trace_box *given);

/* NULL without memory. */
struct trace_question *trace_question_new(void *argument);
void trace_question_free(struct trace_question *given);

/* The same text, in the room of the question. False: there is no room. */
MUST_CHECK bool trace_question_keep(struct trace_question *question, struct slice text,
                                    struct slice *out);

/* All that are in a mailbox of it, the oldest first; the caller's. */
struct trace_question *trace_box_take(struct mailbox *mailbox);

/* The trace thread: all that was asked is answered. ring: NULL if nothing is kept. */
void trace_box_answer(struct trace_box *box, const struct trace_ring *ring);

#endif
