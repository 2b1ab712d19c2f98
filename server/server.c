#include "server/server.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

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
#include "server/succession/leaving.h"
#include "server/watch.h"

enum { SECOND_NS = 1000000000 };

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
    struct question_box *questions;
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
    bool has_state; /* it inherited one */
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
    struct question_box *questions = malloc(sizeof *questions);

    if (questions != NULL && question_box_open(questions)) {
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

static bool start_delivery(struct server *server, char *problem, size_t problem_size)
{
    if (!sinks_read(&server->sinks, server->config.settings, problem, problem_size))
        return false;
    server->delivery_ledgers = calloc(server->sinks.n, sizeof *server->delivery_ledgers);
    if (server->delivery_ledgers == NULL)
        return false;
    struct delivery_config config = sinks_delivery(&server->sinks, server->config.settings);

    config.inherited = inheritance_state(server->inherited);
    config.mirror = instance_is_mirrored(&server->instance) ? &server->instance.sink : NULL;
    sinks_say(&server->sinks, server->config.settings);
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
        .start_s = inheritance_first_stamp_s(server->inherited, server->started_s),
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

static bool start_workers(struct server *server, char *problem, size_t problem_size)
{
    struct stream_inherited *connections =
        inheritance_connections(server->inherited, &server->listeners);
    int64_t pause_ns = server->inherited != NULL ? server->inherited->stopped_ns : 0;

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
            .connections = stream_inherited_share(&connections, server->workers - i),
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
                          inheritance_sockets(server->inherited), problem, problem_size);
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

static void follow(struct server *server, struct reload_plan *plan)
{
    enum log_level level = LOG_LEVEL_INFO;
    struct rules *former = server->rules;

    for (uint32_t i = 0; i < server->workers; i++)
        worker_follow(server->worker[i], rules_hold(plan->rules));
    sinks_take_keys(&server->sinks, &plan->sinks);
    server->rules = plan->rules;
    server->config.settings = plan->rules->settings;
    rules_release(former);
    struct delivery_config config = sinks_delivery(&server->sinks, server->config.settings);
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

static void end_workers(struct server *server, enum worker_end end, int64_t deadline_ns)
{
    for (uint32_t i = 0; server->worker != NULL && i < server->workers; i++)
        if (server->worker[i] != NULL)
            worker_end(server->worker[i], end, deadline_ns);
    for (uint32_t i = 0; server->worker != NULL && i < server->workers; i++)
        if (server->worker[i] != NULL)
            worker_join(server->worker[i]);
}

/* Called when the loops have ended: logs the last losses and, if the server ever ran, the final
 * ledger. */
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
        question_box_close(given->questions);
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

    listeners_gate(&given->listeners);
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
    listeners_leave(&given->listeners);
    given->gated = listeners_sum(&given->listeners, listener_drops) - drops;
    say_last(given, was_running);
    if (ended)
        server_free(given);
    return ended;
}

/* ---- a successor takes over -------------------------------------------- */

void server_keep_sockets(struct server *server, void (*keep)(int fd))
{
    listeners_keep(&server->listeners, keep);
}

struct inheritance *server_hand_over(struct server *given, enum server_successor who)
{
    int64_t deadline_ns = deadline_of(given);
    struct state_writer *out;
    struct inheritance *inheritance = leaving_begin(who != SERVER_SUCCESSOR_SOCKETS, &out);

    if (inheritance == NULL)
        return NULL;
    int64_t patience_s = out != NULL ? given->config.settings->forwarder_stop_timeout : -1;
    if (!leaving_hold_delivery(given->delivery, given->config.base, patience_s, deadline_ns)) {
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
    out = leaving_end_flusher(given->flusher, out);
    given->flusher = NULL;
    leaving_end_delivery(given->delivery, inheritance, out, deadline_ns);
    admin_stop(given->admin);
    admin_stop(given->health);
    leaving_finish(inheritance, out, &given->flusher_ledger);
    inheritance_collect(inheritance, &given->listeners, given->leftovers, given->workers);
    say_last(given, true);
    if (!inheritance->unfinished)
        server_free(given);
    return inheritance;
}
