/* flush/history/journal.h: events, and the last status of each check, on their way to the disk
 * and back.
 *
 *   what came last (flush/snapshots/recent.h)
 *      -> each event at once, the checks that changed once a second
 *      -> history, while it is open and has room
 *      <- what was kept before, once history has read it
 *
 * An observer behind that of what came last. It keeps nothing itself: what history has no room
 * for stays in memory until it has, or gives way there, and is counted (recent_ungiven). So a
 * disk that hangs costs nothing, and a check that changes a thousand times a second is written
 * once.
 *
 * On the flusher's thread. */
#ifndef FLUSH_HISTORY_JOURNAL_H
#define FLUSH_HISTORY_JOURNAL_H

#include "flush/history/history.h"
#include "flush/snapshots/observer.h"
#include "flush/snapshots/recent.h"

struct journal;

/* Both outlive it. NULL without memory. */
struct journal *journal_new(struct history *history, struct recent *recent);

/* The journal is given with it. */
struct observer journal_observer(struct journal *given);

#endif
