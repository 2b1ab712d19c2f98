#include "server/server_internal.h"

#include <stdlib.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/flusher_loop.h"
#include "flush/rollups/units.h"
#include "server/final_ledger.h"
#include "server/http/admin.h"
#include "server/http/totals.h"
#include "server/kept_notes.h"
#include "server/receive/listener_udp.h"
#include "server/succession/inheritance.h"
#include "server/succession/leaving.h"
#include "server/watch.h"

enum { SECOND_NS = 1000000000, MILLISECOND_NS = 1000000 };

void server_view_for_all(const struct server *server, struct server_view *out)
{
    *out = (struct server_view){
        .listeners = &server->listeners,
        .workers = server->workers,
        .worker_ledgers = server->worker_ledgers,
        .submitted =
            server->worker_ledgers != NULL ? &server->worker_ledgers[server->workers] : NULL,
        .flusher_ledger = &server->flusher_ledger,
        .senders = server->senders,
        .sender_boxes = server->sender_boxes,
        .sighting_boxes = server->sighting_boxes,
        .taps = server->taps,
        .recents = server->recents,
        .submitter = server->submitters[SUBMITTED_HTTP],
        .traces = server->trace_box != NULL ? &server->traces_ledger : NULL,
        .trace_box = server->trace_box,
        .definition_keeper = server->history != NULL ? &server->definition_keeper : NULL,
        .state_keeper = server->history != NULL ? &server->state_keeper : NULL,
        .has_monitors = &server->recalled.has_monitors,
        .questions = server->questions,
        .units = server->units,
        .outbox = &server->outbox,
        .delivery_ledger = server->delivery_ledgers,
        .sinks = server->sinks.at,
        .n_sinks = server->sinks.n,
        .history = server->history != NULL ? history_ledger(server->history) : NULL,
        .mirror = instance_is_mirrored(&server->instance) ? &server->instance.ledger : NULL,
        .settings = server->config.settings,
        .facts = &server->facts,
        .budget = &server->budget,
        .local = server->local,
        .started_s = server->started_s,
    };
}

void server_view(const struct server *server, struct server_view *out)
{
    server_view_for_all(server, out);
    out->lingering = server->lingering;
    out->inherited = inheritance_state(server->inherited);
    watch_show(server->watch, out);
    admin_show(server->admin, out);
    if (server->flusher != NULL)
        out->flusher_alive_ms = flusher_loop_alive_ms(server->flusher);
    if (server->traces != NULL)
        out->traces_alive_ms = traces_alive_ms(server->traces);
    if (server->delivery != NULL)
        out->delivery_alive_ms = delivery_alive_ms(server->delivery);
}

int server_udp_port(const struct server *server)
{
    struct udp_targets bound;

    udp_listeners_bound(&server->listeners, &bound);
    return bound.n > 0 ? udp_port_of(&bound.at[0].address) : 0;
}

int server_traces_port(const struct server *server)
{
    return server->traces != NULL ? traces_port(server->traces) : 0;
}

int server_http_port(const struct server *server)
{
    return server->admin != NULL ? admin_port(server->admin) : 0;
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
    admin_follow(server->admin, clock_monotonic_ms());
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
    if (done) {
        admin_read_files(server->admin, &out->problems);
        admin_read_receivers(server->admin, server->config.settings, &out->problems);
    }
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

    server_view_for_all(server, &view);
    watch_stop(server->watch, &view);
    server->watch = NULL;
    if (was_running)
        final_ledger_log(&view, server->gated, &server->instance);
    if (was_running && server->config.account != NULL)
        server->config.account(server->config.argument, &view);
}

/* Behind everybody who looks at it; if one of these still runs (alone is false), it is left to
 * the end of the process. False: that, or the disk does not answer. */
static bool end_history(struct server *server, bool alone, int64_t deadline_ns)
{
    if (server->history == NULL || !alone)
        return alone;
    bool ended = history_stop(server->history, deadline_ns / MILLISECOND_NS);

    server->history = NULL;
    if (!ended)
        log_error("server: the disk of heeler_state_path does not answer: what was last is not "
                  "kept there");
    return ended;
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
    trace_box_free(given->trace_box);
    units_free(given->units);
    sinks_free(&given->sinks);
    rules_release(given->rules);
    free(given->delivery_ledgers);
    free(given->accounts);
    free(given->worker_ledgers);
    for (int lane = 0; lane < SUBMITTED_LANE_COUNT; lane++)
        submitter_free(given->submitters[lane]);
    free(given->worker);
    free(given->leftovers);
    free(given->senders);
    free(given->sender_boxes);
    free(given->sighting_boxes);
    if (given->taps != NULL)
        taps_free(given->taps);
    free(given->taps);
    if (given->recents != NULL)
        recents_free(given->recents);
    free(given->recents);
    inheritance_free(given->inherited);
    free(tag_survey_take(&given->tag_survey));
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

/* Nothing comes behind the last parcels of the workers. */
static void gate_submitters(struct server *server)
{
    for (int lane = 0; lane < SUBMITTED_LANE_COUNT; lane++)
        if (server->submitters[lane] != NULL)
            submitter_gate(server->submitters[lane]);
}

bool server_stop(struct server *given)
{
    int64_t deadline_ns = deadline_of(given);
    uint64_t drops = listeners_sum(&given->listeners, listener_drops);
    bool was_running = given->flusher != NULL;

    listeners_gate(&given->listeners);
    admin_end_monitors(given->admin);
    if (was_running)
        log_info("server: the gate is closed: what the sockets hold is read, and no more");
    end_workers(given, WORKER_DRAINS, deadline_ns);
    traces_stop(given->traces);
    given->traces = NULL;
    gate_submitters(given);
    listeners_remove_files(&given->listeners);
    if (given->flusher != NULL)
        flusher_loop_stop(given->flusher);
    given->flusher = NULL;
    if (given->history != NULL)
        history_end(given->history);
    bool ended = given->delivery == NULL || delivery_stop(given->delivery, deadline_ns);
    ended = admin_stop(given->admin) && ended;
    ended = admin_stop(given->health) && ended;
    ended = end_history(given, ended, deadline_ns);
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
    if (!leaving_hold_delivery(given->delivery, given->config.base, patience_s, deadline_ns) ||
        (who != SERVER_SUCCESSOR_PROCESS &&
         !leaving_hear_history(given->history, given->config.base, deadline_ns))) {
        delivery_resume(given->delivery);
        inheritance_free(inheritance);
        state_writer_free(out);
        return NULL;
    }
    struct inherited_sockets *to =
        who != SERVER_SUCCESSOR_PROCESS ? &inheritance->sockets : NULL;

    admin_end_monitors(given->admin); /* while the workers still read: it may take a moment */
    end_workers(given, who == SERVER_SUCCESSOR_PROGRAM ? WORKER_HANDS_OVER : WORKER_LEAVES,
                deadline_ns);
    traces_leave(given->traces, to);
    given->traces = NULL;
    gate_submitters(given);
    if (out != NULL) {
        inheritance_write(out, &given->listeners, given->leftovers, given->workers);
        admin_hand_over(given->admin, out);
    }
    bool on_disk = out != NULL && given->history != NULL && history_leave(given->history);

    out = leaving_end_flusher(given->flusher, out);
    given->flusher = NULL;
    if (out != NULL && !on_disk) /* there, open windows end as parts */
        instance_hand_over(&given->instance, out);
    if (out != NULL && given->history != NULL)
        kept_notes_hand_over(
            given->history, given->config.settings->heeler_state_path, on_disk,
            leaving_sign_by(clock_monotonic_ns(), deadline_ns) / MILLISECOND_NS, out);
    if (given->history != NULL)
        history_end(given->history);
    leaving_end_delivery(given->delivery, inheritance, out, deadline_ns);

    bool ended = admin_leave(given->admin, to);

    ended = admin_leave(given->health, to) && ended;
    ended = end_history(given, ended, deadline_ns);
    inheritance->unfinished = inheritance->unfinished || !ended;
    leaving_finish(inheritance, out, &given->flusher_ledger);
    inheritance_collect(inheritance, &given->listeners, given->leftovers, given->workers);
    say_last(given, true);
    if (!inheritance->unfinished)
        server_free(given);
    return inheritance;
}
