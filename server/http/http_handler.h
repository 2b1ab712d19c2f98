/* server/http/http_handler.h: what a handler of the HTTP server sees, and what it may do.
 *
 * A handler is called with a whole request and owes one answer, now or later. Everything
 * runs on the thread of the event loop (server/http/http.h). */
#ifndef SERVER_HTTP_HTTP_HANDLER_H
#define SERVER_HTTP_HTTP_HANDLER_H

#include <event2/buffer.h>
#include <event2/event.h>

#include "server/http/http_request.h"

struct http;
struct http_exchange; /* a request and its answer */

/* The request is a view, good until the handler returns. The exchange is good until it
 * was replied to, or its end was told. */
typedef void http_handler(struct http_exchange *exchange, const struct http_request *request,
                          void *argument);

/* What a route is for. Who may ask for it follows from that, in one table of
 * server/http/http_guard.c; a row that says nothing is for reading. */
enum http_use {
    HTTP_USE_READING, /* what is known of the metrics */
    HTTP_USE_HEALTH,
    HTTP_USE_METRICS,
    HTTP_USE_PAGE,    /* what a browser may be led to from elsewhere: the page itself */
    HTTP_USE_LOGIN,   /* the form of that page */
    HTTP_USE_CONTROL, /* changes the server, and is not for browsers */
    HTTP_USE_WRITING, /* changes something from the page */
    HTTP_USES
};

struct http_route {
    const char *path; /* as it is sent, without the query */
    unsigned methods; /* of enum http_method; HEAD is answered wherever GET is */
    enum http_use use;
    http_handler *handle;
    size_t body_max; /* 0: HTTP_BODY_MAX; more is refused with 413 */
};

/* 0: the usual one. */
struct http_limits {
    int places;
    int head_ms, body_ms, answer_ms, idle_ms;
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
    void *argument; /* of handlers and admits */
    struct http_limits limits;
};

/* ---- for handlers ------------------------------------------------------ */

/* Whether it came by a listener that only this machine reaches: bound to a loopback address, or
 * a unix socket. */
bool http_is_local(const struct http_exchange *exchange);

/* A header of the answer to come. */
void http_add_header(struct http_exchange *exchange, const char *name, const char *value);

/* The answer; the body is given, NULL stands for one that there was no memory for (503).
 * The exchange is no longer the caller's. */
void http_reply(struct http_exchange *exchange, int status, const char *type,
                struct evbuffer *given);
void http_reply_text(struct http_exchange *exchange, int status, const char *type,
                     const char *text);

/* Called once: when the answer is written to its end, when the client goes before or amid
 * it. A later one takes the place of the former; NULL: nobody is told. */
typedef void http_end(void *argument);
void http_on_end(struct http_exchange *exchange, http_end *tell, void *argument);

#endif
