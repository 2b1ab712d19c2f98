/* server/http/http_handler.h: what a handler of the HTTP server sees, and what it may do.
 *
 * A handler is called with a whole request and owes one answer, now or later. It runs on the
 * thread of the event loop (server/http/http.h), and must be quick: what parses a body of more
 * than 64 KiB, inflates, reads a disk, matches lines or writes more than 256 KiB is work for
 * the desk (server/http/desk.h), which the row of the route says. */
#ifndef SERVER_HTTP_HTTP_HANDLER_H
#define SERVER_HTTP_HTTP_HANDLER_H

#include <event2/buffer.h>
#include <event2/event.h>

#include "server/http/http_request.h"
#include "server/receive/sender.h"

struct http;
struct http_exchange; /* a request and its answer */
struct desk;
struct desk_job;
struct http_ledger;
struct http_owner;

/* The request is a view, good until the handler returns. The exchange is good until it
 * was replied to, or its end was told. */
typedef void http_handler(struct http_exchange *exchange, const struct http_request *request,
                          void *argument);

/* The same on the thread of the desk; the job is given (server/http/desk.h). */
typedef void desk_work(struct desk_job *given, const struct http_request *request,
                       void *argument);

/* What a route is for. Who may ask for it follows from that, in one table of
 * server/http/http_guard.c; a row that says nothing is for reading. */
enum http_use {
    HTTP_USE_READING, /* what is known of the metrics */
    HTTP_USE_HEALTH,
    HTTP_USE_METRICS,
    HTTP_USE_PAGE,       /* what a browser may be led to from elsewhere: the page itself */
    HTTP_USE_LOGIN,      /* the form of that page */
    HTTP_USE_CONTROL,    /* changes the server, and is not for browsers */
    HTTP_USE_WRITING,    /* changes something from the page */
    HTTP_USE_SUBMITTING, /* what is written is points, events and checks */
    HTTP_USE_RAW,        /* what was received, byte by byte, and is not for browsers */
    HTTP_USE_PICTURE,    /* whose address is known to who may see it */
    HTTP_USES
};

/* A path may have several rows, each with methods of its own. */
struct http_route {
    const char *path; /* as it is sent, without the query; a '*' stands for one name */
    bool below;       /* path ends in '/', and a name stands behind it: http_route_name() */
    bool deep;        /* the same, and the name may have a '/' in it */
    unsigned methods; /* of enum http_method; HEAD is answered wherever GET is */
    enum http_use use;
    http_handler *handle; /* on the thread of the loop */
    desk_work *work;      /* or on the desk's, and the former is NULL */
    bool streams;         /* the answer may go on and on */
    bool json_errors;     /* refusals have the form that clients of Datadog's API read */
    size_t body_max;      /* as sent; 0: HTTP_BODY_MAX; more gets 413 */
    size_t inflated_max;  /* of a body that came compressed; 0: body_max */
};

/* 0: the usual one. */
struct http_limits {
    int places;
    int askers;  /* that wait for an answer at a time, health and control besides */
    int streams; /* at a time */
    int bodies;  /* of over HTTP_BODY_MAX, or of unknown length, at a time */
    int head_ms, body_ms, answer_ms, idle_ms;
    int stuck_ms; /* a stream whose reader takes nothing */
    size_t unsent_bytes;
};

struct http_config {
    struct event_base *base;
    const struct http_route *routes; /* static */
    size_t n_routes;
    struct http_route other; /* of any path else */

    /* Asked before the body is read; NULL: everybody is admitted. False: it has replied. */
    bool (*admits)(struct http_exchange *exchange, const struct http_request *request,
                   const struct http_route *route, void *argument);

    /* Asked as a body of unknown length comes, which has so many bytes by now; NULL: it may be
     * as long as any. False: it has replied. */
    bool (*still_fits)(struct http_exchange *exchange, const struct http_request *request,
                       const struct http_route *route, size_t length, void *argument);

    /* Whether a stream that was admitted still would be then; NULL: it would. It does not
     * reply. */
    bool (*still_admits)(const struct http_exchange *exchange,
                         const struct http_request *request, const struct http_route *route,
                         int64_t now_ms, void *argument);
    void *argument;             /* of handlers, and of these three */
    struct desk *desk;          /* NULL: no route is for it */
    struct http_ledger *ledger; /* NULL: nobody counts */
    struct http_limits limits;
    bool own_thread; /* the loop has time for long bodies: it serves nobody else */
    const struct http_owner *owner; /* static; NULL: "http", and sockets are its user's alone */
};

/* ---- for handlers ------------------------------------------------------ */

/* Whether it came by a listener that only this machine reaches: bound to a loopback address, or
 * a unix socket. */
bool http_is_local(const struct http_exchange *exchange);

/* Who connected, as a view of the exchange; of a unix socket AF_UNIX. */
const struct sender *http_peer(const struct http_exchange *exchange);

/* A header of the answer to come. */
void http_add_header(struct http_exchange *exchange, const char *name, const char *value);

/* The answer; the body is given, NULL stands for one that there was no memory for (503).
 * The exchange is no longer the caller's. */
void http_reply(struct http_exchange *exchange, int status, const char *type,
                struct evbuffer *given);
void http_reply_text(struct http_exchange *exchange, int status, const char *type,
                     const char *text);

/* Refuses with a sentence, which ends in a newline, in the form that the route says. */
void http_refuse(struct http_exchange *exchange, int status, const char *sentence);

/* Begins an answer that goes on until http_stream_end(): in chunks, or up to the end of the
 * connection for HTTP/1.0. False: it is over already, as for HEAD or without memory. True, and
 * after what is added later: if it is over, http_on_end() has told. */
bool http_stream_begin(struct http_exchange *exchange, const char *type);

/* Writes more of it, as a chunk. */
void http_stream_add(struct http_exchange *exchange, struct evbuffer *given);
void http_stream_end(struct http_exchange *exchange);

/* Called whenever the client took some of it, with the bytes that it still has to take. */
typedef void http_taken(size_t left, void *argument);
void http_on_taken(struct http_exchange *exchange, http_taken *tell, void *argument);

/* Called once: when the answer is written to its end, when the client goes before or amid
 * it. A later one takes the place of the former; NULL: nobody is told. */
typedef void http_end(void *argument);
void http_on_end(struct http_exchange *exchange, http_end *tell, void *argument);

/* The argument that it would be called with; NULL: nobody is told. */
void *http_end_argument(const struct http_exchange *exchange);

#endif
