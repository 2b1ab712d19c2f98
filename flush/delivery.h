/* flush/delivery.h: payloads to the intakes.
 *
 *   outbox -> accepted -> [queue, newest first] -> requests in flight -> delivered
 *                              ^     |                   |     |
 *                              |     `-> shed (oldest)   |     `-> refused
 *                              `---- retry, by back-off -´
 *
 * One thread with a loop of its own; a slow intake fills its queue and does no
 * other harm. What is queued and in flight is bounded in bytes, and beyond the
 * bound the oldest goes first: after an outage the newest points are the ones
 * worth having. Payloads that were accepted are the thread's, to their end. */
#ifndef FLUSH_DELIVERY_H
#define FLUSH_DELIVERY_H

#include "flush/backoff.h"
#include "flush/intake.h"
#include "flush/outbox.h"

struct delivery_count {
    _Atomic(uint64_t) points, payloads;
};

enum delivery_refusal { REFUSED_400, REFUSED_413, REFUSED_OTHER, REFUSED_COUNT };

#define DELIVERY_SHEDS(X)            \
    X(SHED_QUEUE_FULL, "queue_full") \
    X(SHED_STOPPED, "stopped")

#define DELIVERY_SHED_ENUM(id, word) id,
enum delivery_shed { DELIVERY_SHEDS(DELIVERY_SHED_ENUM) SHED_COUNT };
#undef DELIVERY_SHED_ENUM

/* Written by the delivery thread alone, read by anyone, all relaxed. After
 * every step
 *   accepted = delivered + refused + shed + discarded_local + queued
 * in points and in payloads. */
struct delivery_ledger {
    struct delivery_count accepted; /* taken from the outbox */
    struct delivery_count delivered;
    struct delivery_count refused[REFUSED_COUNT];
    struct delivery_count shed[SHED_COUNT];
    struct delivery_count discarded_local; /* no intake is configured */
    struct delivery_count queued;          /* a gauge: waiting or in flight */
    _Atomic(uint64_t) queued_bytes;        /* a gauge */
    _Atomic(uint64_t) retries;             /* payloads put back to be sent again */
    _Atomic(uint64_t) errors[ERROR_COUNT];
    _Atomic(int64_t) last_success_ms; /* wall clock; 0: never */
    _Atomic(uint64_t)
        imbalance; /* points by which the equation above fails; checked each step */
};

const char *delivery_refusal_name(enum delivery_refusal refusal); /* "400" "413" "other" */
const char *delivery_shed_name(enum delivery_shed shed);

struct delivery_config {
    const char *base_url; /* NULL: local mode, nothing is sent */
    const char *api_key;
    const char *user_agent; /* NULL: ours */
    int64_t timeout_ms;     /* of one request */
    size_t queue_bytes;     /* queued and in flight */
    int concurrent;         /* requests in flight */
    struct backoff_config backoff;
    bool http1;

    /* Called on the delivery thread after every step, the ledger balanced. May be NULL. */
    void (*observe)(void *context, const struct delivery_ledger *ledger);
    void *observe_context;
};

struct delivery;

/* Starts the thread; the texts of config are copied, outbox and ledger (zeroed
 * by the caller) must outlive it. NULL, with a log line, when a setting makes no
 * sense or the machine is out of something. Once per process at a time. */
struct delivery *delivery_start(const struct delivery_config *config, struct outbox *outbox,
                                struct delivery_ledger *ledger);

/* Sends what is queued until the deadline (CLOCK_MONOTONIC), a blocked endpoint
 * being tried at once, but gives up earlier when no attempt would fall before
 * it. What is left is shed as stopped. Nothing may be pushed any more. False:
 * the thread did not come to its end in time and still uses outbox and ledger;
 * the process must not free them, only end. */
bool delivery_stop(struct delivery *given, int64_t deadline_monotonic_ns);

#endif
