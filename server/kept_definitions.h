/* server/kept_definitions.h: what was defined by API, kept in the history.
 *
 *   API, on the desk's thread ── each change ──► history ── on the disk
 *   API ◄── what was kept, once it is read ── history
 *
 * Nobody waits for the disk: while history still reads, the keeper says so. If it cannot read,
 * what is defined is kept in memory, and what comes from the disk later is put beside it. When
 * a file was set aside, what is in memory is kept once more. */
#ifndef SERVER_KEPT_DEFINITIONS_H
#define SERVER_KEPT_DEFINITIONS_H

#include <stdatomic.h>

#include "server/api/definitions.h"

struct history;

struct note;

/* What must be known of what was kept before anybody uses the API: the units of metrics, and
 * that there are monitors. */
struct recalled {
    struct units *units;
    _Atomic(bool) has_monitors; /* for any thread */
};

/* What the history has read, on its own thread, the moment it has. recalled: struct recalled.
 */
void kept_definition_recalled(void *recalled, const struct note *note);

/* The history outlives it, and may have what was defined in the program before this one. */
struct definition_keeper kept_definitions(struct history *history, bool has_inherited);

#endif
