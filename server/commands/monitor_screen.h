/* server/commands/monitor_screen.h: the past of a monitor, as a terminal or a program gets it.
 *
 *   host:a
 *     OOOOOOOOWWAAAAAAOOOONNNN      a letter a place, on a terminal in colours, too
 *     2026-11-28 20:51:00Z  OK -> Alert  812.3
 *
 * Whoever answered is not trusted: no byte of it can do anything to a terminal. */
#ifndef SERVER_COMMANDS_MONITOR_SCREEN_H
#define SERVER_COMMANDS_MONITOR_SCREEN_H

#include <stdio.h>

#include "flush/memory/json_out.h"
#include "server/commands/monitor_past.h"

/* Whether a stream gets colours: a terminal does, unless NO_COLOR is set. */
bool monitor_screen_has_colours(FILE *out);

void monitor_screen_print(const struct monitor_past *past, bool colours, FILE *out);

/* Members of an object that is open. */
void monitor_screen_write(const struct monitor_past *past, struct json_out *out);

#endif
