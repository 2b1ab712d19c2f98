/* flush/delivery/mirror.h: the rollups' windows, copied to Redis as they change.
 *
 *   rollup_add -> [unwritten, a bit a level] -> HSET, EXPIRE -> payloads -> outbox
 *                                            -> XADD, ZADD: one payload behind them
 *
 * flush/REDIS.md is the contract with those who read it. What is written is always
 * the whole value of a series in a window so far, in a field that only this
 * incarnation writes: writing it twice changes nothing.
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

/* Another one for each start. False: the system gives no random numbers. */
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

/* The rollup is a watched one. NULL without memory. */
struct mirror *mirror_new(const struct mirror_config *config, struct rollup *rollup,
                          struct outbox *outbox, struct flusher_ledger *ledger);
void mirror_free(struct mirror *given);

/* The rollups have been given a snapshot. */
void mirror_snapshot(struct mirror *mirror, int64_t stamp_s);

/* Before rollup_open() of that stamp: writes what it would close, a slice at a call;
 * true when nothing is left. */
bool mirror_turn(struct mirror *mirror, int64_t stamp_s, int64_t now_s);

/* A slice of what is to be written; true when there is more. */
bool mirror_step(struct mirror *mirror, int64_t now_s);

/* Everything, without slices, and that this instance lives no more. */
void mirror_finish(struct mirror *mirror, int64_t now_s);

#endif
