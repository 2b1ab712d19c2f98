/* flush/delivery/duplicates.h: who else lives under this host's name, by the registry in Redis.
 *
 * Two servers that send as one host overwrite each other's points at the intake. The
 * registry (docs/redis.md) lists every instance with its last heartbeat. An instance that
 * has our host name counts as another of us if its last heartbeat came after our own start,
 * and not long ago; so one that ended or died before we started does not count. Each is
 * logged once.
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

/* How many others there are by that answer; without an answer, by the one before. */
uint64_t duplicates_read(struct duplicates *duplicates, const redisReply *reply, int64_t now_s);

#endif
