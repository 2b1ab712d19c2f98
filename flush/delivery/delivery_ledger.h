/* flush/delivery/delivery_ledger.h: the account of one sink: what became of its payloads.
 *
 * Written by the delivery thread alone, read by anyone, all relaxed. After
 * every step, in points and in payloads,
 *   accepted + recovered + split = delivered + delivered_stale + refused + shed
 *                                  + discarded_local + queued + spooled + handed_over
 * where split holds payloads only: one that was too large became two. */
#ifndef FLUSH_DELIVERY_DELIVERY_LEDGER_H
#define FLUSH_DELIVERY_DELIVERY_LEDGER_H

#include <stdatomic.h>

#include "flush/delivery/intake.h"

struct delivery_count {
    _Atomic(uint64_t) points, payloads;
};

enum delivery_refusal { REFUSED_400, REFUSED_413, REFUSED_OTHER, REFUSED_COUNT };

/* Why a payload was given up without an answer: X(id, label, sentence). */
#define DELIVERY_SHEDS(X)                                                                    \
    X(UNSENT_QUEUE_FULL, "queue_full",                                                       \
      "forwarder_retry_queue_payloads_max_size is used up; the oldest go")                   \
    X(UNSENT_STOPPED, "stopped", "unsent at the stop")                                       \
    X(UNSENT_SPOOL_FULL, "spool_full",                                                       \
      "forwarder_storage_max_size_in_bytes is used up; the oldest go")                       \
    X(UNSENT_SPOOL_OUTDATED, "spool_outdated", "older than forwarder_outdated_file_in_days") \
    X(UNSENT_SPOOL_DAMAGED, "spool_damaged", "their file in the spool is damaged")           \
    X(UNSENT_SPOOL_LOST, "spool_lost", "their file in the spool is gone")                    \
    X(UNSENT_NO_MEMORY, "no_memory", "no memory for them")

#define DELIVERY_SHED_ENUM(id, label, sentence) id,
enum delivery_shed { DELIVERY_SHEDS(DELIVERY_SHED_ENUM) UNSENT_COUNT };
#undef DELIVERY_SHED_ENUM

/* What is known about the API key of a sink. */
enum key_state { KEY_UNKNOWN, KEY_VALID, KEY_INVALID };

/* Whether a sink is sending: after a failure it waits, and after a 403 for a better key. */
#define DELIVERY_STATES(X)         \
    X(DELIVERY_SENDING, "sending") \
    X(DELIVERY_BLOCKED, "blocked") \
    X(DELIVERY_PROBING, "probing") \
    X(DELIVERY_KEY_REFUSED, "key_refused")

#define DELIVERY_STATE_ENUM(id, word) id,
enum delivery_state { DELIVERY_STATES(DELIVERY_STATE_ENUM) DELIVERY_STATE_COUNT };
#undef DELIVERY_STATE_ENUM

/* How an intake stands at the moment, for whoever looks at it. */
struct delivery_standing {
    _Atomic(int) state;             /* enum delivery_state */
    _Atomic(int) failures;          /* of the back-off: more of them, a longer wait */
    _Atomic(int) in_flight;         /* requests under way */
    _Atomic(int64_t) retry_at_ms;   /* monotonic; good while it is blocked */
    _Atomic(int64_t) answered_ms;   /* wall clock: when the last request ended; 0: none did */
    _Atomic(int) answer_status;     /* of HTTP; 0: it ended without an answer */
    _Atomic(int) answer_error;      /* enum intake_error; good when there was no answer */
    _Atomic(int64_t) clock_ahead_s; /* their clock against ours, by the header Date */
};

struct delivery_ledger {
    struct delivery_count accepted;  /* taken from the outbox */
    struct delivery_count recovered; /* found on disk at the start, or inherited */
    struct delivery_count split;     /* how many payloads more there are through splitting */
    struct delivery_count delivered; /* within the hour */
    struct delivery_count delivered_stale; /* later: the intake may ignore them */
    struct delivery_count refused[REFUSED_COUNT];
    struct delivery_count shed[UNSENT_COUNT];
    struct delivery_count discarded_local; /* no intake is configured */
    struct delivery_count handed_over;     /* unsent, to a successor */
    struct delivery_count queued;          /* a gauge: in memory only, waiting or in flight */
    struct delivery_count spooled;         /* a gauge: on disk */
    _Atomic(uint64_t) queued_bytes;        /* a gauge: of payloads in memory */
    _Atomic(uint64_t) spooled_bytes;       /* a gauge: of files */
    _Atomic(uint64_t) damaged_files;       /* how many points they had is not known */
    _Atomic(uint64_t) dead_letters;        /* written */
    _Atomic(uint64_t) retries;             /* payloads put back to be sent again */
    _Atomic(uint64_t) errors[ERROR_COUNT];
    _Atomic(int64_t) last_success_ms; /* wall clock; 0: never */
    _Atomic(int) key;                 /* enum key_state */
    struct delivery_standing now;
    _Atomic(uint64_t)
        imbalance; /* points by which the equation above fails; checked each step */
};

const char *delivery_refusal_name(enum delivery_refusal refusal); /* "400" "413" "other" */
const char *delivery_shed_name(enum delivery_shed shed);
const char *delivery_state_name(enum delivery_state state);

/* Sums over the rows, and over both kinds of delivered: points. */
uint64_t delivery_refused_points(const struct delivery_ledger *ledger);
uint64_t delivery_shed_points(const struct delivery_ledger *ledger);
uint64_t delivery_delivered_points(const struct delivery_ledger *ledger);

/* Checks the equation above, and writes imbalance. */
void delivery_ledger_check(struct delivery_ledger *ledger);

/* One writer: a load and a store are enough, no locked addition. */
static inline void tally(_Atomic(uint64_t) *counter, uint64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

static inline void count(struct delivery_count *into, uint32_t points)
{
    tally(&into->points, points);
    tally(&into->payloads, 1);
}

static inline void uncount(struct delivery_count *from, uint32_t points)
{
    tally(&from->points, -(uint64_t)points);
    tally(&from->payloads, -(uint64_t)1);
}

#endif
