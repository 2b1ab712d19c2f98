#include "server/receive/forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"

enum { RETRY_MS = 30000 };

struct forward {
    struct forward_config config;
    struct udp_targets own;
    int fd;
    struct lookup *lookup; /* NULL: none is under way */
    struct event *retry;
    char said[160]; /* the last warning, so that the same is not logged again */
};

static const char loop[] = "is an address that this server receives on: every datagram would "
                           "come back";

/* ---- addresses --------------------------------------------------------- */

/* "localhost" means 127.0.0.1, whatever a resolver says, as it does for the listeners. False:
 * the host is a name that has to be looked up. */
static bool read_numeric(const char *host, int port, struct sockaddr_storage *out,
                         socklen_t *len)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST };
    struct addrinfo *found;
    struct udp_target target = { .len = 0 };

    if (getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, NULL, &hints,
                    &found) != 0)
        return false;
    memcpy(&target.address, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    udp_target_set_port(&target, port);
    *out = target.address;
    return true;
}

bool forward_is_fit(const char *host, int port, const struct udp_targets *own, char *problem,
                    size_t problem_size)
{
    struct sockaddr_storage to;
    socklen_t len;

    if (!read_numeric(host, port, &to, &len) || !udp_targets_receive(own, &to))
        return true;
    snprintf(problem, problem_size, "statsd_forward_host: %s:%d %s", host, port, loop);
    return false;
}

/* ---- connecting -------------------------------------------------------- */

/* NULL, or why not. */
static const char *connect_to(struct forward *forward, const struct sockaddr *to, socklen_t len)
{
    int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const char *why = NULL;

    if (fd < 0 || connect(fd, to, len) != 0 || dup3(fd, forward->fd, O_CLOEXEC) < 0)
        why = strerror(errno);
    if (fd >= 0)
        close(fd);
    return why;
}

/* Connects to the first address that can be reached. */
static const char *connect_to_one(struct forward *forward, const struct lookup_answer *answer)
{
    const char *why = answer->problem;

    for (size_t i = 0; i < answer->n; i++) {
        const struct lookup_address *one = &answer->addresses[i];

        why = udp_targets_receive(&forward->own, &one->at)
                  ? loop
                  : connect_to(forward, (const struct sockaddr *)&one->at, one->len);
        if (why == NULL)
            return NULL;
    }
    return why != NULL ? why : "no address";
}

/* ---- looking up -------------------------------------------------------- */

static void try_later(struct forward *forward, const char *why)
{
    int64_t ms = forward->config.retry_ms > 0 ? forward->config.retry_ms : RETRY_MS;
    struct timeval wait = clock_wait_ms(ms);

    if (strncmp(forward->said, why, sizeof forward->said - 1) != 0)
        log_warn("server: statsd_forward_host: \"%s\": %s; nothing is copied, it is tried "
                 "again every %lld s",
                 forward->config.host, why, (long long)(ms + 999) / 1000);
    snprintf(forward->said, sizeof forward->said, "%s", why);
    evtimer_add(forward->retry, &wait);
}

static void on_found(void *argument, const struct lookup_answer *answer)
{
    struct forward *forward = argument;

    forward->lookup = NULL;
    const char *why = connect_to_one(forward, answer);

    if (why != NULL)
        try_later(forward, why);
    else
        log_info("server: datagrams are copied to %s:%d", forward->config.host,
                 forward->config.port);
}

static void look_up(struct forward *forward)
{
    const struct forward_config *config = &forward->config;

    forward->lookup = lookup_start(config->base, config->files, config->host, config->port,
                                   on_found, forward);
    if (forward->lookup == NULL)
        try_later(forward, "no memory for a look-up");
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    look_up(argument);
}

/* ---- life -------------------------------------------------------------- */

static bool begin(struct forward *forward, char *problem, size_t problem_size)
{
    const struct forward_config *config = &forward->config;
    struct sockaddr_storage to;
    socklen_t len;

    if (!forward_is_fit(config->host, config->port, &forward->own, problem, problem_size))
        return false;
    snprintf(problem, problem_size, "not enough memory or descriptors");
    forward->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    forward->retry = evtimer_new(config->base, on_retry, forward);
    if (forward->fd < 0 || forward->retry == NULL)
        return false;
    if (!read_numeric(config->host, config->port, &to, &len)) {
        look_up(forward);
        return true;
    }
    const char *why = connect_to(forward, (const struct sockaddr *)&to, len);

    if (why != NULL)
        try_later(forward, why);
    return true;
}

struct forward *forward_start(const struct forward_config *config, char *problem,
                              size_t problem_size)
{
    struct forward *forward = calloc(1, sizeof *forward);

    snprintf(problem, problem_size, "not enough memory");
    if (forward == NULL)
        return NULL;
    forward->config = *config;
    forward->own = *config->own;
    forward->fd = -1;
    if (begin(forward, problem, problem_size))
        return forward;
    forward_free(forward);
    return NULL;
}

void forward_free(struct forward *given)
{
    if (given == NULL)
        return;
    if (given->lookup != NULL)
        lookup_cancel(given->lookup);
    if (given->retry != NULL)
        event_free(given->retry);
    if (given->fd >= 0)
        close(given->fd);
    free(given);
}

int forward_fd(const struct forward *forward)
{
    return forward != NULL ? forward->fd : -1;
}
