#include "server/receive/inherited.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { INHERITED_MAX = 1 << 20 };

bool inherited_add(struct inherited_sockets *sockets, struct inherited_socket given)
{
    struct inherited_socket *grown = NULL;

    if (sockets->n < INHERITED_MAX)
        grown = realloc(sockets->at, (sockets->n + 1) * sizeof *grown);
    if (grown == NULL) {
        close(given.fd);
        return false;
    }
    sockets->at = grown;
    sockets->at[sockets->n++] = given;
    return true;
}

/* ---- finding ----------------------------------------------------------- */

static bool same_in(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
    return a->sin_addr.s_addr == b->sin_addr.s_addr &&
           (b->sin_port == 0 || a->sin_port == b->sin_port);
}

static bool same_in6(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
    return memcmp(&a->sin6_addr, &b->sin6_addr, sizeof a->sin6_addr) == 0 &&
           (b->sin6_port == 0 || a->sin6_port == b->sin6_port);
}

/* Two paths may lead to the same file: below /var/run and below /run. */
static bool same_path(const char *a, const char *b)
{
    struct stat x, y;

    return strcmp(a, b) == 0 || (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
                                 x.st_ino == y.st_ino);
}

static bool listens(int fd)
{
    int yes = 0;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &(socklen_t){ sizeof yes }) == 0 &&
           yes != 0;
}

static bool is_at(int fd, const struct sockaddr *address, int type)
{
    struct sockaddr_storage own = { 0 };
    socklen_t len = sizeof own;
    int own_type = 0;

    if (fd < 0 || getsockname(fd, (struct sockaddr *)&own, &len) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &own_type, &(socklen_t){ sizeof own_type }) != 0 ||
        own_type != type || (type == SOCK_STREAM && !listens(fd)) ||
        own.ss_family != address->sa_family)
        return false;
    switch (address->sa_family) {
    case AF_INET:
        return same_in((const struct sockaddr_in *)&own, (const struct sockaddr_in *)address);
    case AF_INET6:
        return same_in6((const struct sockaddr_in6 *)&own,
                        (const struct sockaddr_in6 *)address);
    case AF_UNIX:
        return same_path(((const struct sockaddr_un *)&own)->sun_path,
                         ((const struct sockaddr_un *)address)->sun_path);
    default:
        return false;
    }
}

static uint32_t kernel_drops(int fd)
{
    uint32_t memory[SK_MEMINFO_VARS] = { 0 };
    socklen_t len = sizeof memory;

    return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &len) == 0 ? memory[SK_MEMINFO_DROPS]
                                                                     : 0;
}

static bool is_any_port(const struct sockaddr *address)
{
    return (address->sa_family == AF_INET &&
            ((const struct sockaddr_in *)address)->sin_port == 0) ||
           (address->sa_family == AF_INET6 &&
            ((const struct sockaddr_in6 *)address)->sin6_port == 0);
}

bool inherited_take(struct inherited_sockets *sockets, const struct sockaddr *address, int type,
                    bool traces, struct inherited_socket *out)
{
    for (size_t i = 0; sockets != NULL && i < sockets->n; i++) {
        struct inherited_socket *socket = &sockets->at[i];

        if (socket->connection || !is_at(socket->fd, address, type) ||
            (socket->traces != traces && is_any_port(address)))
            continue;
        *out = *socket;
        if (!out->drops_known)
            out->drops = kernel_drops(socket->fd);
        socket->fd = -1;
        return true;
    }
    return false;
}

bool inherited_take_connection(struct inherited_sockets *sockets, int fd)
{
    for (size_t i = 0; i < sockets->n; i++) {
        if (sockets->at[i].fd != fd || !sockets->at[i].connection)
            continue;
        sockets->at[i].fd = -1;
        return true;
    }
    return false;
}

/* ---- the end ----------------------------------------------------------- */

size_t inherited_close(struct inherited_sockets *given)
{
    size_t n = 0;

    for (size_t i = 0; i < given->n; i++) {
        if (given->at[i].fd < 0)
            continue;
        close(given->at[i].fd);
        given->at[i].fd = -1;
        n++;
    }
    return n;
}

void inherited_free(struct inherited_sockets *given)
{
    (void)inherited_close(given);
    free(given->at);
    *given = (struct inherited_sockets){ 0 };
}
