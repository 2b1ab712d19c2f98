/* flush/monitors/monitor_state.h: the states of a monitor's group, worst last.
 *
 * Their words are those of Datadog's API (overall_state of its monitors). */
#ifndef FLUSH_MONITORS_MONITOR_STATE_H
#define FLUSH_MONITORS_MONITOR_STATE_H

#include <stdbool.h>

#include "protocol/slice.h"

/* X(id, word, heading): heading stands before the title of a message. */
#define MONITOR_STATES(X)                    \
    X(MONITOR_OK, "OK", "Recovered")         \
    X(MONITOR_NO_DATA, "No Data", "No data") \
    X(MONITOR_WARN, "Warn", "Warn")          \
    X(MONITOR_ALERT, "Alert", "Triggered")

#define MONITOR_STATE_ENUM(id, word, heading) id,
enum monitor_state { MONITOR_STATES(MONITOR_STATE_ENUM) MONITOR_STATE_COUNT };
#undef MONITOR_STATE_ENUM

const char *monitor_state_word(enum monitor_state state);
const char *monitor_state_heading(enum monitor_state state);

/* The word in any case, with or without its space. False: there is none like it. */
bool monitor_state_find(struct slice word, enum monitor_state *out);

#endif
