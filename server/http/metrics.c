#include "server/http/metrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/delivery/mirror_ledger.h"
#include "flush/history/history_ledger.h"
#include "flush/notify/notify_ledger.h"
#include "server/api/definitions.h"
#include "server/http/accounts.h"
#include "server/http/checks.h"
#include "server/http/http_ledger.h"
#include "server/http/main_turn.h"
#include "server/http/metrics_table.h"
#include "server/http/process.h"
#include "server/http/totals.h"
#include "server/monitors/monitor_ledger.h"
#include "server/receive/code_paths.h"
#include "server/receive/listeners.h"
#include "server/traces/traces_ledger.h"

#define FAMILY_ENUM(id, name, type, sentence) id,
enum family { FAMILIES(FAMILY_ENUM) FAMILY_COUNT };

#define FAMILY_ROW(id, name, type, sentence) [id] = { name, type, sentence },
static const struct {
    const char *name, *type, *sentence;
} families[FAMILY_COUNT] = { FAMILIES(FAMILY_ROW) };

static void head(struct evbuffer *out, enum family family)
{
    evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", families[family].name,
                        families[family].sentence, families[family].name,
                        families[family].type);
}

static void plain(struct evbuffer *out, enum family family, uint64_t value)
{
    head(out, family);
    evbuffer_add_printf(out, "%s %" PRIu64 "\n", families[family].name, value);
}

/* A path in a label may hold what ends it. */
static void labelled(struct evbuffer *out, enum family family, const char *label,
                     const char *text, uint64_t value)
{
    evbuffer_add_printf(out, "%s{%s=\"", families[family].name, label);
    while (*text != '\0') {
        size_t plain = strcspn(text, "\"\\\n");
        evbuffer_add(out, text, plain);
        text += plain;
        if (*text != '\0')
            evbuffer_add_printf(out, "\\%c", *text == '\n' ? 'n' : *text);
        text += *text != '\0';
    }
    evbuffer_add_printf(out, "\"} %" PRIu64 "\n", value);
}

/* ---- workers ----------------------------------------------------------- */

static void write_listeners(struct evbuffer *out, const struct server_view *view)
{
    static const struct {
        enum family family;
        uint64_t (*read)(const struct listener_socket *);
    } rows[] = {
        { F_DATAGRAMS, listener_datagrams },
        { F_BYTES, listener_bytes },
        { F_TRUNCATED, listener_truncated },
        { F_DROPPED, listener_drops },
    };

    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        head(out, rows[row].family);
        for (size_t i = 0; i < view->listeners->n; i++) {
            const struct listener *listener = &view->listeners->at[i];
            labelled(out, rows[row].family, "listener", listener->name,
                     listener_sum(listener, rows[row].read));
        }
    }
}

static void write_streams(struct evbuffer *out, const struct server_view *view)
{
    uint64_t connections = 0;

    for (size_t i = 0; i < view->listeners->n; i++)
        connections +=
            atomic_load_explicit(&view->listeners->at[i].connections, memory_order_relaxed);
    plain(out, F_CONNECTIONS, connections);
    plain(out, F_CONNECTIONS_REFUSED, listeners_sum(view->listeners, listener_refused));
    plain(out, F_FRAMES_TOO_LARGE, listeners_sum(view->listeners, listener_too_large));
}

static void write_lines(struct evbuffer *out, const struct worker_ledger *workers)
{
    static const char *const kinds[LINE_KIND_COUNT] = { "metric", "event", "service_check" };

    head(out, F_LINES);
    for (int kind = 0; kind < LINE_KIND_COUNT; kind++)
        labelled(out, F_LINES, "kind", kinds[kind], counter_read(&workers->lines[kind]));
    head(out, F_REJECTED);
    for (int reason = PARSE_OK + 1; reason < PARSE_RESULT_COUNT; reason++)
        labelled(out, F_REJECTED, "reason", parse_result_label((enum parse_result)reason),
                 counter_read(&workers->rejected[reason]));
    plain(out, F_RECORDS_SHED, counter_read(&workers->records_shed));
}

static void write_values(struct evbuffer *out, const struct worker_ledger *workers,
                         const struct flusher_ledger *flusher)
{
    head(out, F_VALUES);
    for (int type = 0; type < METRIC_TYPE_COUNT; type++)
        labelled(out, F_VALUES, "type", metric_type_name((enum metric_type)type),
                 counter_read(&workers->values[type]));
    plain(out, F_COPIED, counter_read(&workers->values_copied));
    head(out, F_SHED);
    for (int reason = SHED_NOTHING + 1; reason < SHED_REASON_COUNT; reason++)
        labelled(out, F_SHED, "reason", shed_reason_label((enum shed_reason)reason),
                 counter_read(&workers->shed[reason]) + counter_read(&flusher->shed[reason]));
    plain(out, F_FOLDED, counter_read(&flusher->folded));
    plain(out, F_CONTEXTS, counter_read(&workers->contexts));
    plain(out, F_BIRTHS, counter_read(&workers->births));
    plain(out, F_PAUSE, counter_read(&workers->longest_seal_us));
    plain(out, F_GAP, counter_read(&workers->longest_gap_us));
}

/* ---- flusher and delivery ---------------------------------------------- */

static void write_flusher(struct evbuffer *out, const struct worker_ledger *workers,
                          const struct flusher_ledger *flusher)
{
    plain(out, F_SERIES, counter_read(&flusher->series));
    plain(out, F_STRINGS, counter_read(&flusher->strings));
    plain(out, F_SNAPSHOTS, counter_read(&flusher->snapshots));
    plain(out, F_LATE, counter_read(&flusher->late_buckets));
    plain(out, F_CONFLICTS, counter_read(&flusher->type_conflicts));
    plain(out, F_LIMITED, counter_read(&flusher->mapper_limited));
    plain(out, F_SWITCHED,
          counter_read(&flusher->histograms_switched) +
              counter_read(&workers->histograms_switched));
    head(out, F_ENCODED);
    for (int kind = 0; kind < POINT_KIND_COUNT; kind++)
        labelled(out, F_ENCODED, "kind", point_kind_label((enum point_kind)kind),
                 counter_read(&flusher->encoded[kind]));
    head(out, F_POINTS_DROPPED);
    for (int reason = 0; reason < POINT_DROP_COUNT; reason++)
        labelled(out, F_POINTS_DROPPED, "reason", point_drop_label((enum point_drop)reason),
                 counter_read(&flusher->dropped[reason]));
    plain(out, F_ROLLUP_BYTES, counter_read(&flusher->rollup_bytes));
    plain(out, F_ROLLUP_SERIES, counter_read(&flusher->rollup_series));
    head(out, F_ROLLUP_DROPPED);
    labelled(out, F_ROLLUP_DROPPED, "what", "window", counter_read(&flusher->rollup_dropped));
    labelled(out, F_ROLLUP_DROPPED, "what", "point", counter_read(&flusher->rollup_refused));
    plain(out, F_LATE_BYTES, counter_read(&flusher->late_bytes));
    head(out, F_TIMED);
    for (int place = 0; place < TIMED_PLACE_COUNT; place++)
        labelled(out, F_TIMED, "place", timed_place_label((enum timed_place)place),
                 counter_read(&flusher->timed[place]));
    plain(out, F_CHECKS_BEYOND, counter_read(&flusher->checks_beyond));
    plain(out, F_QUESTIONS, counter_read(&flusher->questions));
    plain(out, F_TAKEN_OVER, counter_read(&flusher->taken_over));
    plain(out, F_STATE_REFUSED, counter_read(&flusher->state_refused));
}

static void write_history(struct evbuffer *out, const struct server_view *view)
{
    const struct history_ledger *history = view->history;

    if (history == NULL)
        return;
    plain(out, F_HISTORY_OPEN, history_is_open(history));
    plain(out, F_HISTORY_BYTES, counter_read(&history->bytes));
    plain(out, F_HISTORY_WINDOWS, counter_read(&history->windows_total));
    plain(out, F_HISTORY_VALUES, counter_read(&history->cells_total));
    head(out, F_HISTORY_DROPPED);
    labelled(out, F_HISTORY_DROPPED, "reason", "lost", counter_read(&history->lost_total));
    labelled(out, F_HISTORY_DROPPED, "reason", "not_taken",
             counter_read(&view->flusher_ledger->rollup_ungiven));
    labelled(out, F_HISTORY_DROPPED, "reason", "expired",
             counter_read(&history->expired_total));
    labelled(out, F_HISTORY_DROPPED, "reason", "crowded_out",
             counter_read(&history->crowded_out_total));
    plain(out, F_HISTORY_DAMAGED, counter_read(&history->damaged_total));
    plain(out, F_NOTES, counter_read(&history->notes_total));
    plain(out, F_NOTES_LOST,
          counter_read(&history->notes_lost_total) +
              counter_read(&view->flusher_ledger->recent_ungiven));
}

static void write_definitions(struct evbuffer *out, const struct definitions_ledger *ledger)
{
    if (ledger == NULL)
        return;
    head(out, F_DEFINITIONS);
    for (int kind = 0; kind < DEFINITION_KIND_COUNT; kind++)
        labelled(out, F_DEFINITIONS, "kind", definition_word((enum definition_kind)kind),
                 counter_read(&ledger->n[kind]));
    head(out, F_DEFINITION_BYTES);
    for (int kind = 0; kind < DEFINITION_KIND_COUNT; kind++)
        labelled(out, F_DEFINITION_BYTES, "kind", definition_word((enum definition_kind)kind),
                 counter_read(&ledger->bytes[kind]));
}

/* Where nobody evaluates there are 0. */
static void write_monitors(struct evbuffer *out, const struct server_view *view)
{
    static const struct monitor_ledger none;
    const struct monitor_ledger *ledger = view->monitors != NULL ? view->monitors : &none;

    head(out, F_MONITORS);
    for (int state = 0; state < MONITOR_STATE_COUNT; state++)
        labelled(out, F_MONITORS, "state", monitor_state_word((enum monitor_state)state),
                 counter_read(&ledger->states[state]));
    plain(out, F_MONITOR_GROUPS, counter_read(&ledger->groups));
    plain(out, F_EVALUATIONS, counter_read(&ledger->evaluations));
    plain(out, F_EVALUATIONS_LATE, counter_read(&ledger->late));
}

static void write_checks(struct evbuffer *out, const struct server_view *view)
{
    static const struct checks_brief none;
    const struct checks_brief *told = checks_told(view->checks);

    told = told != NULL ? told : &none;
    head(out, F_CHECKS);
    for (int state = 0; state < CHECKS_STATE_COUNT; state++)
        labelled(out, F_CHECKS, "state", checks_state_word((enum checks_state)state),
                 told->instances[state]);
    plain(out, F_CHECKS_HEARD, (uint64_t)told->heard_s);
    plain(out, F_CHECKS_RUNS, told->runs);
    plain(out, F_CHECKS_FAILURES, told->failures);
    plain(out, F_CHECKS_KILLS, told->kills);
    plain(out, F_CHECKS_POINTS, told->points);
    plain(out, F_CHECKS_GIVEN_UP, told->given_up);
}

static void write_notifications(struct evbuffer *out, const struct server_view *view)
{
    static const struct notify_ledger none;
    const struct notify_ledger *ledger = view->notify != NULL ? view->notify : &none;
    const struct {
        const char *end;
        uint64_t n;
    } rows[] = {
        { "sent", counter_read(&ledger->sent) },
        { "muted", counter_read(&ledger->muted) },
        { "digested", counter_read(&ledger->digested) },
        { "refused", counter_read(&ledger->refused) + counter_read(&ledger->refused_there) },
        { "shed", counter_read(&ledger->shed) + counter_read(&ledger->shed_early) },
    };

    plain(out, F_NOTIFICATIONS_RAISED, counter_read(&ledger->raised));
    head(out, F_NOTIFICATIONS);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        labelled(out, F_NOTIFICATIONS, "end", rows[i].end, rows[i].n);
    plain(out, F_NOTIFICATIONS_WAITING, notify_ledger_waiting(ledger));
}

static uint64_t load(const _Atomic(uint64_t) *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static uint64_t count_of(enum family family, const struct delivery_count *count)
{
    return load(family == F_PAYLOADS ? &count->payloads : &count->points);
}

static void result(struct evbuffer *out, enum family family, const char *sink, const char *kind,
                   const char *detail, uint64_t value)
{
    evbuffer_add_printf(out, "%s{sink=\"%s\",result=\"%s%s\"} %" PRIu64 "\n",
                        families[family].name, sink, kind, detail, value);
}

static void write_sink_results(struct evbuffer *out, enum family family,
                               const struct account *account)
{
    const struct delivery_ledger *ledger = account->ledger;
    const char *sink = account->label;

    result(out, family, sink, "delivered", "", count_of(family, &ledger->delivered));
    result(out, family, sink, "delivered_stale", "",
           count_of(family, &ledger->delivered_stale));
    for (int i = 0; i < REFUSED_COUNT; i++)
        result(out, family, sink, "refused_", delivery_refusal_name((enum delivery_refusal)i),
               count_of(family, &ledger->refused[i]));
    for (int i = 0; i < UNSENT_COUNT; i++)
        result(out, family, sink, "shed_", delivery_shed_name((enum delivery_shed)i),
               count_of(family, &ledger->shed[i]));
    result(out, family, sink, "discarded_local", "",
           count_of(family, &ledger->discarded_local));
}

static void write_results(struct evbuffer *out, enum family family,
                          const struct server_view *view)
{
    head(out, family);
    for (size_t i = 0; i < accounts_count(view); i++) {
        struct account account = account_at(view, i);

        write_sink_results(out, family, &account);
    }
}

/* One number a sink. */
static void write_numbers(struct evbuffer *out, const struct server_view *view)
{
    static const struct {
        enum family family;
        size_t offset; /* of an atomic number in the ledger */
    } rows[] = {
        { F_RECOVERED, offsetof(struct delivery_ledger, recovered.points) },
        { F_QUEUED, offsetof(struct delivery_ledger, queued.points) },
        { F_QUEUE_BYTES, offsetof(struct delivery_ledger, queued_bytes) },
        { F_SPOOLED, offsetof(struct delivery_ledger, spooled.points) },
        { F_SPOOL_BYTES, offsetof(struct delivery_ledger, spooled_bytes) },
        { F_SPOOL_DAMAGED, offsetof(struct delivery_ledger, damaged_files) },
        { F_SPLIT, offsetof(struct delivery_ledger, split.payloads) },
        { F_DEAD_LETTERS, offsetof(struct delivery_ledger, dead_letters) },
        { F_RETRIES, offsetof(struct delivery_ledger, retries) },
    };

    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        head(out, rows[row].family);
        for (size_t i = 0; i < accounts_count(view); i++) {
            struct account account = account_at(view, i);

            labelled(out, rows[row].family, "sink", account.label,
                     load((const void *)((const char *)account.ledger + rows[row].offset)));
        }
    }
}

/* Of the intakes alone, as with their keys. */
static void write_errors(struct evbuffer *out, const struct server_view *view)
{
    head(out, F_ERRORS);
    for (size_t i = 0; i < view->n_sinks; i++) {
        struct account account = account_at(view, i);

        for (int error = 0; error < ERROR_COUNT; error++)
            evbuffer_add_printf(out, "%s{sink=\"%s\",class=\"%s\"} %" PRIu64 "\n",
                                families[F_ERRORS].name, account.label,
                                intake_error_name((enum intake_error)error),
                                load(&account.ledger->errors[error]));
    }
}

static void write_keys(struct evbuffer *out, const struct server_view *view)
{
    head(out, F_KEY);
    for (size_t i = 0; i < view->n_sinks; i++) {
        struct account account = account_at(view, i);
        int key = atomic_load_explicit(&account.ledger->key, memory_order_relaxed);

        if (key != KEY_UNKNOWN)
            labelled(out, F_KEY, "sink", account.label, key == KEY_VALID);
    }
}

static void write_mirror(struct evbuffer *out, const struct server_view *view)
{
    const struct mirror_ledger *mirror = view->mirror;

    if (mirror == NULL)
        return;
    plain(out, F_REDIS_UP, load(&mirror->up));
    head(out, F_REDIS_ERRORS);
    for (int i = 0; i < REDIS_FAILURE_COUNT; i++)
        labelled(out, F_REDIS_ERRORS, "reason", redis_failure_name((enum redis_failure)i),
                 load(&mirror->failures[i]));
    for (int i = 0; i < MIRROR_ERROR_COUNT; i++)
        labelled(out, F_REDIS_ERRORS, "reason", mirror_error_name((enum mirror_error)i),
                 load(&mirror->errors[i]));
    plain(out, F_DUPLICATES, load(&mirror->duplicates));
}

static void write_delivery(struct evbuffer *out, const struct server_view *view)
{
    plain(out, F_OUTBOX, outbox_waiting(view->outbox));
    plain(out, F_PAYLOAD_BYTES, outbox_bytes(view->outbox));
    write_results(out, F_PAYLOADS, view);
    write_results(out, F_POINTS, view);
    write_numbers(out, view);
    write_errors(out, view);
    write_keys(out, view);
    write_mirror(out, view);
}

/* ---- traces ------------------------------------------------------------ */

static void write_bodies(struct evbuffer *out, const struct traces_ledger *ledger)
{
#define LAYOUT_PATH(id, path, json) [id] = (path),
    static const char *const paths[] = { TRACE_LAYOUTS(LAYOUT_PATH) };
#undef LAYOUT_PATH

    head(out, F_TRACE_BODIES);
    for (int i = 0; i < TRACE_LAYOUT_COUNT; i++)
        labelled(out, F_TRACE_BODIES, "path", paths[i], counter_read(&ledger->payloads[i]));
    labelled(out, F_TRACE_BODIES, "path", "/v0.6/stats", counter_read(&ledger->stats_payloads));
    head(out, F_TRACE_BODIES_BAD);
    for (int i = 0; i < TRACE_LAYOUT_COUNT; i++)
        labelled(out, F_TRACE_BODIES_BAD, "path", paths[i],
                 counter_read(&ledger->bad_payloads[i]));
    labelled(out, F_TRACE_BODIES_BAD, "path", "/v0.6/stats",
             counter_read(&ledger->bad_stats_payloads));
}

static void write_spans(struct evbuffer *out, const struct traces_ledger *ledger)
{
#define REFUSAL_LABEL(id, label, sentence) [id] = (label),
    static const char *const labels[] = { TRACE_REFUSALS(REFUSAL_LABEL) };
#undef REFUSAL_LABEL

    head(out, F_SPANS);
    labelled(out, F_SPANS, "end", "counted", counter_read(&ledger->counted));
    labelled(out, F_SPANS, "end", "not_eligible", counter_read(&ledger->not_eligible));
    labelled(out, F_SPANS, "end", "partial", counter_read(&ledger->partial));
    labelled(out, F_SPANS, "end", "client_computed", counter_read(&ledger->client_computed));
    head(out, F_SPANS_REFUSED);
    for (int i = TRACE_TAKEN + 1; i < TRACE_REFUSAL_COUNT; i++)
        labelled(out, F_SPANS_REFUSED, "reason", labels[i], counter_read(&ledger->refused[i]));
}

static void write_traces(struct evbuffer *out, const struct server_view *view)
{
    static const struct traces_ledger none;
    const struct traces_ledger *ledger = view->traces != NULL ? view->traces : &none;

    write_bodies(out, ledger);
    plain(out, F_TRACE_OVERLOADED, counter_read(&ledger->overloaded));
    plain(out, F_TRACE_FOREIGN, counter_read(&ledger->foreign_pages));
    plain(out, F_TRACE_TELEMETRY, counter_read(&ledger->telemetry));
    plain(out, F_TRACES, counter_read(&ledger->traces));
    plain(out, F_SPANS_RECEIVED, counter_read(&ledger->spans));
    write_spans(out, ledger);
    plain(out, F_SPANS_LATE, counter_read(&ledger->late_spans));
    head(out, F_TRACE_GROUPS);
    labelled(out, F_TRACE_GROUPS, "end", "merged", counter_read(&ledger->stats_groups));
    labelled(out, F_TRACE_GROUPS, "end", "shed", counter_read(&ledger->stats_groups_shed));
    head(out, F_TRACE_UPSTREAM);
    labelled(out, F_TRACE_UPSTREAM, "end", "queued", counter_read(&ledger->upstream_groups));
    labelled(out, F_TRACE_UPSTREAM, "end", "shed", counter_read(&ledger->upstream_shed));
    plain(out, F_TRACE_BUCKETS_OPEN, counter_read(&ledger->buckets_open));
    plain(out, F_TRACE_HELD, counter_read(&ledger->held_bytes));
    plain(out, F_TRACE_RING, counter_read(&ledger->ring_traces));
    plain(out, F_TRACE_RING_BYTES, counter_read(&ledger->ring_bytes));
}

/* ---- balances ---------------------------------------------------------- */

static void write_balances(struct evbuffer *out, const struct server_view *view)
{
    head(out, F_IMBALANCE);
    labelled(out, F_IMBALANCE, "balance", "lines",
             counter_read(&view->flusher_ledger->lines_imbalance));
    labelled(out, F_IMBALANCE, "balance", "values",
             counter_read(&view->flusher_ledger->values_imbalance));
    labelled(out, F_IMBALANCE, "balance", "points", totals_points_imbalance(view));
    if (view->traces != NULL)
        labelled(out, F_IMBALANCE, "balance", "spans", counter_read(&view->traces->imbalance));
}

/* ---- process ----------------------------------------------------------- */

static void write_build(struct evbuffer *out)
{
    head(out, F_BUILD);
    labelled(out, F_BUILD, "version", HEELER_VERSION, 1);
    head(out, F_CODE_PATH);
    evbuffer_add_printf(out, "%s{", families[F_CODE_PATH].name);
    for (int i = 0; i < CODE_STEPS; i++)
        evbuffer_add_printf(out, "%s%s=\"%s\"", i > 0 ? "," : "", code_steps[i]->word,
                            code_path_word(code_steps[i]));
    evbuffer_add_printf(out, "} 1\n");
}

static void write_http(struct evbuffer *out, const struct server_view *view)
{
    if (view->http == NULL)
        return;
    head(out, F_HTTP_REFUSED);
    for (int i = 0; i < HTTP_REFUSAL_COUNT; i++)
        labelled(out, F_HTTP_REFUSED, "reason", http_refusal_word((enum http_refusal)i),
                 counter_read(&view->http->refused[i]));
    plain(out, F_HTTP_LOST, counter_read(&view->http->items_lost));
    head(out, F_PICTURES);
    for (int i = 0; i < PAINTER_RESULT_COUNT; i++)
        labelled(out, F_PICTURES, "result", http_picture_word((enum painter_result)i),
                 counter_read(&view->http->pictures[i]));
}

static void write_process(struct evbuffer *out, const struct server_view *view)
{
    plain(out, F_MAIN_TURN, main_turns()->longest_us);
    plain(out, F_MAIN_CPU, main_turns()->longest_cpu_us);
    plain(out, F_LOG_DROPPED, log_lines_dropped());
    plain(out, F_MEMORY, process_resident_bytes());
    head(out, F_CPU);
    evbuffer_add_printf(out, "%s %.6f\n", families[F_CPU].name, process_cpu_seconds());
    plain(out, F_START, (uint64_t)view->started_s);
}

void metrics_write(struct evbuffer *out, const struct server_view *view)
{
    struct worker_ledger workers;

    totals_workers(view, &workers);
    write_build(out);
    write_listeners(out, view);
    write_streams(out, view);
    head(out, F_FORWARDED);
    evbuffer_add_printf(out, "%s %" PRIu64 "\n", families[F_FORWARDED].name,
                        counter_read(&workers.forwarded));
    write_lines(out, &workers);
    write_values(out, &workers, view->flusher_ledger);
    write_flusher(out, &workers, view->flusher_ledger);
    write_history(out, view);
    write_definitions(out, view->definitions);
    write_monitors(out, view);
    write_checks(out, view);
    write_notifications(out, view);
    write_delivery(out, view);
    write_traces(out, view);
    write_balances(out, view);
    write_http(out, view);
    write_process(out, view);
}

void metrics_list(FILE *out)
{
    for (int i = 0; i < FAMILY_COUNT; i++)
        fprintf(out, "%s %s %s\n", families[i].name, families[i].type, families[i].sentence);
}
