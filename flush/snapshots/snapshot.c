#include "flush/snapshots/snapshot.h"

#include <math.h>
#include <stdlib.h>

#include "flush/memory/pages.h"
#include "flush/series/rules.h"

struct snapshot *snapshot_new(int64_t start_s, int64_t now_ns, uint32_t max_series,
                              struct arena_budget *budget)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);

    if (snapshot == NULL)
        return NULL;
    snapshot->start_s = start_s;
    snapshot->opened_ns = now_ns;
    snapshot->fill_zeros = true;
    snapshot->max_series = max_series;
    snapshot->cells = pages_map(max_series * sizeof *snapshot->cells);
    snapshot->counts = pages_map(max_series * sizeof *snapshot->counts);
    arena_init(&snapshot->arena, budget);
    if (snapshot->cells == NULL || snapshot->counts == NULL) {
        snapshot_free(snapshot);
        return NULL;
    }
    return snapshot;
}

void snapshot_free(struct snapshot *given)
{
    if (given == NULL)
        return;
    pages_unmap(given->cells, given->max_series * sizeof *given->cells);
    pages_unmap(given->counts, given->max_series * sizeof *given->counts);
    arena_free(&given->arena);
    for (size_t i = 0; i < given->n_adopted; i++)
        arena_free(&given->adopted[i]);
    free(given->adopted);
    rules_release(given->rules);
    free(given);
}

/* What is needed to fold one cell. */
struct folding {
    struct snapshot *snapshot;
    struct catalogue *catalogue;
    const struct fold_rules *rules;
    uint32_t series;
    struct snapshot_cell *into;
    int64_t stamp_ns;
};

static bool first_value(const struct folding *f)
{
    return f->into->stamp_ns == 0;
}

static bool fold_count(struct folding *f, struct cell *cell)
{
    f->into->value += cell->value;
    return true;
}

/* A relative gauge is added to the value before it: the one of this interval, or the last one
 * of the series. */
static bool fold_gauge(struct folding *f, struct cell *cell)
{
    if ((cell->stamp & STAMP_RELATIVE) != 0) {
        double *last = catalogue_gauge(f->catalogue, f->series);
        double base = !first_value(f) ? f->into->value : last != NULL ? *last : 0;
        f->into->value = base + cell->value;
    } else if (f->stamp_ns >= f->into->stamp_ns) {
        f->into->value = cell->value;
    }
    return true;
}

/* Where there is nothing to merge with, the bucket's is the snapshot's from now on. */
static bool fold_object(struct folding *f, struct cell *cell, const struct object_ops *ops)
{
    struct exactness exactness = { .values = f->rules->histogram_exact_values };

    if (first_value(f)) {
        f->into->object = cell->object;
        return true;
    }
    bool merged = ops->merge(f->into->object, &f->snapshot->arena, cell->object, &exactness);

    counter_add(&f->rules->ledger->histograms_switched, exactness.switched);
    return merged;
}

static bool fold_kind(struct folding *f, struct cell *cell, uint8_t kind)
{
    const struct object_ops *ops = cell_kinds[kind].object;

    if (ops != NULL)
        return fold_object(f, cell, ops);
    return kind == CELL_COUNT ? fold_count(f, cell) : fold_gauge(f, cell);
}

static void fold_cell(struct snapshot *snapshot, struct catalogue *catalogue,
                      const struct bucket *bucket, uint32_t id, const struct fold_rules *rules)
{
    struct cell *cell = &bucket->cells[id];
    struct mapped mapped = catalogue_lookup(catalogue, bucket->parcel.worker, id);

    if (mapped.refused != SHED_NOTHING) {
        counter_add(&rules->ledger->shed[mapped.refused], cell->values);
        return;
    }
    struct series_entry *entry = catalogue_entry(catalogue, mapped.series);
    int64_t age_ns = cell_age_ns(cell);
    struct folding f = {
        snapshot,
        catalogue,
        rules,
        mapped.series,
        &snapshot->cells[mapped.series],
        bucket->base_ns + age_ns > 0 ? bucket->base_ns + age_ns : 1,
    };
    uint32_t seen_s = (uint32_t)(bucket->start_s + age_ns / 1000000000);
    bool first = first_value(&f);

    /* Several contexts and workers add to one series: the newest counts. The first of an
     * interval counts in any case, because the clock may have been set back. */
    if (first || seen_s > entry->last_seen_s)
        entry->last_seen_s = seen_s;
    if (cell->values == 0)
        return; /* the context was seen, but all its values were shed */
    if (!fold_kind(&f, cell, entry->kind)) {
        counter_add(&rules->ledger->shed[SHED_MEMORY], cell->values);
        return;
    }
    if (f.stamp_ns > f.into->stamp_ns)
        f.into->stamp_ns = f.stamp_ns;
    if (mapped.series >= snapshot->end)
        snapshot->end = mapped.series + 1;
    snapshot->values += cell->values;
    snapshot->counts[mapped.series] += cell->values;
    counter_add(&rules->ledger->folded, cell->values);
}

/* The snapshot may have adopted blocks of the bucket, so it gets the arena that they are in. */
static void adopt_arena(struct snapshot *snapshot, struct bucket *bucket)
{
    if (bucket->arena.bytes == 0)
        return;
    snapshot->adopted[snapshot->n_adopted++] = bucket->arena;
    arena_init(&bucket->arena, bucket->arena.budget);
}

static bool reserve_adopted(struct snapshot *snapshot)
{
    if (snapshot->n_adopted < snapshot->adopted_capacity)
        return true;
    size_t capacity = snapshot->adopted_capacity + 8;
    struct arena *grown = realloc(snapshot->adopted, capacity * sizeof *grown);
    if (grown == NULL)
        return false;
    snapshot->adopted = grown;
    snapshot->adopted_capacity = capacity;
    return true;
}

/* Counts all values of the bucket as shed. */
static void shed_bucket(const struct bucket *bucket, const struct fold_rules *rules)
{
    for (uint32_t id = 0; id < bucket->n_cells; id++)
        counter_add(&rules->ledger->shed[SHED_MEMORY], bucket->cells[id].values);
}

bool snapshot_fold(struct snapshot *snapshot, struct catalogue *catalogue,
                   struct bucket *bucket, struct fold *fold, uint32_t max_cells,
                   const struct fold_rules *rules)
{
    uint32_t end =
        bucket->n_cells - fold->next > max_cells ? fold->next + max_cells : bucket->n_cells;

    if (fold->next == 0 && !reserve_adopted(snapshot)) {
        shed_bucket(bucket, rules);
        return true;
    }
    uint32_t first = fold->next;

    if (snapshot->base_ns == 0) /* a late bucket is told by its own interval */
        snapshot->base_ns =
            bucket->base_ns + (snapshot->start_s - bucket->start_s) * 1000000000;
    for (; fold->next < end; fold->next++)
        if (bucket->cells[fold->next].stamp != 0)
            fold_cell(snapshot, catalogue, bucket, fold->next, rules);
    /* These cells are in the snapshot now. Giving back their pages at once keeps the most that
     * is used at any time low. */
    pages_forget(bucket->cells, first * sizeof *bucket->cells, end * sizeof *bucket->cells);
    if (fold->next < bucket->n_cells)
        return false;
    adopt_arena(snapshot, bucket);
    return true;
}

static int64_t newest_ms(const struct snapshot *snapshot, uint32_t series)
{
    int64_t stamp_ns = snapshot->cells[series].stamp_ns;

    if (snapshot->base_ns == 0 || stamp_ns <= 1) /* a zero that was filled in */
        return snapshot->stamp_s * 1000;
    return snapshot->start_s * 1000 + (stamp_ns - snapshot->base_ns) / 1000000;
}

bool snapshot_show(const struct snapshot *snapshot, struct catalogue *catalogue,
                   uint32_t series, struct snapshot_series *out)
{
    if (!snapshot_has(snapshot, series))
        return false;
    const struct series_entry *entry = catalogue_entry(catalogue, series);

    *out = (struct snapshot_series){
        .number = series,
        .id = entry->id,
        .identities = catalogue_identities(catalogue),
        .kind = (enum cell_kind)entry->kind,
        .cell = &snapshot->cells[series],
        .newest_ms = newest_ms(snapshot, series),
        .values = snapshot->counts[series],
    };
    return true;
}

/* A zero has the oldest stamp there is, so any real value is newer. */
static void fill_zeros(struct snapshot *snapshot, struct catalogue *catalogue)
{
    uint32_t end = catalogue_end(catalogue);

    for (uint32_t series = 0; series < end; series++) {
        if (snapshot->cells[series].stamp_ns != 0 ||
            !catalogue_wants_zero(catalogue, series, snapshot->start_s))
            continue;
        snapshot->cells[series] = (struct snapshot_cell){ .value = 0, .stamp_ns = 1 };
        if (series >= snapshot->end)
            snapshot->end = series + 1;
    }
}

/* Notes the value of each gauge for deltas that come later. One that is not finite would
 * swallow all of them. */
static void note_gauges(struct snapshot *snapshot, struct catalogue *catalogue)
{
    for (uint32_t series = 0; series < snapshot->end; series++)
        if (snapshot_has(snapshot, series) &&
            catalogue_entry(catalogue, series)->kind == CELL_GAUGE &&
            isfinite(snapshot->cells[series].value))
            *catalogue_gauge(catalogue, series) = snapshot->cells[series].value;
}

void snapshot_forget(struct snapshot *snapshot, uint32_t from, uint32_t to)
{
    enum { PAGE_OF_COUNTS = 1024 }; /* the one that the last call ended in, too */

    from = from / PAGE_OF_COUNTS * PAGE_OF_COUNTS;
    pages_forget(snapshot->cells, from * sizeof *snapshot->cells, to * sizeof *snapshot->cells);
    pages_forget(snapshot->counts, from * sizeof *snapshot->counts,
                 to * sizeof *snapshot->counts);
}

void snapshot_seal(struct snapshot *snapshot, struct catalogue *catalogue, int64_t stamp_s)
{
    snapshot->stamp_s = stamp_s;
    if (snapshot->fill_zeros)
        fill_zeros(snapshot, catalogue);
    if (catalogue_keeps_gauges(catalogue))
        note_gauges(snapshot, catalogue);
}
