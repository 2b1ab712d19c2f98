/* Reading order:
 *   flusher_step()           a slice of everything, at the end of this file
 *   handle_parcel()          births, records (flusher_records.c), a bucket
 *   flusher_snapshot_for()   where a bucket goes, and when that is sealed (flusher_snapshots.c)
 *   flusher_send()           a sealed snapshot to encoder and observers (flusher_send.c)
 *   answers_step()           questions (flush/rollups/answers.h)
 *   flusher_hand_over()      what a successor goes on with (flusher_state.c) */
#include "flush/flusher_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* How much one step does: it takes some ten milliseconds at most. */
enum {
    CELLS_A_STEP = 65536,
    BIRTHS_A_STEP = 2048,
    RECORDS_A_STEP = 4096,
    POINTS_A_RECORD = 8 /* points take as long as a record */
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
        .late_max_s = settings->heeler_late_max,
        .max_bytes = (size_t)settings->heeler_rollup_max_bytes,
        .max_series = flusher->max_series,
    };

    flusher->rollup = rollup_new(&config, catalogue_identities(flusher->catalogue),
                                 flusher->config.ledger, problem, problem_size);
    return flusher->rollup != NULL &&
           observers_add(&flusher->observers, rollup_observer(flusher->rollup));
}

/* What came last of events and checks, as observers, which are the list's. */
static bool remember_records(struct flusher *flusher)
{
    struct recent *recent = recent_new(flusher->config.ledger);
    struct check_statuses *checks = check_statuses_new(flusher->config.ledger);
    bool fine = recent != NULL && checks != NULL;

    if (recent != NULL)
        fine = observers_add(&flusher->observers, recent_observer(recent)) && fine;
    if (checks != NULL)
        fine = observers_add(&flusher->observers, check_statuses_observer(checks)) && fine;
    flusher->recent = recent;
    flusher->checks = checks;
    return fine;
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
    if (!remember_records(flusher)) {
        flusher_free(flusher);
        return NULL;
    }
    flusher->surveyor = config->tag_survey != NULL ? tag_surveyor_new() : NULL;
    answers_init(&flusher->answers, config->questions,
                 &(struct answer_source){ .rollup = flusher->rollup,
                                          .recent = flusher->recent,
                                          .checks = flusher->checks,
                                          .units = config->units },
                 config->ledger);
    flusher->encoder = encoder_new(settings, config->hostname, config->outbox, config->ledger);
    flusher->timed =
        timed_new(flusher->encoder, flusher->rollup, flusher->interval_s, config->ledger);
    if (flusher->catalogue == NULL || flusher->encoder == NULL || flusher->timed == NULL) {
        flusher_free(flusher);
        return NULL;
    }
    return flusher;
}

struct rollup *flusher_rollup(struct flusher *flusher)
{
    return flusher->rollup;
}

struct recent *flusher_recent(struct flusher *flusher)
{
    return flusher->recent;
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
        rules_release(
            ((struct bucket *)given)->rules); /* the rules that it carried and nobody took */
        bucket_free((struct bucket *)given);
    } else {
        chunk_free((struct chunk *)given);
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
    for (uint32_t worker = 0; worker < given->config.workers; worker++) {
        free(atomic_exchange_explicit(&given->config.accounts[worker].again, NULL,
                                      memory_order_acquire));
        flusher_free_spares(given, worker);
    }
    flusher_free_snapshots(given->open);
    flusher_free_snapshots(given->sealed);
    answers_free(&given->answers);
    timed_free(given->timed);
    observers_free(&given->observers);
    encoder_free(given->encoder);
    catalogue_free(given->catalogue);
    tag_surveyor_free(given->surveyor);
    release_rules(given);
    free(given);
}

/* ---- parcels: each returns true when the parcel is done ---------------- */

static bool is_submitted(const struct flusher *flusher, const struct chunk *chunk)
{
    return chunk->parcel.worker >= flusher->config.workers;
}

static enum submitted_lane lane_of(const struct flusher *flusher, const struct chunk *chunk)
{
    return (enum submitted_lane)(chunk->parcel.worker - flusher->config.workers);
}

/* One that is submitted may have thousands of points. */
static uint32_t work_of(const struct record *record)
{
    return record->kind < SUBMITTED_POINTS ? 1 : 1 + record->values / POINTS_A_RECORD;
}

static bool handle_records(struct flusher *flusher, const struct chunk *chunk, int64_t now_s)
{
    struct rules *rules =
        is_submitted(flusher, chunk) ? flusher->rules : flusher->rules_of[chunk->parcel.worker];
    struct record record = { .kind = LINE_METRIC };
    struct slice body;

    for (uint32_t i = 0; i < RECORDS_A_STEP; i += work_of(&record)) {
        if (!chunk_next_record(chunk, &flusher->step.offset, &record, &body))
            return true;
        if (record.kind >= SUBMITTED_POINTS)
            flusher_submitted(flusher, rules, lane_of(flusher, chunk), &record, body, now_s);
        else
            flusher_record(flusher, rules, &record, body, now_s);
    }
    return false;
}

static bool handle_births(struct flusher *flusher, const struct chunk *chunk, int *left)
{
    struct enricher *enricher = flusher->rules_of[chunk->parcel.worker]->enricher;
    struct birth birth;
    struct slice name, tags;

    for (; *left > 0; (*left)--) {
        if (!chunk_next_birth(chunk, &flusher->step.offset, &birth, &name, &tags))
            return true;
        catalogue_admit(flusher->catalogue, enricher, chunk->parcel.worker, &birth, name, tags);
    }
    return false;
}

/* sum: the imbalance of all workers; off: the part of this worker in it. */
static void set_imbalance(struct counter *sum, uint64_t *off, uint64_t left, uint64_t right)
{
    uint64_t now = left > right ? left - right : right - left;

    counter_set(sum, counter_read(sum) - *off + now);
    *off = now;
}

/* Checks balances 1 and 2 at this seal. The worker's own counts came with the bucket, and all
 * that it pushed before the bucket is handled. */
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

/* Balance 2 of who submits, whose counts came with the chunk. */
static void check_submitted(struct flusher *flusher, const struct chunk *chunk)
{
    uint32_t sender = chunk->parcel.worker;

    if (!is_submitted(flusher, chunk))
        return;
    flusher_submitted_end(flusher);
    set_imbalance(&flusher->config.ledger->values_imbalance, &flusher->values_off[sender],
                  chunk->submitted, flusher->folded_of[sender]);
}

static void retire_contexts(struct flusher *flusher, const struct bucket *bucket)
{
    if (bucket->all_retired)
        catalogue_retire_all(flusher->catalogue, bucket->parcel.worker);
    for (uint32_t i = 0; i < bucket->n_retired; i++)
        catalogue_retire(flusher->catalogue, bucket->parcel.worker, bucket->retired[i]);
    catalogue_trim(flusher->catalogue, bucket->parcel.worker, bucket->n_cells);
}

/* There is no memory for a snapshot: sheds the values of the bucket. */
static void shed_all(struct flusher *flusher, const struct bucket *bucket)
{
    for (uint32_t id = 0; id < bucket->n_cells; id++)
        counter_add(&flusher->config.ledger->shed[SHED_MEMORY], bucket->cells[id].values);
}

/* The worker follows the rules in its bucket from now on. Once every worker does, so do the
 * snapshots that are sealed after that. */
static void take_rules(struct flusher *flusher, struct bucket *bucket)
{
    struct rules *next = bucket->rules;

    if (next == NULL)
        return;
    rules_note_limited(flusher->rules_of[bucket->parcel.worker], flusher->config.ledger);
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
    if (flusher->step.folding == NULL) {
        flusher->step.fold = (struct fold){ 0 };
        flusher->step.folding = flusher_snapshot_for(flusher, bucket, now_ns);
    }
    if (flusher->step.folding == NULL)
        shed_all(flusher, bucket);
    else if (!snapshot_fold(flusher->step.folding, flusher->catalogue, bucket,
                            &flusher->step.fold, CELLS_A_STEP, &flusher->rules->fold))
        return false;
    retire_contexts(flusher, bucket);
    flusher->table_bytes[bucket->parcel.worker] = bucket->table_bytes;
    flusher_tell_workers(flusher);
    if (flusher->step.folding != NULL) {
        if (bucket->until_s > flusher->step.folding->until_s)
            flusher->step.folding->until_s = bucket->until_s;
        if (!bucket->partial)
            flusher_arrived(flusher, flusher->step.folding, bucket->parcel.worker);
    }
    take_rules(
        flusher,
        bucket); /* behind the seal, because that snapshot was filled under the old rules */
    flusher->step.folding = NULL;
    return true;
}

static uint64_t values_handled(const struct flusher_ledger *ledger)
{
    uint64_t sum = counter_read(&ledger->folded);

    for (int reason = SHED_NOTHING + 1; reason < SHED_REASON_COUNT; reason++)
        sum += counter_read(&ledger->shed[reason]);
    return sum;
}

static bool handle_parcel(struct flusher *flusher, struct parcel *parcel, int *births_left,
                          int64_t now_s, int64_t now_ns)
{
    uint64_t before = values_handled(flusher->config.ledger);
    bool done = false;

    switch (parcel->kind) {
    case PARCEL_BIRTHS:
        done = handle_births(flusher, (const struct chunk *)parcel, births_left);
        flusher_tell_workers(flusher);
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
    if (parcel->kind == PARCEL_RECORDS && done)
        check_submitted(flusher, (const struct chunk *)parcel);
    return done;
}

static void finish_parcel(struct flusher *flusher)
{
    struct parcel *done = flusher->first;

    flusher->first = done->next;
    flusher->step.offset = 0;
    flusher_tell_handled(flusher, done);
    if (done->kind == PARCEL_RECORDS && done->worker < flusher->config.workers &&
        done->bytes == sizeof(struct chunk) + CHUNK_BYTES)
        flusher_give_back(flusher, (struct chunk *)done);
    else
        parcel_free(done);
}

/* ---- the outside ------------------------------------------------------- */

/* Handles one parcel, or as many chunks of births as a step allows. While a snapshot is being
 * sent each step also sends a slice, so one chunk a step would be too few for a storm of
 * births; and chunks that wait take memory. */
static void handle_some(struct flusher *flusher, int64_t now_s, int64_t now_ns)
{
    int births_left = BIRTHS_A_STEP;
    bool births = true;

    while (births && births_left > 0 && flusher->first != NULL) {
        births = flusher->first->kind == PARCEL_BIRTHS;
        if (!handle_parcel(flusher, flusher->first, &births_left, now_s, now_ns))
            return;
        finish_parcel(flusher);
        births = births && flusher->first != NULL && flusher->first->kind == PARCEL_BIRTHS;
    }
}

/* Answers a slice of a question, and says which intervals are not whole yet: the one that the
 * workers still fill, and one that is being sent. */
static bool answer(struct flusher *flusher, int64_t now_s)
{
    int64_t flushed_s = (int64_t)counter_read(&flusher->config.ledger->flushed_until_s);
    int64_t start_s = now_s - now_s % flusher->interval_s;

    return answers_step(&flusher->answers,
                        flushed_s > 0 ? flushed_s : flusher->timeline.first_s,
                        start_s + flusher->interval_s);
}

bool flusher_step(struct flusher *flusher, int64_t now_s, int64_t now_ns)
{
    take_parcels(flusher);
    handle_some(flusher, now_s, now_ns);
    if (flusher->sealed != NULL)
        flusher_send(flusher, now_s);
    bool observed = observers_step(&flusher->observers, now_s);
    bool asked = answer(flusher, now_s);
    return flusher->first != NULL || flusher->sealed != NULL || observed || asked;
}

void flusher_tick(struct flusher *flusher, int64_t now_s, int64_t now_ns)
{
    struct snapshot *next;

    flusher_end_records(flusher, now_s);
    timed_tidy(flusher->timed, now_s);
    flusher_tidy_spares(flusher);
    answers_tick(&flusher->answers);
    if (flusher->surveyor != NULL)
        tag_surveyor_step(flusher->surveyor, catalogue_identities(flusher->catalogue), now_s,
                          flusher->config.tag_survey);
    for (struct snapshot *s = flusher->open; s != NULL; s = next) {
        next = s->next;
        if (s != flusher->step.folding && now_ns - s->opened_ns > FLUSHER_LATE_NS)
            flusher_seal(flusher, s);
    }
}

void flusher_finish(struct flusher *flusher, int64_t now_s, int64_t now_ns)
{
    while (flusher_step(flusher, now_s, now_ns))
        ;
    while (flusher->open != NULL)
        flusher_seal(flusher, flusher->open);
    while (flusher_step(flusher, now_s, now_ns))
        ;
    timed_post(flusher->timed, now_s);
    observers_finish(&flusher->observers, now_s);
    flusher_end_records(flusher, now_s);
}
