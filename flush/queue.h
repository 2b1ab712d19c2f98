/* flush/queue.h: what one endpoint still has to deliver.
 *
 *   accept -> [memory] --spill--> [disk]          the newest of both goes first,
 *                 `------> take <----´            the oldest is shed first
 *                           |    ^
 *            settle, split <´----´ put_back
 *
 * An errand that has a file keeps it until its end, in flight too, so a kill at
 * any moment loses nothing of it; its bytes in memory are given up as soon as it
 * waits again. The queue keeps the ledger: every errand is on the account queued
 * while it has no file, on spooled while it has one, until it is settled.
 *
 * The disk may fail: then there is one warning, and memory goes on alone until
 * it works again. One thread. */
#ifndef FLUSH_QUEUE_H
#define FLUSH_QUEUE_H

#include "config/log.h"
#include "flush/backlog.h"
#include "flush/delivery_ledger.h"
#include "flush/outbox.h"
#include "flush/spool.h"

/* Called after every step, the ledger balanced. */
typedef void queue_observe(void *context, const struct delivery_ledger *ledger);

struct queue_config {
    const char *name;    /* of the endpoint, for the log */
    size_t memory_bytes; /* of payloads, waiting and in flight */
    char *folder;        /* of the spool, given; NULL: none */
    struct spool_limits spool_limits;
    int64_t outdated_s; /* a file this old is given up; 0: never */
    queue_observe *observe;
    void *observe_context;
};

struct queue {
    struct queue_config config;
    struct outbox *outbox;
    struct delivery_ledger *ledger;
    struct backlog memory, disk; /* waiting */
    size_t waiting_bytes;        /* of memory */
    uint64_t oldest_order;       /* those found on disk go before it */
    struct spool spool;
    bool spool_open;        /* the folder is ours */
    bool recovered;         /* what was in it is in disk */
    bool spool_failing;     /* said so */
    int64_t spool_retry_ms; /* monotonic: not before */
    bool shedding;          /* said so */
    struct log_limit give_up_limit;
};

/* Opens the spool too, if it can, and takes over what it finds. */
void queue_open(struct queue *queue, const struct queue_config *config, struct outbox *outbox,
                struct delivery_ledger *ledger, int64_t now_ms, int64_t now_s);

/* Forgets what waits; files stay. */
void queue_close(struct queue *queue);

size_t queue_waiting(const struct queue *queue);

/* A view: the errand holds it from now on. */
void queue_accept(struct queue *queue, struct payload *payload, uint64_t order);

/* The newest errand with its payload in memory, owned until it is put back or
 * settled. NULL: none waits, or none can be read now. in_flight: how many are out. */
struct errand *queue_take(struct queue *queue, int in_flight);

void queue_put_back(struct queue *queue, struct errand *given);

/* The end of an errand. */
void queue_settle(struct queue *queue, struct errand *given, struct delivery_count *account);

/* Two errands for one; the halves are given. False: no memory, nothing changed,
 * the halves are freed. */
bool queue_split(struct queue *queue, struct errand *given, struct payload *halves[2]);

/* Writes to disk what waits in memory, all of it while the endpoint is blocked,
 * and sheds what goes over the bounds; true: there is more to write, call again. */
bool queue_trim(struct queue *queue, bool blocked, int64_t now_ms, int64_t now_s);

/* At the stop: to disk, or its account is closed as shed; its payload stays. */
void queue_keep(struct queue *queue, struct errand *errand);

/* The same for all that waits, and they are freed. */
void queue_keep_waiting(struct queue *queue);

/* Frees an errand whose account is closed. */
void queue_free_errand(struct queue *queue, struct errand *given);

#endif
