/* flush/redis/redis_slots.h: which node of a cluster has which keys.
 *
 * Taken from an answer to CLUSTER SLOTS, which is not trusted: every number is
 * checked, a slot named twice is the later one's, and more than REDIS_MAX_NODES
 * masters are refused. Pure. */
#ifndef FLUSH_REDIS_REDIS_SLOTS_H
#define FLUSH_REDIS_REDIS_SLOTS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/address.h"
#include "protocol/slice.h"

enum {
    REDIS_SLOTS = 16384,
    REDIS_MAX_NODES = 256, /* masters */
    REDIS_NO_NODE = 0xffff,
};

struct redis_place {
    char host[ADDRESS_HOST_MAX];
    int port;
};

struct redis_slots {
    uint16_t owner[REDIS_SLOTS]; /* index into masters, or REDIS_NO_NODE */
    struct redis_place masters[REDIS_MAX_NODES];
    size_t n;
};

/* asked: who answered, for nodes that are announced without a host. NULL, or a
 * static text why this is no picture of a whole cluster. */
const char *redis_slots_read(struct redis_slots *slots, const redisReply *reply,
                             const struct redis_place *asked);

/* "MOVED 3999 host:port" and "ASK ...", with an empty host as above. */
bool redis_slots_redirect(const char *error, const struct redis_place *asked,
                          struct redis_place *out);

bool redis_place_equal(const struct redis_place *a, const struct redis_place *b);

/* CRC16 (XMODEM) of the key or of its hash tag, modulo 16384. */
unsigned redis_key_slot(struct slice key);

#endif
