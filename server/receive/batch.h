/* server/receive/batch.h: many datagrams in one system call.
 *
 *   plain       a buffer holds a datagram
 *   coalesced   a buffer of 64 KiB holds one, or many of one length (gro.h):
 *
 *               | datagram | datagram | datagram | last |      the last may be shorter
 *
 * A batch owns its buffers. What batch_next() shows is a view, good until the
 * next batch_receive(): every line, sample and value of it too. Whoever stands
 * behind a batch sees datagrams, whatever the buffers hold. */
#ifndef SERVER_RECEIVE_BATCH_H
#define SERVER_RECEIVE_BATCH_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "protocol/scan.h"

enum { BATCH_BUFFERS = 64 };

struct batch;

/* longest: of a datagram, in bytes; what is longer is cut. NULL without memory. */
struct batch *batch_new(size_t longest);

/* For sockets that are asked for coalesced buffers, and for all others too. */
struct batch *batch_new_coalesced(size_t longest);
void batch_free(struct batch *given);

/* From the next receive on batch_sender() knows the process (sockets with SO_PASSCRED), or no
 * more; batch_address() knows the address, or no more. False without memory: it is not asked.
 */
bool batch_ask(struct batch *batch, bool processes, bool addresses);
bool batch_asks_addresses(const struct batch *batch);

/* How many buffers came; 0: none is waiting; -1: an error, errno says which.
 * Never blocks. */
int batch_receive(struct batch *batch, int fd);

/* The last receive brought as many as it could take, so more may be waiting. */
bool batch_is_full(const struct batch *batch);

/* The next datagram of the last receive; *truncated when it had to be cut. False: there is none
 * any more. */
bool batch_next(struct batch *batch, struct slice *datagram, bool *truncated);

/* The next datagram, or as many of one buffer as ingest_datagrams() takes at once. A cut one is
 * shown alone. */
bool batch_next_many(struct batch *batch, struct datagrams *datagrams, bool *truncated);

/* The first datagram of the last receive is the next one again. */
void batch_rewind(struct batch *batch);

/* The process that sent what batch_next() showed; 0: one of another pid namespace. False, and
 * 0: not asked, or the kernel does not know. */
bool batch_sender(const struct batch *batch, pid_t *pid);

union batch_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Where what batch_next() showed came from, as a view. NULL: not asked, or it has no address of
 * these kinds. */
const union batch_address *batch_address(const struct batch *batch);

/* Sends all datagrams of the last receive on, each by itself, as far as the socket takes them
 * without blocking; returns how many. */
int batch_forward(const struct batch *batch, int fd);

#endif
