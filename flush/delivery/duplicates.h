/* flush/delivery/duplicates.h: who else lives under this host's name, by the registry in Redis.
 *
 * Two servers that send as one host overwrite each other's points at the intake. The
 * registry (flush/REDIS.md) lists every instance with its last heartbeat; one that was
 * heard after our own start, lately, and has our host name is such another. One that
 * ended, or died, before we started is not. Said once for each.
 *
 * What Redis answers is not trusted. One thread. */
#ifndef FLUSH_DELIVERY_DUPLICATES_H
#define FLUSH_DELIVERY_DUPLICATES_H

#include <hiredis/hiredis.h>

#include "flush/memory/bytes.h"
#include "protocol/slice.h"

struct duplicates;

/* The texts are copied. NULL without memory. */
struct duplicates *duplicates_new(const char *prefix, const char *id, const char *hostname,
                                  int64_t started_s);
void duplicates_free(struct duplicates *given);

/* Appends the question as one command and returns its key, a view. */
struct slice duplicates_ask(const struct duplicates *duplicates, int64_t now_s,
                            struct bytes *out);

/* The number of the others by that answer; of no answer, that of the one before. */
uint64_t duplicates_read(struct duplicates *duplicates, const redisReply *reply, int64_t now_s);

#endif
