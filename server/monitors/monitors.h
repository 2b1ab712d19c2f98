/* server/monitors/monitors.h: the monitors that there are, and the states of their groups.
 *
 *   definition ── monitor_read() ──► a live monitor: its groups, each with its state
 *
 * They come from the API (DEFINITION_MONITOR of server/api/definitions.h) and from the files of
 * heeler_monitors_path, which the API shows and does not change. One whose definition changes
 * keeps the states of its groups, if its query has the same groups. On the desk's thread. */
#ifndef SERVER_MONITORS_MONITORS_H
#define SERVER_MONITORS_MONITORS_H

#include "config/must_check.h"
#include "flush/monitors/monitor.h"
#include "flush/notify/notification.h"

enum { MONITORS_MAX = 2000 };

/* One group, in one block with its texts. */
struct watched_group {
    struct slice name; /* "env:prod,host:a", sorted tags; "*": of a monitor without groups */
    struct slice host; /* whose values they were when it was first seen; may be empty */
    struct group_state state;
    int64_t seen_s;               /* evaluation in which the flusher last answered about it */
    bool is_muted;                /* at the last evaluation */
    bool is_kept;                 /* it is written down that there is such a one */
    bool is_told;                 /* that it is wrong, somebody was; that it is over, nobody */
    struct notification *waiting; /* raised and not known to have ended; copies, no pictures */
    uint32_t end_states; /* while muted: in which of them it is told when that ends by itself */
    uint32_t cancel_states; /* ... or by somebody */
    /* of a check, while its answer is read: the worst of those in the group, and the newest */
    bool has_worst;
    enum monitor_state worst;
    int64_t newest_s;
    char *check_message; /* of that worst one; owned, or NULL */
    int64_t notified_s;  /* when somebody was told last; 0: never */
    char *address;       /* of its host, when it was last known; owned, or NULL */
    char bytes[];
};

struct watched_monitor {
    int64_t number;
    uint64_t edition;              /* of the definition; another with each that it gets */
    struct slice body;             /* its JSON, as it is given back; owned */
    struct monitor monitor;        /* of the body */
    struct watched_group **groups; /* by name */
    size_t n_groups, room;
    size_t groups_beyond;     /* what MONITOR_GROUPS_MAX left out at the last evaluation */
    int64_t evaluated_s;      /* aligned; 0: never */
    bool knows_groups;        /* all: it watched for a while, or they were handed over */
    enum monitor_state found; /* the worst state of its groups, at the last evaluation */
    char problem[256];        /* why it could not be evaluated; empty: it could */
};

struct monitors {
    struct watched_monitor **at; /* by number; each is owned, and stays where it is */
    size_t n, room;
    uint64_t editions; /* that there were */

    /* Told of each group that goes because its monitor is defined otherwise; NULL: nobody. */
    void (*on_drop)(void *self, const struct watched_monitor *monitor,
                    const struct watched_group *group);
    void *self;
};

/* NULL: there is none. */
struct watched_monitor *monitors_find(const struct monitors *monitors, int64_t number);

/* The first of those with greater numbers; INT64_MIN: of all. So a walk goes on from a monitor
 * that is gone. NULL: there is none. */
struct watched_monitor *monitors_next(const struct monitors *monitors, int64_t number);

/* Makes it, or gives the one of that number another definition. body: a checked JSON object,
 * copied. False with a sentence: it is no monitor, there are too many, or there is no memory;
 * what was there stays. */
MUST_CHECK bool monitors_define(struct monitors *monitors, int64_t number, struct slice body,
                                char *problem, size_t problem_size);
void monitors_forget(struct monitors *monitors, int64_t number);
void monitors_free(struct monitors *given);

/* The worst state of its groups; No Data of one that has none. */
enum monitor_state watched_monitor_state(const struct watched_monitor *monitor);

/* The same as people are shown it: one for which nothing ever came has no data, though nobody
 * misses any. */
enum monitor_state watched_monitor_shown(const struct watched_monitor *monitor);
enum monitor_state watched_group_shown(const struct watched_group *group);

/* NULL: it has none of that name. */
struct watched_group *watched_monitor_find(const struct watched_monitor *monitor,
                                           struct slice group);

/* The same, or makes it. NULL: there are too many, or there is no memory. */
struct watched_group *watched_monitor_need(struct watched_monitor *monitor, struct slice group,
                                           struct slice host, int64_t now_s);
void watched_monitor_drop(struct watched_monitor *monitor, struct watched_group *given);

/* What the check said; copied. */
void watched_group_say(struct watched_group *group, struct slice message);

/* Its tag host; empty: it has none. */
struct slice watched_group_host(const struct watched_group *group);

/* Where its host sends from; copied, nothing for an empty one. */
void watched_group_locate(struct watched_group *group, struct slice address);

/* Takes a copy of one that is raised; out again when it has ended: false, it was not there. */
bool watched_group_wait(struct watched_group *group, const struct notification *raised);
bool watched_group_ended(struct watched_group *group, struct slice id, struct slice receiver);

/* Its tags, views of the name: at most so many. Of "*": none. */
size_t watched_group_tags(const struct watched_group *group, struct slice *out, size_t most);

/* The same, and those that the query asks of all: a downtime may be about either. */
size_t watched_group_scope(const struct watched_monitor *monitor,
                           const struct watched_group *group, struct slice *out, size_t most);

#endif
