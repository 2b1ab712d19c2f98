/* flush/snapshots/recent.h: the last events, and the last status of each service check.
 *
 * For those who look whether theirs arrived. An observer that keeps copies: at most 100 events,
 * and at most 1,000 checks, told apart by name, host and tags; no more than 256 KiB of each.
 * The oldest give way. A text longer than 4 KiB is cut, and a record that is still too large is
 * left out. Nothing is carried over to a successor.
 *
 * Memory is taken when they come. Owned by the flusher, one thread. */
#ifndef FLUSH_SNAPSHOTS_RECENT_H
#define FLUSH_SNAPSHOTS_RECENT_H

#include "flush/memory/json_out.h"
#include "flush/parcels/ledger.h"
#include "flush/snapshots/observer.h"

enum {
    RECENT_EVENTS_MAX = 100,
    RECENT_CHECKS_MAX = 1000,
    RECENT_BYTES_MAX = 256 << 10, /* of either */
    RECENT_TEXT_MAX = 4096,
};

struct recent;

/* NULL without memory. The ledger outlives it, and is told of its bytes. */
struct recent *recent_new(struct flusher_ledger *ledger);

/* It is given with the observer. */
struct observer recent_observer(struct recent *given);

/* {"events": newest first, "checks": the one that came last first} */
void recent_write(const struct recent *recent, struct json_out *out);

#endif
