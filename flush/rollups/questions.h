/* flush/rollups/questions.h: questions to the flusher and their answers back.
 *
 * Whoever asks pushes a question, which is given to the flusher until it comes back among
 * the answers; each way is a mailbox. The flusher answers one at a time, in slices, in the
 * order they came. One that is cancelled comes back soon, without an answer. */
#ifndef FLUSH_ROLLUPS_QUESTIONS_H
#define FLUSH_ROLLUPS_QUESTIONS_H

#include <stdint.h>

#include "flush/memory/bytes.h"
#include "flush/memory/mailbox.h"
#include "protocol/slice.h"

struct asked {
    union {
        struct letter letter;
        struct asked *next;
    };
    char *text; /* owned, as is the answer */
    size_t text_len;
    int64_t from_s, to_s;
    _Atomic(bool) cancelled; /* by the asker, at any time */
    int status;              /* of HTTP: 200, 400 or 503 */
    struct bytes answer;     /* JSON */
    void *argument;          /* the asker's */
};

struct questions {
    struct mailbox asked, answered;
};

/* False when the system has no eventfd left. */
bool questions_open(struct questions *questions);

/* Frees what is still in the lists. */
void questions_close(struct questions *given);

/* NULL without memory. */
struct asked *asked_new(struct slice text, int64_t from_s, int64_t to_s, void *argument);
void asked_free(struct asked *given);

/* {"status":"error","error":"...","errors":["..."]} as the answer. */
void asked_refuse(struct asked *asked, int status, const char *sentence);

void questions_ask(struct questions *questions, struct asked *given);
void questions_answer(struct questions *questions, struct asked *given);

/* All there are, oldest first, or NULL; the caller's. */
struct asked *questions_take_asked(struct questions *questions);
struct asked *questions_take_answered(struct questions *questions);

#endif
