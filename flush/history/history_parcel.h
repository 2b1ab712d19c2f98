/* flush/history/history_parcel.h: a sealed window on its way to the disk.
 *
 * Owned by whoever has it: the feeder fills it, history writes it. */
#ifndef FLUSH_HISTORY_HISTORY_PARCEL_H
#define FLUSH_HISTORY_HISTORY_PARCEL_H

#include "flush/memory/bytes.h"
#include "flush/memory/mailbox.h"
#include "flush/rollups/window.h"

struct history_parcel {
    union {
        struct letter letter;
        struct history_parcel *next;
    };
    uint32_t epoch;
    uint32_t level; /* the giver's, below HISTORY_LEVELS_MAX */
    int64_t step_s;
    bool beside;           /* a part of its own, beside what was given of that time */
    bool again;            /* from here on time that was lived through comes once more */
    struct window *window; /* held */
    struct bytes told;     /* flush/history/told.h; owned */
    size_t size;           /* set by history_give() */
};

/* Holds the window once more; NULL without memory. */
struct history_parcel *history_parcel_new(uint32_t epoch, uint32_t level, int64_t step_s,
                                          struct window *window);
void history_parcel_free(struct history_parcel *given);
void history_parcel_free_all(struct history_parcel *given); /* a list; NULL is fine */

#endif
