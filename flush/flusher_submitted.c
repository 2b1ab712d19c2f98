/* What is submitted over HTTP: points with their times go to the encoder as they are, of the
 * type that they came with; the values of a distribution become one sketch of their second.
 * Both go into the rollups by their times. */
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
    bool is_kept;
    int64_t now_s;
};

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
    if (series.n_points > 0)
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

/* NULL without memory. */
static struct sketch *make_sketch(struct arena *arena, const struct submitted *submitted,
                                  struct sketch_point *out)
{
    struct sketch *sketch = sketch_new(arena);
    bool made = sketch != NULL;

    for (uint32_t i = 0; made && i < submitted->n; i++)
        made = sketch_add(sketch, arena, submitted_value(submitted, i), 1);
    if (!made || !sketch_bins(sketch, arena, &out->bins, &out->n_bins))
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
                                submitted->n, submission->now_s);
    else if (flusher->rollup != NULL)
        counter_add(&flusher->config.ledger->timed[TIMED_FULL], submitted->n);
}

static void handle_distribution(struct flusher *flusher, const struct submission *submission)
{
    const struct submitted *submitted = submission->submitted;
    struct sketch_point point = { .time_s = submitted->time_s };
    struct sketch_series series = { .id = submission->id, .points = &point, .n_points = 1 };
    struct arena arena;

    if (submitted->time_s > submission->now_s + CLOCK_AHEAD_MAX_S) {
        shed(flusher, SHED_REFUSED_TIME, submitted->n);
        return;
    }
    arena_init(&arena, flusher->config.budget);
    struct sketch *sketch = make_sketch(&arena, submitted, &point);

    if (sketch != NULL) {
        encoder_sketch(flusher->encoder, &series, submission->now_s);
        counter_add(&flusher->config.ledger->folded, submitted->n);
        keep_sketch(flusher, submission, sketch);
    } else {
        shed(flusher, SHED_MEMORY, submitted->n);
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
    if (submitted->kind == SUBMITTED_DISTRIBUTION)
        handle_distribution(flusher, submission);
    else
        handle_points(flusher, submission);
    if (submission->is_kept)
        rollup_release(flusher->rollup, submission->timed.id);
}

void flusher_submitted(struct flusher *flusher, struct rules *rules,
                       const struct record *record, struct slice body, int64_t now_s)
{
    struct submitted submitted = submitted_read(record, body);
    bool distribution = submitted.kind == SUBMITTED_DISTRIBUTION;
    enum cell_kind kind = distribution                        ? CELL_DISTRIBUTION
                          : submitted.type == SUBMITTED_GAUGE ? CELL_GAUGE
                                                              : CELL_COUNT;
    struct identity_scratch scratch;
    struct enriched enriched;
    enum shed_reason refused =
        enrich_metric(rules->enricher, submitted.name, submitted.tags, kind, &enriched);

    if (refused != SHED_NOTHING) {
        shed(flusher, refused, submitted.n);
        return;
    }
    struct submission submission = {
        .submitted = &submitted,
        .id = points_identity(&scratch, enriched.name, enriched.host, enriched.tags,
                              enriched.n_tags),
        .timed = { .kind = kind },
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
