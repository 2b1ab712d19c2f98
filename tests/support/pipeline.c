#include "tests/support/pipeline.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "flush/delivery/mirror.h"
#include "flush/snapshots/points.h"
#include "server/receive/memory.h"
#include "tests/support/decode.h"
#include "tests/support/with_settings.h"

#define SECOND_NS INT64_C(1000000000)

static int64_t to_ns(double seconds)
{
    return (int64_t)llround(seconds * 1e9);
}

static int64_t wall_ns(const struct pipeline *pipeline)
{
    return pipeline->now_ns + pipeline->step_ns;
}

static int64_t interval_ns(const struct pipeline *pipeline)
{
    return pipeline->settings.heeler_interval * SECOND_NS;
}

/* Start of the interval that the wall clock is in, and the monotonic time of it. */
static int64_t interval_start(const struct pipeline *pipeline, int64_t *base_ns)
{
    int64_t start_ns = wall_ns(pipeline) / interval_ns(pipeline) * interval_ns(pipeline);

    *base_ns = pipeline->now_ns - (wall_ns(pipeline) - start_ns);
    return start_ns / SECOND_NS;
}

/* ---- what the flusher shows -------------------------------------------- */

static char *copy_slice(struct slice text)
{
    char *copy = malloc(text.len + 1);

    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return copy;
}

static char *join_tags(const struct slice *tags, size_t n)
{
    size_t len = 1;

    for (size_t i = 0; i < n; i++)
        len += tags[i].len + 1;
    char *joined = malloc(len), *to = joined;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            *to++ = ',';
        if (tags[i].len > 0)
            memcpy(to, tags[i].at, tags[i].len);
        to += tags[i].len;
    }
    *to = '\0';
    return joined;
}

static struct pipeline_point *new_point(struct pipeline *pipeline,
                                        const struct series_identity *id)
{
    if (pipeline->n_points == pipeline->points_capacity) {
        pipeline->points_capacity = pipeline->points_capacity * 2 + 64;
        pipeline->points =
            realloc(pipeline->points, pipeline->points_capacity * sizeof *pipeline->points);
    }
    struct pipeline_point *point = &pipeline->points[pipeline->n_points++];

    *point = (struct pipeline_point){ .name = copy_slice(id->metric),
                                      .host = copy_slice(id->host),
                                      .tags = join_tags(id->tags, id->n_tags) };
    return point;
}

static void note_number(struct pipeline *pipeline, const struct series *series)
{
    struct pipeline_point *point = new_point(pipeline, &series->id);

    point->type = (int)series->type;
    point->interval_s = series->interval_s;
    snprintf(point->unit, sizeof point->unit, "%.*s", (int)series->unit.len, series->unit.at);
    point->time_s = series->points[0].time_s;
    point->value = series->points[0].value;
}

static void note_sketch(struct pipeline *pipeline, const struct sketch_series *series)
{
    struct pipeline_point *point = new_point(pipeline, &series->id);

    point->time_s = series->points[0].time_s;
    point->summary = series->points[0].summary;
    point->value = (double)point->summary.count;
}

static void note_point(void *observer, const struct snapshot_series *series,
                       const struct made_point *point)
{
    (void)series;
    if (point->number != NULL)
        note_number(observer, point->number);
    else
        note_sketch(observer, point->sketch);
}

/* ---- making ------------------------------------------------------------ */

static void make_worker(struct pipeline *pipeline, uint32_t index)
{
    const struct settings *settings = &pipeline->settings;
    struct pipeline_worker *worker = &pipeline->workers[index];
    struct table_config table = {
        .worker = index,
        .max_contexts = (uint32_t)settings->heeler_max_contexts,
        .idle_intervals = (uint32_t)((settings->dogstatsd_context_expiry_seconds +
                                      settings->heeler_interval - 1) /
                                     settings->heeler_interval),
        .histogram_exact_values = (size_t)settings->heeler_histogram_exact_values,
        .copy_histograms = settings->histogram_copy_to_distribution,
        .gauge_deltas = settings->heeler_statsd_gauge_deltas,
        .max_behind = 16 << 20,
        .inbox = &pipeline->inbox,
        .account = &pipeline->accounts[index],
        .budget = &pipeline->budget,
        .ledger = &worker->ledger,
    };
    struct ingest_config ingest = {
        .buffer_size = (size_t)settings->dogstatsd_buffer_size,
        .ignore_time = !settings->dogstatsd_no_aggregation_pipeline,
        .ledger = &worker->ledger,
    };
    int64_t base_ns, start_s = interval_start(pipeline, &base_ns);

    worker->seal_at_ns = base_ns + interval_ns(pipeline);
    worker->table = table_new(&table, start_s, base_ns);
    assert_non_null(worker->table);
    worker->ingest = ingest_new(&ingest, worker->table);
    assert_non_null(worker->ingest);
}

static void make_flusher(struct pipeline *pipeline)
{
    static const struct observer_ops ops = { .point = note_point };
    struct mirror_config mirror = {
        .prefix = pipeline->settings.heeler_redis_prefix,
        .id = PIPELINE_ID,
        .hostname = pipeline->settings.hostname,
        .started_s = pipeline->started_s,
        .ttl_s = pipeline->settings.heeler_redis_ttl,
        .lookback_s = pipeline->settings.heeler_lookback,
    };
    struct flusher_config config = {
        .settings = &pipeline->settings,
        .hostname = pipeline->settings.hostname,
        .workers = pipeline->n_workers,
        .start_s = pipeline->started_s,
        .inbox = &pipeline->inbox,
        .outbox = &pipeline->outbox,
        .accounts = pipeline->accounts,
        .budget = &pipeline->budget,
        .contexts_bytes = memory_for_contexts(&pipeline->settings),
        .ledger = &pipeline->ledger,
    };

    pipeline->flusher = flusher_new(&config, pipeline->problem, sizeof pipeline->problem);
    if (pipeline->flusher == NULL)
        fail_msg("%s", pipeline->problem);
    struct rollup *rollup = flusher_rollup(pipeline->flusher);

    if (pipeline->settings.heeler_redis_url[0] != '\0' && rollup != NULL)
        assert_true(flusher_observe(
            pipeline->flusher, mirror_observer(mirror_new(&mirror, rollup, &pipeline->outbox,
                                                          &pipeline->ledger))));
    assert_true(flusher_observe(pipeline->flusher, (struct observer){ &ops, pipeline }));
}

void pipeline_started_at(struct pipeline *pipeline, int64_t start_s)
{
    flusher_free(pipeline->flusher);
    pipeline->started_s = start_s;
    make_flusher(pipeline);
}

struct pipeline *pipeline_with(uint32_t workers, double start_s, struct settings *given)
{
    struct pipeline *pipeline = NULL;

    /* Its accounts stand on cache lines of their own. */
    assert_int_equal(posix_memalign((void **)&pipeline, 64, sizeof *pipeline), 0);
    memset(pipeline, 0, sizeof *pipeline);
    pipeline->settings = *given;
    *given = (struct settings){ 0 };
    assert_true(table_make_secret());
    assert_true(inbox_open(&pipeline->inbox));
    assert_true(outbox_open(&pipeline->outbox));
    arena_budget_init(&pipeline->budget, 256L << 20);
    pipeline->n_workers = workers;
    pipeline->now_ns = to_ns(start_s);
    for (uint32_t i = 0; i < workers; i++)
        make_worker(pipeline, i);
    make_flusher(pipeline);
    return pipeline;
}

struct pipeline *pipeline_new(uint32_t workers, double start_s, char **sets, size_t n_sets)
{
    struct settings settings;

    assert_true(with_settings(&settings, sets, n_sets));
    return pipeline_with(workers, start_s, &settings);
}

void pipeline_free(struct pipeline *given)
{
    flusher_free(given->flusher);
    for (uint32_t i = 0; i < given->n_workers; i++) {
        ingest_free(given->workers[i].ingest);
        table_free(given->workers[i].table);
    }
    for (size_t i = 0; i < given->n_points; i++) {
        free(given->points[i].name);
        free(given->points[i].host);
        free(given->points[i].tags);
    }
    free(given->points);
    outbox_close(&given->outbox);
    inbox_close(&given->inbox);
    settings_free(&given->settings);
    free(given);
}

/* ---- time -------------------------------------------------------------- */

bool pipeline_seal(struct pipeline *pipeline, uint32_t index)
{
    struct pipeline_worker *worker = &pipeline->workers[index];
    int64_t base_ns, start_s = interval_start(pipeline, &base_ns);

    ingest_settle(worker->ingest);
    worker->seal_at_ns = base_ns + interval_ns(pipeline);
    return table_seal(worker->table, start_s, base_ns);
}

void pipeline_run(struct pipeline *pipeline)
{
    while (flusher_step(pipeline->flusher, wall_ns(pipeline) / SECOND_NS, pipeline->now_ns))
        ;
}

/* The worker whose boundary comes next, or NULL when none comes until then. */
static struct pipeline_worker *next_boundary(struct pipeline *pipeline, int64_t until_ns)
{
    struct pipeline_worker *next = NULL;

    for (uint32_t i = 0; i < pipeline->n_workers; i++) {
        struct pipeline_worker *worker = &pipeline->workers[i];
        if (!worker->stalled && worker->seal_at_ns <= until_ns &&
            (next == NULL || worker->seal_at_ns < next->seal_at_ns))
            next = worker;
    }
    return next;
}

static void go_to(struct pipeline *pipeline, double t_s)
{
    int64_t until_ns = to_ns(t_s) - pipeline->step_ns;
    struct pipeline_worker *worker;

    if (until_ns < pipeline->now_ns) {
        if (until_ns < pipeline->now_ns - 1000) /* more than rounding */
            fail_msg("time cannot go back to %f", t_s);
        until_ns = pipeline->now_ns;
    }
    while ((worker = next_boundary(pipeline, until_ns)) != NULL) {
        if (worker->seal_at_ns > pipeline->now_ns)
            pipeline->now_ns = worker->seal_at_ns;
        (void)pipeline_seal(pipeline, (uint32_t)(worker - pipeline->workers));
        if (!pipeline->flusher_stalled)
            pipeline_run(pipeline);
    }
    pipeline->now_ns = until_ns;
}

double pipeline_now(const struct pipeline *pipeline)
{
    return (double)wall_ns(pipeline) / 1e9;
}

void pipeline_step_clock(struct pipeline *pipeline, double seconds)
{
    pipeline->step_ns += to_ns(seconds);
}

void pipeline_line(struct pipeline *pipeline, uint32_t worker, double t_s, const char *lines)
{
    struct ingest *ingest = pipeline->workers[worker].ingest;

    go_to(pipeline, t_s);
    ingest_datagram(ingest, slice_of(lines), false, "test", pipeline->now_ns,
                    wall_ns(pipeline) / SECOND_NS);
    ingest_settle(ingest);
}

static void push_records(struct pipeline *pipeline)
{
    for (uint32_t i = 0; i < pipeline->n_workers; i++)
        table_push_records(pipeline->workers[i].table);
}

void pipeline_flush(struct pipeline *pipeline, double t_s)
{
    go_to(pipeline, t_s);
    push_records(pipeline);
    pipeline_run(pipeline);
    flusher_tick(pipeline->flusher, wall_ns(pipeline) / SECOND_NS, pipeline->now_ns);
    pipeline_run(pipeline);
}

void pipeline_go_on(struct pipeline *pipeline, int64_t from_s, int64_t to_s)
{
    for (int64_t t = from_s + 10; t <= to_s; t += 10)
        pipeline_flush(pipeline, (double)t);
}

void pipeline_finish(struct pipeline *pipeline)
{
    for (uint32_t i = 0; i < pipeline->n_workers; i++) {
        if (pipeline_seal(pipeline, i))
            continue;
        pipeline_run(pipeline); /* the flusher was behind */
        assert_true(pipeline_seal(pipeline, i));
    }
    flusher_finish(pipeline->flusher, wall_ns(pipeline) / SECOND_NS, pipeline->now_ns);
}

/* ---- another process --------------------------------------------------- */

static void end_worker(struct pipeline *pipeline, struct pipeline_worker *worker)
{
    while (!table_hand_over(worker->table))
        pipeline_run(pipeline);
    ingest_free(worker->ingest);
    table_free(worker->table);
}

int pipeline_replace(struct pipeline *pipeline)
{
    struct state_writer *out = state_writer_new();

    assert_non_null(out);
    for (uint32_t i = 0; i < pipeline->n_workers; i++)
        end_worker(pipeline, &pipeline->workers[i]);
    assert_true(flusher_hand_over(pipeline->flusher, wall_ns(pipeline) / SECOND_NS,
                                  pipeline->now_ns, out));
    int fd = state_writer_end(out);

    assert_true(fd >= 0);
    flusher_free(pipeline->flusher);
    memset(pipeline->workers, 0, sizeof pipeline->workers);
    memset(pipeline->accounts, 0, sizeof pipeline->accounts);
    memset(&pipeline->ledger, 0, sizeof pipeline->ledger);
    pipeline->started_s = wall_ns(pipeline) / SECOND_NS;
    for (uint32_t i = 0; i < pipeline->n_workers; i++)
        make_worker(pipeline, i);
    make_flusher(pipeline);
    return fd;
}

bool pipeline_restore(struct pipeline *pipeline, const struct state *state)
{
    return flusher_restore(pipeline->flusher, state->parts[STATE_SERIES], wall_ns(pipeline),
                           pipeline->now_ns) &&
           flusher_restore_windows(pipeline->flusher, state->parts[STATE_WINDOWS]) &&
           flusher_restore_recent(pipeline->flusher, state->parts[STATE_RECENT]);
}

void pipeline_upgrade(struct pipeline *pipeline)
{
    struct state state;
    int fd = pipeline_replace(pipeline);

    if (!state_map(&state, fd, pipeline->problem, sizeof pipeline->problem))
        fail_msg("%s", pipeline->problem);
    assert_true(pipeline_restore(pipeline, &state));
    state_done(&state);
    close(fd);
}

/* ---- what comes out ---------------------------------------------------- */

static void add_items(json_t *taken, const struct payload *payload)
{
    const char *kind = payload_route_kind(payload->route);
    json_t *items = decode_payload(payload), *all = json_object_get(taken, kind);

    assert_non_null(items);
    if (all == NULL) {
        all = json_array();
        json_object_set_new(taken, kind, all);
    }
    if (json_is_array(items))
        json_array_extend(all, items);
    else
        json_array_append(all, items);
    json_decref(items);
}

json_t *pipeline_take(struct pipeline *pipeline)
{
    struct payload *payload = outbox_take(&pipeline->outbox);
    json_t *taken = json_object();

    while (payload != NULL) {
        struct payload *next = payload->next;
        add_items(taken, payload);
        outbox_settle(&pipeline->outbox, payload);
        payload = next;
    }
    return taken;
}

const struct pipeline_point *pipeline_find(const struct pipeline *pipeline, const char *name,
                                           const char *tags, int64_t time_s)
{
    for (size_t i = 0; i < pipeline->n_points; i++) {
        const struct pipeline_point *point = &pipeline->points[i];
        if (point->time_s == time_s && strcmp(point->name, name) == 0 &&
            strcmp(point->tags, tags) == 0)
            return point;
    }
    return NULL;
}

double pipeline_value(const struct pipeline *pipeline, const char *name, const char *tags,
                      int64_t time_s)
{
    const struct pipeline_point *point = pipeline_find(pipeline, name, tags, time_s);

    if (point == NULL)
        fail_msg("no point of %s{%s} at %lld", name, tags, (long long)time_s);
    return point->value;
}

uint64_t pipeline_values_parsed(const struct pipeline *pipeline)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < pipeline->n_workers; i++)
        sum += ledger_values_parsed(&pipeline->workers[i].ledger);
    return sum;
}

uint64_t pipeline_values_shed(const struct pipeline *pipeline, enum shed_reason reason)
{
    uint64_t sum = counter_read(&pipeline->ledger.shed[reason]);

    for (uint32_t i = 0; i < pipeline->n_workers; i++)
        sum += counter_read(&pipeline->workers[i].ledger.shed[reason]);
    return sum;
}
