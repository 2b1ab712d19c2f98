/* server/http/http_connection.h: one connection of the HTTP server, and what it shares with the
 * others. Only these files include it:
 *
 *   http.c              accepts connections, and ends the ones that are worth the least
 *   http_connection.c   the phases of one, from its first byte to its end
 *   http_take.c         a request, taken out of what was received
 *   http_answer.c       the bytes of an answer
 *   http_stream.c       an answer without an end
 *
 * in   | head | body, decoded in place | what came behind it |
 *             ^body_at                 ^body_end             ^in_len
 *
 * The bytes of a request stay in the buffer until its answer is written; then what came
 * behind it moves to the front. */
#ifndef SERVER_HTTP_HTTP_CONNECTION_H
#define SERVER_HTTP_HTTP_CONNECTION_H

#include "server/http/http_handler.h"
#include "server/http/http_ledger.h"
#include "server/http/http_listener.h"

enum http_phase {
    HTTP_PHASE_HEAD, /* idle while nothing of it is there */
    HTTP_PHASE_BODY,
    HTTP_PHASE_HANDLER,  /* the handler owes an answer */
    HTTP_PHASE_STREAM,   /* an answer that goes on; idle while nothing is to be written */
    HTTP_PHASE_ANSWER,   /* being written */
    HTTP_PHASE_FAREWELL, /* written; what the client still sends is thrown away */
    HTTP_PHASE_CLOSED,
};

struct http_exchange {
    struct http *http;
    bool is_local;      /* it came by a local listener */
    struct sender peer; /* who connected */
    struct http_exchange *before, *after;
    int fd;
    struct event *readable, *writable;
    bool is_reading, is_writing; /* the events are added */
    enum http_phase phase;
    int64_t since_ms;    /* the phase began, or an answer last moved on */
    int64_t deadline_ms; /* INT64_MAX: none */
    bool is_kept;        /* a request was answered before */
    bool has_ended;      /* the client sends no more */
    bool is_advancing;   /* further up on the stack */

    char *in; /* NULL while it is empty */
    size_t in_len, in_size, seen;
    size_t body_at, body_end, body_max;
    const struct http_route *route;
    struct http_request request; /* its slices only until the handler returns */
    struct http_chunks chunks;
    bool keeps_alive; /* the answer says so */

    struct evbuffer *headers; /* more of them; NULL: none */
    struct evbuffer *out;     /* NULL: nothing is to be written */
    size_t unsent;            /* counted in http->unsent */
    size_t moved;             /* bytes written since since_ms */
    http_taken *taken;        /* of a stream */
    void *taken_argument;
    http_end *tell;
    void *tell_argument;
};

enum { HTTP_LISTENERS_MAX = 16 };

struct http_socket {
    struct http *http;
    struct http_listener listener;
    struct event *acceptable;
};

struct http {
    struct http_config config;
    struct http_socket sockets[HTTP_LISTENERS_MAX];
    size_t n_sockets;
    struct event *accept_timer, *deadline_timer;
    int64_t timer_ms; /* when the deadline timer goes off; INT64_MAX: never */
    struct http_exchange *first, *last;
    int n_connections;
    size_t unsent;
};

/* ---- http_connection.c ------------------------------------------------- */

/* fd is given. False without memory. */
bool http_connection_open(struct http *http, int given_fd, const struct sender *peer,
                          bool is_local, int64_t now_ms);

/* Its time is over, or others need its place. */
void http_connection_expire(struct http_exchange *exchange);
void http_connection_close(struct http_exchange *given);

/* Closes it without a word to its handler. */
void http_connection_forget(struct http_exchange *given);

/* The phase begins, and with it the time that it may take. */
void http_connection_enter(struct http_exchange *exchange, enum http_phase phase);

/* The timer goes off no later than that. */
void http_connection_schedule(struct http *http, int64_t deadline_ms);

/* Goes as far as it can; the exchange may be closed then. */
void http_connection_advance(struct http_exchange *exchange);

/* ---- http_take.c ------------------------------------------------------- */

/* Called whenever more bytes came. False: still more are needed. True: the phase is another
 * one, as the head or body was taken, or the request refused. */
bool http_take_head(struct http_exchange *exchange);
bool http_take_body(struct http_exchange *exchange);

/* Its answer goes on and on, or will. */
bool http_take_is_stream(const struct http_exchange *exchange);

/* Forgets the first n bytes; what came behind them moves to the front. */
void http_take_drop(struct http_exchange *exchange, size_t n);

/* ---- http_stream.c ----------------------------------------------------- */

/* The server ends: if it is a stream, its end goes out at once or not at all. */
void http_stream_last_word(struct http_exchange *exchange);

/* ---- http_answer.c ----------------------------------------------------- */

/* Fills exchange->out with the answer; the body is moved, not copied. False without
 * memory. */
bool http_answer_compose(struct http_exchange *exchange, int status, const char *type,
                         struct evbuffer *body);

/* The same for a stream: only the head. */
bool http_answer_compose_stream(struct http_exchange *exchange, const char *type);

/* Counts a request that was refused. */
void http_answer_count(const struct http *http, enum http_refusal why);

/* The answer to what is no valid request or is beyond a limit, in the words that the status
 * has; the connection ends behind it. */
void http_answer_refuse(struct http_exchange *exchange, int status);

#endif
