/* flush/delivery/endpoint.h: one door of an intake and one key: a queue, a breaker, requests in
 * flight.
 *
 *   payload -> queue -> request -> 2xx            delivered
 *                ^                 400            refused, to the dead letters
 *                |<-- two halves - 413            refused when it is a single item
 *                |<------ held --- 403            until the key is valid
 *                `<-- back-off --- anything else
 *
 * Endpoints share nothing but the thread, its loop and the bytes of payloads, so
 * one that is dead never slows the others.
 *
 *   endpoint.c       payloads: queue, requests, answers
 *   endpoint_key.c   the API key: asked about, refused, held payloads, replaced
 *   endpoint_show.c  how it stands, for whoever looks at the ledger
 *   endpoint_sink.c  as one of delivery's sinks: start, stop, succession */
#ifndef FLUSH_DELIVERY_ENDPOINT_H
#define FLUSH_DELIVERY_ENDPOINT_H

#include "flush/delivery/queue.h"
#include "flush/delivery/sink.h"
#include "flush/redis/backoff.h"

/* The intake with one key. libcurl was given pointers into it, so every request holds the one
 * that it was last prepared with; meanwhile the endpoint may get another with a new key. */
struct keyed {
    struct intake intake;
    int holders;
};

/* A slot for one request in flight. */
struct request {
    struct transfer transfer;
    struct intake_request http;
    struct endpoint *endpoint;
    struct keyed *keyed;   /* held; NULL: never used */
    struct errand *errand; /* owned while in flight; NULL: the slot is free */
    bool probe;
};

struct endpoint {
    struct sink sink;
    struct sink_common *common;
    struct keyed *keyed; /* held: the key of the day */
    char *name;          /* of the intake, for the log */
    size_t target;       /* in the order of the configuration */
    enum payload_door door;
    char *folder; /* of the spool, for the queue; NULL: none */
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

/* Starts as many requests as it may. If back-off allows none, it comes back when that is over.
 * While the key is refused the attempt is a question about the key, and sends no payload. */
void endpoint_dispatch(struct endpoint *endpoint);

/* The same, and says that something has moved. */
void endpoint_advance(struct endpoint *endpoint);

/* Keeps the queue within its bounds, and comes back when more is to be written to disk. */
void endpoint_trim(struct endpoint *endpoint);

/* How the transfer of a request ended. */
void endpoint_on_done(struct transfer *transfer, CURLcode code);

void endpoint_fail(struct endpoint *endpoint, bool probe, int64_t least_ms);

/* ---- endpoint_show.c --------------------------------------------------- */

/* Writes its state, and how its last request ended, into the ledger. */
void endpoint_show(const struct endpoint *endpoint);
void endpoint_show_answer(const struct request *request, CURLcode code);

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

/* Follows a new key, which is a view. Payloads that were held because of the former one are
 * tried again. */
void endpoint_follow_key(struct endpoint *endpoint, const char *api_key);

#endif
