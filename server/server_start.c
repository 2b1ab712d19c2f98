/* Reading order: server_start(), at the end; then the steps that it lists, which stand in that
 * order. Each returns false with a sentence. */
#include "server/server_internal.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "config/hostname.h"
#include "config/log.h"
#include "flush/console.h"
#include "flush/delivery/mirror.h"
#include "flush/flusher_loop.h"
#include "flush/history/feeder.h"
#include "flush/history/journal.h"
#include "flush/rollups/units.h"
#include "server/http/admin.h"
#include "server/kept_notes.h"
#include "server/receive/descriptors.h"
#include "server/receive/listener_udp.h"
#include "server/receive/memory.h"
#include "server/receive/table.h"
#include "server/self.h"
#include "server/succession/inheritance.h"
#include "server/watch.h"

static bool start_questions(struct server *server)
{
    struct question_box *questions = malloc(sizeof *questions);

    server->units = units_new();
    if (server->units == NULL) {
        free(questions);
        return false;
    }
    if (questions != NULL && question_box_open(questions)) {
        server->questions = questions;
        return true;
    }
    free(questions);
    return false;
}

static bool start_submitters(struct server *server)
{
    for (uint32_t lane = 0; lane < SUBMITTED_LANE_COUNT; lane++) {
        uint32_t index = server->workers + lane;
        struct submitter_config config = {
            .inbox = &server->inbox,
            .account = &server->accounts[index],
            .ledger = &server->worker_ledgers[index],
            .index = index,
        };

        server->submitters[lane] = submitter_new(&config);
        if (server->submitters[lane] == NULL)
            return false;
    }
    return true;
}

/* Of what was received last, where it is to be kept. */
static bool make_recents(struct server *server)
{
    int64_t bytes = server->config.settings->heeler_ring_bytes;
    struct recents *recents = bytes > 0 ? own_lines(sizeof *recents) : NULL;

    if (recents != NULL && recents_init(recents, server->workers, bytes))
        server->recents = recents;
    else
        free(recents);
    return bytes == 0 || server->recents != NULL;
}

static bool start_memory(struct server *server, char *problem, size_t problem_size)
{
    snprintf(problem, problem_size, "not enough memory or descriptors");
    uint32_t senders = server->workers + SUBMITTED_LANE_COUNT;

    server->accounts = own_lines(senders * sizeof *server->accounts);
    server->worker_ledgers = own_lines(senders * sizeof *server->worker_ledgers);
    server->worker = calloc(server->workers, sizeof *server->worker);
    server->leftovers = calloc(server->workers, sizeof *server->leftovers);
    server->senders = own_lines(sizeof *server->senders);
    server->sender_boxes = own_lines(server->workers * sizeof *server->sender_boxes);
    server->sighting_boxes = own_lines(server->workers * sizeof *server->sighting_boxes);
    server->taps = own_lines(sizeof *server->taps);
    if (server->accounts == NULL || server->worker_ledgers == NULL || server->worker == NULL ||
        server->leftovers == NULL || server->senders == NULL || server->sender_boxes == NULL ||
        server->sighting_boxes == NULL || server->taps == NULL ||
        !taps_init(server->taps, server->workers,
                   server->config.settings->heeler_tail_max_bytes) ||
        !make_recents(server))
        return false;
    memory_say(server->config.settings);
    arena_budget_init(&server->budget, memory_for_buckets(server->config.settings));
    server->inbox_open = inbox_open(&server->inbox);
    server->outbox_open = outbox_open(&server->outbox);
    return server->inbox_open && server->outbox_open && start_questions(server) &&
           start_submitters(server) && table_make_secret();
}

static bool start_instance(struct server *server, char *problem, size_t problem_size)
{
    return instance_read(&server->instance, server->config.settings, server->config.hostname,
                         server->started_s, inheritance_state(server->inherited), problem,
                         problem_size);
}

static bool start_listeners(struct server *server, char *problem, size_t problem_size)
{
    if (!server->config.settings->use_dogstatsd) {
        log_warn("server: use_dogstatsd is false: no datagram is received");
        return true;
    }
    return listeners_open(&server->listeners, server->config.settings, server->workers,
                          inheritance_sockets(server->inherited), problem, problem_size);
}

/* What findings tell of, and what does not change while we run. */
static bool look_at_system(struct server *server, char *problem, size_t problem_size)
{
    const struct settings *settings = server->config.settings;
    struct udp_targets bound;

    (void)problem, (void)problem_size;
    udp_listeners_bound(&server->listeners, &bound);
    server->facts = (struct server_facts){
        .memory_bytes = memory_limit(settings),
        .contexts_bytes = memory_for_contexts(settings),
        .hostname_of_container =
            hostname_is_of_container(settings, server->config.hostname, ""),
        .deaf_on_v6 = udp_targets_miss_v6(&bound),
    };
    return true;
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

/* Without windows in memory there is nothing to keep on disk. */
static bool start_history(struct server *server, char *problem, size_t problem_size)
{
    const struct settings *settings = server->config.settings;

    if (settings->heeler_state_path[0] == '\0' || settings->heeler_rollup_max_bytes == 0)
        return true;
    if (!retention_read(&server->retention, &settings->heeler_history_retention,
                        settings->heeler_interval, problem, problem_size))
        return false;
    struct keeper_config config = {
        .folder = settings->heeler_state_path,
        .bounds = { &server->retention, (uint64_t)settings->heeler_history_max_bytes },
        .recalled = kept_definition_recalled,
        .recalled_argument = &server->recalled,
    };

    struct note *notes;
    bool has_all =
        kept_notes_take_over(inheritance_state(server->inherited), config.folder, &notes);

    server->recalled.units = server->units;
    snprintf(problem, problem_size, "the history: not enough memory or descriptors");
    server->history = history_start(&config, &server->questions->asked, notes);
    if (server->history == NULL)
        return false;
    server->definition_keeper = kept_definitions(server->history, has_all);
    server->state_keeper = kept_states(server->history);
    return true;
}

static void report_self(void *argument, struct self_report *out)
{
    struct server_view view;

    server_view_for_all(argument, &view);
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
    if (server->config.observer.ops != NULL &&
        !flusher_observe(flusher, server->config.observer))
        return false;
    if (server->history != NULL) {
        struct feeder *feeder = feeder_new(server->history, &server->retention, rollup);
        if (feeder == NULL || !flusher_observe(flusher, feeder_observer(feeder)))
            return false;
        struct journal *journal = journal_new(server->history, flusher_recent(flusher));
        if (journal == NULL || !flusher_observe(flusher, journal_observer(journal)))
            return false;
        server->past = past_of(server->history);
        rollup_use_past(rollup, &server->past);
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
        .units = server->units,
        .duplicates = server->instance.marks ? &server->instance.ledger.duplicates : NULL,
        .duplicate_tag = server->instance.tag,
        .report = !server->local ? report_self : NULL,
        .report_argument = server,
        .tag_survey = &server->tag_survey,
    };

    struct flusher *flusher = flusher_new(&config, problem, problem_size);
    if (flusher != NULL && !attach_observers(server, flusher)) {
        snprintf(problem, problem_size,
                 "not enough memory for the console, the mirror or the history");
        flusher_free(flusher);
        return false;
    }
    if (flusher == NULL)
        return false;
    snprintf(problem, problem_size, "the flusher: not enough memory or descriptors");
    server->flusher = flusher_loop_start(flusher, &server->inbox, server->questions,
                                         inheritance_state(server->inherited));
    return server->flusher != NULL;
}

static bool start_workers(struct server *server, char *problem, size_t problem_size)
{
    struct stream_inherited *connections =
        inheritance_connections(server->inherited, &server->listeners);
    int64_t pause_ns = server->inherited != NULL ? server->inherited->stopped_ns : 0;

    senders_init(server->senders, &server->listeners, server->config.settings);
    for (uint32_t i = 0; i < server->workers; i++) {
        struct worker_config config = {
            .index = i,
            .settings = server->config.settings,
            .listeners = &server->listeners,
            .forward_fd = forward_fd(server->forward),
            .inbox = &server->inbox,
            .account = &server->accounts[i],
            .budget = &server->budget,
            .ledger = &server->worker_ledgers[i],
            .senders = server->senders,
            .sender_box = &server->sender_boxes[i],
            .sighting_box = &server->sighting_boxes[i],
            .taps = server->taps,
            .recents = server->recents,
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
    return true;
}

/* As without HTTP. */
static bool go_on_without_traces(struct server *server, const char *problem)
{
    trace_box_free(server->trace_box);
    server->trace_box = NULL;
    if (server->has_state)
        log_error("server: %s; going on without it, as a state was taken over", problem);
    return server->has_state;
}

/* Before HTTP, which closes the inherited sockets that nobody has taken. */
static bool start_traces(struct server *server, char *problem, size_t problem_size)
{
    const struct settings *settings = server->config.settings;
    struct traces_config config = {
        .settings = settings,
        .submitter = server->submitters[SUBMITTED_TRACES],
        .ledger = &server->traces_ledger,
        .inherited = inheritance_sockets(server->inherited),
        .outbox = sinks_have_traces(&server->sinks) ? &server->outbox : NULL,
        .hostname = server->config.hostname,
    };

    if (!settings->apm_config_enabled)
        return true;
    if (settings->apm_config_forward_stats && config.outbox == NULL)
        log_warn("traces: apm_config.forward_stats is set and api_key is not: nothing is sent");
    snprintf(problem, problem_size, "traces: not enough memory or descriptors");
    config.box = server->trace_box = trace_box_new();
    if (config.box == NULL)
        return false;
    if (settings->heeler_rollup_max_bytes == 0)
        log_warn("traces: heeler_rollup_max_bytes is 0, so their numbers are kept nowhere");
    server->traces = traces_start(&config, problem, problem_size);
    return server->traces != NULL || go_on_without_traces(server, problem);
}

static bool listen_for_http(struct server *server, struct admin *admin,
                            const struct string_list *addresses, char *problem,
                            size_t problem_size)
{
    snprintf(problem, problem_size, "http: not enough memory");
    for (size_t i = 0; admin != NULL && i < addresses->n; i++)
        if (!admin_listen(admin, addresses->at[i], inheritance_sockets(server->inherited),
                          problem, problem_size))
            return false;
    return admin != NULL;
}

/* A server that inherited a state goes on without HTTP if it must: it has what nobody else has
 * any more. */
static bool open_http(struct server *server, struct admin **out,
                      const struct string_list *addresses, bool whole, char *problem,
                      size_t problem_size)
{
    struct server_access access = server_access(server);

    *out = admin_start(server->config.base, whole, &access);
    if (listen_for_http(server, *out, addresses, problem, problem_size))
        return true;
    admin_stop(*out);
    *out = NULL;
    if (server->has_state)
        log_error("server: %s; going on without it, as a state was taken over", problem);
    return server->has_state;
}

/* The unit of systemd names a socket in a folder that it makes, whatever the settings say. The
 * start goes on without it. */
static void open_unit_socket(struct server *server)
{
    const char *path = getenv("HEELER_HTTP_SOCKET");
    char address[512], problem[512];

    if (server->admin == NULL || path == NULL || path[0] == '\0')
        return;
    snprintf(address, sizeof address, "unix:%s", path);
    if (!admin_listen(server->admin, address, inheritance_sockets(server->inherited), problem,
                      sizeof problem))
        log_warn("server: HEELER_HTTP_SOCKET: %s", problem);
}

static bool start_health(struct server *server, char *problem, size_t problem_size)
{
    char address[32], *only = address;
    const struct string_list addresses = { &only, 1 };
    int64_t port = server->config.settings->health_port;

    snprintf(address, sizeof address, "0.0.0.0:%lld", (long long)port);
    return port == 0 ||
           open_http(server, &server->health, &addresses, false, problem, problem_size);
}

static bool start_http(struct server *server, char *problem, size_t problem_size)
{
    const struct string_list *addresses = &server->config.settings->heeler_http_listen;

    if (addresses->n > 0 &&
        !open_http(server, &server->admin, addresses, true, problem, problem_size))
        return false;
    open_unit_socket(server);
    if (!start_health(server, problem, problem_size))
        return false;
    if (server->inherited != NULL) {
        inheritance_leave_state(server->inherited);
        inheritance_close_rest(server->inherited);
    }
    return true;
}

static bool start_watch(struct server *server, char *problem, size_t problem_size)
{
    (void)problem, (void)problem_size;
    struct server_access access = server_access(server);

    server->watch = watch_start(server->config.base, &access, &server->tag_survey);
    return server->watch != NULL;
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
        start_memory,  start_instance, start_listeners, look_at_system,
        start_forward, start_delivery, start_history,   start_flusher,
        start_workers, start_traces,   start_http,      start_watch,
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
        /* For a step that does not say more, and so that it does not leave what an earlier one
         * said. */
        snprintf(problem, problem_size, "not enough memory or descriptors");
        if (!steps[i](server, problem, problem_size)) {
            rescue_state(server);
            server_stop(server);
            return NULL;
        }
    }
    descriptors_divide();
    return server;
}
