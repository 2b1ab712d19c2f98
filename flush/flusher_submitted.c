/* What is submitted: points with their times go to the encoder as they are, of the type that
 * they came with; the values of a distribution become one sketch of their second. Both go into
 * the rollups by their times, and what is kept here goes nowhere else. */
#include "config/clock.h"
#include "flush/flusher_internal.h"
#include "flush/snapshots/points.h"

enum { POINTS_AT_ONCE = 256 };

static void shed(struct flusher *flusher, enum shed_reason reason, uint64_t values)
{
    counter_add(&flusher->config.ledger->shed[reason], values);
}

/* A series on its way to both. */
struct submission {
    const struct submitted *submitted;
    struct series_identity id; /* as the intake knows it */
    struct rollup_timed timed; /* as questions do; id: held if is_kept */
    bool is_kept;              /* there is room for it in the rollups */
    bool kept_here;            /* no intake gets it */
    int64_t now_s;
};

static bool lane_is_kept_here(enum submitted_lane lane)
{
#define KEPT_HERE(id, kept_here) [id] = (kept_here),
    static const bool lanes[] = { SUBMITTED_LANES(KEPT_HERE) };
#undef KEPT_HERE

    return lanes[lane];
}

/* ---- points ------------------------------------------------------------ */

static enum series_type type_of(enum submitted_type type)
{
    return type == SUBMITTED_COUNT  ? SERIES_COUNT
           : type == SUBMITTED_RATE ? SERIES_RATE
                                    : SERIES_GAUGE;
}

/* How long a point of a counter stands for, as far as it was said. */
static int64_t seconds_of(const struct flusher *flusher, const struct submitted *submitted)
{
    return submitted->interval_s > 0 ? submitted->interval_s : flusher->interval_s;
}

/* Rates become what was counted. */
static void keep_points(struct flusher *flusher, const struct submission *submission,
                        struct point *points, size_t n)
{
    if (submission->submitted->type == SUBMITTED_RATE)
        for (size_t i = 0; i < n; i++)
            points[i].value *= (double)seconds_of(flusher, submission->submitted);
    if (submission->is_kept)
        rollup_add_timed(flusher->rollup, &submission->timed, points, n, submission->now_s);
    else if (flusher->rollup != NULL)
        counter_add(&flusher->config.ledger->timed[TIMED_FULL], n);
}

/* Takes up to so many points from the first on, and returns how many were looked at. */
static uint32_t send_points(struct flusher *flusher, const struct submission *submission,
                            uint32_t first)
{
    const struct submitted *submitted = submission->submitted;
    struct point points[POINTS_AT_ONCE];
    struct series series = {
        .id = submission->id,
        .type = type_of(submitted->type),
        .interval_s = submitted->interval_s,
        .unit = submitted->unit,
        .points = points,
    };
    uint32_t looked = 0;

    for (; looked < POINTS_AT_ONCE && first + looked < submitted->n; looked++) {
        struct submitted_point point = submitted_point(submitted, first + looked);

        if (point.time_s > submission->now_s + CLOCK_AHEAD_MAX_S)
            shed(flusher, SHED_REFUSED_TIME, 1);
        else
            points[series.n_points++] = (struct point){ point.time_s, point.value };
    }
    if (series.n_points > 0 && !submission->kept_here)
        encoder_timed(flusher->encoder, &series, submission->now_s);
    counter_add(&flusher->config.ledger->folded, series.n_points);
    keep_points(flusher, submission, points, series.n_points);
    return looked;
}

static void handle_points(struct flusher *flusher, const struct submission *submission)
{
    for (uint32_t at = 0; at < submission->submitted->n;)
        at += send_points(flusher, submission, at);
}

/* ---- a distribution ---------------------------------------------------- */

/* NULL without memory, as below. */
static struct sketch *sketch_of_values(struct arena *arena, const struct submitted *submitted)
{
    struct sketch *sketch = sketch_new(arena);

    for (uint32_t i = 0; sketch != NULL && i < submitted->n; i++)
        if (!sketch_add(sketch, arena, submitted_value(submitted, i), 1))
            return NULL;
    return sketch;
}

static struct sketch *sketch_of_bins(struct arena *arena, const struct submitted *submitted)
{
    struct sketch_bin *bins = arena_alloc(arena, submitted->n * sizeof *bins);

    if (bins == NULL)
        return NULL;
    memcpy(bins, submitted->values, submitted->n * sizeof *bins);
    return sketch_restore(arena, &submitted->summary, bins, submitted->n);
}

static struct sketch *make_sketch(struct arena *arena, const struct submitted *submitted,
                                  struct sketch_point *out)
{
    struct sketch *sketch = submitted->kind == SUBMITTED_SKETCH
                                ? sketch_of_bins(arena, submitted)
                                : sketch_of_values(arena, submitted);

    if (sketch == NULL || !sketch_bins(sketch, arena, &out->bins, &out->n_bins))
        return NULL;
    sketch_summary(sketch, &out->summary);
    return sketch;
}

static void keep_sketch(struct flusher *flusher, const struct submission *submission,
                        struct sketch *sketch)
{
    const struct submitted *submitted = submission->submitted;

    if (submission->is_kept)
        rollup_add_timed_object(flusher->rollup, &submission->timed, submitted->time_s, sketch,
                                submitted_values(submitted), submission->now_s);
    else if (flusher->rollup != NULL)
        counter_add(&flusher->config.ledger->timed[TIMED_FULL], submitted_values(submitted));
}

static void handle_distribution(struct flusher *flusher, const struct submission *submission)
{
    const struct submitted *submitted = submission->submitted;
    struct sketch_point point = { .time_s = submitted->time_s };
    struct sketch_series series = { .id = submission->id, .points = &point, .n_points = 1 };
    struct arena arena;

    if (submitted->time_s > submission->now_s + CLOCK_AHEAD_MAX_S) {
        shed(flusher, SHED_REFUSED_TIME, submitted_values(submitted));
        return;
    }
    arena_init(&arena, flusher->config.budget);
    struct sketch *sketch = make_sketch(&arena, submitted, &point);

    if (sketch != NULL) {
        if (!submission->kept_here)
            encoder_sketch(flusher->encoder, &series, submission->now_s);
        counter_add(&flusher->config.ledger->folded, submitted_values(submitted));
        keep_sketch(flusher, submission, sketch);
    } else {
        shed(flusher, SHED_MEMORY, submitted_values(submitted));
    }
    arena_free(&arena);
}

/* ---- records ----------------------------------------------------------- */

/* Holds the series for questions, if there is room, while it is handled. */
static void handle(struct flusher *flusher, struct submission *submission,
                   const struct enriched *enriched)
{
    const struct submitted *submitted = submission->submitted;

    submission->timed.intervals =
        (double)seconds_of(flusher, submitted) / (double)flusher->interval_s;
    submission->is_kept = flusher->rollup != NULL &&
                          rollup_hold(flusher->rollup, enriched->name, enriched->host,
                                      enriched->tags, enriched->n_tags, &submission->timed.id);
    if (submitted->kind == SUBMITTED_POINTS)
        handle_points(flusher, submission);
    else
        handle_distribution(flusher, submission);
    if (submission->is_kept)
        rollup_release(flusher->rollup, submission->timed.id);
}

static enum cell_kind kind_of(const struct submitted *submitted)
{
    return submitted->kind != SUBMITTED_POINTS  ? CELL_DISTRIBUTION
           : submitted->type == SUBMITTED_GAUGE ? CELL_GAUGE
                                                : CELL_COUNT;
}

/* What is kept here is named by us: no mapper, namespace or filter is asked. */
static enum shed_reason name_series(struct enricher *enricher,
                                    const struct submitted *submitted, bool kept_here,
                                    struct enriched *out)
{
    if (!kept_here)
        return enrich_metric(enricher, submitted->name, submitted->tags, kind_of(submitted),
                             out);
    if (!enrich_record(enricher, submitted->tags, SLICE(""), out))
        return SHED_MEMORY;
    out->name = submitted->name;
    return SHED_NOTHING;
}

void flusher_submitted(struct flusher *flusher, struct rules *rules, enum submitted_lane lane,
                       const struct record *record, struct slice body, int64_t now_s)
{
    struct submitted submitted = submitted_read(record, body);
    bool kept_here = lane_is_kept_here(lane);
    struct identity_scratch scratch;
    struct enriched enriched;
    enum shed_reason refused = name_series(rules->enricher, &submitted, kept_here, &enriched);

    if (refused != SHED_NOTHING) {
        shed(flusher, refused, submitted_values(&submitted));
        return;
    }
    struct submission submission = {
        .submitted = &submitted,
        .id = points_identity(&scratch, enriched.name, enriched.host, enriched.tags,
                              enriched.n_tags),
        .timed = { .kind = kind_of(&submitted) },
        .kept_here = kept_here,
        .now_s = now_s,
    };

    handle(flusher, &submission, &enriched);
}

/* Sketches wait for the end of a snapshot; if none is being sent there may be none for long. */
void flusher_submitted_end(struct flusher *flusher)
{
    if (flusher->sealed == NULL)
        encoder_end_snapshot(flusher->encoder);
}
