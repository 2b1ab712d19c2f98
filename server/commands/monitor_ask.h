/* server/commands/monitor_ask.h: what heeler monitor was asked for, and its way to the server.
 *
 *   monitor_command.c   the words; the list of monitors
 *   monitor_check.c     a file, and its past
 *   monitor_try.c       a message to the receivers of a monitor */
#ifndef SERVER_COMMANDS_MONITOR_ASK_H
#define SERVER_COMMANDS_MONITOR_ASK_H

#include "config/settings.h"
#include "flush/memory/bytes.h"

struct monitor_asking {
    const char *what;    /* check, list or test */
    const char *subject; /* the file, or the monitor's id */
    const char *at;      /* NULL: what the settings say */
    int64_t last_s;      /* 0: not said */
    bool json;
    const struct settings *settings;
};

/* A sentence on standard error; EXIT_SYSTEM. */
int monitor_complain(const char *what, const char *why);

/* Asks the server: a GET, or a POST of that JSON. False: it is told why there is no answer. */
bool monitor_fetch(const struct monitor_asking *asking, const char *path, const char *post,
                   struct bytes *body);

/* The exit status. */
int monitor_check(const struct monitor_asking *asking);
int monitor_try(const struct monitor_asking *asking);

#endif
