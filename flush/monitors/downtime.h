/* flush/monitors/downtime.h: when nobody is told, and of what.
 *
 *   JSON of the API, v1 or v2 -> struct downtime: scope, monitors, times
 *   times -> occurrences, which a calendar works out (one-off: there is one)
 *
 * Pure, but for the look whether a zone is there. Who knows zones and recurrences is the
 * calendar (flush/monitors/calendar.h). Facts: Datadog's API, downtimes; what begins at a
 * wall-clock time of a zone does so across changes of the clock. */
#ifndef FLUSH_MONITORS_DOWNTIME_H
#define FLUSH_MONITORS_DOWNTIME_H

#include "config/must_check.h"
#include "flush/language/scope.h"
#include "flush/monitors/monitor_state.h"

enum {
    DOWNTIME_RECURRENCES_MAX = 5,
    DOWNTIME_TAGS_MAX = 32,
    DOWNTIME_SCOPE_MAX = 2048,
    DOWNTIME_RULE_MAX = 512,
    DOWNTIME_ZONE_MAX = 64,
    DOWNTIME_FOR_EVER = -1 /* as an end */
};

/* Of wall-clock times in a zone. Whole days and weeks of a duration are days of the calendar,
 * of 23 or 25 hours when the clock changes, as RFC 5545 has it (3.3.6); hours and minutes are
 * exact. */
struct recurrence {
    char rule[DOWNTIME_RULE_MAX]; /* RFC 5545: FREQ=WEEKLY;BYDAY=MO,TU */
    char start[24];               /* 2026-11-30T19:00:00, or empty: that of start_s */
    int64_t start_s;              /* which wall-clock time it is then in the zone */
    int64_t duration_days, duration_s;
};

struct downtime {
    struct scope scope; /* of a group's tags; a view of room */
    int64_t monitor;    /* its number; 0: any that has the tags */
    struct slice monitor_tags[DOWNTIME_TAGS_MAX];
    size_t n_monitor_tags; /* none, or "*": any */
    char zone[DOWNTIME_ZONE_MAX];
    int64_t start_s, end_s; /* one-off; of v1 the first occurrence; end: DOWNTIME_FOR_EVER */
    struct recurrence recurrences[DOWNTIME_RECURRENCES_MAX];
    size_t n_recurrences;
    bool mute_first_recovery;
    uint32_t end_states; /* bits of enum monitor_state that are told at its end */
    bool tells_expired, tells_canceled;
    char *room; /* owned: decoded texts */
};

/* value: a checked JSON object: a body of v1, or the attributes of v2. now_s: the start, where
 * none is said. False with the sentence of Datadog's API, or one that names the member; out is
 * empty then. */
MUST_CHECK bool downtime_read_v1(struct slice value, int64_t now_s, struct downtime *out,
                                 char *problem, size_t problem_size);
MUST_CHECK bool downtime_read_v2(struct slice attributes, int64_t now_s, struct downtime *out,
                                 char *problem, size_t problem_size);
void downtime_free(struct downtime *given);

/* What only the calendar would find, when whoever made it is not there to be told: false with a
 * sentence, its rules are none, or its zone is none of this machine's. Where this has no zones
 * at all, the calendar says so. */
MUST_CHECK bool downtime_can_recur(const struct downtime *downtime, char *problem,
                                   size_t problem_size);

/* Whether it is about that group of that monitor. */
bool downtime_is_about(const struct downtime *downtime, int64_t monitor,
                       const struct slice *monitor_tags, size_t n_monitor_tags,
                       const struct slice *group_tags, size_t n_group_tags);

#endif
