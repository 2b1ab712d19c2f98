/* What is submitted over HTTP: points with their times go to the encoder as they are, of the
 * type that they came with; the values of a distribution become one sketch of their second. */
#include "flush/flusher_internal.h"
#include "flush/snapshots/points.h"

enum { POINTS_AT_ONCE = 256, AHEAD_MAX_S = 600 };

static void shed(struct flusher *flusher, enum shed_reason reason, uint64_t values)
{
    counter_add(&flusher->config.ledger->shed[reason], values);
}

/* ---- points ------------------------------------------------------------ */

static enum series_type type_of(enum submitted_type type)
{
    return type == SUBMITTED_COUNT  ? SERIES_COUNT
           : type == SUBMITTED_RATE ? SERIES_RATE
                                    : SERIES_GAUGE;
}

/* Encodes up to so many points from the first on, and returns how many were looked at. */
static uint32_t send_points(struct flusher *flusher, const struct submitted *submitted,
                            uint32_t first, struct series *series, int64_t now_s)
{
    struct point points[POINTS_AT_ONCE];
    uint32_t looked = 0;

    series->points = points;
    series->n_points = 0;
    for (; looked < POINTS_AT_ONCE && first + looked < submitted->n; looked++) {
        struct submitted_point point = submitted_point(submitted, first + looked);

        if (point.time_s > now_s + AHEAD_MAX_S)
            shed(flusher, SHED_REFUSED_TIME, 1);
        else
            points[series->n_points++] = (struct point){ point.time_s, point.value };
    }
    if (series->n_points > 0)
        encoder_timed(flusher->encoder, series, now_s);
    counter_add(&flusher->config.ledger->folded, series->n_points);
    series->points = NULL;
    return looked;
}

static void handle_points(struct flusher *flusher, const struct submitted *submitted,
                          const struct series_identity *id, int64_t now_s)
{
    struct series series = {
        .id = *id,
        .type = type_of(submitted->type),
        .interval_s = submitted->interval_s,
        .unit = submitted->unit,
    };

    for (uint32_t at = 0; at < submitted->n;)
        at += send_points(flusher, submitted, at, &series, now_s);
}

/* ---- a distribution ---------------------------------------------------- */

static bool make_sketch(struct arena *arena, const struct submitted *submitted,
                        struct sketch_point *out)
{
    struct sketch *sketch = sketch_new(arena);
    bool made = sketch != NULL;

    for (uint32_t i = 0; made && i < submitted->n; i++)
        made = sketch_add(sketch, arena, submitted_value(submitted, i), 1);
    made = made && sketch_bins(sketch, arena, &out->bins, &out->n_bins);
    if (made)
        sketch_summary(sketch, &out->summary);
    return made;
}

static void handle_distribution(struct flusher *flusher, const struct submitted *submitted,
                                const struct series_identity *id, int64_t now_s)
{
    struct sketch_point point = { .time_s = submitted->time_s };
    struct sketch_series series = { .id = *id, .points = &point, .n_points = 1 };
    struct arena arena;

    if (submitted->time_s > now_s + AHEAD_MAX_S) {
        shed(flusher, SHED_REFUSED_TIME, submitted->n);
        return;
    }
    arena_init(&arena, flusher->config.budget);
    if (make_sketch(&arena, submitted, &point)) {
        encoder_sketch(flusher->encoder, &series, now_s);
        counter_add(&flusher->config.ledger->folded, submitted->n);
    } else {
        shed(flusher, SHED_MEMORY, submitted->n);
    }
    arena_free(&arena);
}

/* ---- records ----------------------------------------------------------- */

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
    struct series_identity id =
        points_identity(&scratch, enriched.name, enriched.host, enriched.tags, enriched.n_tags);

    if (distribution)
        handle_distribution(flusher, &submitted, &id, now_s);
    else
        handle_points(flusher, &submitted, &id, now_s);
}

/* Sketches wait for the end of a snapshot; if none is being sent there may be none for long. */
void flusher_submitted_end(struct flusher *flusher)
{
    if (flusher->sealed == NULL)
        encoder_end_snapshot(flusher->encoder);
}
