/* flush/history/event_scan.h: events looked for on the disk, the newest first.
 *
 *   what is looked for, and marks of those in memory -> a slice, a slice, ... -> bodies
 *
 * There are some thousands of them at most (flush/history/retention.h), so all are looked
 * through, in slices of bounded rows and bytes: their time is what they say, and they came in
 * another order. Those that are in memory are left out, as often as they are there.
 *
 * Made by who asks, used by the thread of the store. */
#ifndef FLUSH_HISTORY_EVENT_SCAN_H
#define FLUSH_HISTORY_EVENT_SCAN_H

#include "flush/history/store.h"
#include "flush/rollups/past.h"

struct event_scan;

/* Copies what is wanted. NULL without memory. */
struct event_scan *event_scan_new(const struct past_events *wanted);
void event_scan_free(struct event_scan *given);

/* A slice: appends what fits. *all: there is no more. A result. */
MUST_CHECK int event_scan_step(struct event_scan *scan, struct store *store, struct bytes *out,
                               bool *all);

/* The next body of what was appended. False: there is none. */
bool event_scan_next(struct slice *rest, struct slice *body);

#endif
