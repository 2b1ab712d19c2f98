/* server/receive/batch.h: many datagrams in one system call.
 *
 * A batch owns its buffers. What batch_datagram() shows is a view, good until
 * the next batch_receive(): every line, sample and value of it too. Only the
 * slots that the last receive returned are real. */
#ifndef SERVER_RECEIVE_BATCH_H
#define SERVER_RECEIVE_BATCH_H

#include <sys/types.h>

#include "protocol/slice.h"

enum { BATCH_DATAGRAMS = 64 };

struct batch;

/* buffer_size: the longest datagram; what is longer is cut. NULL without memory. */
struct batch *batch_new(size_t buffer_size);
void batch_free(struct batch *given);

/* From now on batch_sender() knows who sent (sockets with SO_PASSCRED). False
 * without memory. */
bool batch_ask_senders(struct batch *batch);

/* How many datagrams came; 0: none is waiting; -1: an error, errno says which.
 * Never blocks. */
int batch_receive(struct batch *batch, int fd);

/* Datagram i of the last receive; *truncated when the kernel had to cut it. */
struct slice batch_datagram(const struct batch *batch, int i, bool *truncated);

/* The process that sent datagram i; 0: not asked, or the kernel does not know. */
pid_t batch_sender(const struct batch *batch, int i);

/* Sends the first n datagrams on as they came, as far as the socket takes them
 * without blocking; returns how many. */
int batch_forward(struct batch *batch, int n, int fd);

#endif
