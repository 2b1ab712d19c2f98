/* server/reload.h: the settings loaded anew, while the server runs.
 *
 *   load -> usable? -> compared with those in force -> rules and sinks to follow
 *
 * All is looked at first; one error, and everything stays as it was. Otherwise what the
 * table of options marks as fit for a reload is taken over, whole, by each worker when
 * its interval ends and by the flusher behind it (flush/series/rules.h); keys go to delivery
 * at once. Sockets, queues, open buckets and the catalogue stay. Intakes are matched by
 * URL: one more or less, and the change between local mode and sending, need a restart.
 *
 * Runs on main's thread. Values are never told, only keys. */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "config/change.h"
#include "config/problems.h"
#include "flush/series/rules.h"
#include "server/sinks.h"

/* How the settings were loaded at the start, to be done again: as settings_load(). */
typedef bool reload_load(void *context, struct settings *out, struct problems *problems);

/* What a reload came to. { 0 } is empty. */
struct reload {
    struct settings_change change;
    struct problems problems;
};

/* What there is now. */
struct reload_base {
    const struct settings *in_force;
    uint32_t naming; /* of the rules in force */
    const char *hostname;
    struct flusher_ledger *ledger;
    const struct sinks *sinks;
    reload_load *load;
    void *context;
};

/* What to do. */
struct reload_plan {
    struct rules *rules; /* held; NULL: nothing has changed */
    struct sinks sinks;  /* owned: those of now, in their order, with the new keys */
};

/* False: refused, there is no plan. Adds to *out, whatever the result. */
bool reload_prepare(struct reload_plan *plan, const struct reload_base *base,
                    struct reload *out);

/* One line, or a line for each error. asker: "SIGHUP". */
void reload_log(const struct reload *reload, bool done, const char *asker);

/* {"status":"ok","changed":[...],"needs_restart":[...],"warnings":[...]} or
 * {"status":"error","errors":[...]}; owned, NULL without memory. */
char *reload_json(const struct reload *reload, bool done);

void reload_free(struct reload *reload);

#endif
