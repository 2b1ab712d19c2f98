/* flush/delivery/delivery_config.h: what delivery is told: where payloads go, how hard it
 * tries, and what it may keep meanwhile.
 *
 * Delivery and its sinks read it, and so it stands apart from both. Texts are views. */
#ifndef FLUSH_DELIVERY_DELIVERY_CONFIG_H
#define FLUSH_DELIVERY_DELIVERY_CONFIG_H

#include "flush/delivery/delivery_ledger.h"
#include "flush/delivery/proxy.h"
#include "flush/redis/backoff.h"

struct mirror_sink_config;
struct state;

enum { DELIVERY_ENDPOINTS_MAX = 64 };

/* One key of one door of an intake. */
struct delivery_target {
    const char *base_url;
    const char *api_key;
    enum payload_door door;
};

/* The disk behind the queues; max_bytes is for each endpoint. */
struct delivery_spool {
    const char *path;   /* a folder below it for each endpoint */
    uint64_t max_bytes; /* 0: no spool */
    double max_disk_ratio;
    int64_t outdated_s; /* 0: never */
};

struct delivery_config {
    const char *base_url; /* NULL: local mode, nothing is sent */
    const char *api_key;
    const struct delivery_target *more; /* n_more of them, which get each payload of their door
                                           too; base_url is one of DOOR_METRICS */
    size_t n_more;
    const char *user_agent; /* NULL: ours */
    int64_t timeout_ms;     /* of one request */
    int64_t reset_s;        /* a connection of that age is given up for a new one; 0: never */
    size_t queue_bytes;     /* queued and in flight in memory, for each endpoint */
    int concurrent;         /* requests in flight, for each endpoint */
    struct backoff_config backoff;
    bool http1;
    struct intake_transport transport; /* its proxy is chosen by: */
    struct proxy_config proxy;
    struct delivery_spool spool;
    const char *dead_letter_path;   /* NULL or empty: none are kept */
    int64_t validation_interval_ms; /* of the keys, first at the start; 0: never */

    struct state *inherited; /* inherited payloads, which the thread reads; or NULL */
    const struct mirror_sink_config *mirror; /* payloads of ROUTE_REDIS go there; or NULL */

    /* Called on the delivery thread after every step, the ledger balanced. May be NULL. */
    void (*observe)(void *argument, const struct delivery_ledger *ledger);
    void *observe_argument;
};

/* How many targets there are, 0 in local mode; that of base_url is the first. */
static inline size_t delivery_targets(const struct delivery_config *config)
{
    return config->base_url != NULL ? config->n_more + 1 : 0;
}

static inline struct delivery_target delivery_target_at(const struct delivery_config *config,
                                                        size_t i)
{
    return i == 0 ? (struct delivery_target){ config->base_url, config->api_key, DOOR_METRICS }
                  : config->more[i - 1];
}

#endif
