/* server/commands/private_server.h: a server of a command's own, in its process.
 *
 *   settings and observer -> started -> the UDP port -> ... -> stopped: flushed, and the
 * account
 *
 * It is the real one, with all its threads; what it would send goes to the observer, on the
 * flusher's thread, until it has stopped. Commands know nothing of the server, so
 * server/private_server.c defines these. */
#ifndef SERVER_COMMANDS_PRIVATE_SERVER_H
#define SERVER_COMMANDS_PRIVATE_SERVER_H

#include "config/settings.h"
#include "flush/snapshots/observer.h"

/* What became of what arrived. */
struct private_account {
    uint64_t datagrams;
    uint64_t drops;    /* datagrams that the kernel had no room for */
    uint64_t lines;    /* refused ones too */
    uint64_t rejected; /* of them refused */
    uint64_t shed;     /* values that were taken and reached no series */
};

struct private_server;

/* The settings, the host name and the observer outlive it. NULL with a sentence. */
struct private_server *private_server_start(const struct settings *settings,
                                            const char *hostname, struct observer observer,
                                            char *problem, size_t problem_size);

/* 0: it has none. */
int private_server_udp_port(const struct private_server *server);

/* Reads what is in the sockets, flushes, and frees it. False: a thread hangs, and the observer
 * may still be told; *out is empty. */
bool private_server_stop(struct private_server *given, struct private_account *out);

#endif
