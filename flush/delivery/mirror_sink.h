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

#include "flush/delivery/mirror_ledger.h"
#include "flush/delivery/sink.h"

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
    struct outbox *outbox;         /* that payloads come from */
    void (*moved)(void *argument); /* after every step; may be NULL */
    void *moved_argument;
};

/* A sink of ROUTE_REDIS, named by where it writes to; NULL with a sentence that holds no
 * password. It counts and bounds the payloads that it keeps itself, in its own ledger. */
struct sink *mirror_sink_new(struct event_base *base, const struct mirror_sink_config *config,
                             char *problem, size_t problem_size);

#endif
