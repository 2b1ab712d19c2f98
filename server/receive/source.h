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

#include "server/receive/source_config.h"
#include "server/receive/stream.h"

struct source;

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
