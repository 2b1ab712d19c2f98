/* server/http/desk_stream.h: an answer without an end, written on the desk's thread.
 *
 *   producer ── desk_stream_send(item) ──► batch ── at the end of a turn ──► main ──► socket
 *                       └ false: no room; the item is lost, and counted
 *
 * What was taken and the reader has not got yet is bounded (1 MiB a stream), so a reader that
 * is slow or stopped loses whole items and nobody waits for it. The producer asks how many
 * were lost and tells the reader in its own words. Server-sent events and lines of JSON are
 * both just bytes here.
 *
 * A stream is its producer's from desk_stream_begin() (server/http/desk.h) until
 * desk_stream_end(), or until gone() was called, as the client went or the server stops. */
#ifndef SERVER_HTTP_DESK_STREAM_H
#define SERVER_HTTP_DESK_STREAM_H

#include <event2/event.h>
#include <stdint.h>

#include "flush/parcels/ledger.h"
#include "server/http/desk_note.h"

enum { DESK_STREAM_UNSENT_MAX = 1 << 20 };

struct desk_stream;

/* ---- for producers, on the desk's thread ------------------------------- */

/* Called once, on the desk's thread; the stream must not be touched afterwards. */
typedef void desk_stream_gone(void *argument);

/* One item, whole or not at all: it is copied. False: there is no room for it. */
bool desk_stream_send(struct desk_stream *stream, const void *at, size_t len);

/* True: the last item had no room and the reader has taken nothing since. One more counts as
 * lost then, and need not be written. */
bool desk_stream_refuses(struct desk_stream *stream);

/* Whether an item of so many bytes would be taken now: for a producer that can wait. */
bool desk_stream_has_room(const struct desk_stream *stream, size_t len);

/* How many items were lost since this was asked before. */
uint64_t desk_stream_take_lost(struct desk_stream *stream);

/* Ends the answer behind what was sent. */
void desk_stream_end(struct desk_stream *given);

/* ---- for the desk ------------------------------------------------------ */

struct desk_streams {
    struct desk_stream *first;
    struct mailbox *to_main;
    struct event *flush;        /* goes off at the end of the turn */
    struct counter *items_lost; /* of all; NULL: nobody counts */
};

struct desk_stream {
    struct desk_streams *all; /* NULL: it is no stream */
    struct desk_stream *before, *after;
    struct desk_note *last; /* the job's */
    struct bytes batch;
    uint64_t lost;
    size_t full_at; /* unsent, when an item had no room; 0: all had */
    desk_stream_gone *gone;
    void *argument;
    _Atomic(bool) is_gone; /* written by main */
    /* The desk adds what it takes, main subtracts what the reader got or never will. A bound,
     * and nothing else is read by it: relaxed. */
    _Atomic(size_t) unsent;
};

/* Begins it: to main goes first, which is given. */
void desk_stream_open(struct desk_stream *stream, struct desk_streams *all,
                      struct desk_note *given_first, struct desk_note *last);

/* Pushes what was batched. */
void desk_streams_flush(struct desk_streams *streams);

/* Ends those whose client has gone; or all of them. Their producers are told. */
void desk_streams_drop(struct desk_streams *streams, bool all);

#endif
