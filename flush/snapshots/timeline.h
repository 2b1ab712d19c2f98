/* flush/snapshots/timeline.h: which intervals are over, and which second a snapshot carries.
 *
 * A snapshot carries the start of its interval, or the second in which the process started if
 * that is later. No second is used twice: after a step back of the clock, or for a bucket that
 * came late, the next free second is taken. Only a step of more than ten minutes back starts a
 * new timeline, on seconds that the old one left free, because the intake refuses stamps that
 * lie further ahead.
 *
 * Pure: a plain struct of the flusher's, without pointers; time is an argument. It travels to
 * the successor, which goes on where it ends. */
#ifndef FLUSH_SNAPSHOTS_TIMELINE_H
#define FLUSH_SNAPSHOTS_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "flush/memory/state.h"

/* Stamps that are remembered, so that a clock that was set back uses none again: at
 * the shortest interval an hour. */
enum { TIMELINE_STAMPS_KEPT = 4096 };

struct timeline {
    int64_t interval_s;
    int64_t
        first_s; /* no stamp is before it: when the first process of the succession started */
    bool any_sealed;      /* else the next two mean nothing */
    int64_t last_start_s; /* of the newest interval sealed */
    int64_t last_stamp_s;
    int64_t stamps[TIMELINE_STAMPS_KEPT]; /* those used last, in a ring */
    uint64_t n_stamps;                    /* used in all */
};

/* Nothing is sealed yet. */
void timeline_init(struct timeline *timeline, int64_t interval_s, int64_t first_s);

/* Whether the interval that starts there takes no more values: it, or one after it, is
 * sealed. One that lies so far back that a new timeline begins is not over. */
bool timeline_is_over(const struct timeline *timeline, int64_t start_s);

/* The interval that starts there is sealed now. Returns the stamp for it, which is used from
 * now on. */
int64_t timeline_seal(struct timeline *timeline, int64_t start_s);

/* ---- a successor takes over -------------------------------------------- */

void timeline_write(const struct timeline *timeline, struct state_writer *out);

/* Reads a timeline into one that has sealed nothing; the length of its own intervals stays.
 * Returns the length of the intervals of the inherited one. What is damaged shows in
 * in->failed. */
int64_t timeline_read(struct timeline *timeline, struct state_reader *in);

#endif
