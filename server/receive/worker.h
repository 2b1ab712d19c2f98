/* server/receive/worker.h: a thread that reads sockets into its own table.
 *
 * One event loop over its sources (source.h). Between batches the interval's end is checked, so
 * a flat-out sender delays neither seal nor stop. Nothing on this path is shared with another
 * thread but the inbox, once an interval, and counters that only this thread writes. */
#ifndef SERVER_RECEIVE_WORKER_H
#define SERVER_RECEIVE_WORKER_H

#include "config/settings.h"
#include "flush/parcels/bucket.h"
#include "server/receive/listener.h"
#include "server/receive/stream.h"

struct worker;
struct rules;
struct sender_box;
struct sighting_box;
struct senders;
struct taps;
struct recents;

/* What a worker leaves at its end: when it stopped reading (monotonic), and the connections
 * that it hands over. */
struct worker_leftover {
    int64_t stopped_ns;
    struct stream_inherited *connections;
};

struct worker_config {
    uint32_t index;
    const struct settings *settings;
    struct listeners *listeners; /* this worker reads sockets[index] of each */
    int forward_fd;              /* raw datagrams are sent on here; -1: nowhere */
    struct inbox *inbox;
    struct worker_account *account;
    struct arena_budget *budget;
    struct worker_ledger *ledger;
    const struct senders *senders;        /* whether somebody wants to know them; or NULL */
    struct sender_box *sender_box;        /* where their counts go; NULL with the former */
    struct sighting_box *sighting_box;    /* the same of the addresses of hosts */
    struct taps *taps;                    /* its own is taps->at[index]; or NULL */
    struct recents *recents;              /* the same */
    struct stream_inherited *connections; /* inherited; given, also on failure; or NULL */
    struct worker_leftover
        *leftover;    /* filled at its end, the caller's after the join; or NULL */
    int64_t pause_ns; /* monotonic: since then nobody reads; 0: nobody did */
};

/* Starts the thread. NULL with a sentence. */
struct worker *worker_start(const struct worker_config *config, char *problem,
                            size_t problem_size);

/* The worker follows these rules from the end of the open interval on. Any thread. */
void worker_follow(struct worker *worker, struct rules *given);

/* The open interval ends when that second of the wall clock begins, unless it ends by itself
 * before that. What comes after it, up to the interval's regular end, is a bucket of its own
 * that starts with that second. Any thread. */
void worker_seal_at(struct worker *worker, int64_t second);

/* What becomes of the sockets at the worker's end. */
enum worker_end {
    WORKER_DRAINS,    /* they are gated: what they still hold is read */
    WORKER_LEAVES,    /* they live on elsewhere: what is queued stays, and the interval is not
                       * over; connections are read to their end and closed */
    WORKER_HANDS_OVER /* the same, and connections are handed over too */
};

/* Tells the thread to push all it has and to end. A flusher that is behind until then
 * (monotonic) loses the last interval. */
void worker_end(struct worker *worker, enum worker_end end, int64_t push_until_ns);

/* Waits for its end and frees it. */
void worker_join(struct worker *given);

#endif
