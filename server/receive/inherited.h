/* server/receive/inherited.h: sockets that were there before this server, for its listeners.
 *
 * A socket is recognised by the address that it is bound to, so the successor may
 * have other settings. Where the sockets came from, and what was left with them, is known to
 * server/succession/inheritance.h, which owns the list. */
#ifndef SERVER_RECEIVE_INHERITED_H
#define SERVER_RECEIVE_INHERITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct inherited_socket {
    int fd; /* -1: taken */
    bool connection;
    bool traces; /* tracing libraries connect to it, and ask for another HTTP than others */
    bool kept;   /* systemd has it too */
    bool drops_known; /* the server that handed over said how many it has counted */
    uint64_t drops;   /* of the kernel, which are not on our account */
};

/* { 0 } is empty. */
struct inherited_sockets {
    struct inherited_socket *at;
    size_t n;
};

/* Adds the socket, which is given. False without memory: the socket is closed. */
bool inherited_add(struct inherited_sockets *sockets, struct inherited_socket given);

/* A socket of that type at that address, owned by the caller then, with its drops. Port 0: at
 * any port, if it is for traces or not as this is. False: there is none. Takes NULL. */
bool inherited_take(struct inherited_sockets *sockets, const struct sockaddr *address, int type,
                    bool traces, struct inherited_socket *out);

/* The connection of that number, which the caller owns then. False: there is none. */
bool inherited_take_connection(struct inherited_sockets *sockets, int fd);

/* Closes those that nobody took, and says how many there were. */
size_t inherited_close(struct inherited_sockets *given);

/* Closes and frees all of it. */
void inherited_free(struct inherited_sockets *given);

#endif
