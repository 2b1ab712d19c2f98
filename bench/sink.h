/* bench/sink.h: the bare receiver: recvmmsg of 64 datagrams and discard (a
 * stream: read 256 KiB). No server can be faster, so its figures are the
 * ceiling that the others are measured against, in the same run. */
#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include <stdbool.h>

/* Receives at udp:HOST:PORT, unix:PATH or stream:PATH until SIGTERM or SIGINT,
 * then prints its counts as one line of JSON. */
bool sink_run(const char *at, int receive_buffer_bytes);

#endif
