#include "server/http/http_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/address.h"
#include "config/log.h"

enum {
    BACKLOG = 128,
    SEND_BUFFER = 128 * 1024 /* how much of an answer that nobody reads the kernel may hold */
};

/* ---- where it is bound ------------------------------------------------- */

static bool is_loopback_v4(struct in_addr address)
{
    return ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

static bool is_loopback_v6(const struct in6_addr *address)
{
    struct in_addr mapped;

    memcpy(&mapped, &address->s6_addr[12], sizeof mapped);
    return IN6_IS_ADDR_LOOPBACK(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && is_loopback_v4(mapped));
}

/* Reads off the socket where it is bound, which the kernel may have chosen. */
static void look_at_address(struct http_listener *listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound = { .any.sa_family = AF_UNSPEC };

    if (getsockname(listener->fd, &bound.any, &(socklen_t){ sizeof bound }) != 0)
        return;
    if (bound.any.sa_family == AF_INET) {
        listener->port = ntohs(bound.v4.sin_port);
        listener->local = is_loopback_v4(bound.v4.sin_addr);
    } else if (bound.any.sa_family == AF_INET6) {
        listener->port = ntohs(bound.v6.sin6_port);
        listener->local = is_loopback_v6(&bound.v6.sin6_addr);
    }
}

/* ---- TCP --------------------------------------------------------------- */

/* Those who are accepted inherit these. */
static void set_options(int fd)
{
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ SEND_BUFFER }, sizeof(int));
}

/* [::] takes the connections of IPv4 too, unless 0.0.0.0 has the port already. */
static bool bind_to(int fd, const struct addrinfo *at)
{
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0)
        return true;
    return errno == EADDRINUSE && at->ai_family == AF_INET6 &&
           setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int)) == 0 &&
           bind(fd, at->ai_addr, at->ai_addrlen) == 0;
}

static int open_socket(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    set_options(fd);
    if (bind_to(fd, at) && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int adopt_or_open(const struct addrinfo *at, bool traces,
                         struct inherited_sockets *inherited)
{
    struct inherited_socket found;

    return inherited_take(inherited, at->ai_addr, SOCK_STREAM, traces, &found)
               ? found.fd
               : open_socket(at);
}

/* Listens on the first address of the name that this machine has. *why: NULL where errno says
 * it. */
static int open_first(const char *host, int port, bool traces,
                      struct inherited_sockets *inherited, const char **why)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found;
    char service[8];
    int fd = -1;

    snprintf(service, sizeof service, "%d", port);
    int error = getaddrinfo(host, service, &hints, &found);
    *why = error != 0 ? gai_strerror(error) : NULL;
    if (error != 0)
        return -1;
    for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next)
        fd = adopt_or_open(at, traces, inherited);
    error = errno;
    freeaddrinfo(found);
    errno = error;
    return fd;
}

static bool open_tcp(struct http_listener *out, const char *address,
                     struct inherited_sockets *inherited, char *problem, size_t problem_size)
{
    const struct http_owner *owner = out->owner;
    char host[ADDRESS_HOST_MAX];
    const char *why = "no such address";
    int port;

    errno = 0;
    if (address_split(address, host, sizeof host, &port))
        out->fd = open_first(host, port, owner->traces, inherited, &why);
    if (out->fd < 0)
        snprintf(problem, problem_size, "%s: cannot listen on %s: %s", owner->name, address,
                 why != NULL           ? why
                 : errno == EADDRINUSE ? "the address is in use"
                                       : strerror(errno));
    if (out->fd < 0)
        return false;
    look_at_address(out);
    log_info("%s: listening on %s:%d", owner->name, host, out->port);
    return true;
}

/* ---- unix sockets ------------------------------------------------------ */

/* The inherited socket of that path, if its file is still there. */
static bool adopt_path(struct http_listener *out, const char *path,
                       struct inherited_sockets *inherited)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct inherited_socket found;

    if (strlen(path) >= sizeof address.sun_path)
        return false;
    strcpy(address.sun_path, path);
    if (!inherited_take(inherited, (const struct sockaddr *)&address, SOCK_STREAM,
                        out->owner->traces, &found))
        return false;
    out->fd = found.fd;
    socket_file_adopt(&out->file, path);
    if (out->file.path[0] == '\0')
        http_listener_close(out);
    return out->fd >= 0;
}

static bool open_path(struct http_listener *out, const char *path,
                      struct inherited_sockets *inherited, char *problem, size_t problem_size)
{
    const struct http_owner *owner = out->owner;
    const struct socket_access ours = { owner->socket_mode, (uid_t)-1, (gid_t)-1 };
    char why[384];

    out->local = true;
    if (adopt_path(out, path, inherited)) {
        log_info("%s: listening on unix:%s", owner->name, path);
        return true;
    }
    out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    snprintf(why, sizeof why, "%s", out->fd < 0 ? strerror(errno) : "");
    if (out->fd >= 0 && socket_file_bind(&out->file, out->fd, path, &ours, why, sizeof why)) {
        (void)setsockopt(out->fd, SOL_SOCKET, SO_SNDBUF, &(int){ SEND_BUFFER }, sizeof(int));
        log_info("%s: listening on unix:%s", owner->name, path);
        return true;
    }
    http_listener_close(out);
    snprintf(problem, problem_size, "%s: cannot listen on unix:%s: %s", owner->name, path, why);
    return false;
}

/* ---- any of them ------------------------------------------------------- */

bool http_listener_open(struct http_listener *out, const char *address,
                        const struct http_owner *owner, struct inherited_sockets *inherited,
                        char *problem, size_t problem_size)
{
    const char *path = address_path(address);

    *out = (struct http_listener){ .owner = owner, .fd = -1 };
    return path != NULL ? open_path(out, path, inherited, problem, problem_size)
                        : open_tcp(out, address, inherited, problem, problem_size);
}

void http_listener_close(struct http_listener *given)
{
    socket_file_remove(&given->file);
    if (given->fd >= 0)
        close(given->fd);
    given->fd = -1;
}

void http_listener_leave(struct http_listener *given, struct inherited_sockets *to)
{
    if (given->fd >= 0)
        (void)inherited_add(
            to, (struct inherited_socket){ .fd = given->fd, .traces = given->owner->traces });
    given->fd = -1;
    given->file.path[0] = '\0';
}
