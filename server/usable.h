/* server/usable.h: what of settings is found wrong only when it is used.
 *
 * Each value may be fine by the table of options and the whole still not start: a host
 * name that cannot be found out, a rule of the mapper that is no pattern, an unknown
 * user. `heeler check` and a reload look at all of it, the start meets it on its way. */
#ifndef SERVER_USABLE_H
#define SERVER_USABLE_H

#include "config/hostname.h"

struct usable {
    char hostname[HOSTNAME_SIZE]; /* "": none */
    const char *hostname_from;    /* static */
};

/* False: at least one error was added to the problems. */
bool usable_check(struct usable *out, const struct settings *settings,
                  struct problems *problems);

#endif
