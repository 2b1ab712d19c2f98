/* flush/monitors/group_state.h: how one group of a monitor goes from state to state.
 *
 *   observation, once an evaluation -> state, and what is to be told
 *
 *                    value OP critical ──────────────► Alert
 *                    value OP warning ───────────────► Warn
 *                    neither, and recovered ─────────► OK
 *                    nothing for no_data_s ──────────► No Data
 *
 * Out of Alert and Warn it comes only when the value has passed the recovery threshold, if
 * there is one, with the opposite inclusivity; a share of anomalies when it is no more than
 * that threshold, as nothing is below none of them. What is told: each change, and what lasts
 * again after renotify_s. A group without data before has nothing that could be missing. Rules
 * of Datadog's monitors (monitors/configuration, guide/recovery-thresholds).
 *
 * Pure: time is an argument, in seconds since 1970. */
#ifndef FLUSH_MONITORS_GROUP_STATE_H
#define FLUSH_MONITORS_GROUP_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "flush/monitors/condition.h"
#include "flush/monitors/monitor_state.h"

/* A threshold that may not be there. */
struct level {
    bool set;
    double value;
};

enum missing_data {
    MISSING_KEEPS,    /* the state stays as it was */
    MISSING_SHOWS,    /* No Data, which nobody is told */
    MISSING_NOTIFIES, /* No Data */
    MISSING_RESOLVES  /* OK */
};

enum { RENOTIFY_FOR_S = 30 * 3600 }; /* after the first, unless occurrences are given */

struct alert_rules {
    enum comparator comparator;
    struct level critical, warning, critical_recovery, warning_recovery;
    enum missing_data missing;
    int64_t no_data_s;             /* without data until that is a state */
    int64_t renotify_s;            /* 0: never */
    uint32_t renotify_occurrences; /* 0: for RENOTIFY_FOR_S */
    uint32_t renotify_states;      /* bits of enum monitor_state */
    int64_t timeout_s;             /* resolves while no data comes; 0: never */
};

enum observed {
    OBSERVED_VALUE,
    OBSERVED_STATE, /* of a check or a composite, which is right as it is */
    OBSERVED_NOTHING,
    OBSERVED_TOO_LITTLE /* keeps the state, which is told again in time */
};

struct observation {
    enum observed what;
    double value;
    bool is_share;   /* of anomalies: the value is one of points, from 0 to 1 */
    double recovery; /* ... and that in the window that decides whether it has recovered */
    enum monitor_state state;
    int64_t at_s;   /* when it is evaluated, aligned */
    int64_t data_s; /* of a value or a state: when the last of what it is made of came */
    bool is_muted;  /* nobody is told: nothing is told again */
};

/* { .state = MONITOR_OK } and the time of its first sight make a new one. */
struct group_state {
    enum monitor_state state;
    bool had_data;   /* since it was last resolved for want of it */
    bool unresolved; /* somebody was told that it is wrong, and nobody that it is over */
    int64_t first_seen_s;
    int64_t changed_s;         /* into this state; 0: never */
    int64_t last_data_s;       /* when data came last */
    int64_t first_triggered_s; /* out of OK; 0: never. A recovery tells it, too */
    int64_t last_triggered_s;  /* into Alert, Warn or No Data */
    int64_t last_resolved_s;
    int64_t last_no_data_s;
    int64_t last_told_s; /* of a change or again */
    uint32_t told_again; /* since the change */
    double value;        /* last */
};

struct transition {
    enum monitor_state from, to;
    int64_t at_s;   /* of the change, also when it is told again */
    uint32_t again; /* how often it was told again; 0: the change itself */
    bool is_told;   /* false: it changes, but nobody is told */
    bool is_late;   /* told again, and nobody was told the first time: it was muted */
};

/* Whether who is told now was told of that change before. */
static inline bool transition_is_repeated(const struct transition *transition)
{
    return transition->again > 0 && !transition->is_late;
}

/* True: something changed, or is to be told again. */
bool group_state_step(struct group_state *group, const struct alert_rules *rules,
                      const struct observation *observation, struct transition *out);

/* What is still wrong when a downtime ends is told then. True: it is of those states. */
bool group_state_tell(struct group_state *group, uint32_t states, int64_t now_s,
                      struct transition *out);

#endif
