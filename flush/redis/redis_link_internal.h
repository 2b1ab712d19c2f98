/* flush/redis/redis_link_internal.h: what the link's files share: its state, and who does
 * what.
 *
 *   redis_link.c           commands, replies, time-outs, the end
 *   redis_link_connect.c   look-up, addresses, TLS
 *   redis_link_hello.c     AUTH, SELECT, the fence, who am I, PING, and their answers
 *
 * A link can be closed by any callback. So whoever is called by the loop begins with
 * redis_link_enter() and ends with redis_link_leave(), which frees it if that happened. */
#ifndef FLUSH_REDIS_REDIS_LINK_INTERNAL_H
#define FLUSH_REDIS_REDIS_LINK_INTERNAL_H

#include <event2/bufferevent.h>

#include "flush/redis/lookup.h"
#include "flush/redis/redis_link.h"

enum { REDIS_LINK_SENTENCE_MAX = 640 };

/* What was sent: a command of the user's, or one of our own. */
enum redis_link_kind {
    REDIS_LINK_COMMAND,
    REDIS_LINK_AUTH,
    REDIS_LINK_SELECT,
    REDIS_LINK_FENCE,
    REDIS_LINK_WHO_AM_I,
    REDIS_LINK_HELLO,
    REDIS_LINK_PING
};

struct redis_link_pending {
    struct redis_sent sent;
    enum redis_link_kind kind;
};

enum redis_link_state { REDIS_LINK_STARTING, REDIS_LINK_UP, REDIS_LINK_DEAD };

struct redis_link {
    struct event_base *base;
    struct redis_link_config config;
    const struct redis_link_events *events;
    void *argument;
    enum redis_link_state state;

    struct lookup *lookup; /* under way */
    struct lookup_answer places;
    size_t next_place;
    struct bufferevent *connection;
    bool reached;   /* the address answers */
    bool connected; /* and by TLS, if that is wanted */

    redisReader *reader;
    redisReplyObjectFunctions functions;             /* hiredis', but for arrays */
    void *(*make_array)(const redisReadTask *, int); /* hiredis' */
    size_t reply_bytes;   /* of the wire, of the reply that is being read */
    size_t elements_left; /* in it */
    bool too_many;

    struct redis_link_pending *ring; /* capacity is a power of two */
    size_t capacity, head, count;
    size_t pending_bytes;

    struct event *timer;
    int64_t timer_ms;    /* when the timer fires */
    int64_t start_ms;    /* when connect_ms are over */
    int64_t attempt_ms;  /* when the share of this address in connect_ms is over */
    int64_t progress_ms; /* of the last answer, or of the first command since */

    struct redis_fence self;
    bool busy, closed; /* busy: inside a callback of the loop; closed: redis_link_close() was
                          called meanwhile */
};

/* ---- redis_link.c ------------------------------------------------------ */

void redis_link_enter(struct redis_link *link);
void redis_link_leave(struct redis_link *link);

/* The link is dead: tells so, after what was unanswered failed. The first failure counts. */
__attribute__((format(printf, 3, 4))) void redis_link_fail(struct redis_link *link,
                                                           enum redis_failure failure,
                                                           const char *format, ...);

/* The deadline has changed; anew: the timer is set even if it would fire in time. */
void redis_link_arm(struct redis_link *link, bool anew);

/* Sends a command of our own. False without memory. */
bool redis_link_append_words(struct redis_link *link, enum redis_link_kind kind, int n,
                             const char **words);

void redis_link_on_read(struct bufferevent *connection, void *argument);
void redis_link_drop_connection(struct redis_link *link);

/* ---- redis_link_connect.c ---------------------------------------------- */

/* Begins with the look-up, or with the path of a unix socket. */
void redis_link_connect(struct redis_link *link);

/* Tries the next address, which gets its share of the time that is left. */
void redis_link_connect_next(struct redis_link *link);

/* ---- redis_link_hello.c ------------------------------------------------ */

/* Sends all that comes before up(), at once. False without memory. */
bool redis_link_greet(struct redis_link *link);

/* The answer to one of these, or to a PING later. */
void redis_link_take_own(struct redis_link *link, enum redis_link_kind kind,
                         const redisReply *reply);

#endif
