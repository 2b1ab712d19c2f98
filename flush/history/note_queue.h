/* flush/history/note_queue.h: notes on their way to the disk (flush/history/note.h).
 *
 *   any thread ── keep ──► mailbox ── take ──► waiting ── write, a batch ──► the store
 *
 * What cannot be written waits. Memory is bounded: beyond HISTORY_NOTES_BYTES the oldest are
 * given up, and what a thread that hangs cannot take is not taken; both are counted.
 *
 * Any thread keeps; all else is for the thread of the store. */
#ifndef FLUSH_HISTORY_NOTE_QUEUE_H
#define FLUSH_HISTORY_NOTE_QUEUE_H

#include "flush/history/note.h"

enum {
    HISTORY_NOTES_BYTES = 32 << 20,
    HISTORY_RECORDS_BYTES = 4 << 20, /* of them events and statuses of checks */
};

struct note_queue {
    struct mailbox noted;
    struct note *waiting; /* the oldest first */
    uint64_t written, given_up;
    uint32_t records_written;             /* since note_queue_wants_look() was true */
    _Atomic(size_t) bytes, records_bytes; /* kept and not written yet */
    _Atomic(uint64_t) refused;
};

/* The list is what waits from before; given. False with errno: no descriptor is left, and it is
 * to be freed all the same. */
MUST_CHECK bool note_queue_open(struct note_queue *queue, struct note *given);
void note_queue_free(struct note_queue *given); /* nobody gets anything back */

/* True: it was taken, and whoever takes is to be woken. */
bool note_queue_keep(struct note_queue *queue, struct note *given);

/* Whether an event or the status of a check may be given now; any thread. */
bool note_queue_has_room_for_records(const struct note_queue *queue);

/* Those that are lost: given up or not taken. */
uint64_t note_queue_lost(const struct note_queue *queue);

void note_queue_take(struct note_queue *queue);

/* Writes some of those that wait, in one transaction. A result; unless it is SQLITE_OK, they
 * wait on. */
MUST_CHECK int note_queue_write(struct note_queue *queue, struct store *store);

/* Whether so many records were written that those that are too many are to be dropped; once. */
bool note_queue_wants_look(struct note_queue *queue);

/* All that wait, which the caller owns. */
struct note *note_queue_take_all(struct note_queue *queue);

#endif
