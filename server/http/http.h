/* server/http/http.h: a small HTTP/1.1 server that nobody can silence.
 *
 *   accept -> head (5 s) -> body (10 s) -> handler -> answer (30 s without progress)
 *               ^                                         |
 *               +------- kept alive, idle (60 s) ---------+
 *
 * One table of routes says who is asked for what. A handler answers at once or later
 * (http_reply), and may ask to be told when its exchange is over (http_on_end).
 *
 * Nobody is kept waiting by others. There are 64 places, and whoever comes always gets
 * one: when all are taken, first a connection goes that idles, then the one that has been
 * sending its request for the longest time, then the one whose answer has been stuck for
 * the longest. Of these no more than 32 may wait for an answer of the API or the page, and 16
 * be streams; others get 503, and the rest of the places is kept for health, metrics and
 * control. So do large bodies beyond the eighth. A stream that is stuck makes room for a new
 * one. What is written but not yet taken is bounded in bytes; large answers beyond that become
 * 503, small ones never do. A connection that idles costs some 700 bytes.
 *
 * Why not libevent's evhttp, which served here before (2.1.12). It has one time limit, which
 * each byte starts anew, so a client that sends a byte a second stays for ever. It tells
 * nobody when a connection ends that asked nothing, so none can be counted, and it offers no
 * way to end one. It sends the body to HEAD too. And without memory it fails: when 80
 * allocations of one request were made to fail in turn, eight led to a crash and one to a
 * loop without end.
 *
 * Everything here runs on the thread of the event loop; what takes longer is the desk's. */
#ifndef SERVER_HTTP_HTTP_H
#define SERVER_HTTP_HTTP_H

#include "server/http/http_handler.h"
#include "server/receive/inherited.h"

/* NULL without memory. */
struct http *http_new(const struct http_config *config);

/* Ends every connection, whole or not, and tells no handler. A stream comes to its end, where
 * the reader has taken all before: then it may ask a successor. NULL is fine. */
void http_free(struct http *given);

/* Listens there too (server/http/http_listener.h). False with a sentence. */
bool http_listen(struct http *http, const char *address, struct inherited_sockets *inherited,
                 char *problem, size_t problem_size);

/* Accepts nobody any more, and gives the sockets to a successor. */
void http_leave(struct http *http, struct inherited_sockets *to);

/* Of the first address that has one; 0: none has. */
int http_port(const struct http *http);

/* Ends what has had its time; the loop does so by itself. */
void http_expire(struct http *http, int64_t now_ms);

int http_connections(const struct http *http);

/* Who may ask has changed, or it is later: ends the streams that would not be admitted now. */
void http_review(struct http *http, int64_t now_ms);

#endif
