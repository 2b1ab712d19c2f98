/* A sealed snapshot, slice by slice: each series' points go to the encoder and to the
 * observers. */
#include "flush/flusher_internal.h"

#include <inttypes.h>

#include "config/log.h"
#include "flush/snapshots/points.h"

enum {
    SERIES_A_STEP = 8192,
    MERGED_WEIGHT = 32 /* a set or sketch that goes into each rollup, against a number */
};

/* Checks the flusher's end of balance 3: what was encoded, item by item, against what the
 * finished payloads say that they hold. Only while no payload is open. */
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

void flusher_end_records(struct flusher *flusher, int64_t now_s)
{
    timed_post(flusher->timed, now_s);
    encoder_end_records(flusher->encoder, now_s);
    check_points(flusher);
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
    rules_note_limited(flusher->rules, flusher->config.ledger);
    encoder_end_snapshot(flusher->encoder);
    flusher_end_records(flusher, now_s); /* who waits for the interval waits for these, too */
    observers_end(&flusher->observers, snapshot->stamp_s);
    flusher->sealed = snapshot->next;
    flusher->step.next_series = 0;
    catalogue_expire(flusher->catalogue, snapshot->start_s, is_unsent, flusher);
    flusher_tell_workers(flusher);
    flusher_offer_room(flusher);
    /* With control's acquire: first the payloads, then this. */
    atomic_store_explicit(&flusher->config.ledger->flushed_until_s.n,
                          (uint64_t)snapshot->until_s, memory_order_release);
    counter_add(&flusher->config.ledger->snapshots, 1);
    log_debug("flusher: the interval of %" PRId64 " is encoded, %" PRIu64 " series",
              snapshot->start_s, counter_read(&flusher->config.ledger->series));
    snapshot_free(snapshot);
    check_points(flusher);
}

/* Sends the next series. Returns how much work that was, in units of a plain number. */
static int send_series(struct flusher *flusher, struct snapshot *snapshot, int64_t now_s)
{
    uint32_t series = flusher->step.next_series;
    struct snapshot_series shown;
    struct points points;
    struct made_point made;

    if (!snapshot_show(snapshot, flusher->catalogue, series, &shown))
        return 1;
    const struct cell_kind_row *row = &cell_kinds[shown.kind];
    bool merged = row->object != NULL && row->shown != SHOWN_AGGREGATES;
    points_begin(&points, snapshot, flusher->catalogue, &shown, &snapshot->rules->points);
    while (points_next(&points, &made)) {
        if (made.number != NULL)
            encoder_series(flusher->encoder, made.number, now_s);
        else
            encoder_sketch(flusher->encoder, made.sketch, now_s);
        observers_point(&flusher->observers, &shown, &made);
    }
    observers_series(&flusher->observers, &shown);
    return merged && flusher->rollup != NULL ? MERGED_WEIGHT : 1;
}

/* The observers do not see these gauges: they see what clients sent. */
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
    timed_post(flusher->timed, now_s);
    encoder_follow(flusher->encoder, rules->settings, now_s);
    rules_release(flusher->sending);
    flusher->sending = rules_hold(rules);
}

/* If another instance lives under the name of this host, marks our series, so that its points
 * do not replace ours. */
static void mark_series(struct flusher *flusher)
{
    const _Atomic(uint64_t) *others = flusher->config.duplicates;

    if (others != NULL)
        encoder_mark(flusher->encoder, atomic_load_explicit(others, memory_order_relaxed) > 0
                                           ? slice_of(flusher->config.duplicate_tag)
                                           : SLICE(""));
}

/* False: it cannot begin yet, because an observer has something to write before. */
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

void flusher_send(struct flusher *flusher, int64_t now_s)
{
    struct snapshot *snapshot = flusher->sealed;
    uint32_t first = flusher->step.next_series;

    if (first == 0 && !begin_sending(flusher, snapshot, now_s))
        return;
    for (int left = SERIES_A_STEP; left > 0 && flusher->step.next_series < snapshot->end;
         flusher->step.next_series++)
        left -= send_series(flusher, snapshot, now_s);
    snapshot_forget(snapshot, first, flusher->step.next_series);
    if (flusher->step.next_series == snapshot->end)
        finish_snapshot(flusher, snapshot, now_s);
}
