/* server/receive/source.h: one listener, as one worker reads it into its table.
 *
 * When the socket is readable, a bounded number of batches is received and ingested. After a
 * turn that emptied a UDP socket it naps for 50 us to 10 ms (heeler_nap) where two datagrams
 * or more are to be expected meanwhile, and not so many that they crowd the receive buffer:
 * being woken costs more than reading. Of a stream the connections are read (stream.h).
 *
 * A worker's; all on its thread, but for source_new() and source_free(). */
#ifndef SERVER_RECEIVE_SOURCE_H
#define SERVER_RECEIVE_SOURCE_H

#include <event2/event.h>

#include "server/receive/batch.h"
#include "server/receive/ingest.h"
#include "server/receive/listener.h"
#include "server/receive/sender.h"
#include "server/receive/sender_tally.h"
#include "server/receive/stream.h"
#include "server/receive/tap.h"

struct source;

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
    struct taps *taps;             /* of all workers; NULL: nobody looks on */
    int forward_fd;                /* raw datagrams are sent on here; -1: nowhere */

    /* Called before what was received at that time is ingested: an interval may end. */
    void (*before)(void *argument, int64_t now_ns);
    void (*after)(void *argument); /* a turn is over: records may wait */
    void *argument;
};

/* Watches the socket from now on. NULL: no memory or descriptors. */
struct source *source_new(const struct source_config *config);
void source_free(struct source *given);

/* Reads once, before the loop begins. The first worker also reads, and closes, the inherited
 * sockets of more workers than there are: no datagram comes to them any more. */
void source_begin(struct source *source);

/* Takes an inherited connection. False: it is another listener's, and still the caller's. */
bool source_take_over(struct source *source, struct stream_inherited *given);

/* listener_note_drops() for the socket. */
void source_note_drops(struct source *source);

/* drains: the listener is gated, and what it still holds is read, unless somebody else has the
 * sockets too. Otherwise what is queued stays, and connections are put before *list or, if that
 * is NULL, read to their end and closed. */
void source_end(struct source *source, bool drains, struct stream_inherited **list);

#endif
