/* flush/parcels/ledger.h: the account of what was received and what became of it.
 *
 * Every counter has one writing thread and is read live by any other: a plain
 * relaxed load and store, no read-modify-write, so counting costs the path of a
 * sample nothing. Three balances (lines, values, points) are each counted on
 * both sides by the code of that side, never one from the other; their
 * difference is heeler_ledger_imbalance and must be 0 at every seal.
 *
 *   lines   worker                 received = accepted + rejected
 *   values  worker -> flusher      parsed = folded + shed (+ in flight between seals)
 *   points  flusher -> delivery    encoded = delivered + refused + shed + discarded in
 *                                            local mode + queued */
#ifndef FLUSH_PARCELS_LEDGER_H
#define FLUSH_PARCELS_LEDGER_H

#include <stdatomic.h>
#include <stdint.h>

#include "flush/memory/own_lines.h"
#include "protocol/parse.h"

struct counter {
    _Atomic(uint64_t) n;
};

/* Only from the counter's one writing thread. */
static inline void counter_add(struct counter *counter, uint64_t n)
{
    uint64_t old = atomic_load_explicit(&counter->n, memory_order_relaxed);

    atomic_store_explicit(&counter->n, old + n, memory_order_relaxed);
}

static inline void counter_set(struct counter *counter, uint64_t n)
{
    atomic_store_explicit(&counter->n, n, memory_order_relaxed);
}

static inline uint64_t counter_read(const struct counter *counter)
{
    return atomic_load_explicit(&counter->n, memory_order_relaxed);
}

/* Keeps the largest. */
static inline void counter_raise(struct counter *counter, uint64_t n)
{
    if (n > counter_read(counter))
        counter_set(counter, n);
}

/* Why an accepted value reached no series: one row per reason, its label in
 * heeler_values_shed_total{reason}. X(id, label, sentence). SHED_NOTHING is the
 * answer of a function that accepts, and has no counter. */
#define SHED_REASONS(X)                                                                        \
    X(SHED_NOT_FINITE, "not_finite", "the value is not finite after scaling by its rate")      \
    X(SHED_CONTEXTS_FULL, "contexts_full", "a new context beyond heeler_max_contexts")         \
    X(SHED_MEMORY, "memory",                                                                   \
      "heeler_max_memory is reached: by open buckets, or for a new context")                   \
    X(SHED_BEHIND, "flusher_behind", "a new context or record while the flusher is behind")    \
    X(SHED_UNSUPPORTED_TIME, "unsupported_timestamp", "a timestamp on another type than c, g") \
    X(SHED_FILTERED, "filtered", "the metric filter list names it")                            \
    X(SHED_DISABLED, "disabled", "enable_payloads turns this kind off")                        \
    X(SHED_REFUSED_NAME, "refused_name", "no letter in the name, or over 350 bytes")           \
    X(SHED_REFUSED_TAGS, "refused_tags", "over 100 tags or 100 KiB of tags")                   \
    X(SHED_REFUSED_HOST, "refused_host", "a host name over 255 bytes")                         \
    X(SHED_REFUSED_TIME, "refused_timestamp", "a timestamp over 10 minutes ahead")             \
    X(SHED_LAST_INTERVAL, "last_interval",                                                     \
      "the stop ended before the flusher took the last interval, or there was no memory")

#define SHED_ENUM(id, label, sentence) id,
enum shed_reason { SHED_NOTHING, SHED_REASONS(SHED_ENUM) SHED_REASON_COUNT };
#undef SHED_ENUM

/* Written by one worker, on cache lines of its own. */
struct worker_ledger {
    _Alignas(OWN_LINE) struct counter accepted;  /* lines that parsed */
    struct counter lines[LINE_KIND_COUNT];       /* that the splitter returned, by kind */
    struct counter rejected[PARSE_RESULT_COUNT]; /* by reason */
    struct counter values[METRIC_TYPE_COUNT];    /* of accepted samples, after unpacking */
    struct counter values_copied;                /* histogram values copied to distributions */
    struct counter shed[SHED_REASON_COUNT];      /* values */
    struct counter records_shed;                 /* events and checks, flusher behind */
    struct counter forwarded;                    /* datagrams, to statsd_forward_host */
    struct counter contexts;                     /* now alive */
    struct counter births;                       /* contexts ever seen as new */
    struct counter seals;
    struct counter longest_seal_us;     /* reading pauses for a seal */
    struct counter longest_gap_us;      /* datagrams known to wait are not read */
    struct counter histograms_switched; /* exact values given up for a sketch */
    struct counter alive_ms;            /* monotonic: the loop turned, some seconds coarse */
};

/* What was encoded for the intake, by kind: X(id, label). */
#define POINT_KINDS(X)          \
    X(POINT_SERIES, "series")   \
    X(POINT_SKETCH, "sketches") \
    X(POINT_EVENT, "events")    \
    X(POINT_CHECK, "service_checks")

#define POINT_KIND_ENUM(id, label) id,
enum point_kind { POINT_KINDS(POINT_KIND_ENUM) POINT_KIND_COUNT };
#undef POINT_KIND_ENUM

/* Why a point or record never became part of a payload. X(id, label, sentence). */
#define POINT_DROPS(X)                                                               \
    X(POINT_NOT_FINITE, "not_finite", "a sum or average left the range of a double") \
    X(POINT_TOO_LARGE, "too_large", "one series alone breaks the payload limits")    \
    X(POINT_NO_MEMORY, "no_memory", "no memory to encode it")                        \
    X(POINT_FILTERED, "filtered", "a histogram's suffix is on the filter list")      \
    X(POINT_DISABLED, "disabled", "enable_payloads turns this kind off")             \
    X(POINT_INVALID, "invalid", "the intake would refuse the record")                \
    X(POINT_OUTBOX_FULL, "outbox_full", "delivery hangs and took no payloads")       \
    X(POINT_EVENTS_FULL, "events_full", "over 16 payloads of events in one second")

#define POINT_DROP_ENUM(id, label, sentence) id,
enum point_drop { POINT_DROPS(POINT_DROP_ENUM) POINT_DROP_COUNT };
#undef POINT_DROP_ENUM

/* Where questions find a value that came with a timestamp of its own, by the finest window that
 * took it, unless one had no room. X(id, label, sentence). */
#define TIMED_PLACES(X)                                                           \
    X(TIMED_OPEN, "open", "in a window that is open, or about to be")             \
    X(TIMED_LATE, "late", "beside one that is sealed")                            \
    X(TIMED_OLD, "too_old", "nowhere: older than heeler_late_max or all windows") \
    X(TIMED_FULL, "no_room", "not everywhere: there was no room for it")

#define TIMED_PLACE_ENUM(id, label, sentence) id,
enum timed_place { TIMED_PLACES(TIMED_PLACE_ENUM) TIMED_PLACE_COUNT };
#undef TIMED_PLACE_ENUM

/* Written by the flusher. */
struct flusher_ledger {
    struct counter folded;                    /* values, out of buckets and records */
    struct counter shed[SHED_REASON_COUNT];   /* values, at admission */
    struct counter encoded[POINT_KIND_COUNT]; /* points put into payloads */
    struct counter dropped[POINT_DROP_COUNT]; /* points made and not encoded */
    struct counter posted[POINT_KIND_COUNT];  /* points in payloads given to the outbox */
    struct counter payloads;                  /* given to the outbox */
    struct counter series;                    /* now in the catalogue */
    struct counter strings;                   /* bytes of interned names, hosts and tags */
    struct counter catalogue_bytes;           /* of all series, strings included */
    struct counter tables_bytes;              /* of the workers' tables */
    struct counter snapshots;                 /* sealed */
    struct counter late_buckets;              /* came after their snapshot was sealed */
    struct counter type_conflicts;            /* one name and tags, two types */
    struct counter mapper_limited;            /* times a mapper's regex was stopped */
    struct counter histograms_switched;
    struct counter values_imbalance; /* of all workers at their last seal, absolute */
    struct counter lines_imbalance;  /* the same for balance 1 */
    struct counter rollup_bytes;     /* now taken by the rollups */
    struct counter rollup_series;    /* that they know */
    struct counter
        recent_ungiven; /* of them, those that gave way before they were kept on disk */
    struct counter recent_bytes;   /* of the events and checks that are kept to be shown */
    struct counter checks_beyond;  /* statuses that monitors do not see for want of room */
    struct counter rollup_dropped; /* series' windows given up for memory */
    struct counter rollup_refused; /* points without memory for their series */
    struct counter timed[TIMED_PLACE_COUNT]; /* values, by place */
    struct counter late_bytes;               /* now taken beside the windows, of rollup_bytes */
    struct counter rollup_ungiven;   /* series' windows dropped before the history took them */
    struct counter questions;        /* answered, also with an error */
    struct counter flushed_until_s;  /* what came before that second is in the outbox */
    struct counter handed_over;      /* values that a successor got in open snapshots */
    struct counter taken_over;       /* values of an inherited open interval */
    struct counter state_refused;    /* inherited states that were no good */
    struct counter last_stamp_s;     /* of the newest snapshot */
    struct counter mirrored;         /* fields put into payloads for Redis */
    struct counter mirror_posted;    /* fields in such payloads given to the outbox */
    struct counter mirror_payloads;  /* of these */
    struct counter mirror_imbalance; /* between the two, when nothing is open */
    struct counter points_imbalance; /* encoded against posted, when nothing is open */
};

/* Static strings of the tables above. */
const char *shed_reason_label(enum shed_reason reason);
const char *shed_reason_sentence(enum shed_reason reason);
const char *point_kind_label(enum point_kind kind);
const char *point_drop_label(enum point_drop drop);
const char *point_drop_sentence(enum point_drop drop);
const char *timed_place_label(enum timed_place place);

/* Sum over the rows of values[] and values_copied: balance 2's left side. */
uint64_t ledger_values_parsed(const struct worker_ledger *ledger);
uint64_t ledger_values_shed(const struct worker_ledger *ledger);

/* All workers' ledgers as one: each counter is the sum of theirs, but longest_* is the longest
 * and alive_ms that of the worker that turned least lately. */
void ledger_sum(const struct worker_ledger *ledgers, uint32_t workers,
                struct worker_ledger *out);

#endif
