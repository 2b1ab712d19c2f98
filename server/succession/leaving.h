/* server/succession/leaving.h: how a server ends so that a successor goes on where it was.
 *
 *   begin -> delivery and history give a sign of life -> workers end -> flusher writes the open
 *   interval -> delivery writes what is unsent -> finish
 *
 * server_hand_over() is the list of these steps; here is what each of them does when it
 * fails. Until the workers end everything can be taken back. On main's thread. */
#ifndef SERVER_SUCCESSION_LEAVING_H
#define SERVER_SUCCESSION_LEAVING_H

#include <event2/event.h>

#include "flush/delivery/delivery.h"
#include "flush/flusher_loop.h"
#include "flush/history/history.h"
#include "flush/memory/state.h"
#include "server/succession/inheritance.h"

/* An empty inheritance and, with a state, its writer (otherwise NULL). NULL: no memory. */
struct inheritance *leaving_begin(bool with_state, struct state_writer **out);

/* How long who is asked may take to give a sign of life: half of the time that there is, for
 * others need theirs, but a second at least and five at most. */
int64_t leaving_sign_by(int64_t now_ns, int64_t end_by_ns);

/* Asks delivery for a sign of life, and waits for requests that are under way for so long
 * (-1: it does not wait). The workers still read meanwhile, and the loop of HTTP turns. False:
 * there is no sign, because a disk or a name server hangs, which is logged. */
bool leaving_hold_delivery(struct delivery *delivery, struct event_base *base,
                           int64_t patience_s, int64_t end_by_ns);

/* The same of the history, if its file is open: what is on its way there could not be handed
 * over. NULL is fine. */
bool leaving_hear_history(struct history *history, struct event_base *base, int64_t end_by_ns);

/* The flusher writes the open interval into the state. If that fails it flushes it instead, and
 * there is no state any more: the writer is freed, and NULL is returned. Without a writer
 * (NULL) it flushes. */
struct state_writer *leaving_end_flusher(struct flusher_loop *given, struct state_writer *out);

/* Delivery writes what is unsent or, without a writer, sends it; the inheritance is told
 * whether it ended. */
void leaving_end_delivery(struct delivery *given, struct inheritance *inheritance,
                          struct state_writer *out, int64_t deadline_ns);

/* Gives the state, if there is one, to the inheritance. */
void leaving_finish(struct inheritance *inheritance, struct state_writer *given,
                    struct flusher_ledger *ledger);

#endif
