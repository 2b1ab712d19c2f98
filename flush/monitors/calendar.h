/* flush/monitors/calendar.h: the occurrences of a downtime, a stretch of time ahead.
 *
 *   recurrence, zone, from -> heeler-calendar -> [start, end) in seconds since 1970
 *
 * heeler-calendar is a program of its own with libical (calendar/main.c), started for the time
 * of one answer: the daemon never has libical's megabytes in memory. A line for each recurrence
 * in, lines out; both forms are here, and pure.
 *
 *   in    ZONE \t START \t DAYS \t SECONDS \t FROM_S \t UNTIL_S \t RULE \n
 *   out   START_S \t END_S \n ... sorted; or a sentence on its standard error
 *
 * START is a wall-clock time, 2026-11-30T19:00:00, or "@" and seconds since 1970. */
#ifndef FLUSH_MONITORS_CALENDAR_H
#define FLUSH_MONITORS_CALENDAR_H

#include "config/must_check.h"
#include "flush/memory/bytes.h"
#include "flush/monitors/downtime.h"

enum { CALENDAR_OCCURRENCES_MAX = 64, CALENDAR_LINE_MAX = 1024 };

struct occurrence {
    int64_t start_s, end_s; /* half open; end may be DOWNTIME_FOR_EVER */
};

/* Sorted by start; what ends behind known_from_s and begins before known_until_s is here. */
struct occurrences {
    struct occurrence at[CALENDAR_OCCURRENCES_MAX];
    size_t n;
    int64_t known_from_s, known_until_s;
};

/* Of one that recurs: appends what is asked. Runs out of memory as bytes do. */
void calendar_ask(const struct downtime *downtime, int64_t from_s, int64_t until_s,
                  struct bytes *out);

/* What the program answered to that. More than there is room for: known_until_s is where the
 * last of them begins. False: it is no such answer. */
MUST_CHECK bool calendar_read(struct slice answer, int64_t from_s, int64_t until_s,
                              struct occurrences *out);

/* Of one that does not recur: all that there is. */
void calendar_once(const struct downtime *downtime, struct occurrences *out);

/* The occurrence that holds then, or NULL. */
const struct occurrence *occurrences_at(const struct occurrences *occurrences, int64_t now_s);

#endif
