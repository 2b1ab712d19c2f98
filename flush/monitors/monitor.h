/* flush/monitors/monitor.h: a monitor as it was defined.
 *
 *   JSON, as Datadog's API takes and gives it -> struct monitor, for who evaluates it
 *
 * Views into the JSON, which the owner keeps; texts that hold escapes are decoded into the
 * monitor's own memory. Pure. */
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

struct monitor {
    int64_t number;
    enum monitor_type type;
    struct slice name, message, escalation; /* decoded */
    struct slice *tags;                     /* as "team:web"; decoded */
    size_t n_tags;
    int priority; /* 1 to 5, 0: none */
    struct condition condition;
    struct alert_rules rules;
    int64_t evaluation_delay_s, new_group_delay_s, group_retention_s;
    bool require_full_window;
    bool include_tags; /* in the title */
    bool notify_audit;
    char *room; /* what was decoded; owned */
};

/* Reads and checks it whole. value: a checked JSON object (flush/memory/json_view.h); it
 * outlives the monitor. False with the sentence that Datadog's API has for it, or one that
 * names the member at fault, and the status of HTTP. */
MUST_CHECK bool monitor_read(struct slice value, struct monitor *out, char *problem,
                             size_t problem_size);
void monitor_free(struct monitor *given);

const char *monitor_type_word(enum monitor_type type);

#endif
