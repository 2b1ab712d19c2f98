/* server/receive/source_config.h: what a source is made of, which what it calls sees too
 * (server/receive/source.h).
 *
 * All of it is the worker's, and lives longer than the source. */
#ifndef SERVER_RECEIVE_SOURCE_CONFIG_H
#define SERVER_RECEIVE_SOURCE_CONFIG_H

#include <event2/event.h>

#include "server/receive/batch.h"
#include "server/receive/ingest.h"
#include "server/receive/listener.h"
#include "server/receive/sender.h"
#include "server/receive/sender_tally.h"
#include "server/receive/sighting.h"
#include "server/receive/tap.h"

struct recents;

struct source_config {
    struct event_base *base;
    struct listener *listener;
    uint32_t worker;
    const struct settings *settings;
    struct batch *batch; /* of the worker, for all of its sources */
    struct ingest *ingest;
    struct worker_ledger *ledger;
    const struct senders *senders; /* whether somebody wants to know them; NULL: nobody */
    struct sender_tally *tally;    /* of the worker: their counts; NULL with the former */
    struct sighter *sighter;       /* the same: the addresses of hosts */
    struct taps *taps;             /* of all workers; NULL: nobody looks on */
    struct recents *recents;       /* the same; NULL: nothing is kept */
    int forward_fd;                /* raw datagrams are sent on here; -1: nowhere */

    /* Called before what was received at that time is ingested: an interval may end. */
    void (*before)(void *argument, int64_t now_ns);
    void (*after)(void *argument); /* a turn is over: records may wait */
    void *argument;
};

#endif
