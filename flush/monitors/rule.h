/* flush/monitors/rule.h: whether a text is a recurrence rule (RFC 5545, 3.3.10).
 *
 *   FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU
 *
 * So that who sends another is told at once: when a rule falls is worked out later, by another
 * program (flush/monitors/calendar.h), which may still find that one never does. Pure. */
#ifndef FLUSH_MONITORS_RULE_H
#define FLUSH_MONITORS_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/must_check.h"
#include "protocol/slice.h"

/* False with a sentence. */
MUST_CHECK bool rule_check(struct slice rule, char *problem, size_t problem_size);

#endif
