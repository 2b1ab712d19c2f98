/* flush/delivery/endpoint_internal.h: what the files of an endpoint share.
 *
 *   endpoint.c       payloads: queue, requests, answers, start and stop
 *   endpoint_key.c   the API key: asked about, refused, held payloads, replaced */
#ifndef FLUSH_DELIVERY_ENDPOINT_INTERNAL_H
#define FLUSH_DELIVERY_ENDPOINT_INTERNAL_H

#include "config/clock.h"
#include "flush/delivery/endpoint.h"

/* The intake with one key. libcurl was given pointers into it, so every request holds the one
 * that it was last prepared with; meanwhile the endpoint may get another with a new key. */
struct keyed {
    struct intake intake;
    int holders;
};

/* A slot for one request in flight. */
struct request {
    struct intake_request http;
    struct endpoint *endpoint;
    struct keyed *keyed;   /* held; NULL: never used */
    struct errand *errand; /* owned while in flight; NULL: the slot is free */
    bool probe;
};

struct endpoint {
    struct endpoint_common *common;
    struct keyed *keyed; /* held: the key of the day */
    char *name;          /* of the intake, for the log */
    unsigned place;      /* among those with the same URL */
    char *folder;        /* of the spool, for the queue; NULL: none */
    struct queue queue;
    struct delivery_ledger *ledger;
    struct backoff backoff;
    struct backoff_config backoff_config;
    struct event *retry;    /* when a block is over */
    struct event *more;     /* to write to disk */
    struct event *validate; /* when it is time to ask about the key */
    struct request *requests;
    int n_requests;
    int in_flight;
    struct request validation; /* has no errand */
    int64_t validation_ms;     /* how often; 0: never */
    bool validating;
    bool held;      /* 403: nothing is sent until the key is valid */
    bool key_wrong; /* said so */
    char *dead_letter_path;
    bool dead_letters_fail; /* said so */
    uint64_t refused_unsaid;
    int64_t refused_said_ms; /* 0: never */
};

/* ---- endpoint.c -------------------------------------------------------- */

/* Starts what may be started now, and says that something has moved. */
void endpoint_advance(struct endpoint *endpoint);
void endpoint_fail(struct endpoint *endpoint, bool probe, int64_t least_ms);

static inline int64_t endpoint_now_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

/* ---- endpoint_key.c ---------------------------------------------------- */

/* The endpoint's first key and its name. False: the settings make no sense, or no memory. */
bool endpoint_open_key(struct endpoint *endpoint, const struct delivery_target *target);

/* Makes the request hold the endpoint's key of the day. */
const struct intake *keyed_use(struct request *request);
void keyed_release(struct keyed *given);

/* as_probe: the answer decides whether the payloads that are held are sent again. */
void endpoint_ask_about_key(struct endpoint *endpoint, bool as_probe);
void endpoint_key_answered(struct endpoint *endpoint, CURLcode code);
void endpoint_validate_each(struct endpoint *endpoint, int64_t interval_ms);
void endpoint_on_validate(evutil_socket_t fd, short what, void *endpoint);
void endpoint_set_key_state(struct endpoint *endpoint, enum key_state state);
void endpoint_say_key_wrong(struct endpoint *endpoint);

#endif
