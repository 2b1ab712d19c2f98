/* flush/fleet/fleet_seen.h: which fields of one window were read already.
 *
 * HSCAN may give a field twice, so a hash of each that was read is kept. Others choose the
 * names of fields, so the hash has a seed that nobody knows. Many of these share one bound
 * in bytes: "left" says what all of them may still take. { 0 } is empty. */
#ifndef FLUSH_FLEET_FLEET_SEEN_H
#define FLUSH_FLEET_FLEET_SEEN_H

#include <stdint.h>

#include "protocol/slice.h"

struct fleet_seen {
    uint64_t *hashes; /* 0: empty */
    size_t n, capacity;
};

/* False without memory, or when nothing is left; *again: it was there already. */
bool fleet_seen_add(struct fleet_seen *seen, struct slice field, uint64_t seed, size_t *left,
                    bool *again);

/* Empties it, and gives what it took back to what is left. */
void fleet_seen_free(struct fleet_seen *given, size_t *left);

#endif
