#include "server/http/admin_internal.h"

#include <stdlib.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/patience.h"
#include "config/problems.h"
#include "server/api/api.h"
#include "server/api/kept_traces.h"
#include "server/http/ask.h"
#include "server/http/checks.h"
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
#include "server/http/looks.h"
#include "server/http/main_turn.h"
#include "server/http/metrics.h"
#include "server/http/page.h"
#include "server/http/pictures.h"
#include "server/http/snapshot.h"
#include "server/http/tail.h"
#include "server/http/top.h"
#include "server/http/top_senders.h"
#include "server/monitors/monitoring.h"
#include "server/receive/host_addresses.h"

/* For what the desk is at when the server stops. */
enum { DESK_PATIENCE_MS = 2000 };

const struct settings *admin_settings(const struct admin *admin)
{
    return admin->server.settings(admin->server.server);
}

/* The first of them are those of the health port too, where any other path is /live, as
 * the Agent's. */
enum { HEALTH_ROUTES = 3 };

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
    const struct string_list *in_force = &admin_settings(admin)->heeler_app_keys;

    return http_keys_admit(&admin->keys, request, in_force, rule->cookie, now_ms) ||
           (rule->api_key && http_keys_admit_api_key(request, in_force));
}

/* It came by an address that other machines reach, and the route is not open to all. */
static bool admits_from_afar(struct admin *admin, struct http_exchange *exchange,
                             const struct http_request *request, const struct http_rule *rule)
{
    if (admin_settings(admin)->heeler_app_keys.n == 0) {
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
           rule->api_key
               ? "a key of heeler_app_keys is missing or wrong: it goes into the header "
                 "DD-API-KEY or DD-APPLICATION-KEY\n"
               : "a key of heeler_app_keys is missing or wrong: it goes into the header "
                 "DD-APPLICATION-KEY\n");
    return false;
}

static bool admits(struct http_exchange *exchange, const struct http_request *request,
                   const struct http_route *route, void *argument)
{
    struct admin *admin = argument;
    const struct http_rule *rule = http_guard_rule(route->use);
    const char *sentence = http_guard_refuses(&admin->guard, request, route->use,
                                              &admin_settings(admin)->heeler_http_hosts);

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
    const struct settings *settings = admin_settings(admin);

    return http_guard_refuses(&admin->guard, request, route->use,
                              &settings->heeler_http_hosts) == NULL &&
           (rule->open || http_is_local(exchange) || has_key(admin, request, rule, now_ms));
}

/* ---- start and stop ---------------------------------------------------- */

static struct http *make_http(struct admin *admin, struct event_base *base, bool full)
{
    struct http_config config = {
        .base = base,
        .routes = admin_routes,
        .n_routes = full ? admin_routes_n : HEALTH_ROUTES,
        .other = full ? (struct http_route){ .methods = HTTP_ANY_METHOD,
                                             .handle = admin_on_other,
                                             .json_errors = true }
                      : admin_routes[0],
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
    view->looks = looks_new(desk_base(desk), view);
    view->tail = view->top_senders != NULL && view->looks != NULL ? tail_new(view) : NULL;
    view->kept_traces =
        view->trace_box != NULL ? kept_traces_new(desk_base(desk), view->trace_box) : NULL;
    if (view->tail != NULL && (view->trace_box == NULL || view->kept_traces != NULL) &&
        pictures_furnish(view->pictures, desk_base(desk)) &&
        monitoring_furnish(view->monitoring, desk_base(desk)))
        return true;
    kept_traces_free(view->kept_traces);
    tail_free(view->tail);
    looks_free(view->looks);
    top_senders_free(view->top_senders);
    view->kept_traces = NULL;
    view->tail = NULL;
    view->looks = NULL;
    view->top_senders = NULL;
    return false;
}

static void on_cookie_end(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    main_turn_began();
    admin_follow(argument, clock_monotonic_ms());
}

/* Who sends may be counted from the start on, and monitors are looked at whether somebody asks
 * or not. The desk begins for nobody else. */
static bool needs_desk(const struct admin *admin)
{
    const struct settings *settings = admin_settings(admin);

    return settings->heeler_senders || settings->heeler_monitors_path[0] != '\0' ||
           monitoring_is_inherited(admin->view.monitoring) ||
           counter_read(&api_ledger(admin->view.api)->n[DEFINITION_MONITOR]) > 0 ||
           (admin->view.has_monitors != NULL &&
            atomic_load_explicit(admin->view.has_monitors, memory_order_acquire));
}

/* Each second: the disk may take its time to say that there are monitors. */
static void on_monitors_timer(evutil_socket_t fd, short what, void *argument)
{
    struct admin *admin = argument;

    (void)fd, (void)what;
    main_turn_began();
    if (needs_desk(admin) && desk_start(admin->desk))
        event_del(admin->monitors_timer);
}

static bool make_parts(struct admin *admin, struct event_base *base)
{
    static const struct timeval second = { 1, 0 };

    admin->ask =
        ask_new(base, admin->view.questions, &admin->view.flusher_ledger->flushed_until_s,
                admin_settings(admin)->heeler_interval);
    admin->control = control_new(base, &admin->server);
    admin->desk = desk_new(base, &admin->view, &admin->ledger.items_lost, furnish_desk);
    admin->snapshots = snapshots_new(admin->ask, admin->desk);
    admin->view.pictures =
        pictures_new(admin_settings(admin)->heeler_chart_path, &admin->ledger);
    admin->cookie_timer = evtimer_new(base, on_cookie_end, admin);
    admin->monitors_timer = event_new(base, -1, EV_PERSIST, on_monitors_timer, admin);
    admin->view.checks = checks_new();
    admin->view.api = api_new(&admin->view, admin_settings(admin));
    api_read_files(admin->view.api, NULL);
    admin->view.host_addresses = host_addresses_new(
        admin->view.senders, admin->view.sighting_boxes, admin->view.workers);
    if (admin->view.api != NULL && admin->view.host_addresses != NULL)
        admin->view.monitoring = monitoring_new(&admin->view, admin->server.hostname);
    if (admin->view.monitoring != NULL)
        admin->view.evaluator = monitoring_evaluator(admin->view.monitoring);
    admin->view.inherited = NULL;
    return admin->ask != NULL && admin->control != NULL && admin->desk != NULL &&
           admin->view.checks != NULL && admin->view.api != NULL &&
           admin->cookie_timer != NULL && admin->snapshots != NULL &&
           admin->view.pictures != NULL && admin->view.monitoring != NULL &&
           admin->monitors_timer != NULL && event_add(admin->monitors_timer, &second) == 0 &&
           (!needs_desk(admin) || desk_start(admin->desk));
}

struct admin *admin_start(struct event_base *base, bool full,
                          const struct server_access *server)
{
    struct admin *admin = calloc(1, sizeof *admin);

    if (admin == NULL)
        return NULL;
    admin->server = *server;
    admin->server.look(admin->server.server, &admin->view);
    admin->view.checks = NULL; /* behind a health port: those of the other, who frees them */
    admin->view.host_addresses = NULL; /* the same */
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

void admin_read_receivers(struct admin *admin, const struct settings *settings,
                          struct problems *problems)
{
    char problem[512];

    if (admin != NULL && admin->view.monitoring != NULL &&
        !monitoring_follow(admin->view.monitoring, settings, problem, sizeof problem))
        problems_warn(problems, "%s: who is told stays as it was", problem);
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

/* What the desk has is not main's to look at, but its ledgers are. */
void admin_show(const struct admin *admin, struct server_view *out)
{
    if (admin == NULL)
        return;
    out->http = &admin->ledger;
    out->checks = admin->view.checks;
    out->definitions = api_ledger(admin->view.api);
    out->notify = monitoring_ledger(admin->view.monitoring);
    out->monitors = monitoring_counts(admin->view.monitoring);
}

void admin_end_monitors(struct admin *admin)
{
    if (admin != NULL && admin->view.monitoring != NULL)
        monitoring_end(admin->view.monitoring);
}

void admin_hand_over(struct admin *admin, struct state_writer *out)
{
    if (admin == NULL)
        return;
    api_hand_over(admin->view.api, out);
    if (admin->view.monitoring != NULL)
        monitoring_hand_over(admin->view.monitoring, out);
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
    if (given->monitors_timer != NULL)
        event_free(given->monitors_timer);
    snapshots_free(given->snapshots);
    ask_free(given->ask);
    control_free(given->control);
    http_guard_close(&given->guard);
    if (given->desk != NULL && !desk_end(given->desk, patience_ms(DESK_PATIENCE_MS))) {
        log_error("http: the desk does not end: a disk hangs");
        return false;
    }
    top_senders_free(given->view.top_senders);
    kept_traces_free(given->view.kept_traces);
    pictures_free(given->view.pictures);
    monitoring_free(given->view.monitoring);
    host_addresses_free(given->view.host_addresses);
    desk_free(given->desk);
    tail_free(given->view.tail);
    looks_free(given->view.looks);
    api_free(given->view.api);
    checks_free(given->view.checks);
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
