#include "server/commands/send_target.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/commands/commands.h"

/* How long we wait for the other end to say that nobody listens. On this machine that comes
 * with the send. */
enum { ANSWER_MS = 100, ANSWER_HERE_MS = 10 };

static int complain(const struct send_target *target, const char *what, const char *why,
                    int status)
{
    fprintf(stderr, "heeler %s: %s: %s\n", target->command, what, why);
    return status;
}

static const char *reason(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return "nobody listens there";
    case EPROTOTYPE:
        return "is no datagram socket";
    default:
        return strerror(error);
    }
}

int send_target_complain(const struct send_target *target, int error)
{
    return complain(target, target->name, reason(error), EXIT_SYSTEM);
}

/* ---- unix sockets ------------------------------------------------------ */

/* Of what an address is the rest: a path; NULL: it is HOST:PORT. */
static const char *path_of(const char *to)
{
    if (strncmp(to, "unix:", 5) != 0)
        return NULL;
    return to + (strncmp(to, "unix://", 7) == 0 ? 7 : 5);
}

/* False: errno says why. */
static bool connect_as(struct send_target *target, int type, const struct sockaddr_un *address)
{
    target->fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    target->is_stream = type == SOCK_STREAM;
    if (target->fd >= 0 &&
        connect(target->fd, (const struct sockaddr *)address, sizeof *address) == 0)
        return true;
    int error = errno;

    send_target_close(target);
    errno = error;
    return false;
}

static int connect_to_path(struct send_target *target, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (path[0] == '\0' || strlen(path) >= sizeof address.sun_path)
        return complain(target, "--to", "a path of a unix socket has 1 to 107 bytes",
                        EXIT_SETTINGS);
    strcpy(address.sun_path, path);
    snprintf(target->name, sizeof target->name, "%s", path);
    if (connect_as(target, SOCK_DGRAM, &address) ||
        (errno == EPROTOTYPE && target->takes_streams &&
         connect_as(target, SOCK_STREAM, &address)))
        return EXIT_OK;
    return complain(target, path, reason(errno), EXIT_SYSTEM);
}

/* ---- UDP --------------------------------------------------------------- */

static bool is_here(const struct sockaddr *at)
{
    if (at->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)at)->sin6_addr);
    return ntohl(((const struct sockaddr_in *)at)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static int connect_to_host(struct send_target *target, const char *host, int port)
{
    char text[16];
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found;

    snprintf(text, sizeof text, "%d", port);
    int error = getaddrinfo(host, text, &hints, &found);
    if (error != 0)
        return complain(target, host, gai_strerror(error), EXIT_SYSTEM);
    target->fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    target->answer_ms = is_here(found->ai_addr) ? ANSWER_HERE_MS : ANSWER_MS;
    snprintf(target->name, sizeof target->name, strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d",
             host, port);
    bool connected =
        target->fd >= 0 && connect(target->fd, found->ai_addr, found->ai_addrlen) == 0;
    error = errno;
    freeaddrinfo(found);
    return connected ? EXIT_OK : complain(target, host, strerror(error), EXIT_SYSTEM);
}

/* ---- all --------------------------------------------------------------- */

int send_target_open(struct send_target *target, const char *to,
                     const struct settings *settings)
{
    char host[ADDRESS_HOST_MAX] = "127.0.0.1";
    int port = settings->dogstatsd_port > 0 ? settings->dogstatsd_port : 8125;

    target->fd = -1;
    if (to != NULL && path_of(to) != NULL)
        return connect_to_path(target, path_of(to));
    if (to != NULL && !address_split(to, host, sizeof host, &port))
        return complain(target, "--to", "an address is HOST:PORT, [V6]:PORT or unix:/PATH",
                        EXIT_SETTINGS);
    return connect_to_host(target, host, port);
}

void send_target_close(struct send_target *given)
{
    if (given->fd >= 0)
        close(given->fd);
    given->fd = -1;
}

/* The bytes of a stream go as far as there is room for them, and then the next ones. */
static bool send_bytes(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool send_frame(int fd, const void *at, size_t len)
{
    unsigned char head[4];

    for (int i = 0; i < 4; i++)
        head[i] = (unsigned char)(len >> 8 * i);
    return len == 0 ||
           (send_bytes(fd, (const char *)head, sizeof head) && send_bytes(fd, at, len));
}

bool send_target_send(const struct send_target *target, const void *at, size_t len)
{
    ssize_t n;

    if (target->is_stream)
        return send_frame(target->fd, at, len);
    do
        n = send(target->fd, at, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)len;
}

bool send_target_was_taken(const struct send_target *target)
{
    struct pollfd watched = { .fd = target->fd };
    int error = 0;

    if (target->answer_ms > 0 && poll(&watched, 1, target->answer_ms) > 0 &&
        getsockopt(target->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){ sizeof error }) ==
            0 &&
        error != 0)
        (void)send_target_complain(target, error);
    return error == 0;
}
