#include "flush/redis/redis_link_internal.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "config/clock.h"

enum { TLS_ROOM = 8 * 1024 };
enum { OPTIONS = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS };

static void begin_tls(struct redis_link *link);

static void on_connected(struct redis_link *link)
{
    const struct redis_url *url = link->config.url;
    int on = 1;

    link->reached = link->connected = true;
    link->attempt_ms = link->start_ms;
    if (url->path[0] == '\0')
        setsockopt(bufferevent_getfd(link->connection), IPPROTO_TCP, TCP_NODELAY, &on,
                   sizeof on);
    redis_link_arm(link, true);
    if (!redis_link_greet(link))
        redis_link_fail(link, REDIS_FAILED_MEMORY, "cannot be greeted: no memory");
}

static void fail_tls(struct redis_link *link, unsigned long code)
{
    char why[REDIS_LINK_SENTENCE_MAX / 2];

    redis_tls_failure(bufferevent_openssl_get_ssl(link->connection), code, why, sizeof why);
    redis_link_fail(link, REDIS_FAILED_TLS, "cannot be reached: %s", why);
}

static void on_lost(struct redis_link *link, short what, int error)
{
    const char *why = (what & BEV_EVENT_ERROR) != 0 && error != 0 ? strerror(error) : "";

    if (link->reached && !link->connected) {
        fail_tls(link, bufferevent_get_openssl_error(link->connection));
    } else if (!link->connected && link->next_place < link->places.n) {
        redis_link_drop_connection(link);
        redis_link_connect_next(link);
    } else if (!link->connected) {
        redis_link_fail(link, REDIS_FAILED_CONNECT, "cannot be reached: %s", strerror(error));
    } else if (link->state == REDIS_LINK_STARTING) {
        redis_link_fail(link, REDIS_FAILED_CLOSED,
                        "closed the connection before the first answer%s",
                        link->config.url->tls ? "" : " (does it want TLS, rediss://?)");
    } else {
        redis_link_fail(link, REDIS_FAILED_CLOSED, "closed the connection%s%s",
                        why[0] != '\0' ? ": " : "", why);
    }
}

static void on_event(struct bufferevent *connection, short what, void *argument)
{
    int error = EVUTIL_SOCKET_ERROR();
    struct redis_link *link = argument;

    (void)connection;
    redis_link_enter(link);
    if ((what & BEV_EVENT_CONNECTED) != 0 && link->config.url->tls && !link->reached)
        begin_tls(link);
    else if ((what & BEV_EVENT_CONNECTED) != 0)
        on_connected(link);
    else
        on_lost(link, what, error);
    redis_link_leave(link);
}

static void listen_to(struct redis_link *link)
{
    bufferevent_setcb(link->connection, redis_link_on_read, NULL, on_event, link);
    bufferevent_enable(link->connection, EV_READ | EV_WRITE);
}

/* libevent crashes if it finds no memory for the buffers of a TLS bufferevent, so we look
 * whether there is some. */
static bool has_room_for_tls(void)
{
    void *volatile room = malloc(TLS_ROOM);
    bool has_room = room != NULL;

    free(room);
    return has_room;
}

/* NULL: no memory. libevent has then freed the session. */
static struct bufferevent *make_tls(struct redis_link *link, evutil_socket_t fd)
{
    SSL *ssl = redis_tls_session(link->config.tls, link->config.url->host);

    if (ssl != NULL && has_room_for_tls())
        return bufferevent_openssl_socket_new(link->base, fd, ssl, BUFFEREVENT_SSL_CONNECTING,
                                              OPTIONS);
    SSL_free(ssl);
    return NULL;
}

/* TLS begins when the socket is connected. A TLS bufferevent that connects by itself cannot say
 * why it failed. */
static void begin_tls(struct redis_link *link)
{
    struct bufferevent *connection = make_tls(link, bufferevent_getfd(link->connection));

    if (connection == NULL) {
        redis_link_fail(link, REDIS_FAILED_MEMORY, "cannot be reached: no memory for TLS");
        return;
    }
    link->reached = true;
    bufferevent_setfd(link->connection, -1);
    bufferevent_free(link->connection);
    link->connection = connection;
    listen_to(link);
}

void redis_link_connect_next(struct redis_link *link)
{
    const struct lookup_address *place = &link->places.addresses[link->next_place];
    int64_t left = link->start_ms - clock_monotonic_ms();

    link->attempt_ms =
        clock_monotonic_ms() + left / (int64_t)(link->places.n - link->next_place);
    link->next_place++;
    redis_link_arm(link, true);
    link->reached = false;
    link->connection = bufferevent_socket_new(link->base, -1, OPTIONS);
    if (link->connection == NULL) {
        redis_link_fail(link, REDIS_FAILED_MEMORY, "cannot be reached: no memory");
        return;
    }
    listen_to(link);
    if (bufferevent_socket_connect(link->connection, (const struct sockaddr *)&place->at,
                                   (int)place->len) != 0 &&
        link->next_place == link->places.n)
        redis_link_fail(link, REDIS_FAILED_CONNECT, "cannot be reached: %s", strerror(errno));
}

static void on_lookup(void *argument, const struct lookup_answer *answer)
{
    struct redis_link *link = argument;

    redis_link_enter(link);
    link->lookup = NULL;
    link->places = *answer;
    if (answer->n == 0)
        redis_link_fail(link, REDIS_FAILED_DNS, "has no address: %s", answer->problem);
    else
        redis_link_connect_next(link);
    redis_link_leave(link);
}

void redis_link_connect(struct redis_link *link)
{
    const struct redis_url *url = link->config.url;

    if (url->path[0] == '\0') {
        link->lookup = lookup_start(link->base, NULL, url->host, url->port, on_lookup, link);
        if (link->lookup == NULL)
            redis_link_fail(link, REDIS_FAILED_MEMORY, "cannot be looked up: no memory");
        return;
    }
    struct sockaddr_un *at = (struct sockaddr_un *)&link->places.addresses[0].at;

    at->sun_family = AF_UNIX;
    snprintf(at->sun_path, sizeof at->sun_path, "%s", url->path);
    link->places.addresses[0].len = sizeof *at;
    link->places.n = 1;
    redis_link_connect_next(link);
}
