/* server/receive/batch.h: many datagrams in one system call.
 *
 *   plain       a buffer holds a datagram
 *   coalesced   a buffer of 64 KiB holds one, or many of one length (gro.h):
 *
 *               | datagram | datagram | datagram | last |      the last may be shorter
 *
 * A batch owns its buffers. What batch_next() shows is a view, good until the
 * next batch_receive(): every line, sample and value of it too. Whoever stands
 * behind a batch sees single datagrams, whatever the buffers hold. */
#ifndef SERVER_RECEIVE_BATCH_H
#define SERVER_RECEIVE_BATCH_H

#include <sys/types.h>

#include "protocol/slice.h"

enum { BATCH_BUFFERS = 64 };

struct batch;

/* longest: of a datagram, in bytes; what is longer is cut. NULL without memory. */
struct batch *batch_new(size_t longest);

/* For sockets that are asked for coalesced buffers, and for all others too. */
struct batch *batch_new_coalesced(size_t longest);
void batch_free(struct batch *given);

/* From now on batch_sender() knows who sent (sockets with SO_PASSCRED). False
 * without memory. */
bool batch_ask_senders(struct batch *batch);

/* How many buffers came; 0: none is waiting; -1: an error, errno says which.
 * Never blocks. */
int batch_receive(struct batch *batch, int fd);

/* The last receive brought as many as it could take, so more may be waiting. */
bool batch_is_full(const struct batch *batch);

/* The next datagram of the last receive; *truncated when it had to be cut. False: there is none
 * any more. */
bool batch_next(struct batch *batch, struct slice *datagram, bool *truncated);

/* The process that sent what batch_next() showed; 0: not asked, or the kernel does not know. */
pid_t batch_sender(const struct batch *batch);

/* Sends all datagrams of the last receive on, each by itself, as far as the socket takes them
 * without blocking; returns how many. */
int batch_forward(const struct batch *batch, int fd);

#endif
