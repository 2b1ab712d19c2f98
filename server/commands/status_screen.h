/* server/commands/status_screen.h: the state of a server on one screen, from the JSON of
 * GET /api/v1/status.
 *
 * Whoever answered is not trusted: what is missing or of another type is 0 or empty, and no
 * byte of a text can do anything to a terminal (config/shown.h). */
#ifndef SERVER_COMMANDS_STATUS_SCREEN_H
#define SERVER_COMMANDS_STATUS_SCREEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Whether it looks like one. */
bool status_screen_is_status(const json_t *status);

void status_screen_print(json_t *status, FILE *out);

#endif
