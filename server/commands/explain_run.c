#include "server/commands/explain_run.h"

#include <stdio.h>

#include "flush/flusher.h"
#include "flush/memory/json_out.h"
#include "flush/parcels/submitted.h"
#include "flush/snapshots/points.h"
#include "server/receive/ingest.h"

#define SECOND_NS INT64_C(1000000000)

enum { BUDGET_BYTES = 64 << 20, CONTEXTS_MAX = 64, BEHIND_MAX = 16 << 20 };

struct run {
    struct worker_account accounts[1 + SUBMITTED_LANE_COUNT];
    struct worker_ledger worker;
    struct flusher_ledger flusher_ledger;
    struct inbox inbox;
    struct outbox outbox;
    struct arena_budget budget;
    struct table *table;
    struct ingest *ingest;
    struct flusher *flusher;
    const struct settings *settings;
    int64_t now_s, start_s; /* the interval that now is in */
    struct json_out sketches;
};

/* ---- settings ---------------------------------------------------------- */

bool explain_run_settings(struct settings *settings, const char *hostname,
                          struct explain_setup *out)
{
    char *none = strdup("none");

    if (none == NULL)
        return false;
    *out = (struct explain_setup){ settings, hostname, settings->use_v2_api_series };
    free(settings->serializer_compressor_kind);
    settings->serializer_compressor_kind = none;
    settings->use_v2_api_series = false;
    settings->heeler_rollup_max_bytes = 0;
    if (settings->heeler_max_contexts > CONTEXTS_MAX)
        settings->heeler_max_contexts = CONTEXTS_MAX;
    return true;
}

/* ---- sketches ---------------------------------------------------------- */

/* They go as protobuf alone. The names are those of its fields. */
static void put_sketch_point(struct json_out *out, const struct sketch_point *point)
{
    json_out_begin(out, NULL, '{');
    json_out_signed(out, "ts", point->time_s);
    json_out_signed(out, "cnt", point->summary.count);
    json_out_exact(out, "min", point->summary.min);
    json_out_exact(out, "max", point->summary.max);
    json_out_exact(out, "avg", point->summary.avg);
    json_out_exact(out, "sum", point->summary.sum);
    json_out_begin(out, "k", '[');
    for (size_t i = 0; i < point->n_bins; i++)
        json_out_signed(out, NULL, point->bins[i].key);
    json_out_end(out, ']');
    json_out_begin(out, "n", '[');
    for (size_t i = 0; i < point->n_bins; i++)
        json_out_number(out, NULL, point->bins[i].count);
    json_out_end(out, ']');
    json_out_end(out, '}');
}

static void put_sketch(struct json_out *out, const struct sketch_series *sketch)
{
    json_out_begin(out, NULL, '{');
    json_out_slice(out, "metric", sketch->id.metric);
    json_out_slice(out, "host", sketch->id.host);
    json_out_begin(out, "tags", '[');
    for (size_t i = 0; i < sketch->id.n_tags; i++)
        json_out_slice(out, NULL, sketch->id.tags[i]);
    json_out_end(out, ']');
    json_out_begin(out, "dogsketches", '[');
    for (size_t i = 0; i < sketch->n_points; i++)
        put_sketch_point(out, &sketch->points[i]);
    json_out_end(out, ']');
    json_out_end(out, '}');
}

static void note_point(void *observer, const struct snapshot_series *series,
                       const struct made_point *point)
{
    struct run *run = observer;

    (void)series;
    if (point->sketch != NULL)
        put_sketch(&run->sketches, point->sketch);
}

/* ---- making ------------------------------------------------------------ */

static bool make_worker(struct run *run)
{
    const struct settings *settings = run->settings;
    struct table_config table = {
        .max_contexts = (uint32_t)settings->heeler_max_contexts,
        .idle_intervals = 1,
        .histogram_exact_values = (size_t)settings->heeler_histogram_exact_values,
        .copy_histograms = settings->histogram_copy_to_distribution,
        .gauge_deltas = settings->heeler_statsd_gauge_deltas,
        .max_behind = BEHIND_MAX,
        .inbox = &run->inbox,
        .account = run->accounts,
        .budget = &run->budget,
        .ledger = &run->worker,
    };
    struct ingest_config ingest = {
        .buffer_size = (size_t)settings->dogstatsd_buffer_size,
        .ignore_time = !settings->dogstatsd_no_aggregation_pipeline,
        .quiet = true,
        .ledger = &run->worker,
    };

    run->table = table_new(&table, run->start_s, run->start_s * SECOND_NS);
    run->ingest = run->table != NULL ? ingest_new(&ingest, run->table) : NULL;
    return run->ingest != NULL;
}

static bool make_flusher(struct run *run, const char *hostname, char *problem,
                         size_t problem_size)
{
    static const struct observer_ops ops = { .point = note_point };
    struct flusher_config config = {
        .settings = run->settings,
        .hostname = hostname,
        .workers = 1,
        .start_s = run->start_s,
        .inbox = &run->inbox,
        .outbox = &run->outbox,
        .accounts = run->accounts,
        .budget = &run->budget,
        .ledger = &run->flusher_ledger,
    };

    run->flusher = flusher_new(&config, problem, problem_size);
    return run->flusher != NULL &&
           flusher_observe(run->flusher, (struct observer){ &ops, run });
}

static void run_free(struct run *given)
{
    flusher_free(given->flusher);
    ingest_free(given->ingest);
    table_free(given->table);
    outbox_close(&given->outbox);
    inbox_close(&given->inbox);
    bytes_free(&given->sketches.bytes);
    free(given);
}

/* NULL: no memory or descriptors. */
static struct run *run_new(const struct settings *settings, int64_t now_s)
{
    struct run *run = own_lines(sizeof *run);

    if (run == NULL || !inbox_open(&run->inbox)) {
        free(run);
        return NULL;
    }
    if (!outbox_open(&run->outbox)) {
        inbox_close(&run->inbox);
        free(run);
        return NULL;
    }
    arena_budget_init(&run->budget, BUDGET_BYTES);
    run->settings = settings;
    run->now_s = now_s;
    run->start_s = now_s - now_s % settings->heeler_interval;
    return run;
}

/* ---- running ----------------------------------------------------------- */

static bool send_line(struct run *run, struct slice line)
{
    int64_t end_s = run->start_s + run->settings->heeler_interval;

    ingest_datagram(run->ingest, line, false, "explain", run->now_s * SECOND_NS, run->now_s);
    ingest_settle(run->ingest);
    table_push_records(run->table);
    if (!table_seal(run->table, end_s, end_s * SECOND_NS))
        return false;
    flusher_finish(run->flusher, end_s, end_s * SECOND_NS);
    return true;
}

static void read_ledgers(const struct run *run, struct explain_outcome *out)
{
    for (int i = PARSE_OK + 1; i < PARSE_RESULT_COUNT; i++)
        if (counter_read(&run->worker.rejected[i]) > 0)
            out->refused = (enum parse_result)i;
    for (int i = 0; i < SHED_REASON_COUNT; i++)
        out->shed[i] =
            counter_read(&run->worker.shed[i]) + counter_read(&run->flusher_ledger.shed[i]);
    for (int i = 0; i < POINT_DROP_COUNT; i++)
        out->dropped[i] = counter_read(&run->flusher_ledger.dropped[i]);
}

static void put_body(struct json_out *out, const char *path, struct slice body)
{
    json_out_begin(out, NULL, '{');
    json_out_text(out, "path", path);
    json_out_raw(out, "body", body);
    json_out_end(out, '}');
}

static const char *path_of(const struct explain_setup *setup, enum payload_route route)
{
    return payload_route_path(route == ROUTE_SERIES_V1 && setup->series_v2 ? ROUTE_SERIES_V2
                                                                           : route);
}

static void put_payload(struct json_out *out, const struct explain_setup *setup,
                        const struct payload *payload)
{
    if (payload->route < ROUTE_COUNT && !payload_route_is_protobuf(payload->route))
        put_body(out, path_of(setup, payload->route),
                 (struct slice){ (const char *)payload->bytes, payload->size });
}

static void put_sketches(struct json_out *out, struct run *run)
{
    struct json_out whole = { .comma = false };

    if (counter_read(&run->flusher_ledger.encoded[POINT_SKETCH]) == 0)
        return;
    json_out_begin(&whole, NULL, '{');
    json_out_begin(&whole, "sketches", '[');
    json_out_raw(&whole, NULL, bytes_view(&run->sketches.bytes));
    json_out_end(&whole, ']');
    json_out_end(&whole, '}');
    put_body(out, payload_route_path(ROUTE_SKETCHES), bytes_view(&whole.bytes));
    out->bytes.failed |= whole.bytes.failed || run->sketches.bytes.failed;
    bytes_free(&whole.bytes);
}

static bool read_bodies(struct run *run, const struct explain_setup *setup,
                        struct explain_outcome *out)
{
    struct json_out intake = { .comma = false };
    struct payload *next;

    json_out_begin(&intake, NULL, '[');
    for (struct payload *p = outbox_take(&run->outbox); p != NULL; p = next) {
        put_payload(&intake, setup, p);
        next = p->next;
        outbox_settle(&run->outbox, p);
    }
    put_sketches(&intake, run);
    json_out_end(&intake, ']');
    out->intake = intake.bytes;
    return !intake.bytes.failed;
}

bool explain_run(const struct explain_setup *setup, struct slice line, int64_t now_s,
                 struct explain_outcome *out, char *problem, size_t problem_size)
{
    struct run *run;
    bool done = false;

    *out = (struct explain_outcome){ .refused = PARSE_OK };
    snprintf(problem, problem_size, "not enough memory");
    if (!table_make_secret() || (run = run_new(setup->settings, now_s)) == NULL)
        return false;
    if (make_worker(run) && make_flusher(run, setup->hostname, problem, problem_size))
        done = send_line(run, line) && read_bodies(run, setup, out);
    read_ledgers(run, out);
    run_free(run);
    return done;
}

void explain_outcome_free(struct explain_outcome *given)
{
    bytes_free(&given->intake);
}
