/* What a successor goes on with: the series, the timeline and the snapshots that are open. */
#include "flush/flusher_internal.h"

#include "config/clock.h"
#include "config/log.h"
#include "flush/snapshots/state_series.h"

/* Where the past is kept on disk, the successor finds there all that was open once. */
static bool is_on_disk(const struct rollup *rollup)
{
    const struct past *past = rollup != NULL ? rollup_past(rollup) : NULL;

    return past != NULL && past->ops->will_have(past->self);
}

static void hand_over_windows(struct flusher *flusher, struct state_writer *out)
{
    if (flusher->rollup == NULL)
        return;
    state_begin(out, STATE_WINDOWS);
    if (is_on_disk(flusher->rollup))
        rollup_write_early(flusher->rollup, out);
    else
        rollup_write(flusher->rollup, out);
    if (state_settle(out))
        return;
    log_warn("flusher: there is no memory to hand over what is kept for questions");
    state_cancel(out);
}

static void hand_over_recent(struct flusher *flusher, struct state_writer *out)
{
    state_begin(out, STATE_RECENT);
    recent_hand_over(flusher->recent, is_on_disk(flusher->rollup), out);
    check_statuses_hand_over(flusher->checks, out);
    if (state_settle(out))
        return;
    log_warn("flusher: there is no memory to hand over the last events and checks");
    state_cancel(out);
}

bool flusher_restore_recent(struct flusher *flusher, struct state_reader in)
{
    bool recent = in.at == NULL || recent_restore(flusher->recent, &in);

    if (in.at == NULL || (check_statuses_restore(flusher->checks, &in) && recent))
        return true;
    log_warn(
        "flusher: some of the last events and checks are damaged in the inherited state, or "
        "there is no room for them");
    counter_add(&flusher->config.ledger->state_refused, 1);
    return false;
}

bool flusher_restore_windows(struct flusher *flusher, struct state_reader in)
{
    if (in.at == NULL || flusher->rollup == NULL || rollup_restore(flusher->rollup, &in))
        return true;
    log_error(
        "flusher: what was kept for questions is damaged in the inherited state, or there "
        "is no memory for it: it is lost");
    counter_add(&flusher->config.ledger->state_refused, 1);
    return false;
}

bool flusher_hand_over(struct flusher *flusher, int64_t now_s, int64_t now_ns,
                       struct state_writer *out)
{
    uint64_t values = 0, n = 0;

    while (flusher_step(flusher, now_s, now_ns))
        ;
    timed_post(flusher->timed, now_s);
    hand_over_windows(flusher, out);
    hand_over_recent(flusher, out);
    /* The mirror ends for good here: that of the successor writes into fields of its own. */
    observers_finish(&flusher->observers, now_s);
    flusher_end_records(flusher, now_s);
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

/* Reads an open snapshot. Our workers still fill its interval, or are beyond it; so it waits
 * for their buckets until its end and two seconds longer. If its interval has another length
 * than ours, it waits for nothing. */
static bool restore_snapshot(struct flusher *flusher, struct state_reader *in,
                             const struct state_numbers *numbers, int64_t interval_s,
                             int64_t wall_ns, int64_t now_ns)
{
    struct snapshot *snapshot = flusher_open(flusher, 0, now_ns);

    if (snapshot == NULL || !state_get_snapshot(in, snapshot, numbers))
        return false;
    int64_t most_s = wall_ns / 1000000000 + flusher->interval_s + CLOCK_AHEAD_MAX_S;

    if (snapshot->start_s < 0 || snapshot->start_s > most_s)
        return false;
    int64_t end_s = snapshot->start_s - snapshot->start_s % interval_s + interval_s;
    int64_t end_ns = end_s * 1000000000;

    snapshot->until_s = end_s;
    snapshot->opened_ns = interval_s == flusher->interval_s ? now_ns + (end_ns - wall_ns)
                                                            : now_ns - FLUSHER_LATE_NS;
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
        log_warn("flusher: %zu inherited series have no room here "
                 "(heeler_max_contexts)",
                 numbers.refused);
    state_numbers_free(&numbers);
    if (good)
        return true;
    log_error("flusher: the inherited state is damaged, or there is no memory for "
              "it: its open interval is lost");
    counter_add(&flusher->config.ledger->state_refused, 1);
    flusher_free_snapshots(flusher->open);
    flusher->open = NULL;
    return false;
}
