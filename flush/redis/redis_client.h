/* flush/redis/redis_client.h: one Redis or a Redis Cluster behind the same few calls.
 *
 *            connected, handshake done, (all masters known and connected)
 *    down ------------------------------------------------------------> up
 *      ^                                                                 |
 *      |   what is sent is answered: reply(); what was lost: failed()    |
 *      `--------------------------- down() <-----------------------------´
 *
 * The client connects by itself, again and again with back-off, until it is
 * freed. Between an up() and the next down() commands are taken; each of them is
 * answered by one reply() or failed(), and all of them before the down(). So
 * nothing is under way at an up(), and who then sends again what failed, in
 * order, has it carried out in order: for each key the order of sends after
 * up() is the order of effects. Values must be absolute: a failed command may
 * have been carried out.
 *
 * A cluster is up when each of its masters is. MOVED, CLUSTERDOWN, a new master or
 * a lost node fail the commands they hit; the client then takes no more, lets the
 * others be answered, asks for the slots anew (CLUSTER SLOTS, from any node it
 * knows, the URL's last) and comes up again. ASK is followed at once (ASKING and
 * the command again), so a migration of slots costs nothing but MOVEDs. Writes
 * to a replica (READONLY) end in a new look-up and connection, as fail-over by
 * name needs.
 *
 * Callbacks come from the event loop only. A callback may call anything here but
 * redis_client_free. Nothing blocks. One thread. */
#ifndef FLUSH_REDIS_REDIS_CLIENT_H
#define FLUSH_REDIS_REDIS_CLIENT_H

#include "flush/redis/redis_link.h"
#include "flush/redis/redis_slots.h"
#include "protocol/slice.h"

/* Texts are views during redis_client_new. Zero numbers: the defaults named here. */
struct redis_client_config {
    const char *url;
    bool cluster;
    const char *ca_file;  /* NULL or empty: the system's */
    bool skip_validation; /* of certificates; said in the log */
    int64_t connect_ms;   /* 5000: look-up to handshake, one attempt */
    int64_t reply_ms;     /* 10000 */
    int64_t idle_ms;      /* 15000: then a PING */
    int64_t retry_min_ms; /* 500: first wait between attempts, half of it at random */
    int64_t retry_max_ms; /* 30000 */
    size_t max_pending;   /* 4 MiB: sent and unanswered, of all nodes */
    size_t max_reply;     /* 1 MiB */
};

/* Any may be NULL. down() is called for each failed attempt, too, as often as the back-off
 * makes one, so log it only once for each outage and reason. */
struct redis_client_events {
    void (*up)(void *argument);
    void (*reply)(void *argument, uint64_t tag, const redisReply *view);
    void (*failed)(void *argument, uint64_t tag);
    void (*writable)(void *argument); /* after a refused send: there is room again */
    void (*down)(void *argument, enum redis_failure failure, const char *sentence);
};

struct redis_client;

/* events is a view as long as the client lives. NULL, and why in words (no password): the URL
 * makes no sense, the CA file cannot be read, no memory. The first attempt starts with the
 * loop. */
struct redis_client *redis_client_new(struct event_base *base,
                                      const struct redis_client_config *config,
                                      const struct redis_client_events *events, void *argument,
                                      char *problem, size_t problem_size);

/* No callback follows. */
void redis_client_free(struct redis_client *given);

/* One whole command, copied. key: what its slot is counted from (not looked at
 * without a cluster). tag: any but UINT64_MAX, comes back with the answer. False:
 * not up, or the bound is reached; writable() follows if it is up. */
bool redis_client_send(struct redis_client *client, const void *command, size_t len,
                       struct slice key, uint64_t tag);

/* If the client waits for its next attempt, makes it now. */
void redis_client_hurry(struct redis_client *client);

size_t redis_client_pending(const struct redis_client *client); /* commands */

/* Where it connects to, for the log, without secrets. A view. */
const char *redis_client_name(const struct redis_client *client);

#endif
