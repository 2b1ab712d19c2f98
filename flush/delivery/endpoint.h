/* flush/delivery/endpoint.h: one intake and one key: a queue, a breaker, requests in flight.
 *
 *   payload -> queue -> request -> 2xx            delivered
 *                ^                 400            refused, to the dead letters
 *                |<-- two halves - 413            refused when it is a single item
 *                |<------ held --- 403            until the key is valid
 *                `<-- back-off --- anything else
 *
 * Endpoints share nothing but the thread, its loop and the bytes of payloads: a
 * dead one never slows a live one. */
#ifndef FLUSH_DELIVERY_ENDPOINT_H
#define FLUSH_DELIVERY_ENDPOINT_H

#include "flush/delivery/delivery.h"
#include "flush/delivery/queue.h"
#include "flush/delivery/transfers.h"
#include "flush/redis/backoff.h"

/* What the endpoints of one delivery have in common. */
struct endpoint_common {
    const struct delivery_config *config;
    struct outbox *outbox;
    struct event_base *base;
    struct transfers transfers;
    struct syncer syncer; /* of the spools */
    bool stopping;
    bool holding;                  /* no request begins and nothing is written to the disk */
    int64_t give_up_ms;            /* while stopping: monotonic */
    void (*moved)(void *delivery); /* after every step of an endpoint */
    void *delivery;
};

struct endpoint;

/* place: of the endpoint among those with the same URL; names the folder. NULL:
 * a setting makes no sense, or no memory. */
struct endpoint *endpoint_new(struct endpoint_common *common,
                              const struct delivery_target *target, unsigned place,
                              struct delivery_ledger *ledger);

/* On the thread of delivery, ahead of all else: opens the spool, which may take as long as
 * the disk likes, and looks for what waits there. */
void endpoint_begin(struct endpoint *endpoint);

/* A view: it is held from now on. order: ascending. */
void endpoint_accept(struct endpoint *endpoint, struct payload *payload, uint64_t order);

/* The key of the day, a view, and what else a reload may have changed in the common
 * config; payloads that were held for the key are tried again. */
void endpoint_follow(struct endpoint *endpoint, const char *api_key);

/* One attempt at once for what waits, and one success is enough to go on. */
void endpoint_hurry(struct endpoint *endpoint);

/* While stopping: nothing is left, or nothing that could be tried in time. */
bool endpoint_is_drained(const struct endpoint *endpoint);

/* Writes what is left to disk or counts it as shed, before libcurl is touched,
 * which may take its time. */
void endpoint_keep_rest(struct endpoint *endpoint);

/* No request is in flight. */
bool endpoint_is_quiet(const struct endpoint *endpoint);

/* Instead of endpoint_keep_rest: a successor sends what is left, once it was handed over. */
void endpoint_hand_over(const struct endpoint *endpoint, struct state_writer *out);
void endpoint_handed_over(struct endpoint *endpoint);

/* Nobody has taken over: it goes on after it was held. */
void endpoint_resume(struct endpoint *endpoint);

/* Whose payloads follow in the state: found by URL and place. False: not this one's. */
bool endpoint_is_heir(const struct endpoint *endpoint, struct slice name, uint64_t place);
bool endpoint_take_over(struct endpoint *endpoint, struct payload *payload, uint64_t order);

/* Only now may libcurl no longer look at the bytes of payloads. NULL is fine. */
void endpoint_free(struct endpoint *endpoint);

/* Of the transfers. */
void endpoint_done(void *common, void *private, CURLcode code);

#endif
