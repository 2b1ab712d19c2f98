#include "server/http/admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/address.h"
#include "config/clock.h"
#include "config/log.h"
#include "server/http/ask.h"
#include "server/http/control.h"
#include "server/http/health.h"
#include "server/http/http.h"
#include "server/http/http_guard.h"
#include "server/http/metrics.h"

struct admin {
    struct server_access server;
    struct http *http;
    struct http_guard guard;
    struct ask *ask;         /* NULL: only health */
    struct control *control; /* the same */
};

/* ---- answers ----------------------------------------------------------- */

static void reply_health(struct http_exchange *exchange, const struct admin *admin,
                         bool readiness)
{
    struct server_view view;
    char text[HEALTH_TEXT_MAX];

    admin->server.look(admin->server.server, &view);
    int status = health_write(&view, readiness, clock_monotonic_ms(), clock_wall_ms(), text);
    http_reply_text(exchange, status, "application/json", text);
}

static void on_live(struct http_exchange *exchange, const struct http_request *request,
                    void *argument)
{
    (void)request;
    reply_health(exchange, argument, false);
}

static void on_ready(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    (void)request;
    reply_health(exchange, argument, true);
}

static void on_metrics(struct http_exchange *exchange, const struct http_request *request,
                       void *argument)
{
    const struct admin *admin = argument;
    struct server_view view;
    struct evbuffer *body = evbuffer_new();

    (void)request;
    admin->server.look(admin->server.server, &view);
    if (body != NULL)
        metrics_write(body, &view);
    http_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", body);
}

static void on_query(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    const struct admin *admin = argument;

    ask_on_query(exchange, request, admin->ask);
}

static void on_flush(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    const struct admin *admin = argument;

    control_on_flush(exchange, request, admin->control);
}

static void on_drain(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    const struct admin *admin = argument;

    control_on_drain(exchange, request, admin->control);
}

static void on_reload(struct http_exchange *exchange, const struct http_request *request,
                      void *argument)
{
    const struct admin *admin = argument;

    control_on_reload(exchange, request, admin->control);
}

static void on_other(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    (void)request, (void)argument;
    http_reply_text(exchange, 404, "text/plain; charset=utf-8",
                    "here are /live /ready /startup /metrics /api/v1/query and, by POST, "
                    "/flush /drain /reload\n");
}

/* ---- routes ------------------------------------------------------------ */

static const struct http_route routes[] = {
    { .path = "/live", .methods = HTTP_GET, .handle = on_live, .any_host = true },
    { .path = "/ready", .methods = HTTP_GET, .handle = on_ready, .any_host = true },
    { .path = "/startup", .methods = HTTP_GET, .handle = on_ready, .any_host = true },
    { .path = "/metrics", .methods = HTTP_GET, .handle = on_metrics },
    { .path = "/api/v1/query", .methods = HTTP_GET, .handle = on_query },
    { .path = "/flush", .methods = HTTP_POST, .handle = on_flush },
    { .path = "/drain", .methods = HTTP_POST, .handle = on_drain },
    { .path = "/reload", .methods = HTTP_POST, .handle = on_reload },
};

/* The first of them are those of the health port too, where any other path is /live, as
 * the Agent's. */
enum { ROUTES = sizeof routes / sizeof routes[0], HEALTH_ROUTES = 3 };

static const char *refuses(const struct http_request *request, const struct http_route *route,
                           void *argument)
{
    const struct admin *admin = argument;
    const struct settings *settings = admin->server.settings(admin->server.server);

    return http_guard_refuses(&admin->guard, request, route->any_host,
                              &settings->heeler_http_hosts);
}

/* ---- start and stop ---------------------------------------------------- */

static struct http *make_http(struct admin *admin, struct event_base *base, bool full)
{
    struct http_config config = {
        .base = base,
        .routes = routes,
        .n_routes = full ? ROUTES : HEALTH_ROUTES,
        .other = full ? (struct http_route){ .methods = HTTP_ANY_METHOD, .handle = on_other }
                      : routes[0],
        .refuses = refuses,
        .argument = admin,
    };

    return http_new(&config);
}

static bool make_parts(struct admin *admin, struct event_base *base, bool full)
{
    struct server_view view;

    admin->server.look(admin->server.server, &view);
    if (full) {
        admin->ask = ask_new(base, view.questions);
        admin->control = control_new(base, &admin->server);
    }
    admin->http = make_http(admin, base, full);
    return admin->http != NULL && (!full || (admin->ask != NULL && admin->control != NULL)) &&
           http_guard_open(&admin->guard, admin->server.hostname);
}

static bool listen_on(struct admin *admin, const char *address, char *problem,
                      size_t problem_size)
{
    char host[ADDRESS_HOST_MAX];
    const char *why = "no such address";
    int port;

    errno = 0;
    if (address_split(address, host, sizeof host, &port) &&
        http_listen(admin->http, host, port, &why)) {
        log_info("http: listening on %s:%d", host, http_port(admin->http));
        return true;
    }
    snprintf(problem, problem_size, "http: cannot listen on %s: %s", address,
             why != NULL           ? why
             : errno == EADDRINUSE ? "the address is in use"
                                   : strerror(errno));
    return false;
}

struct admin *admin_start(struct event_base *base, const char *address, bool full,
                          const struct server_access *server, char *problem,
                          size_t problem_size)
{
    struct admin *admin = calloc(1, sizeof *admin);

    snprintf(problem, problem_size, "http: not enough memory");
    if (admin == NULL)
        return NULL;
    admin->server = *server;
    if (make_parts(admin, base, full) && listen_on(admin, address, problem, problem_size))
        return admin;
    admin_stop(admin);
    return NULL;
}

void admin_stop(struct admin *given)
{
    if (given == NULL)
        return;
    http_free(given->http);
    ask_free(given->ask);
    control_free(given->control);
    http_guard_close(&given->guard);
    free(given);
}

int admin_port(const struct admin *admin)
{
    return http_port(admin->http);
}

struct http *admin_http(const struct admin *admin)
{
    return admin->http;
}
