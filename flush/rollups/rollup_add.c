/* How values are added to the open windows. */
#include "flush/rollups/rollup_internal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "flush/snapshots/points.h"

/* ---- blobs of the open windows ----------------------------------------- */

struct rollup_blob *rollup_open_blob(const struct rollup *rollup, uint32_t number, size_t level)
{
    uint32_t extra = rollup->entries[number].extra;

    return extra != 0 ? &rollup->extras[(extra - 1) * rollup->n_levels + level] : NULL;
}

static bool grow_extras(struct rollup *rollup)
{
    uint32_t capacity = rollup->extras_capacity > 0 ? rollup->extras_capacity * 2 : 16;
    size_t size = capacity * rollup->n_levels * sizeof *rollup->extras;

    if (!rollup_make_room(rollup, size / 2))
        return false;
    struct rollup_blob *grown = realloc(rollup->extras, size);
    if (grown == NULL)
        return false;
    rollup->extras = grown;
    rollup->extras_capacity = capacity;
    return true;
}

static bool give_extra(struct rollup *rollup, uint32_t number)
{
    uint32_t extra = rollup->free_extra;

    if (rollup->entries[number].extra != 0)
        return true;
    if (extra != ROLLUP_NO_SERIES) {
        rollup->free_extra = rollup->extras[extra * rollup->n_levels].len;
    } else {
        if (rollup->n_extras == rollup->extras_capacity && !grow_extras(rollup))
            return false;
        extra = rollup->n_extras++;
    }
    memset(&rollup->extras[extra * rollup->n_levels], 0,
           rollup->n_levels * sizeof *rollup->extras);
    rollup->entries[number].extra = extra + 1;
    return true;
}

void rollup_clear_blob(struct rollup *rollup, struct rollup_blob *blob)
{
    if (blob == NULL || blob->at == NULL)
        return;
    rollup->blobs -= blob->len + ROLLUP_MALLOC_HEAD;
    free(blob->at);
    *blob = (struct rollup_blob){ 0 };
}

void rollup_take_extra(struct rollup *rollup, uint32_t number)
{
    struct rollup_series *entry = &rollup->entries[number];

    if (entry->extra == 0)
        return;
    for (size_t i = 0; i < rollup->n_levels; i++)
        rollup_clear_blob(rollup, rollup_open_blob(rollup, number, i));
    rollup->extras[(entry->extra - 1) * rollup->n_levels].len = rollup->free_extra;
    rollup->free_extra = entry->extra - 1;
    entry->extra = 0;
}

/* Replaces the blob by the bytes that were written to the scratch. */
static bool set_blob(struct rollup *rollup, struct rollup_blob *blob)
{
    const struct bytes *packed = &rollup->packed;

    if (packed->failed || !rollup_make_room(rollup, packed->len + ROLLUP_MALLOC_HEAD))
        return false;
    uint8_t *copy = malloc(packed->len);
    if (copy == NULL)
        return false;
    memcpy(copy, packed->at, packed->len);
    rollup_clear_blob(rollup, blob);
    blob->at = copy;
    blob->len = (uint32_t)packed->len;
    rollup->blobs += packed->len + ROLLUP_MALLOC_HEAD;
    return true;
}

bool rollup_copy_blob(struct rollup *rollup, struct rollup_blob *blob, struct slice from)
{
    bytes_clear(&rollup->packed);
    bytes_add(&rollup->packed, from.at, from.len);
    return set_blob(rollup, blob);
}

bool rollup_set_open_blob(struct rollup *rollup, uint32_t number, size_t level,
                          struct slice blob)
{
    return give_extra(rollup, number) &&
           rollup_copy_blob(rollup, rollup_open_blob(rollup, number, level), blob);
}

static bool merge_object(struct rollup *rollup, struct rollup_blob *blob,
                         const struct object_ops *ops, void *more)
{
    void *all = blob->at != NULL ? ops->unpack(blob->at, blob->len, &rollup->scratch)
                                 : ops->make(&rollup->scratch);

    bytes_clear(&rollup->packed);
    return all != NULL && ops->merge(all, &rollup->scratch, more, NULL) &&
           ops->pack(&rollup->packed, all, &rollup->scratch) && set_blob(rollup, blob);
}

bool rollup_merge_blob(struct rollup *rollup, struct rollup_blob *blob, enum cell_kind kind,
                       void *object)
{
    bool merged = merge_object(rollup, blob, cell_kinds[kind].object, object);

    arena_free(&rollup->scratch);
    return merged;
}

bool rollup_merge_open_blob(struct rollup *rollup, uint32_t number, size_t level,
                            enum cell_kind kind, void *object)
{
    return give_extra(rollup, number) &&
           rollup_merge_blob(rollup, rollup_open_blob(rollup, number, level), kind, object);
}

/* ---- adding ------------------------------------------------------------ */

void rollup_note_new(struct rollup *rollup, uint32_t number, size_t level)
{
    struct rollup_series *entry = &rollup->entries[number];

    if (rollup->newest_ms == NULL)
        return;
    rollup->levels[level].unwritten += !(entry->unwritten >> level & 1);
    entry->unwritten = (uint8_t)(entry->unwritten | 1u << level);
    rollup->newest_ms[number] = rollup->at_ms;
}

static void add_numbers(struct rollup *rollup, uint32_t number, const struct window_cell *more)
{
    for (size_t i = 0; i < rollup->n_levels; i++) {
        window_cell_add(&rollup->levels[i].open[number], more);
        rollup_note_new(rollup, number, i);
    }
}

static void refuse(struct rollup *rollup)
{
    counter_add(&rollup->ledger->rollup_refused, 1);
}

/* Returns our number of the series, or ROLLUP_NO_SERIES. */
static uint32_t add_value(struct rollup *rollup, const struct snapshot_series *series,
                          struct slice name, uint8_t kind, double value)
{
    uint32_t number = rollup_number(rollup, series, name, kind);

    if (number == ROLLUP_NO_SERIES)
        refuse(rollup);
    else
        add_numbers(rollup, number, &(struct window_cell){ { value, 1, value, value, value } });
    return number;
}

static void add_object(struct rollup *rollup, const struct snapshot_series *series)
{
    const struct object_ops *ops = cell_kinds[series->kind].object;
    void *object = series->cell->object;
    uint32_t number = rollup_number(rollup, series, SLICE(""), (uint8_t)series->kind);
    struct object_summary summary = ops->summary(object);

    if (number == ROLLUP_NO_SERIES || !give_extra(rollup, number)) {
        refuse(rollup);
        return;
    }
    if (summary.count == 0)
        return;
    for (size_t i = 0; i < rollup->n_levels; i++)
        if (!rollup_merge_open_blob(rollup, number, i, series->kind, object))
            refuse(rollup);
    add_numbers(rollup, number,
                &(struct window_cell){
                    { summary.sum, summary.count, summary.min, summary.max, summary.last } });
}

void rollup_add(struct rollup *rollup, const struct snapshot_series *series)
{
    const struct cell_kind_row *row = &cell_kinds[series->kind];

    rollup->at_ms = series->newest_ms;
    if (row->shown == SHOWN_AGGREGATES)
        return; /* its points are added instead */
    if (row->object != NULL)
        add_object(rollup, series);
    else
        (void)add_value(rollup, series, SLICE(""), (uint8_t)series->kind, series->cell->value);
}

/* A point made of a histogram, under its own name; rate: per second of the interval. */
static void add_made(struct rollup *rollup, const struct snapshot_series *series,
                     struct slice name, double value, bool rate)
{
    double count = value * (double)rollup->config.interval_s, whole = rint(count);
    uint32_t number;

    if (rate) { /* a whole number before it was divided is one again; sampled, it was none */
        (void)add_value(rollup, series, name, CELL_COUNT,
                        fabs(count - whole) <= 4 * DBL_EPSILON * fabs(whole) ? whole : count);
        return;
    }
    number = add_value(rollup, series, name, CELL_GAUGE, value);
    if (number != ROLLUP_NO_SERIES)
        rollup->entries[number].unit = (uint8_t)histogram_unit(series->cell->object);
}

/* ---- as an observer ---------------------------------------------------- */

static bool may_begin(void *observer, int64_t stamp_s, int64_t now_s)
{
    (void)now_s;
    return rollup_open(observer, stamp_s);
}

/* Only a histogram's points are read one by one. */
static void see_point(void *observer, const struct snapshot_series *series,
                      const struct made_point *made)
{
    struct rollup *rollup = observer;

    if (cell_kinds[series->kind].shown != SHOWN_AGGREGATES)
        return;
    rollup->at_ms = series->newest_ms;
    add_made(rollup, series, made->number->id.metric, made->number->points[0].value,
             made->number->type == SERIES_RATE);
}

/* Behind its points: a sketch is compacted by then. */
static void see_series(void *observer, const struct snapshot_series *series)
{
    rollup_add(observer, series);
}

static void see_end(void *observer, int64_t stamp_s)
{
    (void)stamp_s;
    rollup_close(observer);
}

static bool put_late(void *observer, int64_t now_s)
{
    (void)now_s;
    return rollup_put_late(observer);
}

static void put_all_late(void *observer, int64_t now_s)
{
    (void)now_s;
    rollup_put_all_late(observer);
}

static void free_rollup(void *given)
{
    rollup_free(given);
}

struct observer rollup_observer(struct rollup *given)
{
    static const struct observer_ops ops = {
        .may_begin = may_begin,
        .point = see_point,
        .series = see_series,
        .end = see_end,
        .step = put_late,
        .finish = put_all_late,
        .free = free_rollup,
    };
    return (struct observer){ &ops, given };
}

/* ---- from elsewhere ---------------------------------------------------- */

bool rollup_add_outside(struct rollup *rollup, size_t level,
                        const struct rollup_outside *outside)
{
    struct identity id;

    if (!identities_intern(rollup->identities, outside->name, outside->host, outside->tags,
                           outside->n_tags, &id))
        return false;
    uint32_t number = rollup_number_held(rollup, id, (uint8_t)outside->kind);
    if (number == ROLLUP_NO_SERIES ||
        (outside->object != NULL &&
         !rollup_merge_open_blob(rollup, number, level, outside->kind, outside->object)))
        return false;
    window_cell_add(&rollup->levels[level].open[number], &outside->cell);
    return true;
}

void rollup_begin_at(struct rollup *rollup, size_t level, int64_t time_s)
{
    rollup->levels[level].whole_s = time_s;
}
