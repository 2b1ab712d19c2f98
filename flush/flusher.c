#include "flush/flusher.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/rollups/query.h"
#include "flush/series/rules.h"
#include "flush/snapshots/points.h"
#include "flush/snapshots/state_series.h"
#include "flush/snapshots/timeline.h"

/* One slice: some ten milliseconds at most. */
enum {
    CELLS_A_STEP = 65536,
    BIRTHS_A_STEP = 2048,
    RECORDS_A_STEP = 4096,
    SERIES_A_STEP = 8192,
    MERGED_WEIGHT = 32 /* a set or sketch that goes into each rollup, against a number */
};

/* A worker that has not handed in its bucket this long after the first one is
 * late: its values go into the next snapshot. */
#define LATE_NS INT64_C(2000000000)

struct flusher {
    struct flusher_config config;
    struct catalogue *catalogue;
    struct encoder *encoder;
    int64_t interval_s;
    uint32_t max_series;

    struct rules *rules;                 /* held, as all: what all workers follow */
    struct rules *rules_of[WORKERS_MAX]; /* by worker: of its next parcel */
    struct rules *sending;               /* what the encoder follows */
    struct enricher *enricher;           /* of the parcel under way; a view */

    /* Parcels taken and not yet handled; offset or fold: where the first stands. */
    struct parcel *first, *last;
    size_t offset;
    int births_left; /* of this step */
    struct fold fold;
    struct snapshot *folding; /* where the first parcel's bucket goes */

    struct snapshot *open;   /* oldest first */
    struct snapshot *sealed; /* oldest first; the first is being sent */
    uint32_t next_series;    /* of the first sealed one */

    struct timeline timeline;

    struct observers observers; /* the rollups are the first */
    struct rollup *rollup;      /* a view of that; or NULL */
    struct asked *asked;        /* questions taken, oldest first */
    struct query *query;        /* of the first one, once it is looked at */

    double *pool;                    /* of the parser for timestamped samples */
    size_t table_bytes[WORKERS_MAX]; /* by worker: of its table, at its last seal */
    uint64_t folded_of[WORKERS_MAX]; /* by worker: values that balance 2 has seen */
    uint64_t values_off[WORKERS_MAX], lines_off[WORKERS_MAX]; /* by worker, at its last seal */
};

/* ---- making ------------------------------------------------------------ */

static bool read_rules(struct flusher *flusher, char *problem, size_t problem_size)
{
    const struct flusher_config *config = &flusher->config;

    flusher->rules =
        rules_new(config->settings, config->hostname, config->ledger, problem, problem_size);
    if (flusher->rules == NULL)
        return false;
    flusher->sending = rules_hold(flusher->rules);
    for (uint32_t worker = 0; worker < config->workers; worker++)
        flusher->rules_of[worker] = rules_hold(flusher->rules);
    return true;
}

static void release_rules(struct flusher *flusher)
{
    rules_release(flusher->rules);
    rules_release(flusher->sending);
    for (uint32_t worker = 0; worker < flusher->config.workers; worker++)
        rules_release(flusher->rules_of[worker]);
}

static bool make_rollup(struct flusher *flusher, char *problem, size_t problem_size)
{
    const struct settings *settings = flusher->config.settings;
    struct rollup_config config = {
        .interval_s = settings->heeler_interval,
        .steps = &settings->heeler_rollups,
        .lookback_s = settings->heeler_lookback,
        .max_bytes = (size_t)settings->heeler_rollup_max_bytes,
        .max_series = flusher->max_series,
    };

    flusher->rollup = rollup_new(&config, catalogue_identities(flusher->catalogue),
                                 flusher->config.ledger, problem, problem_size);
    return flusher->rollup != NULL &&
           observers_add(&flusher->observers, rollup_observer(flusher->rollup));
}

struct flusher *flusher_new(const struct flusher_config *config, char *problem,
                            size_t problem_size)
{
    const struct settings *settings = config->settings;
    struct flusher *flusher = calloc(1, sizeof *flusher);

    snprintf(problem, problem_size, "not enough memory for the flusher");
    if (flusher == NULL)
        return NULL;
    flusher->config = *config;
    flusher->max_series = (uint32_t)settings->heeler_max_contexts;
    flusher->interval_s = settings->heeler_interval;
    timeline_init(&flusher->timeline, flusher->interval_s, config->start_s);
    if (!read_rules(flusher, problem, problem_size)) {
        flusher_free(flusher);
        return NULL;
    }
    struct catalogue_config catalogue = {
        .max_series = flusher->max_series,
        .max_bytes = config->contexts_bytes,
        .workers = config->workers,
        .expiry_s = (int64_t)settings->dogstatsd_expiry_seconds,
        .keep_gauges = settings->heeler_statsd_gauge_deltas,
        .aggregates = settings->histogram_aggregates.at,
        .n_aggregates = settings->histogram_aggregates.n,
    };
    flusher->catalogue = catalogue_new(&catalogue, config->ledger);
    if (flusher->catalogue != NULL && settings->heeler_rollup_max_bytes > 0 &&
        !make_rollup(flusher, problem, problem_size)) {
        flusher_free(flusher);
        return NULL;
    }
    flusher->encoder = encoder_new(settings, config->hostname, config->outbox, config->ledger);
    flusher->pool = malloc((size_t)(settings->dogstatsd_buffer_size / 2 + 1) * sizeof(double));
    if (flusher->catalogue == NULL || flusher->encoder == NULL || flusher->pool == NULL) {
        flusher_free(flusher);
        return NULL;
    }
    return flusher;
}

struct rollup *flusher_rollup(struct flusher *flusher)
{
    return flusher->rollup;
}

bool flusher_observe(struct flusher *flusher, struct observer given)
{
    return observers_add(&flusher->observers, given);
}

static void take_parcels(struct flusher *flusher)
{
    struct parcel *taken = inbox_take(flusher->config.inbox);

    if (taken == NULL)
        return;
    if (flusher->first == NULL)
        flusher->first = taken;
    else
        flusher->last->next = taken;
    while (taken->next != NULL)
        taken = taken->next;
    flusher->last = taken;
}

static void parcel_free(struct parcel *given)
{
    if (given->kind == PARCEL_BUCKET) {
        rules_release(((struct bucket *)given)->rules); /* those that nobody took */
        bucket_free((struct bucket *)given);
    } else {
        chunk_free((struct chunk *)given);
    }
}

static void snapshots_free(struct snapshot *given)
{
    while (given != NULL) {
        struct snapshot *next = given->next;
        snapshot_free(given);
        given = next;
    }
}

void flusher_free(struct flusher *given)
{
    if (given == NULL)
        return;
    take_parcels(given);
    while (given->first != NULL) {
        struct parcel *next = given->first->next;
        parcel_free(given->first);
        given->first = next;
    }
    for (uint32_t worker = 0; worker < given->config.workers; worker++)
        free(atomic_exchange_explicit(&given->config.accounts[worker].again, NULL,
                                      memory_order_acquire));
    snapshots_free(given->open);
    snapshots_free(given->sealed);
    query_free(given->query);
    while (given->asked != NULL) {
        struct asked *next = given->asked->next;
        asked_free(given->asked);
        given->asked = next;
    }
    observers_free(&given->observers);
    encoder_free(given->encoder);
    catalogue_free(given->catalogue);
    release_rules(given);
    free(given->pool);
    free(given);
}

/* ---- snapshots: which one, when sealed, with which stamp --------------- */

static struct snapshot *open_snapshot(struct flusher *flusher, int64_t start_s, int64_t now_ns)
{
    struct snapshot *snapshot =
        snapshot_new(start_s, now_ns, flusher->max_series, flusher->config.budget);
    struct snapshot **end = &flusher->open;

    if (snapshot == NULL)
        return NULL;
    snapshot->fill_zeros = start_s % flusher->interval_s == 0;
    while (*end != NULL)
        end = &(*end)->next;
    *end = snapshot;
    return snapshot;
}

/* The snapshot of the bucket's interval. One that is sealed already takes no
 * more: the bucket then goes into the newest open one, or one of its own. */
static struct snapshot *snapshot_for(struct flusher *flusher, const struct bucket *bucket,
                                     int64_t now_ns)
{
    struct snapshot *newest = NULL;

    for (struct snapshot *s = flusher->open; s != NULL; s = s->next) {
        if (s->start_s == bucket->start_s)
            return s;
        newest = s;
    }
    if (!timeline_is_over(&flusher->timeline, bucket->start_s))
        return open_snapshot(flusher, bucket->start_s, now_ns);
    counter_add(&flusher->config.ledger->late_buckets, 1);
    if (newest != NULL)
        return newest;
    newest = open_snapshot(flusher, bucket->start_s, now_ns);
    if (newest != NULL)
        newest->fill_zeros = flusher->config.workers == 1; /* the clock stepped back */
    return newest;
}

/* Takes it from the open ones; it is the next to be sent. */
static void seal(struct flusher *flusher, struct snapshot *snapshot)
{
    struct snapshot **at = &flusher->open;
    int64_t stamp_s = timeline_seal(&flusher->timeline, snapshot->start_s);

    while (*at != snapshot)
        at = &(*at)->next;
    *at = snapshot->next;
    snapshot->next = NULL;
    snapshot->rules = rules_hold(flusher->rules);
    snapshot_seal(snapshot, flusher->catalogue, stamp_s);
    counter_set(&flusher->config.ledger->last_stamp_s, (uint64_t)stamp_s);
    counter_add(&flusher->config.ledger->snapshots, 1);
    for (at = &flusher->sealed; *at != NULL;)
        at = &(*at)->next;
    *at = snapshot;
}

/* Who has handed in this interval hands in none before it: what is open from before
 * is sealed first, so that stamps ascend. A late bucket counts for the snapshot that
 * took it: its worker is in a later interval by now. */
static void mark_arrived(struct flusher *flusher, struct snapshot *snapshot, uint32_t worker)
{
    uint64_t all = flusher->config.workers == WORKERS_MAX
                       ? UINT64_MAX
                       : (UINT64_C(1) << flusher->config.workers) - 1;

    snapshot->arrived |= UINT64_C(1) << worker;
    if (snapshot->arrived != all)
        return;
    while (flusher->open != snapshot)
        seal(flusher, flusher->open);
    seal(flusher, snapshot);
}

/* ---- records ----------------------------------------------------------- */

/* Why no value of this timestamped sample can be sent; SHED_NOTHING: it can. */
static enum shed_reason refuse_timed(const struct sample *sample, int64_t received_s)
{
    enum cell_kind kind = cell_kind_of(sample->type);

    if (kind != CELL_COUNT && kind != CELL_GAUGE)
        return SHED_UNSUPPORTED_TIME;
    return sample->time_s > received_s + CLOCK_AHEAD_MAX_S ? SHED_REFUSED_TIME : SHED_NOTHING;
}

static void send_timed(struct flusher *flusher, const struct sample *sample,
                       const struct enriched *enriched, int64_t now_s)
{
    bool count = cell_kind_of(sample->type) == CELL_COUNT;
    struct identity_scratch scratch;
    struct point point = { sample->time_s, 0 };
    struct series series = {
        .id = points_identity(&scratch, enriched->name, enriched->host, enriched->tags,
                              enriched->n_tags),
        .type = count ? SERIES_RATE : SERIES_GAUGE,
        .interval_s = flusher->interval_s,
        .points = &point,
        .n_points = 1,
    };

    for (uint32_t i = 0; i < sample->n_values; i++) {
        if (!isfinite(sample->values[i])) {
            counter_add(&flusher->config.ledger->shed[SHED_NOT_FINITE], 1);
            continue;
        }
        /* The sample rate is not applied to timestamped counters (the Agent). */
        point.value =
            count ? sample->values[i] / (double)flusher->interval_s : sample->values[i];
        encoder_timed(flusher->encoder, &series, now_s);
        counter_add(&flusher->config.ledger->folded, 1);
    }
}

static void handle_timed(struct flusher *flusher, struct slice line, int64_t received_s,
                         int64_t now_s)
{
    struct parser parser = { .pool = flusher->pool };
    struct sample sample;
    struct enriched enriched;

    if (parse_sample(&parser, line, &sample) != PARSE_OK)
        return; /* it parsed at the worker; were it not so, balance 2 would say it */
    enum shed_reason refused = refuse_timed(&sample, received_s);
    if (refused == SHED_NOTHING)
        refused = enrich_metric(flusher->enricher, sample.name, sample.tags,
                                cell_kind_of(sample.type), &enriched);
    if (refused != SHED_NOTHING)
        counter_add(&flusher->config.ledger->shed[refused], sample.n_values);
    else
        send_timed(flusher, &sample, &enriched, now_s);
}

static void handle_event(struct flusher *flusher, struct slice line, int64_t received_s,
                         int64_t now_s)
{
    struct event_record record;
    struct enriched enriched;

    if (event_parse(line, &record.event) != PARSE_OK)
        return;
    if (!enrich_record(flusher->enricher, record.event.tags, record.event.host, &enriched)) {
        counter_add(&flusher->config.ledger->dropped[POINT_INVALID], 1);
        return;
    }
    record.host = enriched.host;
    record.tags = enriched.tags;
    record.n_tags = enriched.n_tags;
    record.time_s = record.event.time_s != 0 ? record.event.time_s : received_s;
    encoder_event(flusher->encoder, &record, now_s);
    observers_event(&flusher->observers, &record);
}

static void handle_check(struct flusher *flusher, struct slice line, int64_t received_s,
                         int64_t now_s)
{
    struct check_record record;
    struct enriched enriched;

    if (check_parse(line, &record.check) != PARSE_OK)
        return;
    if (!enrich_record(flusher->enricher, record.check.tags, record.check.host, &enriched)) {
        counter_add(&flusher->config.ledger->dropped[POINT_INVALID], 1);
        return;
    }
    record.host = enriched.host;
    record.tags = enriched.tags;
    record.n_tags = enriched.n_tags;
    record.time_s = record.check.time_s != 0 ? record.check.time_s : received_s;
    encoder_check(flusher->encoder, &record, now_s);
    observers_check(&flusher->observers, &record);
}

static void handle_record(struct flusher *flusher, const struct record *record,
                          struct slice line, int64_t now_s)
{
    switch ((enum line_kind)record->kind) {
    case LINE_METRIC:
        handle_timed(flusher, line, record->received_s, now_s);
        break;
    case LINE_EVENT:
        handle_event(flusher, line, record->received_s, now_s);
        break;
    case LINE_CHECK:
        handle_check(flusher, line, record->received_s, now_s);
        break;
    case LINE_KIND_COUNT:
        break;
    }
}

/* ---- the memory bound -------------------------------------------------- */

/* What the tables take is the catalogue's no more; what it keeps for the rollups
 * counts as theirs. */
static void share_memory(struct flusher *flusher)
{
    size_t left = flusher->config.contexts_bytes;

    if (left == 0)
        return;
    if (flusher->rollup != NULL)
        left += rollup_held_bytes(flusher->rollup);
    for (uint32_t worker = 0; worker < flusher->config.workers; worker++)
        left -= left > flusher->table_bytes[worker] ? flusher->table_bytes[worker] : left - 1;
    catalogue_limit(flusher->catalogue, left);
}

static void tell_workers(struct flusher *flusher)
{
    share_memory(flusher);
    bool crowded = catalogue_is_crowded(flusher->catalogue);

    for (uint32_t worker = 0; worker < flusher->config.workers; worker++)
        atomic_store_explicit(&flusher->config.accounts[worker].crowded, crowded,
                              memory_order_relaxed);
}

/* ---- parcels: each returns true when the parcel is done ---------------- */

static bool handle_records(struct flusher *flusher, const struct chunk *chunk, int64_t now_s)
{
    struct record record;
    struct slice line;

    for (int i = 0; i < RECORDS_A_STEP; i++) {
        if (!chunk_next_record(chunk, &flusher->offset, &record, &line))
            return true;
        handle_record(flusher, &record, line, now_s);
    }
    return false;
}

static bool handle_births(struct flusher *flusher, const struct chunk *chunk)
{
    struct birth birth;
    struct slice name, tags;

    for (; flusher->births_left > 0; flusher->births_left--) {
        if (!chunk_next_birth(chunk, &flusher->offset, &birth, &name, &tags))
            return true;
        catalogue_admit(flusher->catalogue, flusher->enricher, chunk->parcel.worker, &birth,
                        name, tags);
    }
    return false;
}

/* sum: of all workers; off: this one's part of it. */
static void set_imbalance(struct counter *sum, uint64_t *off, uint64_t left, uint64_t right)
{
    uint64_t now = left > right ? left - right : right - left;

    counter_set(sum, counter_read(sum) - *off + now);
    *off = now;
}

/* Balance 1 and 2 at this seal: the worker's own counts came with the bucket,
 * everything it pushed before is handled. */
static void check_balances(struct flusher *flusher, const struct bucket *bucket,
                           uint64_t handled)
{
    struct flusher_ledger *ledger = flusher->config.ledger;
    uint64_t *seen = &flusher->folded_of[bucket->parcel.worker];

    *seen += handled;
    set_imbalance(&ledger->values_imbalance, &flusher->values_off[bucket->parcel.worker],
                  bucket->values_parsed - bucket->values_shed, *seen);
    set_imbalance(&ledger->lines_imbalance, &flusher->lines_off[bucket->parcel.worker],
                  bucket->lines, bucket->lines_accounted);
}

static void retire_contexts(struct flusher *flusher, const struct bucket *bucket)
{
    if (bucket->all_retired)
        catalogue_retire_all(flusher->catalogue, bucket->parcel.worker);
    for (uint32_t i = 0; i < bucket->n_retired; i++)
        catalogue_retire(flusher->catalogue, bucket->parcel.worker, bucket->retired[i]);
    catalogue_trim(flusher->catalogue, bucket->parcel.worker, bucket->n_cells);
}

/* Without memory for a snapshot the bucket's values are shed. */
static void shed_all(struct flusher *flusher, const struct bucket *bucket)
{
    for (uint32_t id = 0; id < bucket->n_cells; id++)
        counter_add(&flusher->config.ledger->shed[SHED_MEMORY], bucket->cells[id].values);
}

static void note_limited(struct flusher *flusher, struct rules *rules)
{
    uint64_t limited = enrich_limited(rules->enricher);

    counter_add(&flusher->config.ledger->mapper_limited, limited - rules->limited_noted);
    rules->limited_noted = limited;
}

/* What is sealed from now on follows the new rules once every worker does. */
static void take_rules(struct flusher *flusher, struct bucket *bucket)
{
    struct rules *next = bucket->rules;

    if (next == NULL)
        return;
    note_limited(flusher, flusher->rules_of[bucket->parcel.worker]);
    rules_release(flusher->rules_of[bucket->parcel.worker]);
    flusher->rules_of[bucket->parcel.worker] = next;
    bucket->rules = NULL;
    for (uint32_t worker = 0; worker < flusher->config.workers; worker++)
        if (flusher->rules_of[worker] != next)
            return;
    catalogue_follow(flusher->catalogue, next->settings);
    rules_release(flusher->rules);
    flusher->rules = rules_hold(next);
}

static bool handle_bucket(struct flusher *flusher, struct bucket *bucket, int64_t now_ns)
{
    if (flusher->folding == NULL) {
        flusher->fold = (struct fold){ 0 };
        flusher->folding = snapshot_for(flusher, bucket, now_ns);
    }
    if (flusher->folding == NULL)
        shed_all(flusher, bucket);
    else if (!snapshot_fold(flusher->folding, flusher->catalogue, bucket, &flusher->fold,
                            CELLS_A_STEP, &flusher->rules->fold))
        return false;
    retire_contexts(flusher, bucket);
    flusher->table_bytes[bucket->parcel.worker] = bucket->table_bytes;
    tell_workers(flusher);
    if (flusher->folding != NULL) {
        if (bucket->until_s > flusher->folding->until_s)
            flusher->folding->until_s = bucket->until_s;
        if (!bucket->partial)
            mark_arrived(flusher, flusher->folding, bucket->parcel.worker);
    }
    take_rules(flusher, bucket); /* behind the seal: that snapshot was of the old ones */
    flusher->folding = NULL;
    return true;
}

static uint64_t values_handled(const struct flusher_ledger *ledger)
{
    uint64_t sum = counter_read(&ledger->folded);

    for (int reason = SHED_NOTHING + 1; reason < SHED_REASON_COUNT; reason++)
        sum += counter_read(&ledger->shed[reason]);
    return sum;
}

static bool handle_parcel(struct flusher *flusher, struct parcel *parcel, int64_t now_s,
                          int64_t now_ns)
{
    uint64_t before = values_handled(flusher->config.ledger);
    bool done = false;

    flusher->enricher = flusher->rules_of[parcel->worker]->enricher;
    switch (parcel->kind) {
    case PARCEL_BIRTHS:
        done = handle_births(flusher, (const struct chunk *)parcel);
        tell_workers(flusher);
        break;
    case PARCEL_RECORDS:
        done = handle_records(flusher, (const struct chunk *)parcel, now_s);
        break;
    case PARCEL_BUCKET:
        done = handle_bucket(flusher, (struct bucket *)parcel, now_ns);
        break;
    }
    uint64_t handled = values_handled(flusher->config.ledger) - before;
    if (parcel->kind == PARCEL_BUCKET && done)
        check_balances(flusher, (const struct bucket *)parcel, handled);
    else
        flusher->folded_of[parcel->worker] += handled;
    return done;
}

static void finish_parcel(struct flusher *flusher)
{
    struct parcel *done = flusher->first;
    struct worker_account *account = &flusher->config.accounts[done->worker];
    uint64_t handled = atomic_load_explicit(&account->handled_bytes, memory_order_relaxed);

    flusher->first = done->next;
    flusher->offset = 0;
    atomic_store_explicit(&account->handled_bytes, handled + done->bytes, memory_order_relaxed);
    if (done->kind == PARCEL_BUCKET)
        atomic_store_explicit(
            &account->handled_buckets,
            atomic_load_explicit(&account->handled_buckets, memory_order_relaxed) + 1,
            memory_order_relaxed);
    parcel_free(done);
}

/* ---- sending a sealed snapshot ----------------------------------------- */

/* Balance 3, the flusher's end: what was encoded, item by item, against what
 * the finished payloads say they hold. Only while no payload is open. */
static void check_points(struct flusher *flusher)
{
    struct flusher_ledger *ledger = flusher->config.ledger;
    uint64_t encoded = 0, posted = 0;

    if (flusher->sealed != NULL || encoder_has_records(flusher->encoder))
        return;
    for (int kind = 0; kind < POINT_KIND_COUNT; kind++) {
        encoded += counter_read(&ledger->encoded[kind]);
        posted += counter_read(&ledger->posted[kind]);
    }
    counter_set(&ledger->points_imbalance,
                encoded > posted ? encoded - posted : posted - encoded);
}

/* Those refused for want of room may come again where there is room now. */
static void offer_room(struct flusher *flusher)
{
    for (uint32_t worker = 0; worker < flusher->config.workers; worker++) {
        struct worker_account *account = &flusher->config.accounts[worker];

        if (atomic_load_explicit(&account->again, memory_order_relaxed) == NULL)
            atomic_store_explicit(&account->again,
                                  catalogue_refused(flusher->catalogue, worker),
                                  memory_order_release); /* with table_seal's exchange */
    }
}

static bool is_unsent(const void *argument, uint32_t series)
{
    const struct flusher *flusher = argument;

    for (const struct snapshot *s = flusher->open; s != NULL; s = s->next)
        if (snapshot_has(s, series))
            return true;
    for (const struct snapshot *s = flusher->sealed; s != NULL; s = s->next)
        if (snapshot_has(s, series))
            return true;
    return false;
}

static void finish_snapshot(struct flusher *flusher, struct snapshot *snapshot, int64_t now_s)
{
    note_limited(flusher, flusher->rules);
    encoder_end_snapshot(flusher->encoder);
    if (snapshot->until_s % flusher->interval_s != 0)
        encoder_end_records(flusher->encoder, now_s); /* sealed early: somebody waits */
    observers_end(&flusher->observers, snapshot->stamp_s);
    flusher->sealed = snapshot->next;
    flusher->next_series = 0;
    catalogue_expire(flusher->catalogue, snapshot->start_s, is_unsent, flusher);
    tell_workers(flusher);
    offer_room(flusher);
    /* With control's acquire: first the payloads, then this. */
    atomic_store_explicit(&flusher->config.ledger->flushed_until_s.n,
                          (uint64_t)snapshot->until_s, memory_order_release);
    log_debug("flusher: the interval of %" PRId64 " is encoded, %" PRIu64 " series",
              snapshot->start_s, counter_read(&flusher->config.ledger->series));
    snapshot_free(snapshot);
    check_points(flusher);
}

/* The next series; returns how much work it was, a number being 1. */
static int send_series(struct flusher *flusher, struct snapshot *snapshot, int64_t now_s)
{
    uint32_t series = flusher->next_series;
    struct snapshot_series shown;
    struct points points;
    struct made_point made;

    if (!snapshot_show(snapshot, flusher->catalogue, series, &shown))
        return 1;
    bool number =
        shown.kind == CELL_COUNT || shown.kind == CELL_GAUGE || shown.kind == CELL_HISTOGRAM;
    points_begin(&points, snapshot, flusher->catalogue, series, &snapshot->rules->points);
    while (points_next(&points, &made)) {
        if (made.is_sketch)
            encoder_sketch(flusher->encoder, &made.sketch, now_s);
        else
            encoder_series(flusher->encoder, &made.number, now_s);
        observers_point(&flusher->observers, &shown, &made);
    }
    observers_series(&flusher->observers, &shown);
    return number || flusher->rollup == NULL ? 1 : MERGED_WEIGHT;
}

/* Not for the observers: what is shown to them is what clients sent. */
static void send_report(struct flusher *flusher, int64_t stamp_s, int64_t now_s)
{
    struct self_report report = { .n = 0 };

    if (flusher->config.report == NULL || !flusher->sending->settings->heeler_self_telemetry)
        return;
    flusher->config.report(flusher->config.report_argument, &report);
    for (size_t i = 0; i < report.n; i++) {
        struct point point = { stamp_s, report.at[i].value };
        struct series series = {
            .id = { .metric = slice_of(report.at[i].name),
                    .host = slice_of(flusher->config.hostname) },
            .type = SERIES_GAUGE,
            .points = &point,
            .n_points = 1,
        };

        encoder_series(flusher->encoder, &series, now_s);
    }
}

static void send_by(struct flusher *flusher, struct rules *rules, int64_t now_s)
{
    if (rules == flusher->sending)
        return;
    encoder_follow(flusher->encoder, rules->settings, now_s);
    rules_release(flusher->sending);
    flusher->sending = rules_hold(rules);
}

/* Another instance lives under this host's name: its points are told from ours. */
static void mark_series(struct flusher *flusher)
{
    const _Atomic(uint64_t) *others = flusher->config.duplicates;

    if (others != NULL)
        encoder_mark(flusher->encoder, atomic_load_explicit(others, memory_order_relaxed) > 0
                                           ? slice_of(flusher->config.duplicate_tag)
                                           : SLICE(""));
}

/* False: not yet, something has to be written before. */
static bool begin_sending(struct flusher *flusher, struct snapshot *snapshot, int64_t now_s)
{
    if (!observers_may_begin(&flusher->observers, snapshot->stamp_s, now_s))
        return false;
    send_by(flusher, snapshot->rules, now_s);
    observers_begin(&flusher->observers, snapshot->stamp_s);
    mark_series(flusher);
    send_report(flusher, snapshot->stamp_s, now_s);
    return true;
}

static void send_slice(struct flusher *flusher, int64_t now_s)
{
    struct snapshot *snapshot = flusher->sealed;
    uint32_t first = flusher->next_series;

    if (first == 0 && !begin_sending(flusher, snapshot, now_s))
        return;
    for (int left = SERIES_A_STEP; left > 0 && flusher->next_series < snapshot->end;
         flusher->next_series++)
        left -= send_series(flusher, snapshot, now_s);
    snapshot_forget(snapshot, first, flusher->next_series);
    if (flusher->next_series == snapshot->end)
        finish_snapshot(flusher, snapshot, now_s);
}

/* ---- questions --------------------------------------------------------- */

static void take_questions(struct flusher *flusher)
{
    struct asked **end = &flusher->asked;

    if (flusher->config.questions == NULL)
        return;
    while (*end != NULL)
        end = &(*end)->next;
    *end = questions_take_asked(flusher->config.questions);
}

/* The first question goes back with what it has been given. */
static void give_answer(struct flusher *flusher)
{
    struct asked *done = flusher->asked;

    flusher->asked = done->next;
    query_free(flusher->query);
    flusher->query = NULL;
    counter_add(&flusher->config.ledger->questions, 1);
    questions_answer(flusher->config.questions, done);
}

static void refuse_question(struct flusher *flusher, int status, const char *sentence)
{
    asked_refuse(flusher->asked, status, sentence);
    give_answer(flusher);
}

/* The interval that the workers still fill, and one that is being sent. */
static void tell_open(struct flusher *flusher, int64_t now_s)
{
    int64_t from_s = (int64_t)counter_read(&flusher->config.ledger->flushed_until_s);
    int64_t start_s = now_s - now_s % flusher->interval_s;

    query_tell_open(flusher->query, from_s > 0 ? from_s : flusher->timeline.first_s,
                    start_s + flusher->interval_s);
}

static void begin_question(struct flusher *flusher, int64_t now_s)
{
    struct asked *asked = flusher->asked;
    char problem[256];

    if (flusher->rollup == NULL) {
        refuse_question(flusher, 503,
                        "nothing is kept for questions: heeler_rollup_max_bytes is 0");
        return;
    }
    flusher->query = query_new(flusher->rollup, (struct slice){ asked->text, asked->text_len },
                               asked->from_s, asked->to_s, problem, sizeof problem);
    if (flusher->query != NULL)
        tell_open(flusher, now_s);
    else
        refuse_question(flusher, 400, problem);
}

static void continue_question(struct flusher *flusher)
{
    struct slice answer;

    switch (query_step(flusher->query)) {
    case QUERY_MORE:
        break;
    case QUERY_DONE:
        answer = query_answer(flusher->query);
        flusher->asked->status = 200;
        bytes_add(&flusher->asked->answer, answer.at, answer.len);
        give_answer(flusher);
        break;
    case QUERY_FAILED:
        refuse_question(flusher, 400, query_problem(flusher->query));
        break;
    }
}

/* A slice of the first question; true when there is more to do. While a snapshot
 * goes into the rollups questions wait. */
static bool answer_slice(struct flusher *flusher, int64_t now_s)
{
    take_questions(flusher);
    if (flusher->asked == NULL)
        return false;
    if (atomic_load_explicit(&flusher->asked->cancelled, memory_order_relaxed))
        give_answer(flusher);
    else if (flusher->rollup != NULL && rollup_is_busy(flusher->rollup))
        return true;
    else if (flusher->query == NULL)
        begin_question(flusher, now_s);
    else
        continue_question(flusher);
    return flusher->asked != NULL;
}

/* ---- the outside ------------------------------------------------------- */

/* One parcel, or as many chunks of births as a step allows: beside a slice of sending
 * one alone would leave too little time to births, and what waits takes memory. */
static void handle_some(struct flusher *flusher, int64_t now_s, int64_t now_ns)
{
    bool births = true;

    flusher->births_left = BIRTHS_A_STEP;
    while (births && flusher->births_left > 0 && flusher->first != NULL) {
        births = flusher->first->kind == PARCEL_BIRTHS;
        if (!handle_parcel(flusher, flusher->first, now_s, now_ns))
            return;
        finish_parcel(flusher);
        births = births && flusher->first != NULL && flusher->first->kind == PARCEL_BIRTHS;
    }
}

bool flusher_step(struct flusher *flusher, int64_t now_s, int64_t now_ns)
{
    take_parcels(flusher);
    handle_some(flusher, now_s, now_ns);
    if (flusher->sealed != NULL)
        send_slice(flusher, now_s);
    bool observed = observers_step(&flusher->observers, now_s);
    bool asked = answer_slice(flusher, now_s);
    return flusher->first != NULL || flusher->sealed != NULL || observed || asked;
}

void flusher_tick(struct flusher *flusher, int64_t now_s, int64_t now_ns)
{
    struct snapshot *next;

    if (encoder_has_records(flusher->encoder))
        encoder_end_records(flusher->encoder, now_s);
    check_points(flusher);
    for (struct snapshot *s = flusher->open; s != NULL; s = next) {
        next = s->next;
        if (s != flusher->folding && now_ns - s->opened_ns > LATE_NS)
            seal(flusher, s);
    }
}

void flusher_finish(struct flusher *flusher, int64_t now_s, int64_t now_ns)
{
    while (flusher_step(flusher, now_s, now_ns))
        ;
    while (flusher->open != NULL)
        seal(flusher, flusher->open);
    while (flusher_step(flusher, now_s, now_ns))
        ;
    observers_finish(&flusher->observers, now_s);
    encoder_end_records(flusher->encoder, now_s);
    check_points(flusher);
}

/* ---- a successor takes over -------------------------------------------- */

bool flusher_hand_over(struct flusher *flusher, int64_t now_s, int64_t now_ns,
                       struct state_writer *out)
{
    uint64_t values = 0, n = 0;

    while (flusher_step(flusher, now_s, now_ns))
        ;
    observers_finish(&flusher->observers, now_s); /* the successor's have nothing of it */
    encoder_end_records(flusher->encoder, now_s);
    check_points(flusher);
    state_begin(out, STATE_SERIES);
    timeline_write(&flusher->timeline, out);
    bool written = state_put_series(out, flusher->catalogue);

    for (struct snapshot *s = flusher->open; s != NULL; s = s->next)
        n++;
    state_put_number(out, n);
    for (struct snapshot *s = flusher->open; s != NULL && written; s = s->next) {
        values += s->values;
        written = state_put_snapshot(out, s, flusher->catalogue);
    }
    if (!written || !state_settle(out)) {
        state_cancel(out);
        return false;
    }
    counter_set(&flusher->config.ledger->handed_over, values);
    return true;
}

/* Its workers are in their next bucket by now, or hand in the rest of it at its end:
 * until then, and two seconds, it waits. Of another length than ours it is over. */
static bool restore_snapshot(struct flusher *flusher, struct state_reader *in,
                             const struct state_numbers *numbers, int64_t interval_s,
                             int64_t wall_ns, int64_t now_ns)
{
    struct snapshot *snapshot = open_snapshot(flusher, 0, now_ns);

    if (snapshot == NULL || !state_get_snapshot(in, snapshot, numbers))
        return false;
    int64_t most_s = wall_ns / 1000000000 + flusher->interval_s + CLOCK_AHEAD_MAX_S;

    if (snapshot->start_s < 0 || snapshot->start_s > most_s)
        return false;
    int64_t end_s = snapshot->start_s - snapshot->start_s % interval_s + interval_s;
    int64_t end_ns = end_s * 1000000000;

    snapshot->until_s = end_s;
    snapshot->opened_ns =
        interval_s == flusher->interval_s ? now_ns + (end_ns - wall_ns) : now_ns - LATE_NS;
    counter_add(&flusher->config.ledger->taken_over, snapshot->values);
    return true;
}

static bool restore_snapshots(struct flusher *flusher, struct state_reader *in,
                              const struct state_numbers *numbers, int64_t interval_s,
                              int64_t wall_ns, int64_t now_ns)
{
    size_t n = state_get_count(in, 1);

    for (size_t i = 0; i < n; i++)
        if (!restore_snapshot(flusher, in, numbers, interval_s, wall_ns, now_ns))
            return false;
    return !in->failed;
}

bool flusher_restore(struct flusher *flusher, struct state_reader in, int64_t wall_ns,
                     int64_t now_ns)
{
    struct state_numbers numbers = { 0 };
    int64_t interval_s = timeline_read(&flusher->timeline, &in);

    if (flusher->timeline.any_sealed)
        counter_set(&flusher->config.ledger->last_stamp_s,
                    (uint64_t)flusher->timeline.last_stamp_s);
    bool good = !in.failed && interval_s > 0 && interval_s <= CLOCK_AHEAD_MAX_S &&
                state_get_series(&in, flusher->rules->enricher, flusher->catalogue, &numbers) &&
                restore_snapshots(flusher, &in, &numbers, interval_s, wall_ns, now_ns);

    if (numbers.refused > 0)
        log_warn("flusher: %zu series of the process before have no room here "
                 "(heeler_max_contexts)",
                 numbers.refused);
    state_numbers_free(&numbers);
    if (good)
        return true;
    log_error("flusher: the state of the process before is damaged, or there is no memory for "
              "it: its open interval is lost");
    counter_add(&flusher->config.ledger->state_refused, 1);
    snapshots_free(flusher->open);
    flusher->open = NULL;
    return false;
}
