/* flush/memory/mailbox.h: a list that many threads push on and one takes whole.
 *
 * What is pushed is given away: the pusher may not touch it again. A push is one
 * compare-and-swap and never waits. The taker takes the whole list in one exchange and pops
 * nothing, so there is no ABA and nothing to reclaim. What one thread pushed comes out in
 * the order it was pushed.
 *
 * The descriptor is written only when the list was empty: many letters wake the taker once.
 *
 * A letter is the first member of what is pushed, in a union with a pointer of its own type
 * by which its owner walks the list:
 *
 *     struct parcel {
 *         union {
 *             struct letter letter;
 *             struct parcel *next;
 *         };
 *         ... */
#ifndef FLUSH_MEMORY_MAILBOX_H
#define FLUSH_MEMORY_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>

#include "config/must_check.h"

struct letter {
    struct letter *next;
};

struct mailbox {
    _Atomic(struct letter *) newest;
    int wake_fd; /* eventfd: readable when there may be something to take */
};

/* False with errno when the system has no eventfd left. */
MUST_CHECK bool mailbox_open(struct mailbox *mailbox);

/* Closes the descriptor. Its owner has taken what was left. */
void mailbox_close(struct mailbox *given);

void mailbox_push(struct mailbox *mailbox, struct letter *given);

/* Makes the taker look, though nothing was pushed; any thread. */
void mailbox_wake(struct mailbox *mailbox);

/* Makes the descriptor quiet. The taker does so before it looks at anything that it may be
 * woken for: whatever comes later then wakes it again. */
void mailbox_quieten(struct mailbox *mailbox);

/* All letters pushed so far, oldest first, or NULL. The caller owns them. */
struct letter *mailbox_take(struct mailbox *mailbox);

#endif
