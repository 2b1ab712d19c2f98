/* server/commands/lint_seen.h: what is suspicious only in many lines together.
 *
 * Of each name it knows the type of its first line, what the last lines looked like without
 * their values, and of each tag key whose values look like identifiers how many there were.
 * Memory is bounded: so many names and keys, and so many bytes for counting; what has no room
 * is not looked at, which lint_seen_full() tells. Counts are exact up to some thousands and an
 * estimate beyond (flush/values/distinct.h). One thread. */
#ifndef SERVER_COMMANDS_LINT_SEEN_H
#define SERVER_COMMANDS_LINT_SEEN_H

#include "server/commands/lint_line.h"

enum { LINT_NAMES_MAX = 8192, LINT_KEYS_MAX = 8192 };

struct lint_seen;

/* Owned. NULL without memory. */
struct lint_seen *lint_seen_new(void);
void lint_seen_free(struct lint_seen *given);

/* Takes the next metric, and tells of one whose name had another type before. */
void lint_seen_metric(struct lint_seen *seen, const struct lint_metric *metric,
                      struct lint_place place, lint_tell *tell, void *argument);

/* Tells what came of all of them. */
void lint_seen_end(const struct lint_seen *seen, lint_tell *tell, void *argument);

/* Whether there was something for which there was no room. */
bool lint_seen_full(const struct lint_seen *seen);

#endif
