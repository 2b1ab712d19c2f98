/* server/commands/interrupt.h: Ctrl-C as a wish to come to an end.
 *
 * For commands that have something to finish. The first SIGINT or SIGTERM is noted, and ends
 * what the system is waiting for (EINTR); the second one ends the program as usual. */
#ifndef SERVER_COMMANDS_INTERRUPT_H
#define SERVER_COMMANDS_INTERRUPT_H

#include <stdbool.h>

void interrupt_watch(void);
bool interrupt_came(void);

#endif
