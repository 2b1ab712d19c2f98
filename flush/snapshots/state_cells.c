/* flush/snapshots/state_cells.c: stamp, then by kind
 *
 *   count, gauge   the double
 *   set            members + 1, their hashes | 0, registers
 *   distribution   count min max sum avg, bins: key and count
 *   histogram      unit, count min max sum rest, values + 1, each with its weight | 0, a sketch
 *
 * In version 1 a histogram has no unit and no rest, and its count and weights are whole
 * numbers. */
#include "flush/snapshots/state_cells.h"

#include <stdlib.h>

enum { RANK_MAX = 51 }; /* of a register */

/* ---- sets -------------------------------------------------------------- */

static void put_distinct(struct state_writer *out, const struct distinct *distinct)
{
    const uint8_t *registers = distinct_registers(distinct);
    const uint64_t *members;
    size_t n = distinct_members(distinct, &members);

    state_put_number(out, registers != NULL ? 0 : n + 1);
    if (registers != NULL)
        state_put(out, registers, DISTINCT_REGISTERS);
    else
        state_put(out, members, n * sizeof *members);
}

static struct distinct *get_registers(struct state_reader *in, struct arena *arena)
{
    const uint8_t *registers = state_get(in, DISTINCT_REGISTERS);

    if (registers == NULL)
        return NULL;
    for (size_t i = 0; i < DISTINCT_REGISTERS; i++)
        if (registers[i] > RANK_MAX)
            return NULL;
    return distinct_restore(arena, NULL, 0, registers);
}

static struct distinct *get_distinct(struct state_reader *in, struct arena *arena)
{
    uint64_t members[DISTINCT_EXACT];
    uint64_t n = state_get_number(in);

    if (in->failed || n > DISTINCT_EXACT + 1)
        return NULL;
    if (n == 0)
        return get_registers(in, arena);
    const uint8_t *at = state_get(in, (size_t)(n - 1) * sizeof *members);

    if (at == NULL)
        return NULL;
    memcpy(members, at, (size_t)(n - 1) * sizeof *members);
    return distinct_restore(arena, members, (size_t)(n - 1), NULL);
}

/* ---- sketches ---------------------------------------------------------- */

static bool put_sketch(struct state_writer *out, struct sketch *sketch, struct arena *arena)
{
    struct sketch_summary summary;
    const struct sketch_bin *bins;
    size_t n;

    if (!sketch_bins(sketch, arena, &bins, &n))
        return false;
    sketch_summary(sketch, &summary);
    state_put_signed(out, summary.count);
    state_put_double(out, summary.min);
    state_put_double(out, summary.max);
    state_put_double(out, summary.sum);
    state_put_double(out, summary.avg);
    state_put_number(out, n);
    for (size_t i = 0; i < n; i++) {
        state_put_signed(out, bins[i].key);
        state_put_number(out, bins[i].count);
    }
    return true;
}

/* Reads bins, and makes sure that they ascend, because the sketch trusts in that. */
static bool get_bins(struct state_reader *in, struct sketch_bin *bins, size_t n)
{
    int64_t before = INT16_MIN;

    for (size_t i = 0; i < n; i++) {
        int64_t key = state_get_signed(in);
        uint64_t count = state_get_number(in);

        if (key < before || key > INT16_MAX || count > UINT32_MAX)
            return false;
        bins[i] = (struct sketch_bin){ (int16_t)key, (uint32_t)count };
        before = key;
    }
    return !in->failed;
}

static struct sketch *get_sketch(struct state_reader *in, struct arena *arena)
{
    struct sketch_bin bins[SKETCH_BINS];
    struct sketch_summary summary = { .count = state_get_signed(in) };

    summary.min = state_get_double(in);
    summary.max = state_get_double(in);
    summary.sum = state_get_double(in);
    summary.avg = state_get_double(in);
    size_t n = state_get_count(in, 2);

    if (in->failed || n > SKETCH_BINS || !get_bins(in, bins, n))
        return NULL;
    return sketch_restore(arena, &summary, bins, n);
}

/* ---- histograms -------------------------------------------------------- */

static void put_value(void *argument, double value, double weight)
{
    state_put_double(argument, value);
    state_put_double(argument, weight);
}

static bool put_histogram(struct state_writer *out, const struct histogram *histogram,
                          struct arena *arena)
{
    struct histogram_summary summary;
    struct sketch *sketch = histogram_sketch(histogram);

    histogram_summary(histogram, &summary);
    state_put_number(out, histogram_unit(histogram));
    state_put_double(out, summary.count);
    state_put_double(out, summary.min);
    state_put_double(out, summary.max);
    state_put_double(out, summary.sum);
    state_put_double(out, summary.rest);
    state_put_number(out, sketch != NULL ? 0 : histogram_values(histogram) + 1);
    if (sketch != NULL)
        return put_sketch(out, sketch, arena);
    histogram_each(histogram, put_value, out);
    return true;
}

static double get_weight(struct state_reader *in)
{
    return in->version == 1 ? (double)state_get_signed(in) : state_get_double(in);
}

static struct histogram *get_histogram(struct state_reader *in, struct arena *arena)
{
    uint64_t unit = in->version == 1 ? UNIT_NONE : state_get_number(in);
    struct histogram_summary summary = { .count = get_weight(in) };
    struct sketch *sketch = NULL;

    summary.min = state_get_double(in);
    summary.max = state_get_double(in);
    summary.sum = state_get_double(in);
    summary.rest = in->version == 1 ? 0 : state_get_double(in);
    uint64_t n = state_get_number(in);

    if (unit >= METRIC_UNIT_COUNT)
        return NULL;
    if (!in->failed && n == 0 && (sketch = get_sketch(in, arena)) == NULL)
        return NULL;
    struct histogram *histogram = histogram_restore(arena, &summary, sketch);

    if (histogram != NULL)
        histogram_note_unit(histogram, (enum metric_unit)unit);
    while (histogram != NULL && !in->failed && n > 1) {
        double value = state_get_double(in);

        if (!histogram_restore_value(histogram, arena, value, get_weight(in)))
            return NULL;
        n--;
    }
    return histogram;
}

/* ---- any --------------------------------------------------------------- */

bool state_put_cell(struct state_writer *out, const struct snapshot_cell *cell, uint8_t kind,
                    struct arena *arena)
{
    state_put_signed(out, cell->stamp_ns);
    switch ((enum cell_kind)kind) {
    case CELL_COUNT:
    case CELL_GAUGE:
        state_put_double(out, cell->value);
        return true;
    case CELL_SET:
        put_distinct(out, cell->distinct);
        return true;
    case CELL_HISTOGRAM:
        return put_histogram(out, cell->histogram, arena);
    case CELL_DISTRIBUTION:
    case CELL_DISTRIBUTION_COPY:
        return put_sketch(out, cell->sketch, arena);
    case CELL_KIND_COUNT:
        break;
    }
    return false;
}

bool state_get_cell(struct state_reader *in, struct snapshot_cell *cell, uint8_t kind,
                    struct arena *arena)
{
    const void *made = cell;

    cell->stamp_ns = state_get_signed(in);
    switch ((enum cell_kind)kind) {
    case CELL_COUNT:
    case CELL_GAUGE:
        cell->value = state_get_double(in);
        break;
    case CELL_SET:
        made = cell->distinct = get_distinct(in, arena);
        break;
    case CELL_HISTOGRAM:
        made = cell->histogram = get_histogram(in, arena);
        break;
    case CELL_DISTRIBUTION:
    case CELL_DISTRIBUTION_COPY:
        made = cell->sketch = get_sketch(in, arena);
        break;
    case CELL_KIND_COUNT:
        return false;
    }
    return made != NULL && !in->failed && cell->stamp_ns > 0;
}
