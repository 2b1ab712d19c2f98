/* flush/series/wildcard.h: names matched by patterns with stars.
 *
 *   "test.job.*.*_total" matches "test.job.copy.errors_total": groups copy, errors
 *
 * A star stands for any bytes within one part between dots, so a name has as many dots as
 * its pattern. Where a part has several stars, each takes what a greedy regex would give it.
 *
 * Pure functions: no allocation. Groups are views into the name. */
#ifndef FLUSH_SERIES_WILDCARD_H
#define FLUSH_SERIES_WILDCARD_H

#include "protocol/slice.h"

/* How many groups a match has: one for each star, and before them the whole name. */
size_t wildcard_groups(struct slice pattern);

/* Fills that many groups and says how many; 0: the name does not match, and groups may hold
 * anything. Between two stars of a pattern stands at least one byte. */
size_t wildcard_match(struct slice pattern, struct slice name, struct slice *groups);

#endif
