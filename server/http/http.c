#include "server/http/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/sane.h"
#include "server/http/http_connection.h"
#include "server/http/main_turn.h"
#include "server/receive/descriptors.h"

enum {
    PLACES = 64,
    ASKERS = 32,
    STREAMS = 16,
    BODIES = 8,
    HEAD_MS = 5000,
    BODY_MS = 10000,
    ANSWER_MS = 30000,
    IDLE_MS = 60000,
    STUCK_MS = 600000,
    UNSENT_BYTES = 16 << 20,
    ACCEPTS_AT_ONCE = 16,
    ACCEPT_PAUSE_S = 1
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
    main_turn_began();
    http->timer_ms = INT64_MAX;
    http_expire(http, clock_monotonic_ms());
}

/* ---- new connections --------------------------------------------------- */

static bool accept_on(struct http_socket *socket)
{
    return socket->acceptable != NULL && event_add(socket->acceptable, NULL) == 0;
}

static int accept_one(const struct http_listener *listener, struct sender *peer)
{
    struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
    socklen_t len;
    int fd;

    do {
        len = sizeof from;
        fd =
            accept4(listener->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    *peer = sender_of_address((const struct sockaddr *)&from);
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
    if (event_add(http->accept_timer, &pause) != 0)
        return;
    for (size_t i = 0; i < http->n_sockets; i++)
        event_del(http->sockets[i].acceptable);
}

static void on_accept_timer(evutil_socket_t fd, short what, void *argument)
{
    struct http *http = argument;

    (void)fd, (void)what;
    for (size_t i = 0; i < http->n_sockets; i++)
        (void)accept_on(&http->sockets[i]);
}

/* Where somebody had to go, those who have just come are read before the next one is
 * accepted: in a burst they would push each other out with their requests unread. */
static void on_acceptable(evutil_socket_t unused, short what, void *argument)
{
    const struct http_socket *socket = argument;
    struct http *http = socket->http;
    bool crowded = false;

    (void)unused, (void)what;
    main_turn_began();
    for (int i = 0; i < ACCEPTS_AT_ONCE && !crowded; i++) {
        struct sender peer;
        int fd = accept_one(&socket->listener, &peer);

        if (fd < 0 && lacks_descriptors() && http->first != NULL) {
            http_connection_close(least_worth(http));
            fd = accept_one(&socket->listener, &peer);
            crowded = true;
        }
        if (fd < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                pause_accepting(http, strerror(errno));
            return;
        }
        crowded = make_place(http) || crowded;
        if (!http_connection_open(http, fd, &peer, socket->listener.local,
                                  clock_monotonic_ms())) {
            pause_accepting(http, "no memory");
            return;
        }
    }
}

/* ---- listening --------------------------------------------------------- */

static void stop_accepting(struct http *http)
{
    for (size_t i = 0; i < http->n_sockets; i++) {
        if (http->sockets[i].acceptable != NULL)
            event_free(http->sockets[i].acceptable);
        http->sockets[i].acceptable = NULL;
    }
}

bool http_listen(struct http *http, const char *address, struct inherited_sockets *inherited,
                 char *problem, size_t problem_size)
{
    struct http_socket *socket = &http->sockets[http->n_sockets];

    if (http->n_sockets == HTTP_LISTENERS_MAX) {
        snprintf(problem, problem_size, "http: cannot listen on %s: only on %d addresses",
                 address, HTTP_LISTENERS_MAX);
        return false;
    }
    if (!http_listener_open(&socket->listener, address, http->config.owner, inherited, problem,
                            problem_size))
        return false;
    socket->http = http;
    socket->acceptable = event_new(http->config.base, socket->listener.fd, EV_READ | EV_PERSIST,
                                   on_acceptable, socket);
    http->n_sockets++;
    snprintf(problem, problem_size, "http: not enough memory");
    return accept_on(socket);
}

void http_leave(struct http *http, struct inherited_sockets *to)
{
    stop_accepting(http);
    for (size_t i = 0; i < http->n_sockets; i++)
        http_listener_leave(&http->sockets[i].listener, to);
    http->n_sockets = 0;
}

int http_port(const struct http *http)
{
    for (size_t i = 0; i < http->n_sockets; i++)
        if (http->sockets[i].listener.port != 0)
            return http->sockets[i].listener.port;
    return 0;
}

int http_connections(const struct http *http)
{
    return http->n_connections;
}

static bool is_still_admitted(const struct http *http, const struct http_exchange *exchange,
                              int64_t now_ms)
{
    const struct http_config *config = &http->config;
    struct http_request request;

    (void)http_head_parse(&request, (struct slice){ exchange->in, exchange->body_at });
    return config->still_admits(exchange, &request, exchange->route, now_ms, config->argument);
}

void http_review(struct http *http, int64_t now_ms)
{
    struct http_exchange *next;

    for (struct http_exchange *at = http->first; at != NULL; at = next) {
        next = at->after;
        if (http->config.still_admits != NULL && http_take_is_stream(at) &&
            !is_still_admitted(http, at, now_ms))
            http_connection_close(at);
    }
}

/* ---- start and end ----------------------------------------------------- */

static void set_usual_limits(struct http_limits *limits)
{
    limits->places = limits->places > 0 ? limits->places : PLACES;
    limits->askers = limits->askers > 0 ? limits->askers : ASKERS;
    limits->streams = limits->streams > 0 ? limits->streams : STREAMS;
    limits->bodies = limits->bodies > 0 ? limits->bodies : BODIES;
    limits->head_ms = limits->head_ms > 0 ? limits->head_ms : HEAD_MS;
    limits->body_ms = limits->body_ms > 0 ? limits->body_ms : BODY_MS;
    limits->answer_ms = limits->answer_ms > 0 ? limits->answer_ms : ANSWER_MS;
    limits->idle_ms = limits->idle_ms > 0 ? limits->idle_ms : IDLE_MS;
    limits->stuck_ms = limits->stuck_ms > 0 ? limits->stuck_ms : STUCK_MS;
    limits->unsent_bytes = limits->unsent_bytes > 0 ? limits->unsent_bytes : UNSENT_BYTES;
}

#ifdef HEELER_CHECKS
/* What may take long is the desk's, and there is one, or a thread's of its own: long bodies. */
static bool http_config_sane(const struct http_config *config)
{
    bool sane = true;

    for (size_t i = 0; i < config->n_routes; i++) {
        const struct http_route *route = &config->routes[i];

        sane = sane && (route->handle == NULL) != (route->work == NULL) &&
               (route->work == NULL || config->desk != NULL) &&
               (route->work != NULL || config->own_thread || route->body_max <= HTTP_BODY_MAX);
    }
    return sane;
}
#endif

static const struct http_owner http_itself = { "http", 0600, false };

struct http *http_new(const struct http_config *config)
{
    struct http *http = calloc(1, sizeof *http);

    SANE(http_config_sane(config));
    if (http == NULL)
        return NULL;
    http->config = *config;
    set_usual_limits(&http->config.limits);
    if (config->owner == NULL)
        http->config.owner = &http_itself;
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
    stop_accepting(given);
    if (given->accept_timer != NULL)
        event_free(given->accept_timer);
    if (given->deadline_timer != NULL)
        event_free(given->deadline_timer);
    for (size_t i = 0; i < given->n_sockets; i++)
        http_listener_close(&given->sockets[i].listener);
    while (given->first != NULL) {
        http_stream_last_word(given->first);
        http_connection_forget(given->first);
    }
    free(given);
}
