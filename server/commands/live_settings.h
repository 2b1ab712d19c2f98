/* server/commands/live_settings.h: the settings of a server that runs, asked of it.
 *
 * It tells what decides about lines (/api/v1/settings?as=json) and none of its secrets, so the
 * answer is good for explaining what it does, and for nothing else. Whoever answers is not
 * trusted: what it says goes the way of the command line. */
#ifndef SERVER_COMMANDS_LIVE_SETTINGS_H
#define SERVER_COMMANDS_LIVE_SETTINGS_H

#include "config/hostname.h"
#include "config/must_check.h"
#include "config/settings.h"

/* at: as in struct fetch; own: where it is looked for, and whose key goes with the request.
 * *out must be freed by settings_free() whatever the result. False, with a sentence. */
MUST_CHECK bool live_settings_load(struct settings *out, char hostname[HOSTNAME_SIZE],
                                   const char *at, const struct settings *own, char *problem,
                                   size_t problem_size);

/* The same of an answer that is there. */
MUST_CHECK bool live_settings_read(struct settings *out, char hostname[HOSTNAME_SIZE],
                                   const char *answer, size_t n, char *problem,
                                   size_t problem_size);

#endif
