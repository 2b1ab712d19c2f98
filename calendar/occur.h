/* calendar/occur.h: a rule and a wall clock in, seconds since 1970 out.
 *
 *   "FREQ=WEEKLY;BYDAY=MO" from 2026-11-30T19:00:00, in Europe/Paris -> its occurrences
 *
 * libical says on which wall-clock times the rule falls, the C library which moments these are
 * in the zone. A time that a change of the clock leaves out is as long after midnight as before
 * the change (02:30 is 03:30); of a time that comes twice the first is meant (RFC 5545, 3.3.5).
 * An UNTIL in UTC is that moment in the zone, and an UNTIL that is a day is all of it. What
 * begins while another of the same rule holds makes it longer.
 *
 * For a process of its own, which it makes one of that zone. */
#ifndef CALENDAR_OCCUR_H
#define CALENDAR_OCCUR_H

#include <stdint.h>

#include "config/must_check.h"
#include "flush/monitors/calendar.h"

enum { OCCUR_STEPS_MAX = 500000 }; /* of a rule, those before the time that is asked for too */

/* Appends those of one line (flush/monitors/calendar.h), unsorted, CALENDAR_OCCURRENCES_MAX + 1
 * at most. False with a sentence. */
MUST_CHECK bool occur_add(struct slice line, struct occurrence *out, size_t *n, char *problem,
                          size_t problem_size);

#endif
