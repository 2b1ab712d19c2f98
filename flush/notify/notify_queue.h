/* flush/notify/notify_queue.h: what waits to be told, by receiver, and whose turn it is.
 *
 *   add ──► waiting ──► turn ── taken ────► sent, or digested
 *              ▲          ├──── refused ──► refused
 *              └─ failed ─┘   1 s, 2 s, 4 s ... 5 min later
 *
 * Of each receiver one turn is under way at a time, and in the order of what was added. Who
 * had per_hour within an hour gets nothing until the first of these is an hour ago, and then
 * all that came meanwhile as one digest; no more than one an hour.
 *
 * Bounded in bytes: beyond that the oldest lose their pictures, and then the oldest go. Pure:
 * no thread and no clock; now_ms is of a clock that never goes back. */
#ifndef FLUSH_NOTIFY_NOTIFY_QUEUE_H
#define FLUSH_NOTIFY_NOTIFY_QUEUE_H

#include "flush/notify/hourly.h"
#include "flush/notify/notification.h"

enum { NOTIFY_BACKOFF_MS = 1000, NOTIFY_BACKOFF_MAX_MS = 300000 };

struct notify_queue;

struct notify_queue_config {
    size_t bytes_max;
    uint32_t per_hour;
    /* Told of each attempt that failed, and of each end. */
    void (*tell)(void *self, struct notify_result *given);
    void *self;
};

/* One that is to be sent now, a view until its end. */
struct notify_turn {
    struct receiver_queue *queue;            /* whose it is */
    const struct notification *notification; /* the one, or a digest */
    size_t n;                                /* that it stands for; 1: it is no digest */
};

enum notify_outcome { NOTIFY_TAKEN, NOTIFY_FAILED, NOTIFY_REFUSED };

/* NULL without memory. */
struct notify_queue *notify_queue_new(const struct notify_queue_config *config);

/* Without a word about what still waits. */
void notify_queue_free(struct notify_queue *given);

void notify_queue_set_per_hour(struct notify_queue *queue, uint32_t per_hour);

/* What that receiver got from a process before this one, by the clock of the wall; digest_s:
 * when a digest, 0: never. False without memory. */
MUST_CHECK bool notify_queue_recall(struct notify_queue *queue, struct slice receiver,
                                    const struct hourly *sent, int64_t digest_s, int64_t now_ms,
                                    int64_t now_s);

/* False: there was no memory, and it is freed. */
MUST_CHECK bool notify_queue_add(struct notify_queue *queue, struct notification *given);

/* now_s: of the wall, for a digest. False: nobody has a turn. */
bool notify_queue_next(struct notify_queue *queue, int64_t now_ms, int64_t now_s,
                       struct notify_turn *out);

/* A turn is over. retry_after_ms: how long to wait at least, if it failed. */
void notify_queue_end(struct notify_queue *queue, const struct notify_turn *turn,
                      enum notify_outcome outcome, int64_t now_ms, int64_t retry_after_ms,
                      const char *answer);

/* How long until somebody may have a turn; -1: until something is added or ends. */
int64_t notify_queue_wait_ms(struct notify_queue *queue, int64_t now_ms);

/* Tells of all that waits as NOTIFICATION_WAITING, and gives it back. No turn is under way. */
void notify_queue_give_back(struct notify_queue *queue);

size_t notify_queue_count(const struct notify_queue *queue);
size_t notify_queue_bytes(const struct notify_queue *queue);

#endif
