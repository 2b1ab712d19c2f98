/* flush/snapshots/state_series.h: the catalogue and the open snapshots, in a state.
 *
 * A series is written once, with its strings (each string once), when it was last
 * seen and its last value as a gauge; a snapshot names series by their place in that
 * list. What is read back goes into a catalogue where other series may be already,
 * under other numbers. */
#ifndef FLUSH_SNAPSHOTS_STATE_SERIES_H
#define FLUSH_SNAPSHOTS_STATE_SERIES_H

#include "config/must_check.h"
#include "flush/memory/state.h"
#include "flush/snapshots/snapshot.h"

/* False without memory. */
MUST_CHECK bool state_put_series(struct state_writer *out, struct catalogue *catalogue);

/* False without memory for a sketch. */
MUST_CHECK bool state_put_snapshot(struct state_writer *out, struct snapshot *snapshot,
                                   struct catalogue *catalogue);

/* The numbers of the series read, by their place in the list; owned. */
struct state_numbers {
    uint32_t *at; /* UINT32_MAX: none, or the catalogue had no room */
    uint8_t *kinds;
    size_t n;
    size_t refused; /* for want of room */
};

/* False: damaged, or no memory; *numbers is to be freed all the same. Two series that
 * differed in bytes that are no UTF-8 alone become one, with the cell of the later. */
MUST_CHECK bool state_get_series(struct state_reader *in, struct enricher *enricher,
                                 struct catalogue *catalogue, struct state_numbers *numbers);
void state_numbers_free(struct state_numbers *given);

/* Into a new snapshot, whose start and values are set. False: damaged, or no memory. */
MUST_CHECK bool state_get_snapshot(struct state_reader *in, struct snapshot *snapshot,
                                   const struct state_numbers *numbers);

#endif
