/* flush/redis/redis_link.h: one connection to one Redis, pipelined, never waiting.
 *
 *   open -> look-up -> connect -> TLS -> AUTH, SELECT, PING -> up() -> ... -> down()
 *
 * Commands are answered in the order sent, each by one reply() or, when the
 * connection is lost, one failed() before the down(). A link lives once: after
 * down() it is dead, and is closed by its owner, who opens another. down() comes
 * for whatever goes wrong, with one sentence for the log that never holds the
 * password. Callbacks come from the event loop only, never from within a call
 * made here, and a callback may close the link.
 *
 * Bounds: what is sent and unanswered takes at most max_pending bytes, one reply
 * at most max_reply of the wire and about thrice that in memory. The time-outs
 * cover a server that is silent at any point.
 *
 * The fence: when a server stalls and the connection is given up, the server may
 * still hold commands of it, and could carry them out after those of the next
 * connection. So each connection asks who it is (CLIENT INFO), and the next one
 * to the same server begins by having the old one killed (CLIENT KILL with its
 * id and address). Servers before Redis 6.2 and users who may not do so are
 * served without. */
#ifndef FLUSH_REDIS_REDIS_LINK_H
#define FLUSH_REDIS_REDIS_LINK_H

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flush/redis/redis_tls.h"
#include "flush/redis/redis_url.h"

/* Why a link or a client went down, one counter each. */
#define REDIS_FAILURES(X)                                                               \
    X(REDIS_FAILED_DNS, "dns")         /* no address for the name */                    \
    X(REDIS_FAILED_CONNECT, "connect") /* refused, unreachable */                       \
    X(REDIS_FAILED_TLS, "tls")                                                          \
    X(REDIS_FAILED_AUTH, "auth")         /* user or password, or none given */          \
    X(REDIS_FAILED_DATABASE, "database") /* no such number */                           \
    X(REDIS_FAILED_LOADING, "loading")   /* it reads its data set */                    \
    X(REDIS_FAILED_READONLY, "readonly") /* it is a replica */                          \
    X(REDIS_FAILED_TIMEOUT, "timeout")                                                  \
    X(REDIS_FAILED_CLOSED, "closed")       /* by the other side */                      \
    X(REDIS_FAILED_PROTOCOL, "protocol")   /* no Redis, or one that refuses to start */ \
    X(REDIS_FAILED_TOO_LARGE, "too_large") /* a reply beyond max_reply */               \
    X(REDIS_FAILED_CLUSTER, "cluster")     /* slots moved, not served, or unknown */    \
    X(REDIS_FAILED_MEMORY, "memory")

#define REDIS_FAILURE_ENUM(id, word) id,
enum redis_failure { REDIS_FAILURES(REDIS_FAILURE_ENUM) REDIS_FAILURE_COUNT };
#undef REDIS_FAILURE_ENUM

const char *redis_failure_name(enum redis_failure failure); /* static */

/* The connection that must be dead before this one sends; all zero: none. */
struct redis_fence {
    uint64_t client_id;
    char address[64];
};

/* Texts and the TLS are views for the life of the link. */
struct redis_link_config {
    const struct redis_url *url; /* host, port or path, user, password, database, tls */
    struct redis_tls *tls;       /* when url->tls */
    int64_t connect_ms;          /* all that comes before up() */
    int64_t reply_ms;            /* for the oldest unanswered command */
    int64_t idle_ms;             /* of silence, then a PING */
    size_t max_pending;
    size_t max_reply;
    bool keep_commands; /* sent commands are kept until they are answered */
    struct redis_fence fence;
};

struct redis_sent {
    uint64_t tag;
    size_t len;
    char *bytes; /* NULL unless they are kept */
};

/* sent and reply are views for the time of the call. */
struct redis_link_events {
    void (*up)(void *argument);
    void (*reply)(void *argument, const struct redis_sent *sent, const redisReply *reply);
    void (*failed)(void *argument, const struct redis_sent *sent);
    void (*down)(void *argument, enum redis_failure failure, const char *sentence);
};

struct redis_link;

/* NULL: no memory. */
struct redis_link *redis_link_open(struct event_base *base,
                                   const struct redis_link_config *config,
                                   const struct redis_link_events *events, void *argument);

/* No callback follows, not even for commands that are unanswered. */
void redis_link_close(struct redis_link *given);

/* One whole command, copied. False: not up, or it would exceed max_pending (one
 * command alone may). */
bool redis_link_send(struct redis_link *link, const void *command, size_t len, uint64_t tag);

bool redis_link_is_up(const struct redis_link *link);

/* For the next link to the same server. */
struct redis_fence redis_link_fence(const struct redis_link *link);

#endif
