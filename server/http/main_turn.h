/* server/http/main_turn.h: how long main's loop keeps those waiting whom it serves.
 *
 * A turn is what the loop does from the end of one wait to the next. libevent 2.1 tells nobody
 * when a wait ends, so the callbacks that do the work say so themselves; the first of a turn
 * counts. Those who wait for an answer wait for the time, also where others had the CPU; the
 * CPU time tells what of it main did itself. A start, a handover and a stop are no turns.
 *
 * Each thread has turns of its own, so nothing is shared: the metrics are written by main, too.
 */
#ifndef SERVER_HTTP_MAIN_TURN_H
#define SERVER_HTTP_MAIN_TURN_H

#include <stdint.h>

struct moment {
    int64_t monotonic_ns; /* 0: none */
    int64_t cpu_ns;
};

struct turns {
    struct moment began; /* none: the loop waits */
    uint64_t longest_us;
    uint64_t longest_cpu_us; /* maybe of another turn */
};

void turns_begin(struct turns *turns, struct moment now); /* unless one has begun */
void turns_end(struct turns *turns, struct moment now);   /* if one has begun */

/* In each callback of main's loop that does more than a little. */
void main_turn_began(void);

/* Before the loop waits again. */
void main_turn_ended(void);

/* What went on was no turn. */
void main_turn_forget(void);

/* A view, of this thread. */
const struct turns *main_turns(void);

#endif
