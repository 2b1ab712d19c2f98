/* flush/delivery/endpoint.h: one intake and one key: a queue, a breaker, requests in flight.
 *
 *   payload -> queue -> request -> 2xx            delivered
 *                ^                 400            refused, to the dead letters
 *                |<-- two halves - 413            refused when it is a single item
 *                |<------ held --- 403            until the key is valid
 *                `<-- back-off --- anything else
 *
 * Endpoints share nothing but the thread, its loop and the bytes of payloads, so
 * one that is dead never slows the others. */
#ifndef FLUSH_DELIVERY_ENDPOINT_H
#define FLUSH_DELIVERY_ENDPOINT_H

#include "flush/delivery/delivery_config.h"
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

/* place: which one it is among the endpoints with the same URL, for the name of its folder.
 * NULL: a setting makes no sense, or there is no memory. */
struct endpoint *endpoint_new(struct endpoint_common *common,
                              const struct delivery_target *target, unsigned place,
                              struct delivery_ledger *ledger);

/* To be called on the thread of delivery, before all else: opens the spool, which takes as long
 * as the disk likes, and looks for what waits there. */
void endpoint_begin(struct endpoint *endpoint);

/* The payload is a view, and is held from now on. order: ascending. */
void endpoint_accept(struct endpoint *endpoint, struct payload *payload, uint64_t order);

/* Follows a new key, which is a view, and what else a reload changed in the common config.
 * Payloads that were held because of the key are tried again. */
void endpoint_follow(struct endpoint *endpoint, const char *api_key);

/* From now on what waits gets an attempt at once, whatever back-off says; if that succeeds,
 * sending goes on. */
void endpoint_hurry(struct endpoint *endpoint);

/* While stopping: whether nothing is left, or nothing that could be tried in time. */
bool endpoint_is_drained(const struct endpoint *endpoint);

/* Writes what is left to disk, or counts it as shed. To be called before libcurl is ended,
 * because that may take longer than we have. */
void endpoint_keep_rest(struct endpoint *endpoint);

/* Whether no request is in flight. */
bool endpoint_is_quiet(const struct endpoint *endpoint);

/* In place of endpoint_keep_rest(): writes what is left for a successor; when it is sure that
 * the successor gets it, endpoint_handed_over() closes the accounts. */
void endpoint_hand_over(const struct endpoint *endpoint, struct state_writer *out);
void endpoint_handed_over(struct endpoint *endpoint);

/* Goes on after it was held: no successor came. */
void endpoint_resume(struct endpoint *endpoint);

/* Whether the inherited payloads of the endpoint with that URL and place are for this one. */
bool endpoint_is_heir(const struct endpoint *endpoint, struct slice name, uint64_t place);
bool endpoint_take_over(struct endpoint *endpoint, struct payload *payload, uint64_t order);

/* After this libcurl no longer looks at the bytes of payloads. NULL is fine. */
void endpoint_free(struct endpoint *given);

/* Of the transfers. */
void endpoint_done(void *common, void *private, CURLcode code);

#endif
