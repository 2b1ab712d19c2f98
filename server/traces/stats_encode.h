/* server/traces/stats_encode.h: a bucket of spans as what the intake takes of it: how many, how
 * long, of which kind, and no span.
 *
 *   groups ──► resources that may hold data become "?" ──► those that are now equal are one
 *          ──► msgpack of at most 4,000 groups, gzip ──► struct payload of ROUTE_TRACE_STATS
 *
 * The resource of a span of a database or a cache is the text of the query, with what somebody
 * looked for in it; it does not leave, its type does. Counts of sampled traces are fractions,
 * and whole numbers are sent: each is rounded up as often as its fraction says, and those of
 * one group by one random number, so that never more failed than were counted.
 *
 * (pkg/trace/stats and pkg/trace/writer/stats.go of the Agent; StatsPayload in stats.proto.) */
#ifndef SERVER_TRACES_STATS_ENCODE_H
#define SERVER_TRACES_STATS_ENCODE_H

#include "flush/payloads/payload.h"
#include "server/traces/concentrator.h"

enum { STATS_GROUPS_MAX = 4000 }; /* in a payload */

struct stats_encoding {
    struct slice hostname, env; /* of this server; its groups that name no host have this one */
    struct arena_budget *budget; /* for what is made on the way, but for the bytes themselves */
    unsigned short *random;      /* three of them: the state of erand48() */
    payload_emit *emit;
    void *argument;
};

/* Returns how many groups are left out because there is no memory for them. */
size_t stats_encode(const struct stats_encoding *encoding, const struct span_bucket *bucket,
                    int64_t now_s);

/* Whether a resource of spans of that type is the text of a query. Any case. */
bool stats_type_is_query(struct slice type);

#endif
