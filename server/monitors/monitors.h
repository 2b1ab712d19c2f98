/* server/monitors/monitors.h: the monitors that there are, and the states of their groups.
 *
 *   definition ── monitor_read() ──► a live monitor: its groups, each with its state
 *
 * They come from the API (DEFINITION_MONITOR of server/api/definitions.h) and from the files of
 * heeler_monitors_path, which the API shows and does not change. One whose definition changes
 * keeps the states of its groups, if its query has the same groups. On the desk's thread. */
#ifndef SERVER_MONITORS_MONITORS_H
#define SERVER_MONITORS_MONITORS_H

#include "flush/monitors/monitor.h"

enum { MONITORS_MAX = 2000 };

struct watched_group {
    struct watched_group *next; /* of the monitor, in the order of their names */
    struct slice name; /* "env:prod,host:a", sorted; "*": of a monitor without groups */
    struct slice host; /* whose values they were last; may be empty */
    struct group_state state;
    bool muted;            /* at the last evaluation */
    bool told_in_downtime; /* the first recovery in a downtime was told */
    /* owned: the bytes of name and host */
};

struct watched_monitor {
    struct watched_monitor *next; /* by number */
    int64_t number;
    int64_t created_ms, changed_ms;
    struct slice body;      /* its JSON, as it is given back; owned */
    const char *file;       /* where it was read; NULL: by the API */
    struct monitor monitor; /* of the body */
    struct watched_group *groups;
    size_t n_groups, groups_beyond; /* what MONITOR_GROUPS_MAX left out */
    int64_t evaluated_s;            /* aligned; 0: never */
    char problem[256];              /* why it could not be evaluated; empty: it could */
};

struct monitors {
    struct watched_monitor *first;
    size_t n;
};

/* NULL: there is none. */
struct watched_monitor *monitors_find(const struct monitors *monitors, int64_t number);

/* The worst state of its groups; No Data of one that has none. */
enum monitor_state watched_monitor_state(const struct watched_monitor *monitor);

struct watched_group *watched_monitor_find(const struct watched_monitor *monitor,
                                           struct slice group);

#endif
