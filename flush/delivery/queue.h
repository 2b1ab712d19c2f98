/* flush/delivery/queue.h: what one endpoint still has to deliver.
 *
 *   accept -> [memory] --spill--> [disk]          the newest of both goes first,
 *                 `------> take <----´            the oldest is shed first
 *                           |    ^
 *            settle, split <´----´ put_back
 *
 * With a spool, what was accepted is delivered or on disk after QUEUE_DURABLE_MS,
 * in flight or waiting, and at once while the endpoint is blocked or a request has
 * gone that long without an answer: a kill loses nothing that is older. An errand that has a
 * file keeps it until its end, in flight too; its bytes in memory are given up as soon as it
 * waits again. The queue keeps the ledger: every errand is on the account queued while it has
 * no file, on spooled while it has one, until it is settled.
 *
 * The disk may fail: then there is one warning, and memory goes on alone until
 * it works again. A file that cannot be read now is set aside, where it is in nobody's
 * way, and tried again until it is read or found damaged. One thread. */
#ifndef FLUSH_DELIVERY_QUEUE_H
#define FLUSH_DELIVERY_QUEUE_H

#include "config/log.h"
#include "config/must_check.h"
#include "flush/delivery/backlog.h"
#include "flush/delivery/delivery_ledger.h"
#include "flush/delivery/spool.h"
#include "flush/memory/state.h"
#include "flush/payloads/outbox.h"

/* Called after every step, the ledger balanced. */
typedef void queue_observe(void *argument, const struct delivery_ledger *ledger);

/* Longer than a healthy intake takes to answer, so that little is written for nothing. */
enum { QUEUE_DURABLE_MS = 2000 };

struct queue_config {
    const char *name;    /* of the endpoint, for the log */
    size_t memory_bytes; /* of payloads, waiting and in flight */
    char *folder;        /* of the spool, given; NULL: none */
    struct spool_limits spool_limits;
    struct syncer *syncer; /* NULL: none */
    int64_t outdated_s;    /* a file this old is given up; 0: never */
    queue_observe *observe;
    void *observe_argument;
};

struct queue {
    struct queue_config config;
    struct outbox *outbox;
    struct delivery_ledger *ledger;
    struct backlog memory, disk; /* waiting */
    struct backlog
        unread; /* files that could not be read; those of size 0 are not on an account yet */
    struct backlog out;    /* in flight; whoever took them owns them */
    size_t waiting_bytes;  /* of memory */
    uint64_t oldest_order; /* the order of the oldest that was found on disk */
    struct spool spool;
    bool spool_open;        /* the folder is ours */
    bool recovered;         /* the files that were in it are known */
    bool spool_failing;     /* said so */
    int64_t spool_retry_ms; /* monotonic: not before */
    int64_t read_again_ms, unread_again_ms;
    bool shedding; /* said so */
    struct log_limit give_up_limit, unread_limit;
};

/* Opens the spool too, if it can, and takes over what it finds. */
void queue_open(struct queue *queue, const struct queue_config *config, struct outbox *outbox,
                struct delivery_ledger *ledger, int64_t now_ms, int64_t now_s);

/* Frees what waits in memory. Files stay. */
void queue_close(struct queue *given);

size_t queue_waiting(const struct queue *queue);

/* The payload is a view; the errand holds it from now on. */
void queue_accept(struct queue *queue, struct payload *payload, uint64_t order, int64_t now_ms);

/* The newest errand with its payload in memory, owned until it is put back or
 * settled. NULL: none waits, or none can be read now. in_flight: how many are out. */
struct errand *queue_take(struct queue *queue, int in_flight, int64_t now_ms);

void queue_put_back(struct queue *queue, struct errand *given);

/* Ends an errand: its points go to that account, and its file is removed. */
void queue_settle(struct queue *queue, struct errand *given, struct delivery_count *account);

/* Two errands for one; the halves are given. False: no memory, nothing changed,
 * the halves are freed. */
MUST_CHECK bool queue_split(struct queue *queue, struct errand *given,
                            struct payload *halves[2]);

/* Writes to disk what is due (see above) or goes over half of the memory, a little
 * at a time, and sheds what goes over the bounds. Returns in how many milliseconds
 * there is more to write, 0: at once; -1: nothing is to come. */
int64_t queue_trim(struct queue *queue, bool blocked, int64_t now_ms, int64_t now_s);

/* At a stop: all goes to disk, or is counted as shed. What waits is freed; what is in flight is
 * not, because libcurl still looks at its payload. */
void queue_keep_rest(struct queue *queue);

/* Writes what has no file, for a successor: first what is in flight, then what waits, each
 * oldest first, and the end. */
void queue_hand_over(const struct queue *queue, struct state_writer *out);

/* It is sure that the successor gets that: closes the accounts and frees it here. What is in
 * flight keeps its payload, because libcurl still looks at it. */
void queue_handed_over(struct queue *queue);

/* An inherited payload, a view that is held from now on. False: no memory. */
MUST_CHECK bool queue_take_over(struct queue *queue, struct payload *payload, uint64_t order);

#ifdef HEELER_CHECKS
/* Each errand is where its payload is: with it and without a file in memory, the other way
 * round on disk. The bytes that wait are theirs, and the spool has those of the files.
 * Looks at the newest few of each. */
bool queue_sane(const struct queue *queue);
#endif

/* Frees an errand whose account is closed. */
void queue_free_errand(struct queue *queue, struct errand *given);

#endif
