/* flush/monitors/monitor.h: a monitor as it was defined.
 *
 *   JSON, as Datadog's API takes and gives it -> struct monitor, for who evaluates it
 *
 * Pure; its texts are in one block of its own. Facts: Datadog's API, options of monitors. */
#ifndef FLUSH_MONITORS_MONITOR_H
#define FLUSH_MONITORS_MONITOR_H

#include "flush/monitors/condition.h"
#include "flush/monitors/group_state.h"

enum {
    MONITOR_NAME_MAX = 1024,
    MONITOR_MESSAGE_MAX = 64 << 10,
    MONITOR_TAGS_MAX = 128,
    MONITOR_GROUPS_MAX = 20000 /* of one monitor; what is beyond is counted */
};

/* X(id, word): types that there are. */
#define MONITOR_TYPES(X)              \
    X(MONITOR_METRIC, "metric alert") \
    X(MONITOR_QUERY, "query alert")   \
    X(MONITOR_CHECK, "service check") \
    X(MONITOR_COMPOSITE, "composite")

#define MONITOR_TYPE_ENUM(id, word) id,
enum monitor_type { MONITOR_TYPES(MONITOR_TYPE_ENUM) MONITOR_TYPE_COUNT };
#undef MONITOR_TYPE_ENUM

/* How many statuses in a row of a check make a state. */
struct check_counts {
    uint32_t ok, warning, critical; /* 0: none does */
};

/* What is left out of its messages (notification_preset_name). */
struct monitor_hides {
    bool query, handles, picture, link;
};

/* Texts are decoded, views of the monitor's own room. */
struct monitor {
    enum monitor_type type;
    struct slice name; /* empty: it has none */
    struct slice query, message, escalation;
    struct slice tags[MONITOR_TAGS_MAX]; /* as "team:web" */
    size_t n_tags;
    int priority; /* 1 to 5, 0: none */
    struct condition condition;
    struct alert_rules rules;
    struct check_counts counts;
    struct slice silenced; /* JSON: {scope: until, in seconds, or null}; a view of the value */
    int64_t evaluation_delay_s, new_group_delay_s, group_retention_s;
    int64_t trigger_window_s, recovery_window_s; /* of anomalies; 0: the whole window */
    bool require_full_window;
    bool include_tags;    /* in the title */
    bool wants_address;   /* {{host.ip}} is in a message of it */
    bool wants_host_tags; /* the same of {{host.env}} and the like */
    struct monitor_hides hides;
    char *room; /* owned */
};

/* Reads and checks it whole. value: a checked JSON object (flush/memory/json_view.h); it
 * outlives the monitor. False with the sentence that Datadog's API has for it, or one that
 * names the member at fault, and the status of HTTP. */
MUST_CHECK bool monitor_read(struct slice value, struct monitor *out, char *problem,
                             size_t problem_size);
void monitor_free(struct monitor *given);

/* Whether somebody muted that group by the monitor itself, at that time. tags: of the group. */
bool monitor_is_silenced(const struct monitor *monitor, const struct slice *tags, size_t n_tags,
                         int64_t now_s);

const char *monitor_type_word(enum monitor_type type);

/* Whether options have such a member, even if it means nothing here. */
bool monitor_knows_option(struct slice name);

#endif
