/* flush/rollups/inquiry.h: what is asked, of any kind.
 *
 * Two inquiries that are equal have equal answers at the same moment. The texts are views, or
 * owned by whoever says so; they may hold any bytes. */
#ifndef FLUSH_ROLLUPS_INQUIRY_H
#define FLUSH_ROLLUPS_INQUIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "config/must_check.h"
#include "protocol/slice.h"

/* X(id, answer_ops): who answers (flush/rollups/answer_ops.h). */
#define INQUIRY_KINDS(X)                           \
    X(INQUIRY_QUERY, answer_query)                 \
    X(INQUIRY_LIST, answer_list)                   \
    X(INQUIRY_METRIC, answer_metric)               \
    X(INQUIRY_HOST, answer_host)                   \
    X(INQUIRY_RECENT, answer_recent)               \
    X(INQUIRY_TOP, answer_top)                     \
    X(INQUIRY_ACTIVE, answer_active)               \
    X(INQUIRY_SEARCH, answer_search)               \
    X(INQUIRY_HOSTS, answer_hosts)                 \
    X(INQUIRY_HOST_TOTALS, answer_host_totals)     \
    X(INQUIRY_ALL_HOST_TAGS, answer_all_host_tags) \
    X(INQUIRY_HOST_TAGS, answer_host_tags)         \
    X(INQUIRY_EVENTS, answer_events)               \
    X(INQUIRY_EVENT, answer_event)                 \
    X(INQUIRY_MONITOR, answer_monitor)             \
    X(INQUIRY_CHECKS, answer_checks)

#define INQUIRY_ENUM(id, ops) id,
enum inquiry_kind { INQUIRY_KINDS(INQUIRY_ENUM) INQUIRY_KIND_COUNT };
#undef INQUIRY_ENUM

/* What comes first in a list. */
enum inquiry_order { ORDER_NAME, ORDER_VALUES, ORDER_SERIES };

/* A kind reads its members; the others are 0. */
struct inquiry {
    enum inquiry_kind kind;
    struct slice text; /* a query, a monitor's query, what to look for, the name of a metric or
                          a host, or the tags that events have, separated by commas */
    struct slice also; /* the same of the sources that events have one of */
    int64_t from_s, to_s;   /* of a query, of active metrics and hosts, of events; the id of an
                               event */
    bool whole;             /* of a query: one step, all the range */
    uint32_t limit, offset; /* of a list; of a metric's series the limit; of events how many a
                               page has, and its number; of a monitor the windows, in seconds,
                               in which anomalies trigger and recover, 0: unsaid */
    uint32_t priority;      /* of events 1 more than theirs, 0: of any */
    enum inquiry_order order; /* of a list, and of a host's metrics */
};

bool inquiry_equal(const struct inquiry *a, const struct inquiry *b);

/* The same with texts of its own, which inquiry_free() frees. False without memory. */
MUST_CHECK bool inquiry_copy(const struct inquiry *from, struct inquiry *out);
void inquiry_free(struct inquiry *given);

#endif
