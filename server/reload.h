/* server/reload.h: the settings loaded anew, while the server runs.
 *
 *   load -> usable? -> compared with those in force -> rules and sinks to follow
 *
 * All settings are looked at first, and with one error everything stays as it was. If there is
 * none, the options that their table marks as fit for a reload come into force, all at once:
 * for each worker when its interval ends, for the flusher behind the bucket of that interval
 * (flush/series/rules.h). Keys go to delivery at once. Sockets, queues, open buckets and the
 * catalogue stay. Intakes are matched by URL: one more or one less needs a restart, and so does
 * a change between local mode and sending.
 *
 * Runs on main's thread. The log and the answers name settings, and never their values. */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "config/change.h"
#include "config/problems.h"
#include "flush/series/rules.h"
#include "server/sinks.h"

/* Loads the settings as they were loaded at the start; as settings_load(). */
typedef bool reload_load(void *argument, struct settings *out, struct problems *problems);

/* What a reload came to. { 0 } is empty. */
struct reload {
    struct settings_change change;
    struct problems problems;
};

/* What is in force now. */
struct reload_base {
    const struct settings *in_force;
    uint32_t naming; /* that of the rules in force */
    const char *hostname;
    struct flusher_ledger *ledger;
    const struct sinks *sinks;
    reload_load *load;
    void *argument;
};

/* What to do. */
struct reload_plan {
    struct rules *rules; /* held; NULL: nothing has changed */
    struct sinks sinks;  /* owned: those of now, in their order, with the new keys */
};

/* False: the settings are refused, and there is no plan. Adds to *out in both cases. */
bool reload_prepare(struct reload_plan *plan, const struct reload_base *base,
                    struct reload *out);

/* Logs one line, or a line for each error. asker: who wanted the reload, "SIGHUP". */
void reload_log(const struct reload *reload, bool done, const char *asker);

/* {"status":"ok","changed":[...],"needs_restart":[...],"warnings":[...]} or
 * {"status":"error","errors":[...]}; owned, NULL without memory. */
char *reload_json(const struct reload *reload, bool done);

void reload_free(struct reload *given);

#endif
