#include "server/http/http.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "server/http/http_connection.h"
#include "server/receive/descriptors.h"

enum {
    PLACES = 64,
    HEAD_MS = 5000,
    BODY_MS = 10000,
    ANSWER_MS = 30000,
    IDLE_MS = 60000,
    UNSENT_BYTES = 16 << 20,
    BACKLOG = 128,
    ACCEPTS_AT_ONCE = 16,
    ACCEPT_PAUSE_S = 1,
    SEND_BUFFER = 128 * 1024 /* how much of an answer that nobody reads the kernel may hold */
};

/* ---- whose turn it is to go -------------------------------------------- */

/* How much a connection is worth: the lower, the sooner it has to go. */
static int worth(const struct http_exchange *exchange)
{
    switch (exchange->phase) {
    case HTTP_PHASE_FAREWELL:
        return 0;
    case HTTP_PHASE_HEAD:
        return exchange->is_kept && exchange->in_len == 0 ? 0 : 1;
    case HTTP_PHASE_BODY:
        return 1;
    case HTTP_PHASE_ANSWER:
        return 2;
    default:
        return 3;
    }
}

/* NULL: there is none. */
static struct http_exchange *least_worth(const struct http *http)
{
    struct http_exchange *least = http->first;

    for (struct http_exchange *at = http->first; at != NULL; at = at->after)
        if (worth(at) < worth(least) ||
            (worth(at) == worth(least) && at->since_ms < least->since_ms))
            least = at;
    return least;
}

/* The descriptors that all connections may have are not at hand for long where there are
 * few: whoever is here takes turns, and one of them always is. */
static bool make_place(struct http *http)
{
    bool made = false;

    while (http->first != NULL && (http->n_connections >= http->config.limits.places ||
                                   !descriptors_are_left(DESCRIPTOR_HTTP))) {
        http_connection_close(least_worth(http));
        made = true;
    }
    return made;
}

/* ---- time -------------------------------------------------------------- */

void http_expire(struct http *http, int64_t now_ms)
{
    struct http_exchange *next;
    int64_t nearest_ms = INT64_MAX;

    for (struct http_exchange *at = http->first; at != NULL; at = next) {
        next = at->after;
        if (at->deadline_ms <= now_ms)
            http_connection_expire(at);
    }
    for (const struct http_exchange *at = http->first; at != NULL; at = at->after)
        nearest_ms = at->deadline_ms < nearest_ms ? at->deadline_ms : nearest_ms;
    http_connection_schedule(http, nearest_ms);
}

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
    struct http *http = argument;

    (void)fd, (void)what;
    http->timer_ms = INT64_MAX;
    http_expire(http, clock_monotonic_ms());
}

/* ---- new connections --------------------------------------------------- */

static int accept_one(struct http *http)
{
    int fd;

    do
        fd = accept4(http->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return fd;
}

static bool lacks_descriptors(void)
{
    return errno == EMFILE || errno == ENFILE;
}

/* A connection still waits in the queue, so without a pause the loop would call at once again.
 */
static void pause_accepting(struct http *http, const char *why)
{
    static const struct timeval pause = { ACCEPT_PAUSE_S, 0 };

    log_warn("http: cannot accept a connection: %s", why);
    if (event_add(http->accept_timer, &pause) == 0)
        event_del(http->acceptable);
}

/* Where somebody had to go, those who have just come are read before the next one is
 * accepted: in a burst they would push each other out with their requests unread. */
static void on_acceptable(evutil_socket_t unused, short what, void *argument)
{
    struct http *http = argument;
    bool crowded = false;

    (void)unused, (void)what;
    for (int i = 0; i < ACCEPTS_AT_ONCE && !crowded; i++) {
        int fd = accept_one(http);

        if (fd < 0 && lacks_descriptors() && http->first != NULL) {
            http_connection_close(least_worth(http));
            fd = accept_one(http);
            crowded = true;
        }
        if (fd < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                pause_accepting(http, strerror(errno));
            return;
        }
        crowded = make_place(http) || crowded;
        if (!http_connection_open(http, fd, clock_monotonic_ms())) {
            pause_accepting(http, "no memory");
            return;
        }
    }
}

static void on_accept_timer(evutil_socket_t fd, short what, void *argument)
{
    struct http *http = argument;

    (void)fd, (void)what;
    event_add(http->acceptable, NULL);
}

/* ---- listening --------------------------------------------------------- */

static int open_socket(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ SEND_BUFFER }, sizeof(int));
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char port[8];

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        getnameinfo((struct sockaddr *)&address, len, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV) != 0)
        return 0;
    return atoi(port);
}

/* Listens on the first address of the name that this machine has. */
static int open_first(const char *host, int port, const char **why)
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
        fd = open_socket(at);
    error = errno;
    freeaddrinfo(found);
    errno = error;
    return fd;
}

bool http_listen(struct http *http, const char *host, int port, const char **why)
{
    http->fd = open_first(host, port, why);
    if (http->fd < 0)
        return false;
    http->port = bound_port(http->fd);
    http->acceptable =
        event_new(http->config.base, http->fd, EV_READ | EV_PERSIST, on_acceptable, http);
    errno = ENOMEM;
    return http->acceptable != NULL && event_add(http->acceptable, NULL) == 0;
}

int http_port(const struct http *http)
{
    return http->port;
}

int http_connections(const struct http *http)
{
    return http->n_connections;
}

/* ---- start and end ----------------------------------------------------- */

static void set_usual_limits(struct http_limits *limits)
{
    limits->places = limits->places > 0 ? limits->places : PLACES;
    limits->head_ms = limits->head_ms > 0 ? limits->head_ms : HEAD_MS;
    limits->body_ms = limits->body_ms > 0 ? limits->body_ms : BODY_MS;
    limits->answer_ms = limits->answer_ms > 0 ? limits->answer_ms : ANSWER_MS;
    limits->idle_ms = limits->idle_ms > 0 ? limits->idle_ms : IDLE_MS;
    limits->unsent_bytes = limits->unsent_bytes > 0 ? limits->unsent_bytes : UNSENT_BYTES;
}

struct http *http_new(const struct http_config *config)
{
    struct http *http = calloc(1, sizeof *http);

    if (http == NULL)
        return NULL;
    http->config = *config;
    set_usual_limits(&http->config.limits);
    http->fd = -1;
    http->timer_ms = INT64_MAX;
    http->accept_timer = evtimer_new(config->base, on_accept_timer, http);
    http->deadline_timer = evtimer_new(config->base, on_deadline, http);
    if (http->accept_timer != NULL && http->deadline_timer != NULL)
        return http;
    http_free(http);
    return NULL;
}

void http_free(struct http *given)
{
    if (given == NULL)
        return;
    while (given->first != NULL)
        http_connection_forget(given->first);
    if (given->acceptable != NULL)
        event_free(given->acceptable);
    if (given->accept_timer != NULL)
        event_free(given->accept_timer);
    if (given->deadline_timer != NULL)
        event_free(given->deadline_timer);
    if (given->fd >= 0)
        close(given->fd);
    free(given);
}
