/* server/http/ask_answer.h: answers to questions, shared by all who asked the same.
 *
 * An answer is sealed; it lives as long as somebody holds it: a reply that is still being
 * written, or the shelf. The shelf keeps those of one moment, the newest 2 MiB, for whoever
 * asks the same before the next. Main's thread. */
#ifndef SERVER_HTTP_ASK_ANSWER_H
#define SERVER_HTTP_ASK_ANSWER_H

#include <event2/buffer.h>
#include <stdint.h>

#include "flush/memory/bytes.h"
#include "flush/rollups/inquiry.h"

/* When an answer was asked for: equal moments have equal answers. */
struct ask_moment {
    int64_t interval; /* its number */
    uint64_t flushed_s;
};

bool ask_moment_is(struct ask_moment a, struct ask_moment b);

struct ask_answer;

/* The bytes are given, and left empty. The caller holds it. NULL without memory. */
struct ask_answer *ask_answer_new(int status, struct bytes *given);
void ask_answer_release(struct ask_answer *given);
int ask_answer_status(const struct ask_answer *answer);
struct slice ask_answer_text(const struct ask_answer *answer); /* a view */

/* A view of it for a reply, which holds it until it is written. NULL without memory. */
struct evbuffer *ask_answer_body(struct ask_answer *answer);

enum { ASK_SHELF_PLACES = 64, ASK_SHELF_BYTES = 2 << 20 };

struct ask_kept {
    struct inquiry inquiry;    /* its text is owned */
    struct ask_answer *answer; /* NULL: an empty place */
};

/* { 0 } is empty. */
struct ask_shelf {
    struct ask_moment moment;
    struct ask_kept kept[ASK_SHELF_PLACES]; /* a ring */
    size_t next;
    size_t bytes;
};

/* The answer of that moment, a view; NULL. Another moment than before empties the shelf. */
struct ask_answer *ask_shelf_find(struct ask_shelf *shelf, struct ask_moment now,
                                  const struct inquiry *inquiry);

/* Keeps it if the moment is still the same, it is no refusal, and it is not too large; the
 * inquiry is given with its text. */
void ask_shelf_keep(struct ask_shelf *shelf, struct ask_moment asked, struct inquiry given,
                    struct ask_answer *answer);

void ask_shelf_clear(struct ask_shelf *shelf);

#endif
