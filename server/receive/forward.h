/* server/receive/forward.h: the other server that gets a copy of every datagram.
 *
 * The workers send on one descriptor from the start. It leads nowhere until the host is
 * found; then a socket that leads there is put under the same number, so no worker has to
 * know of it. A name that is not found is no reason not to start: it is looked up
 * again, without waiting. Main's thread. */
#ifndef SERVER_RECEIVE_FORWARD_H
#define SERVER_RECEIVE_FORWARD_H

#include <event2/event.h>

#include "config/settings.h"
#include "flush/redis/lookup.h"
#include "server/receive/targets.h"

struct forward;

struct forward_config {
    struct event_base *base;
    const char *host; /* views; numeric, "localhost" or a name */
    int port;
    const struct udp_targets *own;    /* where we receive; copied */
    const struct lookup_files *files; /* NULL: the system's; for tests */
    int64_t retry_ms;                 /* from one look-up to the next; 0: half a minute */
};

/* NULL with a sentence. */
struct forward *forward_start(const struct forward_config *config, char *problem,
                              size_t problem_size);
void forward_free(struct forward *given);

/* The descriptor, for as long as it lives. */
int forward_fd(const struct forward *forward);

/* False with a sentence: the address leads back to us, as far as can be told without a
 * look-up. */
bool forward_is_fit(const char *host, int port, const struct udp_targets *own, char *problem,
                    size_t problem_size);

#endif
