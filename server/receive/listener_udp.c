#include "server/receive/listener_udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/log.h"
#include "server/receive/gro.h"
#include "server/receive/memory.h"
#include "server/receive/targets.h"

/* RECEIVE_BUFFER_BYTES: what we ask for when dogstatsd_so_rcvbuf leaves it to us. It holds some
 * 60 ms of a million datagrams a second, so a worker whose processor is taken away for a few of
 * the scheduler's slices loses nothing. The kernel takes memory only for what waits, up to
 * twice that much, and charges it to our control group; so all workers together never ask for
 * more than one PART_OF_MEMORY of what we may use. */
enum {
    RECEIVE_BUFFER_BYTES = 64 * 1024 * 1024,
    PART_OF_MEMORY = 8,
};

/* How often we try to find a random port that is free in both families. */
enum { RANDOM_PORT_TRIES = 20 };

/* ---- one socket -------------------------------------------------------- */

static int granted_buffer(int fd)
{
    int bytes = 0;

    (void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &(socklen_t){ sizeof bytes });
    return bytes / 2; /* the kernel doubles what is asked, for its own overhead */
}

static int wanted_buffer(const struct settings *settings)
{
    int64_t most = memory_limit(settings) / PART_OF_MEMORY / settings->heeler_workers;

    if (settings->dogstatsd_so_rcvbuf > 0)
        return (int)settings->dogstatsd_so_rcvbuf;
    return most < RECEIVE_BUFFER_BYTES ? (int)most : RECEIVE_BUFFER_BYTES;
}

static void size_buffer(int fd, const struct settings *settings)
{
    int bytes = wanted_buffer(settings);

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (settings->dogstatsd_so_rcvbuf == 0 && granted_buffer(fd) < bytes)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
                         sizeof bytes); /* allowed to a privileged process only */
}

static int set_reuse(int fd)
{
    return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int));
}

/* Where the option is on and shall be off, the worker clears it once it has read what waits. */
static void ask_coalesced(struct listener *listener, int fd, const struct settings *settings,
                          bool first)
{
    if (settings->heeler_udp_gro && !gro_ask(fd) && first)
        log_warn(
            "server: %s: heeler_udp_gro: the kernel cannot do it (%s), and gives datagrams "
            "one by one",
            listener->name, strerror(errno));
}

/* first: binds exclusively, and lets the sockets of the other workers in afterwards. -1 with
 * errno. */
static int open_socket(const struct udp_target *target, const struct settings *settings,
                       bool first)
{
    int fd = socket(target->address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (target->address.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int));
    size_buffer(fd, settings);
    if ((!first && set_reuse(fd) != 0) ||
        bind(fd, (const struct sockaddr *)&target->address, target->len) != 0 ||
        (first && set_reuse(fd) != 0)) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static void name_listener(struct listener *listener, int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char host[INET6_ADDRSTRLEN] = "?";

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return;
    if (address.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&address)->sin6_addr, host, sizeof host);
        snprintf(listener->name, sizeof listener->name, "udp [%s]:%d", host,
                 udp_port_of(&address));
    } else {
        inet_ntop(AF_INET, &((struct sockaddr_in *)&address)->sin_addr, host, sizeof host);
        snprintf(listener->name, sizeof listener->name, "udp %s:%d", host,
                 udp_port_of(&address));
    }
}

/* ---- one listener ------------------------------------------------------ */

/* The port that the kernel chose for the first socket is the siblings' too. */
static void adopt_port(struct udp_target *target, int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
        udp_target_set_port(target, udp_port_of(&address));
}

/* By itself the kernel sends all datagrams of one sender to the same worker, which is bad for
 * a single loud sender. This gives it a program that draws a socket for each datagram. */
static bool spread_at_random(int fd, uint32_t workers)
{
    struct sock_filter draw[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_fprog program = { sizeof draw / sizeof draw[0], draw };

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0;
}

/* Worker i gets its socket: an inherited one if there is one left, otherwise a new one. False
 * with errno. */
static bool give_socket(struct listener *listener, uint32_t i, struct udp_target *target,
                        const struct settings *settings, struct inherited_sockets *inherited)
{
    struct inherited_socket found;
    int fd;

    if (inherited_take(inherited, (const struct sockaddr *)&target->address, SOCK_DGRAM, false,
                       &found)) {
        listener_adopt(listener, i, found.fd, found.drops);
        listener->kept = listener->kept || found.kept;
        size_buffer(found.fd, settings);
        (void)set_reuse(found.fd);
        fd = found.fd;
    } else {
        fd = open_socket(target, settings, i == 0);
        listener->sockets[i].fd = fd;
    }
    if (fd >= 0 && i == 0) {
        adopt_port(target, fd);
        name_listener(listener, fd);
    }
    if (fd >= 0)
        ask_coalesced(listener, fd, settings, i == 0);
    return fd >= 0;
}

/* Takes the inherited sockets of more workers than we have now. The kernel numbers the sockets
 * of an address and, when one is closed, puts the last into its place; so the last are closed
 * first, and those that stay keep their numbers. */
static void take_extra(struct listener *listener, const struct udp_target *target,
                       struct inherited_sockets *inherited)
{
    struct inherited_socket found;

    while (inherited_take(inherited, (const struct sockaddr *)&target->address, SOCK_DGRAM,
                          false, &found)) {
        int *grown = realloc(listener->extra, (listener->n_extra + 1) * sizeof *grown);

        if (grown == NULL) {
            close(found.fd);
            return;
        }
        listener->extra = grown;
        listener->extra[listener->n_extra++] = found.fd;
    }
}

/* Connects the socket to its own address, so that no sender reaches it any more: a datagram
 * that came while it is closed would be lost. What waits in it can still be read. */
static void turn_away(int fd)
{
    struct sockaddr_storage own;
    socklen_t len = sizeof own;

    if (getsockname(fd, (struct sockaddr *)&own, &len) == 0)
        (void)connect(fd, (struct sockaddr *)&own, len);
}

/* If there are fewer workers than before, datagrams are spread at random among those that stay,
 * until the sockets of the others are empty and closed. */
static void spread(struct listener *listener, const struct settings *settings, uint32_t workers)
{
    int fd = listener->sockets[0].fd;
    bool at_random = strcmp(settings->heeler_spread, "random") == 0 && workers > 1;

    if (!at_random && listener->n_extra == 0) {
        listener_stop_spreading(fd);
        return;
    }
    if (!spread_at_random(fd, workers))
        log_warn("server: %s: heeler_spread: %s; each sender stays with one worker",
                 listener->name, strerror(errno));
    listener->spread_for_now = !at_random;
    for (uint32_t i = 0; i < listener->n_extra; i++)
        turn_away(listener->extra[i]);
}

/* False with errno. */
static bool open_listener(struct listener *listener, struct udp_target *target,
                          const struct settings *settings, uint32_t workers,
                          struct inherited_sockets *inherited)
{
    if (!listener_init(listener, LISTENER_UDP, settings, workers))
        return false;
    for (uint32_t i = 0; i < workers; i++) {
        if (!give_socket(listener, i, target, settings, inherited)) {
            int why = errno;
            listener_close(listener);
            errno = why;
            return false;
        }
    }
    take_extra(listener, target, inherited);
    spread(listener, settings, workers);
    return true;
}

static void say_listening(struct listener *listener, const struct settings *settings)
{
    listener->granted_bytes = granted_buffer(listener->sockets[0].fd);
    listener->asked_bytes = wanted_buffer(settings);
    listener->buffer_is_ours = settings->dogstatsd_so_rcvbuf == 0;
    int lacks = listener_lacks_buffer(listener);

    log_info("server: listening on %s, receive buffer %d KiB", listener->name,
             listener->granted_bytes / 1024);
    if (lacks > 0)
        log_warn("server: %s: the system granted %d of %d bytes of receive buffer; "
                 "\"sysctl -w net.core.rmem_max=%d\" allows it",
                 listener->name, listener->granted_bytes, lacks, lacks);
}

static void describe(const struct udp_target *target, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?", port[8] = "?";

    (void)getnameinfo((const struct sockaddr *)&target->address, target->len, host, sizeof host,
                      port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(out, size, target->address.ss_family == AF_INET6 ? "udp [%s]:%s" : "udp %s:%s",
             host, port);
}

static bool is_absent_family(int why)
{
    return why == EAFNOSUPPORT || why == EADDRNOTAVAIL;
}

/* Opens all targets. If the port is random, all others get the one that the first was given.
 * False with errno, and *failed says which. */
static bool open_targets(struct listeners *listeners, struct udp_targets *targets,
                         const struct settings *settings, uint32_t workers, size_t *failed)
{
    bool shared_port = settings->heeler_udp_listen.n == 0;

    for (size_t i = 0; i < targets->n; i++) {
        struct udp_target *target = &targets->at[i];
        if (i > 0 && shared_port)
            udp_target_set_port(target, udp_port_of(&targets->at[0].address));
        if (open_listener(&listeners->at[listeners->n], target, settings, workers,
                          listeners->inherited)) {
            listeners->n++;
            continue;
        }
        *failed = i;
        if (!target->optional || !is_absent_family(errno))
            return false;
        char name[128];
        describe(target, name, sizeof name);
        log_warn("server: not listening on %s: %s", name, strerror(errno));
    }
    return true;
}

static void close_all(struct listeners *listeners)
{
    int why = errno;

    while (listeners->n > 0)
        listener_close(&listeners->at[--listeners->n]);
    errno = why;
}

void udp_listeners_bound(const struct listeners *listeners, struct udp_targets *out)
{
    *out = (struct udp_targets){ .n = 0 };
    for (size_t i = 0; i < listeners->n && out->n < UDP_LISTENERS_MAX; i++) {
        struct udp_target *target = &out->at[out->n];

        target->len = sizeof target->address;
        if (listeners->at[i].kind == LISTENER_UDP &&
            getsockname(listeners->at[i].sockets[0].fd, (struct sockaddr *)&target->address,
                        &target->len) == 0)
            out->n++;
    }
}

bool udp_listeners_open(struct listeners *listeners, const struct settings *settings,
                        uint32_t workers, char *problem, size_t problem_size)
{
    struct udp_targets targets = { .n = 0 };
    size_t failed = 0;
    bool opened = false;

    if (!udp_targets_find(&targets, settings, problem, problem_size))
        return false;
    bool chooses =
        settings->heeler_udp_listen.n == 0 && settings->dogstatsd_port == PORT_RANDOM;
    int tries = chooses ? RANDOM_PORT_TRIES : 1;
    for (int i = 0; i < tries && !opened; i++) {
        if (i > 0)
            udp_target_set_port(&targets.at[0], 0);
        opened = open_targets(listeners, &targets, settings, workers, &failed);
        if (!opened)
            close_all(listeners);
        if (!opened && errno != EADDRINUSE)
            break;
    }
    if (!opened) {
        int why = errno;
        char name[128];
        describe(&targets.at[failed], name, sizeof name);
        snprintf(problem, problem_size, "cannot listen on %s: %s", name,
                 why == EADDRINUSE ? "the address is in use" : strerror(why));
        return false;
    }
    for (size_t i = 0; i < listeners->n; i++)
        say_listening(&listeners->at[i], settings);
    return true;
}
