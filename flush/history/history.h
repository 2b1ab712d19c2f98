/* flush/history/history.h: the thread that owns the past, and the way to it.
 *
 *   flusher ── parcel: a sealed window, and who is in it ──►  mailbox ──► keeper ──► the disk
 *
 * Nobody waits for it. Whoever gives parcels looks first whether there is room, and that is so
 * while fewer than HISTORY_BYTES are on their way: a disk that hangs then costs a bounded
 * amount of memory, and the windows wait where they are. A parcel says in which epoch it was
 * made (flush/history/keeper.h); one of another epoch is dropped, for it will be given again.
 *
 * One thread gives, any may read the ledger. */
#ifndef FLUSH_HISTORY_HISTORY_H
#define FLUSH_HISTORY_HISTORY_H

#include "flush/history/keeper.h"
#include "flush/memory/mailbox.h"
#include "flush/parcels/ledger.h"

enum { HISTORY_BYTES = 16 << 20 };

/* Written by the history thread after each parcel; gauges but for the totals. */
struct history_ledger {
    struct counter open;                       /* 1: what is given is kept */
    struct counter epoch;                      /* 0: it was never open */
    struct counter bytes;                      /* that the windows take on the disk */
    struct counter windows_total, cells_total; /* written */
    struct counter lost_total, expired_total, crowded_out_total; /* cells */
    struct counter damaged_total;                                /* files set aside */
};

struct history_parcel {
    union {
        struct letter letter;
        struct history_parcel *next;
    };
    uint32_t epoch;
    int64_t step_s;
    struct window *window; /* held */
    struct bytes told;     /* flush/history/told.h; owned */
    size_t size;           /* set by history_give() */
};

/* Holds the window once more; NULL without memory. */
struct history_parcel *history_parcel_new(uint32_t epoch, int64_t step_s,
                                          struct window *window);
void history_parcel_free(struct history_parcel *given);

struct history;

/* The folder and what the bounds point to outlive it. NULL without memory or a thread. */
struct history *history_start(const struct keeper_config *config);
const struct history_ledger *history_ledger(const struct history *history);

/* Whether a parcel may be given now. */
bool history_has_room(const struct history *history);
void history_give(struct history *history, struct history_parcel *given);

/* Writes what was given, closes the store and frees all. False: the disk had not answered by
 * then; the thread and what it has stay as they are, until the process ends. */
bool history_stop(struct history *given, int64_t deadline_ms);

#endif
