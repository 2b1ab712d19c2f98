/* server/kept_notes.h: what was to be kept on disk beside windows and could not be written,
 * from one program to the next.
 *
 *   history, left ── what waits there ──► a state ──► the successor's history, before all else
 *
 * It says in which folder all the rest is. So a successor that has another one, or is the first
 * to have one, knows that it has to keep anew what was defined. */
#ifndef SERVER_KEPT_NOTES_H
#define SERVER_KEPT_NOTES_H

#include "config/must_check.h"
#include "flush/history/note.h"
#include "flush/memory/state.h"

struct history;

/* Of a history that was left (history_leave()): on_disk says what that returned. If its thread
 * does not answer by the deadline, the state does not say that the folder has the rest. */
void kept_notes_hand_over(struct history *history, const char *folder, bool on_disk,
                          int64_t deadline_ms, struct state_writer *out);

/* Whether that folder has all else that was defined; *out: what it lacks, a list that the
 * caller owns. The state may be NULL. */
MUST_CHECK bool kept_notes_take_over(const struct state *inherited, const char *folder,
                                     struct note **out);

#endif
