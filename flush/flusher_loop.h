/* flush/flusher_loop.h: the flusher's thread.
 *
 * Runs a flusher's state machine on an event loop of its own: woken by the
 * inbox, a tick a second, one slice of work at a time. */
#ifndef FLUSH_FLUSHER_LOOP_H
#define FLUSH_FLUSHER_LOOP_H

#include "flush/flusher.h"

struct flusher_loop;

/* Takes the flusher (given, even on failure). questions: those of its config. inherited:
 * what the thread goes on with, or NULL. NULL without memory or threads. */
struct flusher_loop *flusher_loop_start(struct flusher *given, struct inbox *inbox,
                                        const struct question_box *questions,
                                        struct state *inherited);

/* To be called when the last worker has ended: handles all parcels, flushes every snapshot,
 * posts all payloads and ends the thread. */
void flusher_loop_stop(struct flusher_loop *given);

/* The same, but what is open is written into the state. False: that failed, and it was
 * flushed instead. */
bool flusher_loop_hand_over(struct flusher_loop *given, struct state_writer *out);

/* Monotonic milliseconds of the last completed turn of the loop, for health. */
int64_t flusher_loop_alive_ms(const struct flusher_loop *loop);

#endif
