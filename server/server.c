#include "server/server.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/console.h"
#include "flush/delivery/mirror.h"
#include "flush/flusher_loop.h"
#include "server/final_ledger.h"
#include "server/http/admin.h"
#include "server/http/totals.h"
#include "server/receive/descriptors.h"
#include "server/receive/forward.h"
#include "server/receive/listener_udp.h"
#include "server/receive/listeners.h"
#include "server/receive/memory.h"
#include "server/receive/table.h"
#include "server/receive/worker.h"
#include "server/self.h"
#include "server/sinks.h"
#include "server/succession/inheritance.h"
#include "server/succession/instance.h"
#include "server/watch.h"

enum { SECOND_NS = 1000000000, TURN_NS = 5000000 };

/* How long delivery may take to give a sign of life before we hand over: half of the time that
 * there is, but SIGN_LEAST_NS at least and SIGN_NS at most. */
#define SIGN_NS       INT64_C(5000000000)
#define SIGN_LEAST_NS INT64_C(1000000000)

struct server {
    struct server_config config;
    int64_t started_s;
    uint32_t workers;
    bool local;
    struct listeners listeners;
    struct forward *forward; /* NULL: no copies */
    struct inbox inbox;
    bool inbox_open;
    struct outbox outbox;
    bool outbox_open;
    struct questions *questions;
    struct arena_budget budget;
    struct worker_account *accounts;
    struct worker_ledger *worker_ledgers;
    struct counter *forwarded;
    struct flusher_ledger flusher_ledger;
    struct sinks sinks;
    struct delivery_ledger *delivery_ledgers; /* one a sink */
    struct instance instance;                 /* of the mirror */
    struct worker **worker;                   /* NULL entries: not started */
    struct flusher_loop *flusher;
    struct delivery *delivery;
    struct rules *rules; /* of the last reload; held; NULL: there was none */
    bool lingering;
    bool has_state; /* of a server before it */
    struct admin *admin, *health;
    struct watch *watch;               /* NULL: it did not start */
    int64_t end_by_ns;                 /* monotonic; 0: by heeler_stop_timeout */
    uint64_t gated;                    /* datagrams refused at the gate */
    struct inheritance *inherited;     /* or NULL */
    struct worker_leftover *leftovers; /* of each worker */
};

/* What any thread may look at. */
static void view_for_all(const struct server *server, struct server_view *out)
{
    *out = (struct server_view){
        .listeners = &server->listeners,
        .workers = server->workers,
        .worker_ledgers = server->worker_ledgers,
        .forwarded = server->forwarded,
        .flusher_ledger = &server->flusher_ledger,
        .questions = server->questions,
        .outbox = &server->outbox,
        .delivery_ledger = server->delivery_ledgers,
        .sinks = server->sinks.at,
        .n_sinks = server->sinks.n,
        .mirror = instance_is_mirrored(&server->instance) ? &server->instance.ledger : NULL,
        .local = server->local,
        .started_s = server->started_s,
    };
}

void server_view(const struct server *server, struct server_view *out)
{
    view_for_all(server, out);
    out->lingering = server->lingering;
    if (server->flusher != NULL)
        out->flusher_alive_ms = flusher_loop_alive_ms(server->flusher);
    if (server->delivery != NULL)
        out->delivery_alive_ms = delivery_alive_ms(server->delivery);
}

int server_http_port(const struct server *server)
{
    return server->admin != NULL ? admin_port(server->admin) : 0;
}

/* ---- start: each returns false with a sentence ------------------------- */

static bool start_questions(struct server *server)
{
    struct questions *questions = malloc(sizeof *questions);

    if (questions != NULL && questions_open(questions)) {
        server->questions = questions;
        return true;
    }
    free(questions);
    return false;
}

static bool start_memory(struct server *server, char *problem, size_t problem_size)
{
    snprintf(problem, problem_size, "not enough memory or descriptors");
    server->accounts = aligned_alloc(64, server->workers * sizeof *server->accounts);
    server->worker_ledgers = calloc(server->workers, sizeof *server->worker_ledgers);
    server->forwarded = calloc(server->workers, sizeof *server->forwarded);
    server->worker = calloc(server->workers, sizeof *server->worker);
    server->leftovers = calloc(server->workers, sizeof *server->leftovers);
    if (server->accounts == NULL || server->worker_ledgers == NULL ||
        server->forwarded == NULL || server->worker == NULL || server->leftovers == NULL)
        return false;
    memset(server->accounts, 0, server->workers * sizeof *server->accounts);
    memory_say(server->config.settings);
    arena_budget_init(&server->budget, memory_for_buckets(server->config.settings));
    server->inbox_open = inbox_open(&server->inbox);
    server->outbox_open = outbox_open(&server->outbox);
    return server->inbox_open && server->outbox_open && start_questions(server) &&
           table_make_secret();
}

static bool start_forward(struct server *server, char *problem, size_t problem_size)
{
    const struct settings *settings = server->config.settings;
    struct udp_targets own;
    struct forward_config config = { .base = server->config.base,
                                     .host = settings->statsd_forward_host,
                                     .port = (int)settings->statsd_forward_port,
                                     .own = &own };

    if (config.host[0] == '\0' || config.port == 0)
        return true;
    udp_listeners_bound(&server->listeners, &own);
    server->forward = forward_start(&config, problem, problem_size);
    return server->forward != NULL;
}

static struct delivery_config delivery_settings(const struct settings *settings)
{
    return (struct delivery_config){
        .timeout_ms = settings->forwarder_timeout * 1000,
        .reset_s = settings->forwarder_connection_reset_interval,
        .queue_bytes = (size_t)settings->forwarder_retry_queue_payloads_max_size,
        .concurrent = (int)settings->forwarder_max_concurrent_requests,
        .backoff = { settings->forwarder_backoff_factor,
                     (int64_t)(settings->forwarder_backoff_base * 1000),
                     (int64_t)(settings->forwarder_backoff_max * 1000),
                     (int)settings->forwarder_recovery_interval,
                     settings->forwarder_recovery_reset },
        .http1 = strcmp(settings->forwarder_http_protocol, "http1") == 0,
        .transport = { .ca_file = settings->heeler_ca_file,
                       .min_tls = settings->min_tls_version,
                       .skip_validation = settings->skip_ssl_validation },
        .proxy = { settings->proxy_http, settings->proxy_https,
                   (const char *const *)settings->proxy_no_proxy.at, settings->proxy_no_proxy.n,
                   settings->no_proxy_nonexact_match },
        .spool = { settings->forwarder_storage_path,
                   (uint64_t)settings->forwarder_storage_max_size_in_bytes,
                   settings->forwarder_storage_max_disk_ratio,
                   (int64_t)(settings->forwarder_outdated_file_in_days * 86400) },
        .dead_letter_path = settings->heeler_dead_letter_path,
        .validation_interval_ms = settings->forwarder_apikey_validation_interval * 60000,
    };
}

static void say_sinks(const struct server *server)
{
    char key[INTAKE_MASK_MAX], shown[INTAKE_URL_MAX + sizeof "***"];

    if (server->local)
        log_info("server: local mode: there is no api_key, nothing leaves this machine");
    for (size_t i = 0; i < server->sinks.n && !server->local; i++) {
        intake_mask_key(server->sinks.at[i].api_key, key);
        settings_mask_url(server->sinks.at[i].base_url, shown, sizeof shown);
        log_info("server: sending to %s, key %s", shown, key);
    }
    if (server->config.settings->skip_ssl_validation)
        log_warn("server: skip_ssl_validation: anyone between here and the intake can read the "
                 "API key");
}

static struct delivery_config delivery_of(const struct sinks *sinks,
                                          const struct settings *settings)
{
    struct delivery_config config = delivery_settings(settings);

    config.base_url = sinks->at[0].base_url; /* NULL: local */
    config.api_key = sinks->at[0].api_key;
    config.more = sinks->at + 1;
    config.n_more = sinks->n - 1;
    return config;
}

static bool start_delivery(struct server *server, char *problem, size_t problem_size)
{

    if (!sinks_read(&server->sinks, server->config.settings, problem, problem_size))
        return false;
    server->delivery_ledgers = calloc(server->sinks.n, sizeof *server->delivery_ledgers);
    if (server->delivery_ledgers == NULL)
        return false;
    struct delivery_config config = delivery_of(&server->sinks, server->config.settings);

    config.inherited = inheritance_state(server->inherited);
    config.mirror = instance_is_mirrored(&server->instance) ? &server->instance.sink : NULL;
    say_sinks(server);
    server->delivery = delivery_start(&config, &server->outbox, server->delivery_ledgers);
    if (server->delivery == NULL)
        snprintf(problem, problem_size, "delivery could not start");
    return server->delivery != NULL;
}

static void report_self(void *argument, struct self_report *out)
{
    struct server_view view;

    view_for_all(argument, &view);
    self_gauges(&view, out);
}

/* A server that handed over may have used the second in which we start, or later ones. A stamp
 * that lies far ahead is from a clock that was wrong. */
static int64_t first_stamp_s(const struct server *server)
{
    int64_t last_s = server->inherited != NULL ? server->inherited->last_stamp_s : 0;

    return last_s < server->started_s || last_s > server->started_s + 3600 ? server->started_s
                                                                           : last_s + 1;
}

static bool attach_observers(struct server *server, struct flusher *flusher)
{
    struct rollup *rollup = flusher_rollup(flusher);

    if (instance_is_mirrored(&server->instance) && rollup != NULL) {
        struct mirror *mirror = mirror_new(&server->instance.mirror, rollup, &server->outbox,
                                           &server->flusher_ledger);
        if (mirror == NULL || !flusher_observe(flusher, mirror_observer(mirror)))
            return false;
    }
    if (server->config.console != NULL) {
        struct console *console =
            console_new(server->config.console, server->config.settings->heeler_interval);
        if (console == NULL || !flusher_observe(flusher, console_observer(console)))
            return false;
    }
    return true;
}

static bool start_flusher(struct server *server, char *problem, size_t problem_size)
{
    struct flusher_config config = {
        .settings = server->config.settings,
        .hostname = server->config.hostname,
        .workers = server->workers,
        .start_s = first_stamp_s(server),
        .inbox = &server->inbox,
        .outbox = &server->outbox,
        .accounts = server->accounts,
        .budget = &server->budget,
        .contexts_bytes = memory_for_contexts(server->config.settings),
        .ledger = &server->flusher_ledger,
        .questions = server->questions,
        .duplicates = server->instance.marks ? &server->instance.ledger.duplicates : NULL,
        .duplicate_tag = server->instance.tag,
        .report = !server->local ? report_self : NULL,
        .report_argument = server,
    };

    struct flusher *flusher = flusher_new(&config, problem, problem_size);
    if (flusher != NULL && !attach_observers(server, flusher)) {
        snprintf(problem, problem_size, "not enough memory for the console or the mirror");
        flusher_free(flusher);
        return false;
    }
    if (flusher != NULL)
        server->flusher = flusher_loop_start(flusher, &server->inbox, server->questions,
                                             inheritance_state(server->inherited));
    return server->flusher != NULL;
}

/* Every n-th connection of the list for worker i. */
static struct stream_inherited *share_of(struct stream_inherited **list, uint32_t left)
{
    struct stream_inherited *share = NULL, **from = list;

    for (uint32_t i = 0; *from != NULL; i++) {
        struct stream_inherited *one = *from;

        if (i % left != 0) {
            from = &one->next;
            continue;
        }
        *from = one->next;
        one->next = share;
        share = one;
    }
    return share;
}

static bool start_workers(struct server *server, char *problem, size_t problem_size)
{
    struct stream_inherited *connections =
        server->inherited != NULL
            ? inheritance_connections(server->inherited, &server->listeners)
            : NULL;
    int64_t pause_ns = server->inherited != NULL ? server->inherited->stopped_ns : 0;

    for (const struct stream_inherited *one = connections; one != NULL; one = one->next)
        (void)descriptors_take(DESCRIPTOR_STREAM);
    for (uint32_t i = 0; i < server->workers; i++) {
        struct worker_config config = {
            .index = i,
            .settings = server->config.settings,
            .listeners = &server->listeners,
            .forward_fd = forward_fd(server->forward),
            .forwarded = &server->forwarded[i],
            .inbox = &server->inbox,
            .account = &server->accounts[i],
            .budget = &server->budget,
            .ledger = &server->worker_ledgers[i],
            .connections = share_of(&connections, server->workers - i),
            .leftover = &server->leftovers[i],
            .pause_ns = pause_ns,
        };
        server->worker[i] = worker_start(&config, problem, problem_size);
        if (server->worker[i] == NULL) {
            stream_inherited_free(connections);
            return false;
        }
    }
    if (server->inherited != NULL) {
        inheritance_close_rest(server->inherited);
        inheritance_leave_state(server->inherited);
    }
    return true;
}

/* A server that inherited a state goes on without HTTP if it must: it has what nobody else has
 * any more. */
static bool open_http(struct server *server, struct admin **out, const char *address,
                      bool whole, char *problem, size_t problem_size)
{
    struct server_access access = server_access(server);

    *out = admin_start(server->config.base, address, whole, &access, problem, problem_size);
    if (*out == NULL && server->has_state)
        log_error("server: %s; going on without it, as a state was taken over", problem);
    return *out != NULL || server->has_state;
}

static bool start_http(struct server *server, char *problem, size_t problem_size)
{
    const struct settings *settings = server->config.settings;
    char address[32];

    if (settings->heeler_http_listen[0] != '\0' &&
        !open_http(server, &server->admin, settings->heeler_http_listen, true, problem,
                   problem_size))
        return false;
    snprintf(address, sizeof address, "0.0.0.0:%lld", (long long)settings->health_port);
    return settings->health_port == 0 ||
           open_http(server, &server->health, address, false, problem, problem_size);
}

static bool start_watch(struct server *server, char *problem, size_t problem_size)
{
    struct server_access access = server_access(server);

    snprintf(problem, problem_size, "not enough memory");
    server->watch = watch_start(server->config.base, &access);
    return server->watch != NULL;
}

static bool start_instance(struct server *server, char *problem, size_t problem_size)
{
    return instance_read(&server->instance, server->config.settings, server->config.hostname,
                         server->started_s, problem, problem_size);
}

static bool start_listeners(struct server *server, char *problem, size_t problem_size)
{
    if (!server->config.settings->use_dogstatsd) {
        log_warn("server: use_dogstatsd is false: nothing is received");
        return true;
    }
    return listeners_open(&server->listeners, server->config.settings, server->workers,
                          server->inherited != NULL ? &server->inherited->sockets : NULL,
                          problem, problem_size);
}

static void look_at_state(struct server *server)
{
    if (server->inherited == NULL)
        return;
    inheritance_look(server->inherited);
    server->has_state = inheritance_state(server->inherited) != NULL;
    counter_set(&server->flusher_ledger.state_refused, server->inherited->refused);
}

/* The server does not start. If it inherited a state, starts what the stop that follows needs
 * to flush and send it. */
static void rescue_state(struct server *server)
{
    char problem[512];

    if (inheritance_state(server->inherited) == NULL || server->questions == NULL)
        return;
    bool rescued =
        server->delivery_ledgers != NULL || start_delivery(server, problem, sizeof problem);

    rescued = rescued && server->delivery != NULL &&
              (server->flusher != NULL || start_flusher(server, problem, sizeof problem));
    if (rescued)
        log_error("server: it does not start; what was handed over is flushed and sent first");
    else
        log_error("server: it does not start, and what was handed over is lost with it: "
                  "nothing can be sent");
}

struct server *server_start(const struct server_config *config, char *problem,
                            size_t problem_size)
{
    static bool (*const steps[])(struct server *, char *, size_t) = {
        start_memory,  start_instance, start_listeners, start_forward, start_delivery,
        start_flusher, start_workers,  start_http,      start_watch,
    };
    struct server *server = calloc(1, sizeof *server);

    snprintf(problem, problem_size, "not enough memory");
    if (server == NULL) {
        inheritance_free(config->inherited);
        return NULL;
    }
    server->inherited = config->inherited;
    /* Large blocks are mapped one by one, so they go back to the system when they are freed. */
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_ARENA_MAX, 2);
    server->config = *config;
    server->started_s = clock_wall_s();
    server->workers = (uint32_t)config->settings->heeler_workers;
    server->local = settings_is_local(config->settings);
    look_at_state(server);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (!steps[i](server, problem, problem_size)) {
            rescue_state(server);
            server_stop(server);
            return NULL;
        }
    }
    descriptors_divide();
    return server;
}

/* ---- while it runs ----------------------------------------------------- */

/* Takes only the keys. Other threads read the rest of the list meanwhile, so it stays. */
static void take_keys(struct server *server, struct sinks *given)
{
    for (size_t i = 0; i < given->n; i++) {
        const char *former = server->sinks.at[i].api_key;

        server->sinks.at[i].api_key = given->at[i].api_key;
        given->at[i].api_key = former;
    }
    sinks_free(given);
}

static void follow(struct server *server, struct reload_plan *plan)
{
    enum log_level level = LOG_LEVEL_INFO;
    struct rules *former = server->rules;

    for (uint32_t i = 0; i < server->workers; i++)
        worker_follow(server->worker[i], rules_hold(plan->rules));
    take_keys(server, &plan->sinks);
    server->rules = plan->rules;
    server->config.settings = plan->rules->settings;
    rules_release(former);
    struct delivery_config config = delivery_of(&server->sinks, server->config.settings);
    if (!delivery_follow(server->delivery, &config))
        log_error("server: no memory for new keys: delivery goes on with the old ones");
    if (log_level_parse(server->config.settings->log_level, &level))
        log_set_level(level);
}

bool server_reload(struct server *server, struct reload *out, const char *asker)
{
    struct reload_base base = {
        .in_force = server->config.settings,
        .naming = server->rules != NULL ? server->rules->naming : 0,
        .hostname = server->config.hostname,
        .ledger = &server->flusher_ledger,
        .sinks = &server->sinks,
        .load = server->config.load,
        .argument = server->config.argument,
    };
    struct reload_plan plan = { .rules = NULL };
    bool done = false;

    if (base.load == NULL)
        problems_error(&out->problems, "the settings of this server cannot be loaded anew");
    else
        done = reload_prepare(&plan, &base, out);
    if (plan.rules != NULL)
        follow(server, &plan);
    else
        sinks_free(&plan.sinks);
    reload_log(out, done, asker);
    return done;
}

const struct settings *server_settings(const struct server *server)
{
    return server->config.settings;
}

static int64_t flush(struct server *server)
{
    int64_t second = clock_wall_s() + 1;

    for (uint32_t i = 0; i < server->workers; i++)
        worker_seal_at(server->worker[i], second);
    return second;
}

static void ask_to_stop(struct server *server)
{
    if (server->config.stop != NULL)
        server->config.stop(server->config.argument);
}

static char *reload_over_http(struct server *server, bool *done)
{
    struct reload reload = { .problems = { .n_unlisted = 0 } };

    *done = server_reload(server, &reload, "POST /reload");
    char *json = reload_json(&reload, *done);
    reload_free(&reload);
    return json;
}

struct server_access server_access(struct server *server)
{
    return (struct server_access){
        .server = server,
        .hostname = server->config.hostname,
        .look = server_view,
        .settings = server_settings,
        .flush = flush,
        .ask_to_stop = ask_to_stop,
        .reload = reload_over_http,
    };
}

void server_linger(struct server *server)
{
    server->lingering = true;
}

uint64_t server_datagrams(const struct server *server)
{
    return totals_datagrams(&server->listeners);
}

/* ---- stop -------------------------------------------------------------- */

static void gate(struct server *server)
{
    for (size_t i = 0; i < server->listeners.n; i++)
        if (!listener_gate(&server->listeners.at[i]))
            log_warn("server: %s cannot be gated: %s", server->listeners.at[i].name,
                     strerror(errno));
}

static void end_workers(struct server *server, enum worker_end end, int64_t deadline_ns)
{
    for (uint32_t i = 0; server->worker != NULL && i < server->workers; i++)
        if (server->worker[i] != NULL)
            worker_end(server->worker[i], end, deadline_ns);
    for (uint32_t i = 0; server->worker != NULL && i < server->workers; i++)
        if (server->worker[i] != NULL)
            worker_join(server->worker[i]);
}

/* When the loops have ended. A server that never ran has no ledger to tell. */
static void say_last(struct server *server, bool was_running)
{
    struct server_view view;

    view_for_all(server, &view);
    watch_stop(server->watch, &view);
    server->watch = NULL;
    if (was_running)
        final_ledger_log(&view, server->gated, &server->instance);
}

static void server_free(struct server *given)
{
    listeners_close(&given->listeners);
    forward_free(given->forward);
    if (given->inbox_open)
        inbox_close(&given->inbox);
    if (given->outbox_open)
        outbox_close(&given->outbox);
    if (given->questions != NULL)
        questions_close(given->questions);
    free(given->questions);
    sinks_free(&given->sinks);
    rules_release(given->rules);
    free(given->delivery_ledgers);
    free(given->accounts);
    free(given->worker_ledgers);
    free(given->forwarded);
    free(given->worker);
    free(given->leftovers);
    inheritance_free(given->inherited);
    free(given);
}

void server_end_by(struct server *server, int64_t deadline_monotonic_ns)
{
    server->end_by_ns = deadline_monotonic_ns;
}

static int64_t deadline_of(const struct server *server)
{
    return server->end_by_ns != 0
               ? server->end_by_ns
               : clock_monotonic_ns() +
                     server->config.settings->heeler_stop_timeout * SECOND_NS;
}

bool server_stop(struct server *given)
{
    int64_t deadline_ns = deadline_of(given);
    uint64_t drops = listeners_sum(&given->listeners, listener_drops);
    bool was_running = given->flusher != NULL;

    gate(given);
    if (was_running)
        log_info("server: the gate is closed: what the sockets hold is read, and no more");
    end_workers(given, WORKER_DRAINS, deadline_ns);
    listeners_remove_files(&given->listeners);
    if (given->flusher != NULL)
        flusher_loop_stop(given->flusher);
    given->flusher = NULL;
    bool ended = given->delivery == NULL || delivery_stop(given->delivery, deadline_ns);
    admin_stop(given->admin);
    admin_stop(given->health);
    for (size_t i = 0; i < given->listeners.n; i++)
        listener_leave(&given->listeners.at[i]);
    given->gated = listeners_sum(&given->listeners, listener_drops) - drops;
    say_last(given, was_running);
    if (ended)
        server_free(given);
    return ended;
}

/* ---- a successor takes over -------------------------------------------- */

void server_keep_sockets(struct server *server, void (*keep)(int fd))
{
    for (size_t i = 0; i < server->listeners.n; i++) {
        struct listener *listener = &server->listeners.at[i];

        listener->kept = true;
        for (uint32_t w = 0; w < listener_n_own(listener); w++)
            keep(listener->sockets[w].fd);
    }
}

/* Asks delivery for a sign of life and, for_requests, waits for requests that are under way.
 * The workers still read meanwhile. False: there is none, because a disk or a name server
 * hangs. */
static bool hold_delivery(struct server *server, bool for_requests, int64_t end_by_ns)
{
    int64_t now_ns = clock_monotonic_ns(), half_ns = (end_by_ns - now_ns) / 2;
    int64_t silent_ns = now_ns + (half_ns < SIGN_LEAST_NS ? SIGN_LEAST_NS
                                  : half_ns > SIGN_NS     ? SIGN_NS
                                                          : half_ns);
    int64_t busy_ns =
        now_ns + server->config.settings->forwarder_stop_timeout * for_requests * SECOND_NS;
    enum delivery_held held;

    delivery_hold(server->delivery);
    do {
        event_base_loop(server->config.base, EVLOOP_NONBLOCK); /* HTTP goes on */
        now_ns = clock_monotonic_ns();
        held = delivery_held(server->delivery, now_ns + TURN_NS);
    } while (held != DELIVERY_QUIET && now_ns < (held == DELIVERY_BUSY ? busy_ns : silent_ns));
    if (held == DELIVERY_BUSY && for_requests)
        log_warn("server: a request is still under way; its payload is sent again");
    return held != DELIVERY_SILENT;
}

/* The flusher writes the open interval into the state. If that fails it flushes it instead, and
 * there is no state any more: the writer is freed, and NULL is returned. */
static struct state_writer *end_flusher(struct server *server, struct state_writer *out)
{
    if (out == NULL) {
        flusher_loop_stop(server->flusher);
    } else if (!flusher_loop_hand_over(server->flusher, out)) {
        log_error("server: no memory for the state: the open interval is flushed instead");
        state_writer_free(out);
        out = NULL;
    }
    server->flusher = NULL;
    return out;
}

static void end_delivery(struct server *server, struct inheritance *inheritance,
                         struct state_writer *out, int64_t deadline_ns)
{
    enum delivery_heir end = DELIVERY_ENDED;

    if (out != NULL)
        end = delivery_hand_over(server->delivery, deadline_ns, out);
    else if (!delivery_stop(server->delivery, deadline_ns))
        end = DELIVERY_LINGERS;
    inheritance->unfinished = end != DELIVERY_ENDED;
    inheritance->stuck = end == DELIVERY_STUCK;
    if (inheritance->stuck)
        log_error("server: delivery hangs, on a disk perhaps: what is unsent is handed over "
                  "by nobody");
}

static void finish_inheritance(struct server *server, struct inheritance *inheritance,
                               struct state_writer *given)
{
    struct counter *values = &server->flusher_ledger.handed_over;

    inheritance->last_stamp_s = (int64_t)counter_read(&server->flusher_ledger.last_stamp_s);
    if (given != NULL)
        inheritance->state_fd = state_writer_end(given);
    if (given != NULL && inheritance->state_fd < 0) {
        log_error("server: no memory for the end of the state: %llu values of the open "
                  "interval are lost",
                  (unsigned long long)counter_read(values));
        counter_set(values, 0);
    }
    inheritance_collect(inheritance, &server->listeners);
    for (uint32_t i = 0; i < server->workers; i++)
        inheritance_collect_connections(inheritance, server->leftovers[i].connections);
}

/* With the writer of a state, unless the successor gets sockets only. NULL: no memory. */
static struct inheritance *new_inheritance(enum server_successor who, struct state_writer **out)
{
    struct inheritance *inheritance = inheritance_new();

    *out = who != SERVER_SUCCESSOR_SOCKETS ? state_writer_new() : NULL;
    if (inheritance != NULL && (*out != NULL || who == SERVER_SUCCESSOR_SOCKETS))
        return inheritance;
    log_error("server: no memory to hand over");
    inheritance_free(inheritance);
    state_writer_free(*out);
    return NULL;
}

struct inheritance *server_hand_over(struct server *given, enum server_successor who)
{
    int64_t deadline_ns = deadline_of(given);
    struct state_writer *out;
    struct inheritance *inheritance = new_inheritance(who, &out);

    if (inheritance == NULL)
        return NULL;
    if (!hold_delivery(given, out != NULL, deadline_ns)) {
        log_error("server: delivery gives no sign of life, so it cannot hand over: a disk or a "
                  "name server hangs");
        delivery_resume(given->delivery);
        inheritance_free(inheritance);
        state_writer_free(out);
        return NULL;
    }
    end_workers(given, who == SERVER_SUCCESSOR_PROGRAM ? WORKER_HANDS_OVER : WORKER_LEAVES,
                deadline_ns);
    if (out != NULL)
        inheritance_write(out, &given->listeners, given->leftovers, given->workers);
    out = end_flusher(given, out);
    end_delivery(given, inheritance, out, deadline_ns);
    admin_stop(given->admin);
    admin_stop(given->health);
    finish_inheritance(given, inheritance, out);
    say_last(given, true);
    if (!inheritance->unfinished)
        server_free(given);
    return inheritance;
}
