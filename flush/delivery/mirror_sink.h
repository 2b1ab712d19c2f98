/* flush/delivery/mirror_sink.h: the mirror's payloads to Redis, in order.
 *
 *   accept -> [kept: answered, for resend_ms | sending | waiting] -> sent, answered
 *               ^ head: the oldest, shed first       ^ cursor
 *               `------- up(), or an error that heals: from here again -------´
 *
 * One list, never reordered. A payload is answered when all its commands are; it then
 * stays for a while, because a master that took it may fail before its replica has it.
 * Whenever the connection or the topology is new, and whenever a command failed, the
 * list is sent again from its oldest such payload on, everything behind it too: so an
 * older value never remains over a newer one. Payloads without points tell what
 * others did; they wait until all ahead of them are answered, and do not tell of a
 * batch that was shed in part.
 *
 * All that is kept is bounded in bytes. The oldest goes first: if it was answered,
 * nothing is lost, otherwise its points are shed and counted.
 *
 * On the delivery thread and its loop; nothing waits. */
#ifndef FLUSH_DELIVERY_MIRROR_SINK_H
#define FLUSH_DELIVERY_MIRROR_SINK_H

#include "flush/delivery/delivery_ledger.h"
#include "flush/memory/state.h"
#include "flush/payloads/outbox.h"
#include "flush/redis/redis_client.h"

/* What Redis may answer to a command instead of doing it; X(id, label, its first word,
 * heals by itself or by its administrator). */
#define MIRROR_ERRORS(X)                                       \
    X(MIRROR_OOM, "oom", "OOM", true)                          \
    X(MIRROR_LOADING, "loading_data", "LOADING", true)         \
    X(MIRROR_MISCONF, "misconf", "MISCONF", true)              \
    X(MIRROR_READONLY, "read_only", "READONLY", true)          \
    X(MIRROR_MASTERDOWN, "master_down", "MASTERDOWN", true)    \
    X(MIRROR_CLUSTERDOWN, "cluster_down", "CLUSTERDOWN", true) \
    X(MIRROR_TRYAGAIN, "try_again", "TRYAGAIN", true)          \
    X(MIRROR_BUSY, "busy", "BUSY", true)                       \
    X(MIRROR_NOREPLICAS, "no_replicas", "NOREPLICAS", true)    \
    X(MIRROR_NOPERM, "no_permission", "NOPERM", true)          \
    X(MIRROR_WRONGTYPE, "wrong_type", "WRONGTYPE", false)      \
    X(MIRROR_OTHER, "other", "", false)

#define MIRROR_ERROR_ENUM(id, label, word, heals) id,
enum mirror_error { MIRROR_ERRORS(MIRROR_ERROR_ENUM) MIRROR_ERROR_COUNT };
#undef MIRROR_ERROR_ENUM

const char *mirror_error_name(enum mirror_error error); /* static */

/* Written by the delivery thread alone. points: accepted + recovered = delivered + refused
 * + shed + queued + handed_over; what is sent again is not counted again. */
struct mirror_ledger {
    struct delivery_ledger points;
    _Atomic(uint64_t) failures[REDIS_FAILURE_COUNT]; /* connections lost or not made */
    _Atomic(uint64_t) errors[MIRROR_ERROR_COUNT];    /* answers */
    _Atomic(uint64_t) up;                            /* 1 or 0 */
    _Atomic(uint64_t) duplicates; /* other instances that live under this host name */
};

struct mirror_sink_config {
    const char *url; /* texts are copied */
    bool cluster;
    const char *ca_file;
    bool skip_validation;
    const char *prefix, *id, *hostname;
    int64_t started_s;
    int64_t resend_ms;
    size_t queue_bytes;
    int64_t retry_min_ms; /* 0: 500; first wait after an error */
    struct mirror_ledger *ledger;
    void (*moved)(void *argument); /* after every step; may be NULL */
    void *moved_argument;
};

struct mirror_sink;

/* NULL with a sentence that holds no password. */
struct mirror_sink *mirror_sink_new(struct event_base *base,
                                    const struct mirror_sink_config *config, char *problem,
                                    size_t problem_size);

void mirror_sink_accept(struct mirror_sink *sink, struct payload *given);

/* No more payloads come. If we are not connected, tries once at once. */
void mirror_sink_hurry(struct mirror_sink *sink);

/* After mirror_sink_hurry(): whether nothing is left, or nothing that could be tried. */
bool mirror_sink_is_drained(const struct mirror_sink *sink);

/* Where it writes to, without secrets; a view. */
const char *mirror_sink_name(const struct mirror_sink *sink);

/* Writes, in order, what is not answered, and the end, for a successor. */
void mirror_sink_hand_over(const struct mirror_sink *sink, struct state_writer *out);

/* It is sure that the successor gets it: closes the accounts. */
void mirror_sink_handed_over(struct mirror_sink *sink);

/* An inherited payload. */
void mirror_sink_take_over(struct mirror_sink *sink, struct payload *given);

/* Sheds what is left as stopped. */
void mirror_sink_keep_rest(struct mirror_sink *sink);

void mirror_sink_free(struct mirror_sink *given);

#endif
