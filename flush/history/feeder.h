/* flush/history/feeder.h: sealed windows of the rollups, on their way to the disk.
 *
 *   rollups: each level's closed windows, oldest first
 *      -> with it whoever in it history does not know yet   (flush/history/told.h)
 *      -> history, while it is open and has room
 *
 * An observer of what the flusher sends. It copies no window and keeps none: what was not given
 * stays in the rollups' memory as it would anyway, and the feeder remembers how far each level
 * has got. So a disk that hangs costs nothing until the rollups give a window up that was not
 * given yet; they count it (rollup_ungiven).
 *
 * A window that something came late for is given again, and replaces what is on the disk. What
 * came late for a time that is not in memory is given as a part of its own.
 *
 * When history begins anew, in another epoch, all series are told of once more; and what was
 * given but is not on the disk is given again. To look through a window is done in slices.
 *
 * At the end the open windows are given too, as parts: their other parts come from whoever runs
 * next, or came from the disk. So they are before the rollups begin anew, because the clock was
 * set back. Then windows come of a time that is on the disk already: history is told, so that
 * they lie beside the others.
 *
 * On the flusher's thread. */
#ifndef FLUSH_HISTORY_FEEDER_H
#define FLUSH_HISTORY_FEEDER_H

#include "flush/history/history.h"
#include "flush/rollups/rollup.h"

struct feeder;

/* All of these outlive it, but for the retention, which says what levels are given. NULL
 * without memory. */
struct feeder *feeder_new(struct history *history, const struct retention *retention,
                          struct rollup *rollup);

/* The feeder is given with it. */
struct observer feeder_observer(struct feeder *given);

#endif
