#include "server/receive/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/receive/gro.h"

/* ---- what it is -------------------------------------------------------- */

const struct listener_traits *listener_traits(const struct listener *listener)
{
#define LISTENER_ROW(id, ...) [id] = { __VA_ARGS__ },
    static const struct listener_traits traits[] = { LISTENER_KINDS(LISTENER_ROW) };

    return &traits[listener->kind];
}

int listener_lacks_buffer(const struct listener *listener)
{
    int enough = listener->buffer_is_ours && listener->asked_bytes > LISTENER_GOOD_BYTES
                     ? LISTENER_GOOD_BYTES
                     : listener->asked_bytes;

    return listener->granted_bytes < enough ? enough : 0;
}

uint32_t listener_n_own(const struct listener *listener)
{
    return listener_traits(listener)->shared && listener->n_sockets > 1 ? 1
                                                                        : listener->n_sockets;
}

bool listener_coalesces(const struct listener *listener, uint32_t worker)
{
    bool coalesces = gro_is_asked(listener->sockets[worker].fd);

    for (uint32_t i = 0; worker == 0 && i < listener->n_extra; i++)
        coalesces = coalesces || gro_is_asked(listener->extra[i]);
    return coalesces;
}

/* ---- opened and closed ------------------------------------------------- */

static bool list_has(const struct string_list *list, const char *word)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->at[i], word) == 0)
            return true;
    return false;
}

bool listener_init(struct listener *listener, enum listener_kind kind,
                   const struct settings *settings, uint32_t workers)
{
    *listener = (struct listener){ .kind = kind };
    listener->need_newline =
        list_has(&settings->dogstatsd_eol_required, listener_traits(listener)->eol_word);
    listener->sockets =
        aligned_alloc(_Alignof(struct listener_socket), workers * sizeof *listener->sockets);
    if (listener->sockets == NULL)
        return false;
    listener->n_sockets = workers;
    for (uint32_t i = 0; i < workers; i++)
        listener->sockets[i] = (struct listener_socket){ .fd = -1 };
    return true;
}

void listener_close(struct listener *given)
{
    if (!given->kept)
        socket_file_remove(&given->file);
    listener_close_extra(given);
    for (uint32_t i = 0; i < listener_n_own(given); i++)
        if (given->sockets[i].fd >= 0)
            close(given->sockets[i].fd);
    free(given->sockets);
    *given = (struct listener){ .n_sockets = 0 };
}

void listener_close_extra(struct listener *listener)
{
    while (listener->n_extra > 0)
        close(listener->extra[--listener->n_extra]);
    free(listener->extra);
    listener->extra = NULL;
    if (listener->spread_for_now)
        listener_stop_spreading(listener->sockets[0].fd);
    listener->spread_for_now = false;
}

void listener_stop_spreading(int fd)
{
#ifdef SO_DETACH_REUSEPORT_BPF
    (void)setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &(int){ 0 }, sizeof(int));
#else
    (void)fd;
#endif
}

void listener_adopt(struct listener *listener, uint32_t i, int fd, uint64_t drops_before)
{
    struct listener_socket *sock = &listener->sockets[i];

    sock->fd = fd;
    sock->drops_before = drops_before;
    atomic_store_explicit(&sock->drops, drops_before, memory_order_relaxed);
}

/* ---- drops and the gate ------------------------------------------------ */

static uint64_t all_drops(const struct listener_socket *sock)
{
    uint64_t known = atomic_load_explicit(&sock->drops, memory_order_relaxed);
    uint32_t memory[SK_MEMINFO_VARS] = { 0 };
    socklen_t len = sizeof memory;

    if (getsockopt(sock->fd, SOL_SOCKET, SO_MEMINFO, memory, &len) != 0)
        return known;
    /* The kernel counts in 32 bits, which are the low half of `known`: the difference between
     * its number now and that half is what came since. */
    return known + (uint32_t)(memory[SK_MEMINFO_DROPS] - (uint32_t)known);
}

uint64_t listener_drops(const struct listener_socket *sock)
{
    return all_drops(sock) - sock->drops_before;
}

void listener_note_drops(struct listener_socket *sock)
{
    atomic_store_explicit(&sock->drops, all_drops(sock), memory_order_relaxed);
}

/* The kernel drops all that comes, and counts it. */
static bool drop_all(int fd)
{
    struct sock_filter refuse_all = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = { 1, &refuse_all };

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

bool listener_gate(const struct listener *listener)
{
    bool drops = listener_traits(listener)->drops, gated = true;

    if (listener->kept)
        return true;
    for (uint32_t i = 0; i < listener_n_own(listener); i++) {
        int fd = listener->sockets[i].fd;

        gated = (drops ? drop_all(fd) : shutdown(fd, SHUT_RD) == 0) && gated;
    }
    return gated;
}

/* A UDP socket that is connected receives only what its peer sends; the kernel answers all
 * others as if there were no socket. The peer here is the discard port of this machine. */
void listener_leave(const struct listener *listener)
{
    struct sockaddr_storage own = { 0 };
    socklen_t len = sizeof own;

    if (!listener_traits(listener)->drops || listener->kept)
        return;
    for (uint32_t i = 0; i < listener_n_own(listener); i++) {
        int fd = listener->sockets[i].fd;
        if (getsockname(fd, (struct sockaddr *)&own, &len) != 0)
            continue;
        struct sockaddr_in v4 = { .sin_family = AF_INET,
                                  .sin_port = htons(9),
                                  .sin_addr = { htonl(INADDR_LOOPBACK) } };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                                   .sin6_port = htons(9),
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        int ignored = own.ss_family == AF_INET6
                          ? connect(fd, (struct sockaddr *)&v6, sizeof v6)
                          : connect(fd, (struct sockaddr *)&v4, sizeof v4);
        (void)ignored; /* fails if the socket's own address cannot reach the peer: then some
                    datagrams may still fall into the gap */
    }
}
