#include "flush/snapshots/timeline.h"

#include "config/clock.h"

void timeline_init(struct timeline *timeline, int64_t interval_s, int64_t first_s)
{
    *timeline = (struct timeline){ .interval_s = interval_s, .first_s = first_s };
}

/* Whether an interval lies so far before the last one that the clock was set back for good. */
static bool begins_anew(const struct timeline *timeline, int64_t start_s)
{
    return timeline->any_sealed && start_s + CLOCK_AHEAD_MAX_S < timeline->last_start_s;
}

bool timeline_is_over(const struct timeline *timeline, int64_t start_s)
{
    return timeline->any_sealed && start_s <= timeline->last_start_s &&
           !begins_anew(timeline, start_s);
}

static bool is_used(const struct timeline *timeline, int64_t stamp_s)
{
    for (size_t i = 0; i < TIMELINE_STAMPS_KEPT && i < timeline->n_stamps; i++)
        if (timeline->stamps[i] == stamp_s)
            return true;
    return false;
}

/* The first free second of the interval. If all of them were used before the clock was set
 * back, the first is used again, and the intake keeps the newer points. */
static int64_t choose_stamp(const struct timeline *timeline, int64_t start_s)
{
    int64_t first = start_s;

    if (!timeline->any_sealed && first < timeline->first_s)
        first = timeline->first_s;
    if (timeline->any_sealed && !begins_anew(timeline, start_s) &&
        first <= timeline->last_stamp_s)
        first = timeline->last_stamp_s + 1;
    for (int64_t stamp_s = first; stamp_s < first + timeline->interval_s; stamp_s++)
        if (!is_used(timeline, stamp_s))
            return stamp_s;
    return first;
}

int64_t timeline_seal(struct timeline *timeline, int64_t start_s)
{
    int64_t stamp_s = choose_stamp(timeline, start_s);

    if (!timeline_is_over(timeline, start_s))
        timeline->last_start_s = start_s;
    timeline->any_sealed = true;
    timeline->last_stamp_s = stamp_s;
    timeline->stamps[timeline->n_stamps++ % TIMELINE_STAMPS_KEPT] = stamp_s;
    return stamp_s;
}

void timeline_write(const struct timeline *timeline, struct state_writer *out)
{
    uint64_t n =
        timeline->n_stamps < TIMELINE_STAMPS_KEPT ? timeline->n_stamps : TIMELINE_STAMPS_KEPT;

    state_put_signed(out, timeline->interval_s);
    state_put_signed(out, timeline->first_s);
    state_put_number(out, timeline->any_sealed);
    state_put_signed(out, timeline->last_start_s);
    state_put_signed(out, timeline->last_stamp_s);
    state_put_number(out, n);
    for (uint64_t i = timeline->n_stamps - n; i < timeline->n_stamps; i++)
        state_put_signed(out, timeline->stamps[i % TIMELINE_STAMPS_KEPT]);
}

/* What cannot be told in nanoseconds is damage: stamps are computed with. */
static int64_t get_second(struct state_reader *in)
{
    int64_t second = state_get_signed(in);
    bool fits = second >= 0 && second <= INT64_MAX / 1000000000;

    in->failed = in->failed || !fits;
    return fits ? second : 0;
}

int64_t timeline_read(struct timeline *timeline, struct state_reader *in)
{
    int64_t interval_s = state_get_signed(in);

    timeline->first_s = get_second(in);
    timeline->any_sealed = state_get_number(in) != 0;
    timeline->last_start_s = get_second(in);
    timeline->last_stamp_s = get_second(in);
    size_t n = state_get_count(in, 1);

    in->failed = in->failed || n > TIMELINE_STAMPS_KEPT;
    for (size_t i = 0; i < n && !in->failed; i++)
        timeline->stamps[timeline->n_stamps++] = get_second(in);
    return interval_s;
}
