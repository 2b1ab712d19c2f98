/* server/http/main_turn.h: how long main's loop keeps those waiting whom it serves.
 *
 * A turn is what the loop does from the end of one wait to the next. libevent 2.1 tells nobody
 * when a wait ends, so the callbacks that do the work say so themselves; the first of a turn
 * counts. It is measured by the clock: time in which others had the CPU is in it, as those who
 * wait for an answer wait for that too. A start, a handover and a stop are no turns.
 *
 * Each thread has turns of its own, so nothing is shared: the metrics are written by main, too.
 */
#ifndef SERVER_HTTP_MAIN_TURN_H
#define SERVER_HTTP_MAIN_TURN_H

#include <stdint.h>

struct turns {
    int64_t began_ns; /* monotonic; 0: the loop waits */
    uint64_t longest_us;
};

void turns_begin(struct turns *turns, int64_t now_ns); /* unless one has begun */
void turns_end(struct turns *turns, int64_t now_ns);   /* if one has begun */

/* In each callback of main's loop that does more than a little. */
void main_turn_began(void);

/* Before the loop waits again. */
void main_turn_ended(void);

/* What went on was no turn. */
void main_turn_forget(void);

uint64_t main_turn_longest_us(void);

#endif
