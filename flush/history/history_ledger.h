/* flush/history/history_ledger.h: the account of the history thread, which alone writes it.
 *
 * Cells are values of a series in a window. What was given and is not on the disk is lost, but
 * what the rollups still have is given again. */
#ifndef FLUSH_HISTORY_HISTORY_LEDGER_H
#define FLUSH_HISTORY_HISTORY_LEDGER_H

#include "flush/parcels/ledger.h"

enum { HISTORY_LEVELS_MAX = 8, HISTORY_KEPT_MAX = 16 };

/* Why nothing is written at the moment: X(id, label). */
#define HISTORY_STATES(X)           \
    X(HISTORY_STARTING, "starting") \
    X(HISTORY_OPEN, "open")         \
    X(HISTORY_HELD, "held")         \
    X(HISTORY_NEWER, "newer")       \
    X(HISTORY_FAILED, "failed")

#define HISTORY_STATE_ENUM(id, label) id,
enum history_state { HISTORY_STATES(HISTORY_STATE_ENUM) HISTORY_STATE_COUNT };
#undef HISTORY_STATE_ENUM

/* Written after each parcel; gauges but for the totals. */
struct history_ledger {
    struct counter state;                      /* enum history_state */
    struct counter epoch;                      /* 0: it was never open */
    struct counter bytes;                      /* that the windows take on the disk */
    struct counter windows_total, cells_total; /* written */
    struct counter lost_total, expired_total, crowded_out_total; /* cells */
    struct counter notes_total;      /* written: definitions, events, statuses of checks */
    struct counter notes_lost_total; /* not written */
    struct counter damaged_total;    /* files set aside */

    /* By the levels that are kept (flush/history/retention.h): the stamp of the oldest
     * snapshot. */
    struct counter oldest_s[HISTORY_KEPT_MAX];

    /* By the giver's levels: windows that start before that time are on the disk, as far as
     * they were given. */
    struct counter written_until_s[HISTORY_LEVELS_MAX];
};

static inline bool history_is_open(const struct history_ledger *ledger)
{
    return counter_read(&ledger->state) == HISTORY_OPEN;
}

#endif
