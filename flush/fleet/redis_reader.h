/* flush/fleet/redis_reader.h: a question answered from the windows that a fleet of servers
 * keeps in Redis.
 *
 *   P:instances          who writes there, and windows of which lengths (flush/fleet/fleet.h)
 *   P:{NAME}:STEP:START  the windows of a metric, read in pieces, many at a time, merged by
 *                        series (flush/fleet/fleet_cells.h)
 *
 * Merged windows fill rollups of the reader's own, in the order of time, and from
 * those a query is computed as a server does it, one query of the question after the other:
 * one language, one evaluator (flush/rollups/evaluation.h).
 * Windows of lengths that all instances have are merged as they are; others are split into
 * shorter ones until they fit. Rates are by the longest interval of the fleet.
 *
 * Bounded: windows, fields and members read, memory, time. What is damaged is left
 * out and counted. One call does it all, on an event base of its own. */
#ifndef FLUSH_FLEET_REDIS_READER_H
#define FLUSH_FLEET_REDIS_READER_H

#include "flush/memory/bytes.h"
#include "flush/redis/redis_client.h"
#include "protocol/slice.h"

enum { REDIS_READER_WINDOWS_MAX = 100000 };

struct redis_reader_config {
    struct redis_client_config client; /* a cluster is found out if it is not said */
    const char *prefix;                /* OPTION_SHORT_MAX bytes at most */
    int64_t now_s;
    int timeout_s;
};

/* What was read, for the caller to show. */
struct redis_reader_report {
    uint64_t instances, windows, fields;
    uint64_t damaged; /* fields and members of the registry that were left out */
};

enum redis_reader_result {
    READER_ANSWERED,
    READER_REFUSED, /* the question makes no sense, or is too large */
    READER_FAILED   /* Redis, the time or the memory */
};

/* Appends the JSON of the answer. If there is none, a sentence says why. */
enum redis_reader_result redis_reader_ask(const struct redis_reader_config *config,
                                          struct slice text, int64_t from_s, int64_t to_s,
                                          struct bytes *answer,
                                          struct redis_reader_report *report, char *problem,
                                          size_t problem_size);

#endif
