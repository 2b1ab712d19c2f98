/* flush/fleet/fleet.h: who writes to a Redis, and which of their windows make up one span.
 *
 * Each incarnation of a server announces itself with the lengths of its windows: its
 * interval and its rollups. A question is answered in windows of one length; an
 * instance's windows that fill such a span without a gap or an overlap are found from
 * the coarsest down: one that is certainly written to its end is taken whole, else
 * the shorter ones that it consists of. The two shortest are always up to date: they
 * are written after every interval. Longer ones are written now and then, and for
 * the last time soon after they end, unless their writer died before.
 *
 * Read from Redis, thus untrusted. Owned by the reader, one thread; pure. */
#ifndef FLUSH_FLEET_FLEET_H
#define FLUSH_FLEET_FLEET_H

#include "flush/fleet/fleet_cells.h"

enum {
    FLEET_INSTANCES_MAX = 10000,
    FLEET_WINDOWS_MAX = 100000,
    FLEET_SETTLE_S = 30, /* for so long after its end a window may still be written to */
};

struct fleet_instance {
    char id[FLEET_ID];
    int64_t steps_s[ROLLUP_LEVELS_MAX]; /* ascending, the interval first */
    size_t n_steps;
    int64_t ttl_s, lookback_s;
    int64_t heard_s; /* the last heartbeat */
};

struct fleet {
    struct fleet_instance *instances; /* by id once sealed */
    size_t n, capacity;
    struct fleet_instance all; /* the longest interval and every rollup above it */
};

/* A member of the registry and its score. FLEET_DAMAGED when it makes no sense. */
enum fleet_result fleet_add(struct fleet *fleet, struct slice json, int64_t heard_s);

/* All instances were added. False: there are none. */
bool fleet_seal(struct fleet *fleet);
void fleet_free(struct fleet *given);

/* An instance that is not known counts as `all`, as if its heartbeat had come just now. */
const struct fleet_instance *fleet_find(const struct fleet *fleet, struct slice id);

struct fleet_window {
    int64_t step_s, start_s;
};

/* Owned. */
struct fleet_windows {
    struct fleet_window *at;
    size_t n, capacity;
};

/* The windows in Redis that make up that span at that time, of all instances; *out is
 * overwritten. False without memory, or when there are too many. */
bool fleet_split(const struct fleet *fleet, struct fleet_window span, int64_t now_s,
                 struct fleet_windows *out);

/* Whether the window is one of those that make up the span for this instance. */
bool fleet_takes(const struct fleet_instance *instance, struct fleet_window span, int64_t now_s,
                 struct fleet_window window);

#endif
