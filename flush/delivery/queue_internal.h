/* flush/delivery/queue_internal.h: what the files of a queue share.
 *
 *   queue.c         errands: who waits, who is next, what is due, what is shed
 *   queue_spool.c   their files: found, written, read, and those that cannot be read now */
#ifndef FLUSH_DELIVERY_QUEUE_INTERNAL_H
#define FLUSH_DELIVERY_QUEUE_INTERNAL_H

#include "flush/delivery/queue.h"

/* ---- queue.c ----------------------------------------------------------- */

/* After each step: the ledger balances, and whoever observes it is told. */
void queue_moved(struct queue *queue);

/* The errand has the payload in memory from now on. */
void queue_hold(struct queue *queue, struct errand *errand, struct payload *payload);

/* More is in memory than may be. */
static inline bool queue_is_over(const struct queue *queue)
{
    return atomic_load_explicit(&queue->ledger->queued_bytes, memory_order_relaxed) >
           queue->config.memory_bytes;
}

static inline bool queue_wants_spool(const struct queue *queue)
{
    return queue->config.folder != NULL && queue->config.spool_limits.max_bytes > 0;
}

/* ---- queue_spool.c ----------------------------------------------------- */

/* Whether something may be written now. Opens the spool if it is not open. */
bool queue_spool_usable(struct queue *queue, int64_t now_ms);
bool queue_open_spool(struct queue *queue, int64_t now_ms);

/* Writes the payload of an errand that waits or is in flight to a file. False with errno. last:
 * the process ends. */
bool queue_write_file(struct queue *queue, struct errand *errand, bool last);

/* The same, not at the end, and with a word about a disk that fails or works again. */
bool queue_spill_file(struct queue *queue, struct errand *errand, int64_t now_ms);

void queue_remove_file(struct queue *queue, struct errand *errand);

/* An errand that was taken from the disk, with its payload in memory; NULL: it is the
 * queue's again, as it could not be read now, or it came to its end. */
struct errand *queue_load(struct queue *queue, struct errand *taken, int64_t now_ms);

/* Tries those that could not be read, when it is time. */
void queue_retry_unread(struct queue *queue, int64_t now_ms);

/* In how many milliseconds that is; -1: there are none. */
int64_t queue_next_retry_ms(const struct queue *queue, int64_t now_ms);

#endif
