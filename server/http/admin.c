#include "server/http/admin.h"

#include <stdlib.h>

#include "config/clock.h"
#include "config/log.h"
#include "server/api/api.h"
#include "server/http/ask.h"
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

/* For what the desk is at when the server stops. */
enum { DESK_PATIENCE_MS = 2000 };

struct admin {
    struct server_access server;
    struct http *http;
    struct http_guard guard;
    struct http_keys keys;
    struct event *cookie_timer; /* goes off when the next cookie ends; NULL: only health */
    struct http_ledger ledger;
    struct ask *ask;             /* NULL: only health */
    struct snapshots *snapshots; /* the same */
    struct control *control;     /* the same */
    struct desk *desk;           /* the same */
    struct server_view view; /* for the desk's work: of the start, but its ledgers are live */
};

static const struct settings *settings_of(const struct admin *admin)
{
    return admin->server.settings(admin->server.server);
}

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
    view.http = &admin->ledger;
    view.definitions = api_ledger(admin->view.api);
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

    (void)request;
    inspect_on_settings(exchange, &admin->server);
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

    login_take(exchange, request, &admin->keys, &settings_of(admin)->heeler_app_keys, now_ms);
    admin_follow(admin, now_ms); /* the oldest cookie may have made room */
}

static void on_other(struct http_exchange *exchange, const struct http_request *request,
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
        "/api/v1/tail /api/v1/graph/snapshot, what clients of Datadog ask for "
        "(docs/datadog.md) and, by POST, "
        "/flush /drain /reload\n");
}

/* ---- routes ------------------------------------------------------------ */

static const struct http_route routes[] = {
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
    { .path = "/api/v1/events", .methods = HTTP_GET, .handle = on_events },
    { .path = "/api/v1/top", .methods = HTTP_GET, .handle = on_top },
    { .path = "/api/v1/tail", .methods = HTTP_GET, .work = tail_work, .streams = true },
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

/* The first of them are those of the health port too, where any other path is /live, as
 * the Agent's. */
enum { ROUTES = sizeof routes / sizeof routes[0], HEALTH_ROUTES = 3 };

/* ---- who may ask ------------------------------------------------------- */

static void refuse(struct admin *admin, struct http_exchange *exchange, enum http_refusal why,
                   int status, const char *sentence)
{
    counter_add(&admin->ledger.refused[why], 1);
    http_refuse(exchange, status, sentence);
}

static bool has_key(const struct admin *admin, const struct http_request *request,
                    const struct http_rule *rule, int64_t now_ms)
{
    const struct string_list *in_force = &settings_of(admin)->heeler_app_keys;

    return http_keys_admit(&admin->keys, request, in_force, rule->cookie, now_ms) ||
           (rule->api_key && http_keys_admit_api_key(request, in_force));
}

/* It came by an address that other machines reach, and the route is not open to all. */
static bool admits_from_afar(struct admin *admin, struct http_exchange *exchange,
                             const struct http_request *request, const struct http_rule *rule)
{
    if (settings_of(admin)->heeler_app_keys.n == 0) {
        refuse(
            admin, exchange, HTTP_REFUSAL_KEY, 403,
            "only /live, /ready, /startup and /metrics are answered on an address that other "
            "machines reach: set heeler_app_keys, or ask on 127.0.0.1 or a unix socket\n");
        return false;
    }
    if (has_key(admin, request, rule, clock_monotonic_ms()))
        return true;
    if (rule->navigation) {
        counter_add(&admin->ledger.refused[HTTP_REFUSAL_KEY], 1);
        login_ask(exchange, false);
        return false;
    }
    http_add_header(exchange, "WWW-Authenticate", "heeler_app_keys");
    refuse(admin, exchange, HTTP_REFUSAL_KEY, 401,
           "a key of heeler_app_keys is missing or wrong: it goes into the header "
           "DD-APPLICATION-KEY\n");
    return false;
}

static bool admits(struct http_exchange *exchange, const struct http_request *request,
                   const struct http_route *route, void *argument)
{
    struct admin *admin = argument;
    const struct http_rule *rule = http_guard_rule(route->use);
    const char *sentence = http_guard_refuses(&admin->guard, request, route->use,
                                              &settings_of(admin)->heeler_http_hosts);

    if (sentence != NULL) {
        refuse(admin, exchange, HTTP_REFUSAL_FOREIGN, 403, sentence);
        return false;
    }
    return rule->open || http_is_local(exchange) ||
           admits_from_afar(admin, exchange, request, rule);
}

static bool still_admits(const struct http_exchange *exchange,
                         const struct http_request *request, const struct http_route *route,
                         int64_t now_ms, void *argument)
{
    const struct admin *admin = argument;
    const struct http_rule *rule = http_guard_rule(route->use);
    const struct settings *settings = settings_of(admin);

    return http_guard_refuses(&admin->guard, request, route->use,
                              &settings->heeler_http_hosts) == NULL &&
           (rule->open || http_is_local(exchange) || has_key(admin, request, rule, now_ms));
}

/* ---- start and stop ---------------------------------------------------- */

static struct http *make_http(struct admin *admin, struct event_base *base, bool full)
{
    struct http_config config = {
        .base = base,
        .routes = routes,
        .n_routes = full ? ROUTES : HEALTH_ROUTES,
        .other = full ? (struct http_route){ .methods = HTTP_ANY_METHOD,
                                             .handle = on_other,
                                             .json_errors = true }
                      : routes[0],
        .admits = admits,
        .still_admits = still_admits,
        .argument = admin,
        .desk = admin->desk,
        .ledger = &admin->ledger,
    };

    return http_new(&config);
}

static bool furnish_desk(struct desk *desk, void *argument)
{
    struct server_view *view = argument;

    view->top_senders = top_senders_new(desk_base(desk), view);
    view->tail = view->top_senders != NULL ? tail_new(desk_base(desk), view) : NULL;
    if (view->tail != NULL && pictures_furnish(view->pictures, desk_base(desk)))
        return true;
    tail_free(view->tail);
    top_senders_free(view->top_senders);
    view->tail = NULL;
    view->top_senders = NULL;
    return false;
}

static void on_cookie_end(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    main_turn_began();
    admin_follow(argument, clock_monotonic_ms());
}

/* Who sends may be counted from the start on, by the desk. */
static bool make_parts(struct admin *admin, struct event_base *base)
{
    admin->ask =
        ask_new(base, admin->view.questions, &admin->view.flusher_ledger->flushed_until_s,
                settings_of(admin)->heeler_interval);
    admin->control = control_new(base, &admin->server);
    admin->desk = desk_new(base, &admin->view, &admin->ledger.items_lost, furnish_desk);
    admin->snapshots = snapshots_new(admin->ask, admin->desk);
    admin->view.pictures = pictures_new(settings_of(admin)->heeler_chart_path, &admin->ledger);
    admin->cookie_timer = evtimer_new(base, on_cookie_end, admin);
    admin->view.api = api_new(&admin->view, settings_of(admin)->heeler_dashboards_path);
    api_read_files(admin->view.api, NULL);
    admin->view.inherited = NULL;
    return admin->ask != NULL && admin->control != NULL && admin->desk != NULL &&
           admin->view.api != NULL && admin->cookie_timer != NULL && admin->snapshots != NULL &&
           admin->view.pictures != NULL &&
           (!settings_of(admin)->heeler_senders || desk_start(admin->desk));
}

struct admin *admin_start(struct event_base *base, bool full,
                          const struct server_access *server)
{
    struct admin *admin = calloc(1, sizeof *admin);

    if (admin == NULL)
        return NULL;
    admin->server = *server;
    admin->server.look(admin->server.server, &admin->view);
    if (http_guard_open(&admin->guard, admin->server.hostname) &&
        (!full || make_parts(admin, base)) &&
        (admin->http = make_http(admin, base, full)) != NULL)
        return admin;
    admin_stop(admin);
    return NULL;
}

bool admin_listen(struct admin *admin, const char *address, struct inherited_sockets *inherited,
                  char *problem, size_t problem_size)
{
    return http_listen(admin->http, address, inherited, problem, problem_size);
}

void admin_read_files(struct admin *admin, struct problems *problems)
{
    if (admin != NULL)
        api_read_files(admin->view.api, problems);
}

void admin_follow(struct admin *admin, int64_t now_ms)
{
    int64_t end_ms;

    if (admin == NULL)
        return;
    http_review(admin->http, now_ms);
    end_ms = http_keys_next_end(&admin->keys, now_ms);
    if (end_ms == INT64_MAX || admin->cookie_timer == NULL)
        return;
    struct timeval wait = clock_wait_ms(end_ms - now_ms);
    event_add(admin->cookie_timer, &wait);
}

void admin_hand_over(struct admin *admin, struct state_writer *out)
{
    if (admin != NULL)
        api_hand_over(admin->view.api, out);
}

bool admin_leave(struct admin *given, struct inherited_sockets *to)
{
    if (given != NULL && to != NULL)
        http_leave(given->http, to);
    return admin_stop(given);
}

bool admin_stop(struct admin *given)
{
    if (given == NULL)
        return true;
    http_free(given->http);
    if (given->cookie_timer != NULL)
        event_free(given->cookie_timer);
    snapshots_free(given->snapshots);
    ask_free(given->ask);
    control_free(given->control);
    http_guard_close(&given->guard);
    if (given->desk != NULL && !desk_end(given->desk, DESK_PATIENCE_MS)) {
        log_error("http: the desk does not end: a disk hangs");
        return false;
    }
    top_senders_free(given->view.top_senders);
    pictures_free(given->view.pictures);
    desk_free(given->desk);
    tail_free(given->view.tail);
    api_free(given->view.api);
    free(given);
    return true;
}

int admin_port(const struct admin *admin)
{
    return http_port(admin->http);
}

struct http *admin_http(const struct admin *admin)
{
    return admin->http;
}
