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

/* A row for each kind: X(id, label, eol word, socket type, shared, connected, drops,
 * tells senders). Whoever treats kinds differently asks for a trait, so that a new kind is a
 * new row and forgets nothing. */
#define LISTENER_KINDS(X)                                                 \
    X(LISTENER_UDP, "udp", "udp", SOCK_DGRAM, false, false, true, false)  \
    X(LISTENER_UNIX, "unix", "uds", SOCK_DGRAM, true, false, false, true) \
    X(LISTENER_STREAM, "unixstream", "uds", SOCK_STREAM, true, true, false, false)

#define LISTENER_ENUM(id, ...) id,
enum listener_kind { LISTENER_KINDS(LISTENER_ENUM) LISTENER_KIND_COUNT };
#undef LISTENER_ENUM

/* With less of either, a burst of one client is enough to fill it: so the log and a finding
 * tell what to do. What dogstatsd_so_rcvbuf asks for is a measure of its own. */
enum {
    LISTENER_GOOD_BYTES = 16 * 1024 * 1024,
    LISTENER_GOOD_QUEUE = 128,
    LISTENER_SUGGESTED_QUEUE = 1024,
};

struct listener_traits {
    const char *label;    /* the beginning of its name */
    const char *eol_word; /* what dogstatsd_eol_required calls it */
    int type;
    bool shared;        /* all workers read one socket; otherwise each has its own */
    bool connected;     /* clients connect, and send frames (stream.h) */
    bool drops;         /* a full queue drops, and the kernel counts; otherwise senders wait */
    bool tells_senders; /* the kernel can tell with each datagram who sent it */
};

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
    struct listener_socket *sockets; /* one for each worker; shared: all with the same fd */
    struct socket_file file;         /* unix only */
    int asked_bytes, granted_bytes;  /* receive buffer of one socket; UDP only */
    bool buffer_is_ours;             /* to choose: dogstatsd_so_rcvbuf is 0 */
    int queue_datagrams;           /* that the kernel queues; unix datagrams only; 0: unknown */
    _Atomic(uint32_t) connections; /* open now, of all workers */
    bool kept;  /* systemd or a successor has the sockets too, so they live on */
    int *extra; /* inherited sockets of more workers than we have: read empty, then closed */
    uint32_t n_extra;
    bool spread_for_now; /* datagrams are spread at random until the extra sockets are closed */
};

const struct listener_traits *listener_traits(const struct listener *listener);

/* How many bytes of receive buffer it should have: what was asked for, or what is good enough
 * if that was ours to choose. 0: it has that. */
int listener_lacks_buffer(const struct listener *listener);

/* Whether the kernel may coalesce datagrams at a socket that this worker will read (gro.h). To
 * be asked before it begins: the first worker closes the extra sockets. */
bool listener_coalesces(const struct listener *listener, uint32_t worker);

/* How many sockets it has, each of which is to be closed once: sockets[0] and on. */
uint32_t listener_n_own(const struct listener *listener);

/* All of them (server/receive/listeners.h). */
struct listeners {
    struct listener *at;
    size_t n;
    struct inherited_sockets *inherited; /* that are there already; or NULL */
};

/* What one worker's counts say, for listener_sum(). */
static inline uint64_t listener_datagrams(const struct listener_socket *sock)
{
    return counter_read(&sock->datagrams);
}

static inline uint64_t listener_bytes(const struct listener_socket *sock)
{
    return counter_read(&sock->bytes);
}

static inline uint64_t listener_truncated(const struct listener_socket *sock)
{
    return counter_read(&sock->truncated);
}

static inline uint64_t listener_refused(const struct listener_socket *sock)
{
    return counter_read(&sock->refused);
}

static inline uint64_t listener_too_large(const struct listener_socket *sock)
{
    return counter_read(&sock->too_large);
}

/* Datagrams that the kernel dropped at this socket so far (SO_MEMINFO; unix
 * sockets drop nothing); of coalesced ones it counts the buffers. Any thread;
 * listener_note_drops() by the worker at each seal, so that the kernel's 32 bits never wrap
 * unseen. */
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
void listener_close(struct listener *given);
void listener_close_extra(struct listener *listener);

/* Ends what spread datagrams over the sockets at random (SO_ATTACH_REUSEPORT_CBPF). */
void listener_stop_spreading(int fd);

/* Worker i gets this inherited socket. What the kernel had dropped at it before is not on our
 * account. */
void listener_adopt(struct listener *listener, uint32_t i, int fd, uint64_t drops_before);

#endif
