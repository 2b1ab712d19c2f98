#include "flush/timed.h"

#include <math.h>
#include <stdlib.h>

#include "flush/memory/index.h"
#include "flush/snapshots/points.h"

enum {
    SERIES_MAX = 8192,
    NAMES_BYTES_MAX = 2 << 20, /* of what the series are called */
    POINTS_MAX = 65536,        /* whatever the setting says */
    POINTS_FIRST = 1024,
    /* An entry with more is cut: a payload that was too large is split between entries. */
    ENTRY_POINTS_MAX = 256,
};

struct timed_series {
    uint64_t print[2];
    const struct series_identity *id; /* a view of names; NULL: it is refused */
    uint32_t n_points;
    uint32_t end;         /* of its points among those that are sorted */
    struct identity kept; /* if is_kept, as questions know it; held */
    bool is_kept;
    enum cell_kind cell;
    enum shed_reason refused;
};

struct timed_point {
    struct point point;
    uint32_t series;
};

struct timed {
    struct encoder *encoder;
    struct rollup *rollup; /* or NULL */
    struct flusher_ledger *ledger;
    int64_t interval_s;
    struct rules *rules; /* held; what the series are called by; NULL: there are none */
    struct timed_series *series;
    uint32_t n_series, series_room;
    struct index index; /* of the series by their prints */
    char
        *names; /* room for NAMES_BYTES_MAX, of which pages that were never used take nothing */
    size_t names_used;
    struct timed_point *points; /* in the order in which they came */
    struct point *sorted;       /* room for the same by series */
    uint32_t n_points, points_room, points_most;
    bool used; /* since timed_tidy() was called last */
};

/* ---- life -------------------------------------------------------------- */

struct timed *timed_new(struct encoder *encoder, struct rollup *rollup, int64_t interval_s,
                        struct flusher_ledger *ledger)
{
    struct timed *timed = calloc(1, sizeof *timed);

    if (timed == NULL)
        return NULL;
    timed->encoder = encoder;
    timed->rollup = rollup;
    timed->ledger = ledger;
    timed->interval_s = interval_s;
    return timed;
}

static void release_series(struct timed *timed)
{
    for (uint32_t i = 0; i < timed->n_series; i++)
        if (timed->series[i].is_kept)
            rollup_release(timed->rollup, timed->series[i].kept);
    timed->n_series = 0;
}

/* Gives all memory back. */
static void forget(struct timed *timed)
{
    release_series(timed);
    rules_release(timed->rules);
    timed->rules = NULL;
    free(timed->series);
    timed->series = NULL;
    timed->series_room = 0;
    index_free(&timed->index);
    free(timed->names);
    timed->names = NULL;
    timed->names_used = 0;
    free(timed->points);
    free(timed->sorted);
    timed->points = NULL;
    timed->sorted = NULL;
    timed->n_points = timed->points_room = 0;
}

void timed_free(struct timed *given)
{
    if (given == NULL)
        return;
    forget(given);
    free(given);
}

/* ---- sending ----------------------------------------------------------- */

/* Puts the points of each series one behind the other, in the order in which they came. */
static void sort_points(struct timed *timed)
{
    uint32_t end = 0;

    for (uint32_t i = 0; i < timed->n_series; i++) {
        timed->series[i].end = end;
        end += timed->series[i].n_points;
    }
    for (uint32_t i = 0; i < timed->n_points; i++) {
        const struct timed_point *from = &timed->points[i];

        timed->sorted[timed->series[from->series].end++] = from->point;
    }
}

static void keep_points(struct timed *timed, const struct timed_series *series,
                        const struct point *points, int64_t now_s)
{
    const struct rollup_timed kept = { series->kept, series->cell, 1 };

    if (series->is_kept)
        rollup_add_timed(timed->rollup, &kept, points, series->n_points, now_s);
    else if (timed->rollup != NULL)
        counter_add(&timed->ledger->timed[TIMED_FULL], series->n_points);
}

static void post_series(struct timed *timed, struct timed_series *series, int64_t now_s)
{
    struct point *points = timed->sorted + series->end - series->n_points;
    struct series entry = {
        .id = *series->id,
        .type = series->cell == CELL_COUNT ? SERIES_RATE : SERIES_GAUGE,
        .interval_s = timed->interval_s,
        .points = points,
    };

    keep_points(timed, series, points, now_s);
    /* The sample rate is not applied to timestamped counters (the Agent). */
    for (uint32_t i = 0; series->cell == CELL_COUNT && i < series->n_points; i++)
        points[i].value /= (double)timed->interval_s;

    for (; series->n_points > 0; series->n_points -= (uint32_t)entry.n_points) {
        entry.n_points =
            series->n_points < ENTRY_POINTS_MAX ? series->n_points : ENTRY_POINTS_MAX;
        encoder_timed(timed->encoder, &entry, now_s);
        entry.points += entry.n_points;
    }
}

void timed_post(struct timed *timed, int64_t now_s)
{
    if (timed->n_points == 0)
        return;
    sort_points(timed);
    for (uint32_t i = 0; i < timed->n_series; i++)
        if (timed->series[i].n_points > 0)
            post_series(timed, &timed->series[i], now_s);
    encoder_end_timed(timed->encoder);
    timed->n_points = 0;
}

/* Keeps the memory for other series. */
static void start_anew(struct timed *timed, int64_t now_s)
{
    timed_post(timed, now_s);
    release_series(timed);
    timed->names_used = 0;
    index_free(&timed->index);
}

void timed_tidy(struct timed *timed, int64_t now_s)
{
    if (!timed->used) {
        timed_post(timed, now_s);
        forget(timed);
    }
    timed->used = false;
}

/* Other rules may call the same series otherwise. */
static void follow(struct timed *timed, struct rules *rules, int64_t now_s)
{
    int64_t most = rules->settings->dogstatsd_no_aggregation_pipeline_batch_size;

    if (timed->rules == rules)
        return;
    start_anew(timed, now_s);
    rules_release(timed->rules);
    timed->rules = rules_hold(rules);
    timed->points_most = most < POINTS_MAX ? (uint32_t)most : POINTS_MAX;
}

/* ---- series ------------------------------------------------------------ */

static uint32_t hash_of(const uint64_t print[2])
{
    return (uint32_t)print[0];
}

static struct timed_series *find(struct timed *timed, const uint64_t print[2])
{
    struct index_probe probe = index_begin(&timed->index, hash_of(print));
    uint32_t i;

    while ((i = index_next(&timed->index, &probe)) != INDEX_NONE)
        if (timed->series[i].print[0] == print[0] && timed->series[i].print[1] == print[1])
            return &timed->series[i];
    return NULL;
}

/* Room for one series more. */
static bool reserve_series(struct timed *timed)
{
    uint32_t room = timed->series_room == 0 ? 64 : timed->series_room * 2;

    if (timed->n_series == SERIES_MAX)
        return false;
    if (timed->n_series == timed->series_room) {
        struct timed_series *grown = realloc(timed->series, room * sizeof *grown);

        if (grown == NULL)
            return false;
        timed->series = grown;
        timed->series_room = room;
    }
    if (!index_is_full(&timed->index))
        return true;
    if (!index_clear(&timed->index, timed->series_room))
        return false;
    for (uint32_t i = 0; i < timed->n_series; i++)
        index_put(&timed->index, hash_of(timed->series[i].print), i);
    return true;
}

static size_t identity_size(const struct series_identity *id)
{
    size_t size = sizeof *id + id->n_tags * sizeof id->tags[0] +
                  id->n_resources * sizeof id->resources[0] + id->metric.len + id->host.len;

    for (size_t i = 0; i < id->n_tags; i++)
        size += id->tags[i].len;
    for (size_t i = 0; i < id->n_resources; i++)
        size += id->resources[i].type.len + id->resources[i].name.len;
    return size;
}

/* size bytes of names, aligned to 8; NULL without room. */
static void *take_room(struct timed *timed, size_t size)
{
    size_t used = (timed->names_used + 7) & ~(size_t)7;

    if (timed->names == NULL)
        timed->names = malloc(NAMES_BYTES_MAX);
    if (timed->names == NULL || size > NAMES_BYTES_MAX - used)
        return NULL;
    timed->names_used = used + size;
    return timed->names + used;
}

/* A copy of the identity and of all that it views, in one block; NULL without room. */
static const struct series_identity *keep_identity(struct timed *timed,
                                                   const struct series_identity *id)
{
    struct series_identity *kept = take_room(timed, identity_size(id));

    if (kept == NULL)
        return NULL;
    struct slice *tags = (struct slice *)(kept + 1);
    struct resource *resources = (struct resource *)(tags + id->n_tags);
    char *at = (char *)(resources + id->n_resources);

    for (size_t i = 0; i < id->n_tags; i++)
        tags[i] = slice_copy(id->tags[i], &at);
    for (size_t i = 0; i < id->n_resources; i++)
        resources[i] = (struct resource){ slice_copy(id->resources[i].type, &at),
                                          slice_copy(id->resources[i].name, &at) };
    *kept = (struct series_identity){ .metric = slice_copy(id->metric, &at),
                                      .host = slice_copy(id->host, &at),
                                      .tags = tags,
                                      .n_tags = id->n_tags,
                                      .resources = resources,
                                      .n_resources = id->n_resources };
    return kept;
}

/* Finds what the sample's series is called, or why it is refused. False: there is no room. */
static bool name_series(struct timed *timed, const struct timed_sample *sample,
                        struct timed_series *out)
{
    struct identity_scratch scratch;
    struct enriched enriched;

    *out = (struct timed_series){ .print = { sample->print[0], sample->print[1] },
                                  .cell = (enum cell_kind)sample->cell };
    out->refused =
        enrich_metric(timed->rules->enricher, sample->name, sample->tags, out->cell, &enriched);
    if (out->refused != SHED_NOTHING)
        return out->refused != SHED_MEMORY;
    struct series_identity id =
        points_identity(&scratch, enriched.name, enriched.host, enriched.tags, enriched.n_tags);

    out->id = keep_identity(timed, &id);
    out->is_kept = out->id != NULL && timed->rollup != NULL &&
                   rollup_hold(timed->rollup, enriched.name, enriched.host, enriched.tags,
                               enriched.n_tags, &out->kept);
    return out->id != NULL;
}

/* NULL: there is no room for one series more. */
static struct timed_series *add_series(struct timed *timed, const struct timed_sample *sample)
{
    struct timed_series *series;

    if (!reserve_series(timed))
        return NULL;
    series = &timed->series[timed->n_series];
    if (!name_series(timed, sample, series))
        return NULL;
    index_put(&timed->index, hash_of(sample->print), timed->n_series++);
    return series;
}

static struct timed_series *series_of(struct timed *timed, struct rules *rules,
                                      const struct timed_sample *sample, int64_t now_s)
{
    follow(timed, rules, now_s);
    struct timed_series *series = find(timed, sample->print);

    if (series == NULL)
        series = add_series(timed, sample);
    if (series != NULL)
        return series;
    start_anew(timed, now_s);
    follow(timed, rules, now_s);
    return add_series(timed, sample);
}

/* ---- points ------------------------------------------------------------ */

static void grow_points(struct timed *timed)
{
    uint32_t room = timed->points_room == 0 ? POINTS_FIRST : timed->points_room * 2;

    if (room > timed->points_most)
        room = timed->points_most;
    struct timed_point *points = realloc(timed->points, room * sizeof *points);

    if (points != NULL)
        timed->points = points;
    struct point *sorted = realloc(timed->sorted, room * sizeof *sorted);

    if (sorted != NULL)
        timed->sorted = sorted;
    if (points != NULL && sorted != NULL)
        timed->points_room = room;
}

/* Whether a further point can be added. A batch that cannot grow for want of memory is posted.
 */
static bool has_room(struct timed *timed, int64_t now_s)
{
    if (timed->n_points == timed->points_room)
        grow_points(timed);
    if (timed->n_points == timed->points_room)
        timed_post(timed, now_s);
    return timed->points_room > 0;
}

static void add_point(struct timed *timed, struct timed_series *series, struct point point)
{
    uint32_t number = (uint32_t)(series - timed->series);

    timed->points[timed->n_points++] = (struct timed_point){ point, number };
    series->n_points++;
}

static enum shed_reason add_value(struct timed *timed, struct timed_series *series,
                                  struct point point, int64_t now_s)
{
    if (!isfinite(point.value))
        return SHED_NOT_FINITE;
    if (!has_room(timed, now_s))
        return SHED_MEMORY;
    add_point(timed, series, point);
    if (timed->n_points == timed->points_most)
        timed_post(timed, now_s);
    return SHED_NOTHING;
}

static void shed(struct timed *timed, enum shed_reason reason, uint64_t values)
{
    counter_add(&timed->ledger->shed[reason], values);
}

void timed_add(struct timed *timed, struct rules *rules, const struct timed_sample *sample,
               int64_t now_s)
{
    struct timed_series *series = series_of(timed, rules, sample, now_s);
    enum shed_reason refused = series != NULL ? series->refused : SHED_MEMORY;

    timed->used = true;
    if (refused != SHED_NOTHING) {
        shed(timed, refused, sample->n_values);
        return;
    }
    uint64_t folded = 0;

    for (uint32_t i = 0; i < sample->n_values; i++) {
        struct point point = { sample->time_s, timed_value(sample, i) };

        refused = add_value(timed, series, point, now_s);
        if (refused != SHED_NOTHING)
            shed(timed, refused, 1);
        else
            folded++;
    }
    counter_add(&timed->ledger->folded, folded);
}
