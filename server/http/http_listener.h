/* server/http/http_listener.h: a socket on which HTTP is listened for.
 *
 *   127.0.0.1:8127  [::1]:8127  unix:/run/heeler/http.sock
 *
 * The file of a unix socket has the mode 0600 unless another is given: whoever may connect may
 * do all that this HTTP can do.
 * A socket that was inherited is used again, so that nobody who connects meanwhile is
 * refused. */
#ifndef SERVER_HTTP_HTTP_LISTENER_H
#define SERVER_HTTP_HTTP_LISTENER_H

#include "server/receive/inherited.h"
#include "server/receive/socket_file.h"

/* Who listens, as the log says it, the mode of the file of a unix socket, and whether tracing
 * libraries are who connects. */
struct http_owner {
    const char *name; /* static: "http" */
    mode_t socket_mode;
    bool traces;
};

struct http_listener {
    const struct http_owner *owner;
    int fd;                  /* -1: there is none */
    int port;                /* 0 of a unix socket */
    bool local;              /* only this machine reaches it */
    struct socket_file file; /* of a unix socket */
};

/* False with a sentence. A name is listened on at the first of its addresses that this machine
 * has; port 0: chosen by the kernel. inherited may be NULL. */
bool http_listener_open(struct http_listener *out, const char *address,
                        const struct http_owner *owner, struct inherited_sockets *inherited,
                        char *problem, size_t problem_size);

/* Closes the socket and removes its file. */
void http_listener_close(struct http_listener *given);

/* Gives the socket, with its file, to a successor. */
void http_listener_leave(struct http_listener *given, struct inherited_sockets *to);

#endif
