/* server/commands/usable.h: what of settings is found wrong only when it is used.
 *
 * Each value may be fine by the table of options, and a server may still not start with them:
 * the host name cannot be found out, a rule of the mapper is no pattern, or a user is
 * unknown. The start, a reload and `heeler check` look at all of it; what the system may
 * refuse (an address, a folder, a file) the start meets on its way and check looks at. */
#ifndef SERVER_COMMANDS_USABLE_H
#define SERVER_COMMANDS_USABLE_H

#include "config/hostname.h"

struct usable {
    char hostname[HOSTNAME_SIZE]; /* "": none */
    const char *hostname_from;    /* static */
};

/* False: at least one error was added to the problems. */
bool usable_check(struct usable *out, const struct settings *settings,
                  struct problems *problems);

/* Asks the system, too. It looks up names, but makes and opens nothing. */
void usable_check_system(const struct settings *settings, struct problems *problems);

/* The same of the files of heeler_monitors_path, and of what is kept of their monitors; all of
 * it warnings. */
void usable_check_monitors(const struct settings *settings, struct problems *problems);

#endif
