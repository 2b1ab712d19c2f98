/* server/worker.h: a thread that reads sockets into its own table.
 *
 * One event loop. When a socket is readable, a bounded number of batches is
 * received and ingested; between batches the interval's end is checked, so a
 * flat-out sender delays neither seal nor stop. After a turn that emptied a UDP
 * socket it naps for some milliseconds (heeler_nap), unless the recent rate would
 * fill the receive buffer meanwhile: being woken costs more than reading. Nothing on this path
 * is shared with another thread but the inbox, once an interval, and counters that only this
 * thread writes. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "config/settings.h"
#include "flush/bucket.h"
#include "server/listener.h"

struct worker;
struct rules;

struct worker_config {
    uint32_t index;
    const struct settings *settings;
    struct listeners *listeners; /* this worker reads sockets[index] of each */
    int forward_fd;              /* raw datagrams are sent on here; -1: nowhere */
    struct counter *forwarded;   /* datagrams; written by this worker */
    struct inbox *inbox;
    struct worker_account *account;
    struct arena_budget *budget;
    struct worker_ledger *ledger;
};

/* Starts the thread. NULL with a sentence. */
struct worker *worker_start(const struct worker_config *config, char *problem,
                            size_t problem_size);

/* To be followed from the end of the open interval on; any thread. */
void worker_follow(struct worker *worker, struct rules *given);

/* The open interval ends when that second of the wall clock begins, unless it ends before
 * by itself; what then comes up to its own end is a bucket of that second. Any thread. */
void worker_seal_at(struct worker *worker, int64_t second);

/* Tells the thread to read what its (gated) sockets still hold, to push all it
 * has and to end. */
void worker_stop(struct worker *worker);

/* Waits for its end and frees it. */
void worker_join(struct worker *given);

#endif
