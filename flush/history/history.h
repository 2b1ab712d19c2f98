/* flush/history/history.h: the thread that owns the past, and the way to it.
 *
 *   flusher ── parcel: a sealed window, and who is in it ──►  mailbox ──► keeper ──► the disk
 *
 * Nobody waits for it. Whoever gives parcels looks first whether there is room, and that is so
 * while fewer than HISTORY_BYTES are on their way: a disk that hangs then costs a bounded
 * amount of memory, and the windows wait where they are. A parcel says in which epoch it was
 * made (flush/history/keeper.h); one of another epoch is dropped, for it will be given again.
 *
 * One thread gives, any may read the ledger. */
#ifndef FLUSH_HISTORY_HISTORY_H
#define FLUSH_HISTORY_HISTORY_H

#include "flush/history/history_ledger.h"
#include "flush/history/history_parcel.h"
#include "flush/history/keeper.h"
#include "flush/history/note_queue.h"
#include "flush/history/reading.h"
#include "flush/memory/mailbox.h"

enum { HISTORY_BYTES = 16 << 20, HISTORY_NOTES_PATIENCE_MS = 30000 };

struct history;

/* The folder and what the bounds point to outlive it, as does the mailbox that is woken when
 * something was read; NULL: nobody is. The notes are what somebody before us could not write; a
 * list, or NULL. NULL without memory or a thread. */
struct history *history_start(const struct keeper_config *config, struct mailbox *wakes,
                              struct note *given);
const struct history_ledger *history_ledger(const struct history *history);

/* Whether it is not known yet what there is, and will soon be: a disk that does not answer for
 * that long is not waited for. */
bool history_is_starting(const struct history *history, int64_t patience_ms);

/* Whether a parcel may be given now. */
bool history_has_room(const struct history *history);
void history_give(struct history *history, struct history_parcel *given);

/* Gives it a note, from any thread. While the store is closed it waits
 * (flush/history/note_queue.h). */
void history_keep(struct history *history, struct note *given);

/* Where those come back that are to (flush/history/note.h). One thread takes them; what nobody
 * takes is freed with the history. */
struct mailbox *history_returned(struct history *history);

/* Whether an event or the status of a check may be given now; for those who can wait. */
bool history_has_room_for_records(const struct history *history);

/* The definitions that were kept before this process began, once they are read; NULL: none, or
 * not yet. The caller owns the list. From one thread. */
struct note *history_take_notes(struct history *history);

/* The same of the last events and statuses of checks, the newest of each first. */
struct note *history_take_records(struct history *history);

/* Whether the definitions are not read yet, and will soon be: a disk that does not answer for
 * HISTORY_NOTES_PATIENCE_MS, or cannot be used, is not waited for. To be asked before they are
 * taken. */
bool history_is_reading_notes(const struct history *history);

/* Whether a file was set aside since it was asked last, and with it what was kept: who has it
 * in memory keeps it once more. From the thread that takes the definitions. */
bool history_began_anew(struct history *history);

/* Gives it a reading (flush/history/reading.h), which is taken up behind the parcels that were
 * given before. */
void history_read(struct history *history, struct reading *given);

/* What was read since, in the order of each reading, or NULL. The caller owns them, and the
 * reading that the last answer comes back with. */
struct reading_answer *history_take(struct history *history);

/* A reading was given up because the disk does not answer (1), or is back (-1): whether any of
 * them is not, so that it is no use to ask for more. From the thread that takes what was read.
 */
void history_note_overdue(struct history *history, int more);
bool history_is_overdue(const struct history *history);

/* Rows were taken, so that there is room for more. */
void history_go_on(struct history *history);

/* The stamp of the oldest snapshot in windows of that length; 0: there are none, or it is not
 * open. */
int64_t history_oldest(const struct history *history, int64_t step_s);

/* A successor takes over: whether the disk gets what is given until the end. If it is not open
 * nothing is given any more, and the successor is to have it. From any thread, before the giver
 * ends. */
bool history_leave(struct history *history);
bool history_is_left(const struct history *history); /* that was so */

/* Asks whether the thread turns and the disk answers; history_has_signed(): both do. From one
 * thread. */
void history_ask_for_sign(struct history *history);
bool history_has_signed(const struct history *history);

/* The notes that were given and are not on the disk, of one that is left and has signed since;
 * nothing may be given any more. The caller owns the list. */
struct note *history_take_unwritten(struct history *history);

/* Begins what history_stop() waits for; nothing may be given any more. */
void history_end(struct history *history);

/* Writes what was given, closes the store and frees all. False: the disk had not answered by
 * then; the thread and what it has stay as they are, until the process ends. */
bool history_stop(struct history *given, int64_t deadline_ms);

#endif
