#include "server/http/admin_internal.h"

#include <stdlib.h>

#include "config/clock.h"
#include "config/log.h"
#include "server/api/api.h"
#include "server/http/ask.h"
#include "server/http/capture.h"
#include "server/http/control.h"
#include "server/http/desk.h"
#include "server/http/functions.h"
#include "server/http/health.h"
#include "server/http/http.h"
#include "server/http/http_guard.h"
#include "server/http/http_keys.h"
#include "server/http/http_ledger.h"
#include "server/http/inspect.h"
#include "server/http/login.h"
#include "server/http/main_turn.h"
#include "server/http/metrics.h"
#include "server/http/page.h"
#include "server/http/pictures.h"
#include "server/http/snapshot.h"
#include "server/http/tail.h"
#include "server/http/top.h"
#include "server/http/top_senders.h"
#include "server/monitors/monitoring.h"

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
    admin_show(admin, &view);
    if (body != NULL)
        metrics_write(body, &view);
    http_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", body);
}

static void on_status(struct http_exchange *exchange, const struct http_request *request,
                      void *argument)
{
    const struct admin *admin = argument;

    (void)request;
    inspect_on_status(exchange, &admin->server, &admin->ledger);
}

static void on_functions(struct http_exchange *exchange, const struct http_request *request,
                         void *argument)
{
    (void)request, (void)argument;
    functions_reply(exchange);
}

static void on_settings(struct http_exchange *exchange, const struct http_request *request,
                        void *argument)
{
    const struct admin *admin = argument;

    inspect_on_settings(exchange, request, &admin->server);
}

static void on_log(struct http_exchange *exchange, const struct http_request *request,
                   void *argument)
{
    (void)request, (void)argument;
    inspect_on_log(exchange);
}

/* Questions that their path alone says. */
static void on_question(struct http_exchange *exchange, const struct http_request *request,
                        void *argument)
{
    static const struct {
        const char *path;
        enum inquiry_kind kind;
    } rows[] = {
        { "/api/v1/query", INQUIRY_QUERY },
        { "/api/v1/catalogue", INQUIRY_LIST },
        { "/api/v1/catalogue/metric", INQUIRY_METRIC },
        { "/api/v1/catalogue/host", INQUIRY_HOST },
        { "/api/v1/metrics", INQUIRY_ACTIVE },
        { "/api/v1/search", INQUIRY_SEARCH },
        { "/api/v1/hosts", INQUIRY_HOSTS },
        { "/api/v1/hosts/totals", INQUIRY_HOST_TOTALS },
        { "/api/v1/tags/hosts", INQUIRY_ALL_HOST_TAGS },
    };
    const struct admin *admin = argument;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (slice_equal(request->path, slice_of(rows[i].path)))
            ask_on(admin->ask, rows[i].kind, exchange, request);
}

/* The same of a path that ends in a name, which is asked for as a parameter. */
static void on_named(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    static const struct slice events = { "/api/v1/events/", 15 };
    const struct admin *admin = argument;
    struct http_request named = *request;
    char query[HTTP_HEAD_MAX + 8] = "name=";
    size_t first = request->path.len, len = strlen(query);

    while (request->path.at[first - 1] != '/')
        first--;
    memcpy(query + len, request->path.at + first, request->path.len - first);
    named.query = (struct slice){ query, len + request->path.len - first };
    ask_on(admin->ask, slice_starts(request->path, events) ? INQUIRY_EVENT : INQUIRY_HOST_TAGS,
           exchange, &named);
}

static void on_events(struct http_exchange *exchange, const struct http_request *request,
                      void *argument)
{
    const struct admin *admin = argument;

    char room[HTTP_HEAD_MAX];
    struct slice value;
    bool is_client = http_parameter(request->query, "start", room, &value) ||
                     http_parameter(request->query, "end", room, &value);

    ask_on(admin->ask, is_client ? INQUIRY_EVENTS : INQUIRY_RECENT, exchange, request);
}

/* What senders do is counted and told on the desk's thread. */
static void on_top(struct http_exchange *exchange, const struct http_request *request,
                   void *argument)
{
    const struct admin *admin = argument;
    struct top_request asked;
    struct server_view view;
    const char *sentence;

    if (!top_request_read(request->query, &asked, &sentence)) {
        top_refuse(exchange, sentence);
    } else if (asked.by == TOP_METRIC) {
        ask_on(admin->ask, INQUIRY_TOP, exchange, request);
    } else if (asked.by == TOP_SENDER) {
        desk_take(admin->desk, exchange, request->head, SLICE(""), HTTP_BODY_MAX,
                  top_senders_work);
    } else {
        admin->server.look(admin->server.server, &view);
        top_on_tags(exchange, &asked, &view);
    }
}

static void on_snapshot(struct http_exchange *exchange, const struct http_request *request,
                        void *argument)
{
    const struct admin *admin = argument;

    snapshots_on(admin->snapshots, exchange, request);
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

static void on_login(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    struct admin *admin = argument;

    int64_t now_ms = clock_monotonic_ms();

    login_take(exchange, request, &admin->keys, &admin_settings(admin)->heeler_app_keys,
               now_ms);
    admin_follow(admin, now_ms); /* the oldest cookie may have made room */
}

void admin_on_other(struct http_exchange *exchange, const struct http_request *request,
                    void *argument)
{
    (void)argument;
    if (slice_starts(request->path, SLICE("/api/")) &&
        !slice_equal(request->path, SLICE("/api/"))) {
        api_unknown(exchange, request);
        return;
    }
    http_reply_text(
        exchange, 404, "text/plain; charset=utf-8",
        "here are / (the page) /live /ready /startup /metrics /api/v1/query /api/v1/status "
        "/api/v1/functions /api/v1/settings /api/v1/log /api/v1/catalogue "
        "/api/v1/catalogue/metric /api/v1/catalogue/host /api/v1/events /api/v1/top "
        "/api/v1/tail /api/v1/capture /api/v1/graph/snapshot, what clients of Datadog ask for "
        "(docs/datadog.md) and, by POST, "
        "/flush /drain /reload\n");
}

/* ---- routes ------------------------------------------------------------ */

const struct http_route admin_routes[] = {
    { .path = "/live", .use = HTTP_USE_HEALTH, .methods = HTTP_GET, .handle = on_live },
    { .path = "/ready", .use = HTTP_USE_HEALTH, .methods = HTTP_GET, .handle = on_ready },
    { .path = "/startup", .use = HTTP_USE_HEALTH, .methods = HTTP_GET, .handle = on_ready },
    { .path = "/metrics", .use = HTTP_USE_METRICS, .methods = HTTP_GET, .handle = on_metrics },
    { .path = "/api/v1/status", .methods = HTTP_GET, .handle = on_status },
    { .path = "/api/v1/settings", .methods = HTTP_GET, .handle = on_settings },
    { .path = "/api/v1/log", .methods = HTTP_GET, .handle = on_log },
    { .path = "/api/v1/functions", .methods = HTTP_GET, .handle = on_functions },
#define QUESTION(at, is_below, function)                                        \
    {                                                                           \
        .path = at, .below = is_below, .methods = HTTP_GET, .handle = function, \
        .json_errors = true                                                     \
    }
    QUESTION("/api/v1/query", false, on_question),
    QUESTION("/api/v1/metrics", false, on_question),
    QUESTION("/api/v1/search", false, on_question),
    QUESTION("/api/v1/hosts", false, on_question),
    QUESTION("/api/v1/hosts/totals", false, on_question),
    QUESTION("/api/v1/tags/hosts", false, on_question),
    QUESTION("/api/v1/tags/hosts/", true, on_named),
    QUESTION("/api/v1/events/", true, on_named),
#undef QUESTION
    { .path = "/api/v1/catalogue", .methods = HTTP_GET, .handle = on_question },
    { .path = "/api/v1/catalogue/metric", .methods = HTTP_GET, .handle = on_question },
    { .path = "/api/v1/catalogue/host", .methods = HTTP_GET, .handle = on_question },
    { .path = "/api/v1/events", .methods = HTTP_GET, .handle = on_events, .json_errors = true },
    { .path = "/api/v1/top", .methods = HTTP_GET, .handle = on_top },
    { .path = "/api/v1/tail", .methods = HTTP_GET, .work = tail_work, .streams = true },
    { .path = "/api/v1/capture",
      .use = HTTP_USE_RAW,
      .methods = HTTP_GET,
      .work = capture_work,
      .streams = true },
    { .path = "/api/v1/graph/snapshot",
      .methods = HTTP_GET,
      .handle = on_snapshot,
      .json_errors = true },
    { .path = "/api/v1/graph/snapshot",
      .use = HTTP_USE_WRITING,
      .methods = HTTP_POST,
      .handle = on_snapshot,
      .json_errors = true },
    { .path = PICTURES_STATUS,
      .below = true,
      .methods = HTTP_GET,
      .work = pictures_status_work,
      .json_errors = true },
    { .path = PICTURES_VIEW,
      .below = true,
      .use = HTTP_USE_PICTURE,
      .methods = HTTP_GET,
      .work = pictures_view_work },
#define API_ROUTE(at, is_below, what, method, function, most, most_inflated) \
    { .path = at,                                                            \
      .below = is_below,                                                     \
      .use = what,                                                           \
      .methods = method,                                                     \
      .work = function,                                                      \
      .json_errors = true,                                                   \
      .body_max = most,                                                      \
      .inflated_max = most_inflated },
#define API_DEFINED(at, is_below, what, method, function, most) \
    API_ROUTE(at, is_below, what, method, function##_route, most, 0)
#include "server/api/api_table.h"
#undef API_DEFINED
#undef API_ROUTE
    { .path = "/dash/",
      .deep = true,
      .use = HTTP_USE_PAGE,
      .methods = HTTP_GET,
      .handle = page_on_dashboard },
    { .path = "/dashboard/",
      .deep = true,
      .use = HTTP_USE_PAGE,
      .methods = HTTP_GET,
      .handle = page_on_dashboard },
    { .path = "/event/event",
      .use = HTTP_USE_PAGE,
      .methods = HTTP_GET,
      .handle = page_on_event },
#define PAGE_FILE(symbol, at, type, what) \
    { .path = at, .use = what, .methods = HTTP_GET, .work = page_work },
#include "server/http/page_table.h"
    { .path = "/login",
      .methods = HTTP_POST,
      .use = HTTP_USE_LOGIN,
      .handle = on_login,
      .body_max = 4096 },
    { .path = "/flush", .use = HTTP_USE_CONTROL, .methods = HTTP_POST, .handle = on_flush },
    { .path = "/drain", .use = HTTP_USE_CONTROL, .methods = HTTP_POST, .handle = on_drain },
    { .path = "/reload", .use = HTTP_USE_CONTROL, .methods = HTTP_POST, .handle = on_reload },
};

const size_t admin_routes_n = sizeof admin_routes / sizeof *admin_routes;
