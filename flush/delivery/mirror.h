/* flush/delivery/mirror.h: the rollups' windows, copied to Redis as they change.
 *
 *   rollup_add -> [unwritten, a bit a level] -> HSET, EXPIRE -> payloads -> outbox
 *                                            -> XADD, ZADD: one payload behind them
 *
 * docs/redis.md is the contract with those who read it. What is written is always
 * the whole value of a series in a window so far, in a field that only this
 * incarnation writes, so writing it twice changes nothing.
 *
 * After each snapshot the windows of the two finest levels are written for every
 * series that has something new; a coarser level when the one below it is about to
 * turn, and everything before the window it is in is closed. A payload without points
 * is a barrier: it tells what the payloads ahead of it did (flush/delivery/mirror_sink.h).
 *
 * On the flusher's thread, in slices; time is an argument. The texts of the config,
 * rollup, outbox and ledger must outlive it. */
#ifndef FLUSH_DELIVERY_MIRROR_H
#define FLUSH_DELIVERY_MIRROR_H

#include "flush/payloads/outbox.h"
#include "flush/rollups/rollup.h"

enum { MIRROR_ID_SIZE = 13 }; /* 12 hex digits and the NUL */

/* Makes a new id, as each start needs one. False: the system gives no random numbers. */
bool mirror_make_id(char out[MIRROR_ID_SIZE]);

/* Seconds between heartbeats at least, and how long one is good for. */
enum { MIRROR_BEAT_S = 10, MIRROR_LIVE_S = 30 };
static inline int64_t mirror_live_s(int64_t interval_s)
{
    return interval_s > MIRROR_BEAT_S ? 3 * interval_s : MIRROR_LIVE_S;
}

struct mirror_config {
    const char *prefix; /* of all keys */
    const char *id;     /* of this incarnation */
    const char *hostname;
    int64_t started_s;
    int64_t ttl_s;      /* of coarse windows */
    int64_t lookback_s; /* of single intervals */
};

struct mirror;

/* The rollup is watched from now on. NULL without memory. */
struct mirror *mirror_new(const struct mirror_config *config, struct rollup *rollup,
                          struct outbox *outbox, struct flusher_ledger *ledger);
void mirror_free(struct mirror *given);

/* The observer to stand behind that rollup in the flusher's list: it writes what rollup_open()
 * is about to close and, when the snapshot was added to the rollups, what is new in them. At
 * the end it writes all that is left, and that this instance has ended. The mirror is given
 * with it. */
struct observer mirror_observer(struct mirror *given);

#endif
