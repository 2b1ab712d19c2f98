/* flush/redis/lookup.h: a host name to addresses, without waiting.
 *
 * The system's hosts file first, then the name servers of resolv.conf; both are
 * read anew each time, small as they are, so that a change needs no restart. A
 * numeric address is its own answer. A lookup ends in its one callback, from the
 * loop, or in lookup_cancel; it has no time-out of its own. */
#ifndef FLUSH_REDIS_LOOKUP_H
#define FLUSH_REDIS_LOOKUP_H

#include <event2/event.h>
#include <stddef.h>
#include <sys/socket.h>

enum { LOOKUP_MAX_ADDRESSES = 8 };

struct lookup_address {
    struct sockaddr_storage at;
    socklen_t len;
};

/* A view. problem: NULL, or a static text why there is no address. */
struct lookup_answer {
    struct lookup_address addresses[LOOKUP_MAX_ADDRESSES];
    size_t n;
    const char *problem;
};

typedef void lookup_done(void *argument, const struct lookup_answer *answer);

struct lookup;

/* The system's files are named here for tests; NULL: /etc/resolv.conf, /etc/hosts. */
struct lookup_files {
    const char *resolv_conf, *hosts;
};

/* NULL: no memory. The look-up is freed before its callback begins. */
struct lookup *lookup_start(struct event_base *base, const struct lookup_files *files,
                            const char *host, int port, lookup_done *done, void *argument);

/* Frees it. No callback follows. */
void lookup_cancel(struct lookup *given);

#endif
