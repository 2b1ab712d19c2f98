/* server/commands/tail_screen.h: items of /api/v1/tail as lines of text.
 *
 *   13:05:22.123Z metric pid 4711 (python3)      hits:1|c
 *   13:05:22.125Z bad    127.0.0.1:53211         hits:1|x
 *                                                       ^ the type is none of c g ms h s d
 *   seen 1 of 37 lines
 *
 * Times are UTC. Text of strangers goes through config/shown.h, and the mark stands where the
 * byte at fault is shown. */
#ifndef SERVER_COMMANDS_TAIL_SCREEN_H
#define SERVER_COMMANDS_TAIL_SCREEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

bool tail_screen_is_item(const json_t *item);
void tail_screen_print(const json_t *item, FILE *out);

#endif
