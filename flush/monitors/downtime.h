/* flush/monitors/downtime.h: when nobody is told, and of what.
 *
 *   JSON of the API, v1 or v2 -> struct downtime: scope, monitors, times
 *   times -> occurrences, which a calendar works out (one-off: there is one)
 *
 * Pure. Who knows zones and recurrences is the calendar (flush/monitors/calendar.h). Views of
 * the JSON, which the owner keeps. Facts: Datadog's API, downtimes; wall-clock times of the
 * zone stay what they are across changes of the clock, and so does the duration. */
#ifndef FLUSH_MONITORS_DOWNTIME_H
#define FLUSH_MONITORS_DOWNTIME_H

#include "config/must_check.h"
#include "flush/language/scope.h"
#include "flush/monitors/monitor_state.h"

enum { DOWNTIME_RECURRENCES_MAX = 5, DOWNTIME_TAGS_MAX = 32, DOWNTIME_FOR_EVER = -1 };

/* Of wall-clock times. */
struct recurrence {
    char rule[512]; /* RFC 5545, without "RRULE:" */
    char start[24]; /* 2026-11-30T19:00:00 */
    int64_t duration_s;
};

struct downtime {
    int64_t number;
    struct slice scope_text;
    struct scope scope; /* of a group's tags */
    int64_t monitor;    /* its number; 0: any that has the tags */
    struct slice monitor_tags[DOWNTIME_TAGS_MAX];
    size_t n_monitor_tags; /* {"*"}: any */
    char zone[64];
    int64_t start_s, end_s; /* one-off; end: DOWNTIME_FOR_EVER */
    struct recurrence recurrences[DOWNTIME_RECURRENCES_MAX];
    size_t n_recurrences;
    int64_t until_s;            /* no occurrence begins behind it; 0: no bound */
    uint32_t until_occurrences; /* 0: no bound */
    bool mute_first_recovery;
    uint32_t end_states; /* bits of enum monitor_state that are told at its end */
    bool tells_expired, tells_canceled;
    int64_t canceled_s; /* 0: it is not */
    bool disabled;
};

/* value: a checked JSON object, of which it reads what stands in a body of v1, or the
 * attributes of v2. now_s: the start, where none is said. False with the sentence of Datadog's
 * API. */
MUST_CHECK bool downtime_read_v1(struct slice value, int64_t now_s, struct downtime *out,
                                 char *problem, size_t problem_size);
MUST_CHECK bool downtime_read_v2(struct slice attributes, int64_t now_s, struct downtime *out,
                                 char *problem, size_t problem_size);

/* Whether it is about that group of that monitor: sorted tags of the group, tags of the
 * monitor. */
bool downtime_is_about(const struct downtime *downtime, int64_t monitor,
                       const struct slice *monitor_tags, size_t n_monitor_tags,
                       const struct slice *group_tags, size_t n_group_tags);

#endif
