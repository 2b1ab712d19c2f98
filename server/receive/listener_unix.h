/* server/receive/listener_unix.h: listeners on unix datagram and unix stream sockets.
 *
 * One socket that all workers read: the kernel keeps a single queue per path. It
 * holds few datagrams (net.unix.max_dgram_qlen, 10 by default) and drops nothing;
 * a sender that finds it full waits or is told EAGAIN. */
#ifndef SERVER_RECEIVE_LISTENER_UNIX_H
#define SERVER_RECEIVE_LISTENER_UNIX_H

#include "server/receive/listener.h"

enum { UNIX_LISTENERS_MAX = 2 };

/* Adds the unix listeners that the settings ask for; `listeners` has room for
 * UNIX_LISTENERS_MAX more. A path that nobody configured is only tried: when it
 * fails, that is a warning. False with a sentence. */
bool unix_listeners_open(struct listeners *listeners, const struct settings *settings,
                         uint32_t workers, char *problem, size_t problem_size);

#endif
