/* server/kept_definitions.h: what was defined by API, kept in the history.
 *
 *   API, on the desk's thread ── each change ──► history ── on the disk
 *   API ◄── what was kept, once it is read ── history
 *
 * Nobody waits for the disk: what history has not read yet is not there yet. */
#ifndef SERVER_KEPT_DEFINITIONS_H
#define SERVER_KEPT_DEFINITIONS_H

#include "server/api/definitions.h"

struct history;

/* The history outlives it. */
struct definition_keeper kept_definitions(struct history *history);

#endif
