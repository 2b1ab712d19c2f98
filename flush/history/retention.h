/* flush/history/retention.h: how long windows stay on disk, and how much of it they take.
 *
 *   heeler_history_retention   interval:1d 60s:15d 3600s:400d
 *   heeler_history_max_bytes   of the file
 *
 * What is older than its level is kept goes first. Then, while the file is too large, the
 * oldest of all windows but the coarsest; these when they take more than half, or nothing else
 * is left: as the rollups do it in memory. What becomes free is given back to the disk.
 *
 * A window stays until the next coarser level that it fills has its time, for two of those
 * windows at most: whoever is killed before the hour is over leaves what the hour is made of.
 *
 * Events, and the last status of each check, stay as long as the longest level, and take a
 * sixteenth of the file at most; of checks there are no more than memory has.
 *
 * Windows of a step that is not kept any more (another interval, other rollups) stay as long as
 * those of the next finer level that is.
 *
 * Time is an argument. On the thread of the store. */
#ifndef FLUSH_HISTORY_RETENTION_H
#define FLUSH_HISTORY_RETENTION_H

#include "config/string_list.h"
#include "flush/history/store.h"

enum { RETENTION_LEVELS_MAX = 16 };

struct retention {
    struct {
        int64_t step_s, keep_s;
    } levels[RETENTION_LEVELS_MAX]; /* ascending by step */
    size_t n;
};

/* Reads the setting. False with a sentence that names the entry. */
MUST_CHECK bool retention_read(struct retention *out, const struct string_list *list,
                               int64_t interval_s, char *problem, size_t problem_size);

/* The level of which the windows of that one can be made: the next finer one that fills them;
 * 0: there is none. */
int64_t retention_finer(const struct retention *retention, size_t level);

/* Whether a level of that step is written at all. */
bool retention_keeps(const struct retention *retention, int64_t step_s);

struct retention_bounds {
    const struct retention *retention;
    uint64_t max_bytes;
};

/* What was dropped, by cause; the caller's, and only added to. */
struct retention_losses {
    struct store_dropped expired, crowded_out;
    uint64_t records; /* events and statuses of checks */
};

/* A bounded piece of all that, in transactions of its own; *more: there is more to do. A
 * result. */
MUST_CHECK int retention_step(struct store *store, const struct retention_bounds *bounds,
                              int64_t now_s, struct retention_losses *losses, bool *more);

#endif
