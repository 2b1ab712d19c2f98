#include "server/http/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "config/log.h"
#include "server/http/checks.h"
#include "server/http/findings.h"
#include "server/http/health.h"
#include "server/http/http_ledger.h"
#include "server/http/process.h"
#include "server/http/rates.h"
#include "server/receive/code_paths.h"
#include "server/receive/listeners.h"

enum { TAG_KEYS_SHOWN = 16 };

/* ---- threads ----------------------------------------------------------- */

static void write_thread(struct json_out *out, const char *name, int64_t alive_ms,
                         int64_t now_ms)
{
    json_out_begin(out, NULL, '{');
    json_out_text(out, "name", name);
    json_out_signed(out, "silent_ms", now_ms > alive_ms ? now_ms - alive_ms : 0);
    json_out_bool(out, "turns", health_turns(alive_ms, now_ms));
    json_out_end(out, '}');
}

static void write_threads(struct json_out *out, const struct status_moment *moment)
{
    const struct server_view *view = moment->view;
    char name[24];

    json_out_begin(out, "threads", '[');
    for (uint32_t i = 0; i < view->workers; i++) {
        snprintf(name, sizeof name, "worker %" PRIu32, i);
        write_thread(out, name, (int64_t)counter_read(&view->worker_ledgers[i].alive_ms),
                     moment->monotonic_ms);
    }
    write_thread(out, "flusher", view->flusher_alive_ms, moment->monotonic_ms);
    write_thread(out, "delivery", view->delivery_alive_ms, moment->monotonic_ms);
    if (view->traces != NULL)
        write_thread(out, "traces", view->traces_alive_ms, moment->monotonic_ms);
    json_out_end(out, ']');
}

/* ---- listeners --------------------------------------------------------- */

static void write_listener(struct json_out *out, const struct listener *listener)
{
    json_out_begin(out, NULL, '{');
    json_out_text(out, "name", listener->name);
    json_out_text(out, "kind", listener_traits(listener)->label);
    json_out_number(out, "datagrams", listener_sum(listener, listener_datagrams));
    json_out_number(out, "bytes", listener_sum(listener, listener_bytes));
    json_out_number(out, "truncated", listener_sum(listener, listener_truncated));
    json_out_number(out, "dropped_by_kernel", listener_sum(listener, listener_drops));
    json_out_number(out, "buffer_asked_bytes", (uint64_t)listener->asked_bytes);
    json_out_number(out, "buffer_granted_bytes", (uint64_t)listener->granted_bytes);
    json_out_number(out, "queue_datagrams", (uint64_t)listener->queue_datagrams);
    json_out_number(out, "connections",
                    atomic_load_explicit(&listener->connections, memory_order_relaxed));
    json_out_number(out, "connections_refused", listener_sum(listener, listener_refused));
    json_out_number(out, "frames_too_large", listener_sum(listener, listener_too_large));
    json_out_end(out, '}');
}

static void write_listeners(struct json_out *out, const struct listeners *listeners)
{
    json_out_begin(out, "listeners", '[');
    for (size_t i = 0; i < listeners->n; i++)
        write_listener(out, &listeners->at[i]);
    json_out_end(out, ']');
}

/* ---- series and memory ------------------------------------------------- */

/* The first of them; heeler top has all. */
static void write_tag_keys(struct json_out *out, const struct tag_survey *survey)
{
    json_out_begin(out, "tag_keys", '[');
    for (size_t i = 0; survey != NULL && i < survey->n && i < TAG_KEYS_SHOWN; i++) {
        json_out_begin(out, NULL, '{');
        json_out_text(out, "key", survey->at[i].key);
        json_out_number(out, "values", survey->at[i].values);
        json_out_bool(out, "grows", survey->at[i].grows);
        json_out_end(out, '}');
    }
    json_out_end(out, ']');
}

static void write_series(struct json_out *out, const struct server_view *view)
{
    const struct flusher_ledger *flusher = view->flusher_ledger;
    struct worker_ledger workers;

    ledger_sum(view->worker_ledgers, view->workers, &workers);
    json_out_begin(out, "series", '{');
    json_out_number(out, "contexts", counter_read(&workers.contexts));
    json_out_signed(out, "contexts_max", view->settings->heeler_max_contexts);
    json_out_number(out, "contexts_born", counter_read(&workers.births));
    json_out_number(out, "series", counter_read(&flusher->series));
    json_out_number(out, "type_conflicts", counter_read(&flusher->type_conflicts));
    json_out_number(out, "kept_for_questions", counter_read(&flusher->rollup_series));
    json_out_number(out, "intervals_flushed", counter_read(&flusher->snapshots));
    json_out_number(out, "flushed_until_s", counter_read(&flusher->flushed_until_s));
    write_tag_keys(out, view->tag_survey);
    json_out_end(out, '}');
}

static uint64_t bucket_bytes(const struct arena_budget *budget)
{
    long left = atomic_load_explicit(&budget->left, memory_order_relaxed);

    return left < budget->all ? (uint64_t)(budget->all - left) : 0;
}

static void write_memory(struct json_out *out, const struct server_view *view)
{
    const struct flusher_ledger *flusher = view->flusher_ledger;

    json_out_begin(out, "memory", '{');
    json_out_number(out, "resident_bytes", process_resident_bytes());
    json_out_signed(out, "bound_bytes", view->facts->memory_bytes);
    json_out_begin(out, "parts", '{');
    json_out_number(out, "tables_bytes", counter_read(&flusher->tables_bytes));
    json_out_number(out, "catalogue_bytes", counter_read(&flusher->catalogue_bytes));
    json_out_number(out, "strings_bytes", counter_read(&flusher->strings));
    json_out_number(out, "buckets_bytes", bucket_bytes(view->budget));
    json_out_number(out, "rollups_bytes", counter_read(&flusher->rollup_bytes));
    json_out_number(out, "recent_bytes", counter_read(&flusher->recent_bytes));
    json_out_number(out, "payloads_bytes", outbox_bytes(view->outbox));
    json_out_end(out, '}');
    json_out_begin(out, "bounds", '{');
    json_out_number(out, "contexts_bytes", view->facts->contexts_bytes);
    json_out_signed(out, "buckets_bytes", view->budget->all);
    json_out_signed(out, "rollups_bytes", view->settings->heeler_rollup_max_bytes);
    json_out_end(out, '}');
    json_out_end(out, '}');
}

static void write_http(struct json_out *out, const struct http_ledger *http)
{
    json_out_begin(out, "http", '{');
    json_out_begin(out, "refused_by_reason", '{');
    for (int i = 0; i < HTTP_REFUSAL_COUNT; i++)
        json_out_number(out, http_refusal_word((enum http_refusal)i),
                        counter_read(&http->refused[i]));
    json_out_end(out, '}');
    json_out_number(out, "items_lost", counter_read(&http->items_lost));
    json_out_end(out, '}');
}

/* ---- all of it --------------------------------------------------------- */

static void write_process(struct json_out *out, const struct status_moment *moment)
{
    const struct server_view *view = moment->view;

    json_out_text(out, "version", HEELER_VERSION);
    json_out_begin(out, "code_paths", '{');
    for (int i = 0; i < CODE_STEPS; i++)
        json_out_text(out, code_steps[i]->word, code_path_word(code_steps[i]));
    json_out_end(out, '}');
    json_out_text(out, "host", moment->hostname);
    json_out_signed(out, "pid", getpid());
    json_out_signed(out, "now_ms", moment->wall_ms);
    json_out_signed(out, "started_s", view->started_s);
    json_out_signed(out, "uptime_s", moment->wall_ms / 1000 - view->started_s);
    json_out_real(out, "cpu_seconds", process_cpu_seconds());
    json_out_bool(out, "local", view->local);
    json_out_bool(out, "stopping", view->lingering);
    json_out_signed(out, "interval_s", view->settings->heeler_interval);
    json_out_number(out, "log_lines_dropped", log_lines_dropped());
    json_out_number(out, "questions", counter_read(&view->flusher_ledger->questions));
}

void status_write(struct json_out *out, const struct status_moment *moment)
{
    const struct server_view *view = moment->view;

    json_out_begin(out, NULL, '{');
    write_process(out, moment);
    findings_write(out, "findings", view->findings);
    write_threads(out, moment);
    write_listeners(out, view->listeners);
    write_series(out, view);
    write_memory(out, view);
    status_write_ledger(out, view);
    status_write_sinks(out, moment);
    status_write_redis(out, view);
    checks_write(out, "checks", view->checks, moment->monotonic_ms);
    if (view->http != NULL)
        write_http(out, view->http);
    if (view->rates != NULL)
        rates_write(out, "rates", view->rates);
    json_out_end(out, '}');
    bytes_add(&out->bytes, "\n", 1);
}
