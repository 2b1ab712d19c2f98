/* server/receive/listener.h: where datagrams arrive.
 *
 *   kind             label                   read by
 *   UDP              "udp 127.0.0.1:8125"    every worker, from a socket of its own
 *   unix datagram    "unix /path"            every worker, from the one socket
 *   unix stream      "unixstream /path"      whoever accepts a connection (stream.h)
 *
 * A socket is opened by main before the workers start, read by the workers, and
 * closed by main after they have ended: the kernel's count of dropped datagrams
 * stays readable to the last moment. */
#ifndef SERVER_RECEIVE_LISTENER_H
#define SERVER_RECEIVE_LISTENER_H

#include <sys/socket.h>

#include "config/settings.h"
#include "flush/parcels/ledger.h"
#include "server/receive/inherited.h"
#include "server/receive/socket_file.h"

enum listener_kind { LISTENER_UDP, LISTENER_UNIX, LISTENER_STREAM };

/* One worker's view of the listener: its socket and its counts, on cache lines of
 * its own. Written by the worker, but for drops. A frame of a stream counts as a
 * datagram. */
struct listener_socket {
    _Alignas(64) int fd;
    struct counter datagrams, bytes, truncated;
    struct counter refused;   /* connections beyond the limit */
    struct counter too_large; /* frames beyond dogstatsd_buffer_size */
    _Atomic(uint64_t) drops;  /* the kernel's count at the last look, extended to 64 bits */
    uint64_t drops_before;    /* what it was when the socket was inherited */
};

struct listener {
    enum listener_kind kind;
    char name[128]; /* the label in telemetry and logs */
    bool need_newline;
    uint32_t n_sockets;
    struct listener_socket *sockets; /* one a worker; unix: all with the same fd */
    struct socket_file file;         /* unix only */
    _Atomic(uint32_t) connections;   /* open now, of all workers */
    bool kept;  /* systemd or a successor has the sockets too, so they live on */
    int *extra; /* inherited sockets of more workers than we have: read empty, then closed */
    uint32_t n_extra;
    bool spread_for_now; /* datagrams are spread at random until the extra sockets are closed */
};

struct listeners {
    struct listener *at;
    size_t n;
    struct inherited_sockets *inherited; /* that are there already; or NULL */
};

/* Opens every listener that the settings ask for, but uses an inherited socket where its
 * address fits (inherited: NULL for none). False with a sentence; what was opened is closed
 * again. */
bool listeners_open(struct listeners *listeners, const struct settings *settings,
                    uint32_t workers, struct inherited_sockets *inherited, char *problem,
                    size_t problem_size);

/* Removes the files of unix sockets, so that a successor may have the paths. */
void listeners_remove_files(struct listeners *listeners);
void listeners_close(struct listeners *listeners);

/* Datagrams that the kernel dropped at this socket so far (SO_MEMINFO; unix
 * sockets drop nothing). Any thread; listener_note_drops() by the worker at each
 * seal, so that the kernel's 32 bits never wrap unseen. */
uint64_t listener_drops(const struct listener_socket *sock);
void listener_note_drops(struct listener_socket *sock);

/* From now on nothing new comes in; what is queued stays readable. The kernel
 * counts refused UDP datagrams as dropped; senders on unix sockets see EPIPE,
 * those who connect ECONNREFUSED. False with errno. */
bool listener_gate(const struct listener *listener);

/* To be called before the last look at a gated listener's drops. From now on a sender is told
 * ECONNREFUSED, so that no datagram is silently dropped between that look and the closing. */
void listener_leave(const struct listener *listener);

/* ---- for those who open them ------------------------------------------- */

/* False without memory. */
bool listener_init(struct listener *listener, enum listener_kind kind,
                   const struct settings *settings, uint32_t workers);
void listener_close(struct listener *listener);
void listener_close_extra(struct listener *listener);

/* Worker i gets this inherited socket. What the kernel had dropped at it before is not on our
 * account. */
void listener_adopt(struct listener *listener, uint32_t i, int fd, uint64_t drops_before);

#endif
