/* flush/snapshots/state_cells.h: the value of one series, of any kind, in a state. */
#ifndef FLUSH_SNAPSHOTS_STATE_CELLS_H
#define FLUSH_SNAPSHOTS_STATE_CELLS_H

#include "flush/memory/state.h"
#include "flush/snapshots/snapshot.h"

/* Sketches may be compacted in the arena; false when that is exhausted. */
bool state_put_cell(struct state_writer *out, const struct snapshot_cell *cell, uint8_t kind,
                    struct arena *arena);

/* False: damaged, or the arena is exhausted; *cell is then not to be used. */
bool state_get_cell(struct state_reader *in, struct snapshot_cell *cell, uint8_t kind,
                    struct arena *arena);

#endif
