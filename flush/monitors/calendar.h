/* flush/monitors/calendar.h: the occurrences of a downtime, a stretch of time ahead.
 *
 *   recurrence, zone, from -> heeler-calendar -> [start, end) in seconds since 1970
 *
 * heeler-calendar is a program of its own with libical, started for the time of one answer: the
 * daemon never has 3.5 MiB of zones in memory. One line in, lines out; both forms are here, and
 * pure. Who starts it is server/monitors/calendar_asker.h.
 *
 *   in    ZONE \t START \t DURATION_S \t FROM_S \t UNTIL_S \t MOST \t RULE \n
 *   out   START_S \t END_S \n ... , or "error: sentence" on its standard error */
#ifndef FLUSH_MONITORS_CALENDAR_H
#define FLUSH_MONITORS_CALENDAR_H

#include "config/must_check.h"
#include "flush/memory/bytes.h"
#include "flush/monitors/downtime.h"

enum { CALENDAR_OCCURRENCES_MAX = 64 };

struct occurrence {
    int64_t start_s, end_s; /* half open; end may be DOWNTIME_FOR_EVER */
};

/* Sorted by start. */
struct occurrences {
    struct occurrence at[CALENDAR_OCCURRENCES_MAX];
    size_t n;
    int64_t known_from_s, known_until_s; /* what begins between them is here */
};

MUST_CHECK bool calendar_ask(const struct downtime *downtime, int64_t from_s, int64_t until_s,
                             struct bytes *out);
MUST_CHECK bool calendar_read(struct slice answer, struct occurrences *out);

/* The occurrence that holds then, or NULL. */
const struct occurrence *occurrences_at(const struct occurrences *occurrences, int64_t now_s);

#endif
