#include "server/admin.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config/address.h"
#include "config/clock.h"
#include "config/log.h"
#include "server/ask.h"
#include "server/connections.h"
#include "server/control.h"
#include "server/health.h"
#include "server/metrics.h"

enum {
    HEADERS_MAX = 16 * 1024,
    BODY_MAX = 64 * 1024,
    TIMEOUT_S = 10,
    ACCEPT_PAUSE_S = 1,
    CONNECTIONS_MAX = 64 /* others wait until one ends; a silent one does after TIMEOUT_S */
};

struct admin {
    struct server *server;
    struct evhttp *http;
    struct ask *ask;         /* NULL: only health */
    struct control *control; /* the same */
    struct evconnlistener *listener;
    struct event *accept_timer;
    bool full; /* no further connection is accepted */
    int port;
};

/* ---- answers ------------------------------------------------------------ */

static const char *reason_of(int status)
{
    return status == 200   ? "OK"
           : status == 405 ? "Method Not Allowed"
           : status == 503 ? "Service Unavailable"
                           : "Internal Server Error";
}

static void reply(struct evhttp_request *request, int status, const char *type,
                  struct evbuffer *body)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
    evhttp_send_reply(request, status, reason_of(status), body);
    evbuffer_free(body);
}

static void reply_health(struct evhttp_request *request, const struct admin *admin,
                         bool readiness)
{
    struct evbuffer *body = evbuffer_new();
    struct server_view view;
    char text[HEALTH_TEXT_MAX];

    if (body == NULL)
        return;
    server_view(admin->server, &view);
    int status = health_write(&view, readiness, clock_monotonic_ns() / 1000000,
                              clock_wall_ns() / 1000000, text);
    evbuffer_add(body, text, strlen(text));
    reply(request, status, "application/json", body);
}

static void on_live(struct evhttp_request *request, void *context)
{
    reply_health(request, context, false);
}

static void on_ready(struct evhttp_request *request, void *context)
{
    reply_health(request, context, true);
}

static void on_metrics(struct evhttp_request *request, void *context)
{
    const struct admin *admin = context;
    struct server_view view;
    struct evbuffer *body = evbuffer_new();

    if (body == NULL)
        return;
    server_view(admin->server, &view);
    metrics_write(body, &view);
    reply(request, 200, "text/plain; version=0.0.4; charset=utf-8", body);
}

static void on_other(struct evhttp_request *request, void *context)
{
    (void)context;
    evhttp_send_error(request, HTTP_NOTFOUND,
                      "here are /live /ready /startup /metrics /api/v1/query and, by POST, "
                      "/flush /drain /reload");
}

/* ---- routes ------------------------------------------------------------ */

static void on_query(struct evhttp_request *request, void *context)
{
    const struct admin *admin = context;

    ask_on_query(request, admin->ask);
}

static void on_flush(struct evhttp_request *request, void *context)
{
    const struct admin *admin = context;

    control_on_flush(request, admin->control);
}

static void on_drain(struct evhttp_request *request, void *context)
{
    const struct admin *admin = context;

    control_on_drain(request, admin->control);
}

static void on_reload(struct evhttp_request *request, void *context)
{
    const struct admin *admin = context;

    control_on_reload(request, admin->control);
}

typedef void route_handler(struct evhttp_request *request, void *context);

static const struct route {
    const char *path; /* NULL: any other */
    bool post;        /* and nothing else; otherwise GET and HEAD */
    bool health;      /* on the health port too */
    route_handler *handle;
} routes[] = {
    { "/live", false, true, on_live },           { "/ready", false, true, on_ready },
    { "/startup", false, true, on_ready },       { "/metrics", false, false, on_metrics },
    { "/api/v1/query", false, false, on_query }, { "/flush", true, false, on_flush },
    { "/drain", true, false, on_drain },         { "/reload", true, false, on_reload },
};

enum { ROUTES = sizeof routes / sizeof routes[0] };

static bool refuses_method(struct evhttp_request *request, bool post)
{
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    struct evbuffer *body;

    if (post ? method == EVHTTP_REQ_POST
             : method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD)
        return false;
    evhttp_add_header(evhttp_request_get_output_headers(request), "Allow",
                      post ? "POST" : "GET, HEAD");
    body = evbuffer_new();
    if (body != NULL) {
        evbuffer_add_printf(body, "only %s here\n", post ? "POST" : "GET and HEAD");
        reply(request, 405, "text/plain", body);
    }
    return true;
}

/* Every request comes through here; health: of the health port, where any other path
 * is /live, as the Agent's. */
static void serve(struct evhttp_request *request, struct admin *admin, bool health)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    struct route route = { NULL, false, true, health ? on_live : on_other };

    for (size_t i = 0; i < ROUTES && path != NULL; i++)
        if (strcmp(routes[i].path, path) == 0 && (routes[i].health || !health))
            route = routes[i];
    if (refuses_method(request, route.post) || (route.post && control_refuses(request)))
        return;
    route.handle(request, admin);
}

static void on_request(struct evhttp_request *request, void *context)
{
    serve(request, context, false);
}

static void on_health_request(struct evhttp_request *request, void *context)
{
    serve(request, context, true);
}

/* ---- start and stop ---------------------------------------------------- */

static int bound_port(struct evhttp_bound_socket *bound)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char port[8];

    if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len) !=
            0 ||
        getnameinfo((struct sockaddr *)&address, len, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV) != 0)
        return 0;
    return atoi(port);
}

/* Descriptors or memory have run out: the queue would call at once again, and
 * libevent log each call. The context is evhttp's, hence the timer that ticks. */
static void pause_accepting(struct evconnlistener *listener, void *context)
{
    (void)context;
    log_warn("http: cannot accept a connection: %s", strerror(errno));
    evconnlistener_disable(listener);
}

static void on_accept_timer(evutil_socket_t fd, short what, void *context)
{
    struct admin *admin = context;

    (void)fd, (void)what;
    admin->full = admin->full && connections_on(admin->port) >= CONNECTIONS_MAX;
    if (!admin->full)
        evconnlistener_enable(admin->listener);
}

/* Called for each new connection. NULL: evhttp makes what it needs by itself. */
static struct bufferevent *on_connection(struct event_base *base, void *context)
{
    struct admin *admin = context;

    (void)base;
    admin->full = connections_on(admin->port) >= CONNECTIONS_MAX;
    if (admin->full)
        evconnlistener_disable(admin->listener);
    return NULL;
}

static bool watch_accepting(struct admin *admin, struct event_base *base,
                            struct evhttp_bound_socket *bound)
{
    static const struct timeval pause = { ACCEPT_PAUSE_S, 0 };

    admin->listener = evhttp_bound_socket_get_listener(bound);
    evconnlistener_set_error_cb(admin->listener, pause_accepting);
    admin->accept_timer = event_new(base, -1, EV_PERSIST, on_accept_timer, admin);
    return admin->accept_timer != NULL && event_add(admin->accept_timer, &pause) == 0;
}

/* Methods are looked at by route: libevent's own answer would be 501. */
static void set_routes(struct admin *admin, bool full)
{
    evhttp_set_allowed_methods(admin->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                                EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                                EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    evhttp_set_max_headers_size(admin->http, HEADERS_MAX);
    evhttp_set_max_body_size(admin->http, BODY_MAX);
    evhttp_set_timeout(admin->http, TIMEOUT_S);
    evhttp_set_bevcb(admin->http, on_connection, admin);
    evhttp_set_gencb(admin->http, full ? on_request : on_health_request, admin);
}

struct admin *admin_start(struct event_base *base, const char *address, bool full,
                          struct server *server, char *problem, size_t problem_size)
{
    char host[ADDRESS_HOST_MAX];
    int port;
    struct admin *admin = calloc(1, sizeof *admin);

    snprintf(problem, problem_size, "http: not enough memory");
    if (admin == NULL)
        return NULL;
    admin->server = server;
    admin->http = evhttp_new(base);
    if (full) {
        struct server_view view;
        server_view(server, &view);
        admin->ask = ask_new(base, view.questions);
        admin->control = control_new(base, server);
    }
    if (admin->http == NULL || (full && (admin->ask == NULL || admin->control == NULL)) ||
        !address_split(address, host, sizeof host, &port)) {
        admin_stop(admin);
        return NULL;
    }
    set_routes(admin, full);
    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(admin->http, host, (uint16_t)port);
    if (bound == NULL) {
        snprintf(problem, problem_size, "http: cannot listen on %s: %s", address,
                 errno == EADDRINUSE ? "the address is in use" : strerror(errno));
        admin_stop(admin);
        return NULL;
    }
    if (!watch_accepting(admin, base, bound)) {
        admin_stop(admin);
        return NULL;
    }
    admin->port = bound_port(bound);
    log_info("http: listening on %s:%d", host, admin->port);
    return admin;
}

void admin_stop(struct admin *given)
{
    if (given == NULL)
        return;
    ask_stop(given->ask);
    control_stop(given->control);
    if (given->accept_timer != NULL)
        event_free(given->accept_timer);
    if (given->http != NULL)
        evhttp_free(given->http);
    ask_free(given->ask);
    control_free(given->control);
    free(given);
}

int admin_port(const struct admin *admin)
{
    return admin->port;
}
