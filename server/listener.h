/* server/listener.h: the sockets that datagrams arrive on.
 *
 * One address is one listener; each worker has a socket of its own on it
 * (SO_REUSEPORT), so that the kernel spreads the flows and workers share
 * nothing. The first socket binds exclusively and only then allows siblings:
 * a second server on the address is told "in use" instead of silently taking
 * half of the flows.
 *
 * A socket is opened by main before the workers start, read by its worker, and
 * closed by main after the workers have ended: the kernel's count of dropped
 * datagrams stays readable to the last moment. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <sys/socket.h>

#include "config/settings.h"
#include "flush/ledger.h"

enum listener_kind { LISTENER_UDP, LISTENER_KIND_COUNT };

/* One worker's socket and its counts. Written by the worker, but for drops. */
struct listener_socket {
    int fd;
    struct counter datagrams, bytes, truncated;
    _Atomic(uint64_t) drops; /* the kernel's count at the last look, in 64 bits */
};

struct listener {
    enum listener_kind kind;
    char name[128]; /* "udp 127.0.0.1:8125": the label in telemetry and logs */
    bool need_newline;
    uint32_t n_sockets;
    struct listener_socket *sockets; /* one a worker */
};

struct listeners {
    struct listener *at;
    size_t n;
};

/* Opens every listener that the settings ask for. False with a sentence; what
 * was opened is closed again. */
bool listeners_open(struct listeners *listeners, const struct settings *settings,
                    uint32_t workers, char *problem, size_t problem_size);
void listeners_close(struct listeners *listeners);

/* Datagrams that the kernel dropped at this socket so far (SO_MEMINFO). Any
 * thread; listener_note_drops() by the worker at each seal, so that the
 * kernel's 32 bits never wrap unseen. */
uint64_t listener_drops(const struct listener_socket *sock);
void listener_note_drops(struct listener_socket *sock);

/* From now on the kernel refuses every new datagram at this socket and counts it
 * as dropped; what is queued stays readable. */
bool listener_gate(const struct listener_socket *sock);

#endif
