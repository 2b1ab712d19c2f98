/* In a state: unit, count min max sum rest, values + 1, each with its weight | 0, a sketch.
 *
 * In version 1 a histogram has no unit and no rest, and its count and weights are whole
 * numbers. Windows keep the points made of it, never the histogram. */
#include <math.h>

#include "flush/values/cell_kind.h"

static void *make(struct arena *arena)
{
    return histogram_new(arena);
}

static struct object_added add(void **object, struct arena *arena, const struct sample *sample,
                               struct exactness *exactness)
{
    struct object_added added = { 0 };
    double weight = histogram_weight(sample->rate);

    for (uint32_t i = 0; i < sample->n_values; i++) {
        double value = sample->values[i];
        bool switched = false;

        if (!isfinite(value * weight)) {
            added.not_finite++;
            continue;
        }
        if (*object == NULL)
            *object = histogram_new(arena);
        if (*object != NULL &&
            histogram_add(*object, arena, value, weight, exactness->values, &switched))
            added.values++;
        else
            added.no_memory++;
        exactness->switched += switched;
    }
    if (added.values > 0)
        histogram_note_unit(*object, metric_type_unit(sample->type));
    return added;
}

static bool merge(void *into, struct arena *arena, void *other, struct exactness *exactness)
{
    bool switched = false;
    bool merged = histogram_merge(into, arena, other, exactness->values, &switched);

    exactness->switched += switched;
    return merged;
}

static void write_value(void *argument, double value, double weight)
{
    state_put_double(argument, value);
    state_put_double(argument, weight);
}

static bool write(struct state_writer *out, void *object, struct arena *arena)
{
    struct histogram_summary summary;
    struct sketch *sketch = histogram_sketch(object);

    histogram_summary(object, &summary);
    state_put_number(out, histogram_unit(object));
    state_put_double(out, summary.count);
    state_put_double(out, summary.min);
    state_put_double(out, summary.max);
    state_put_double(out, summary.sum);
    state_put_double(out, summary.rest);
    state_put_number(out, sketch != NULL ? 0 : histogram_values(object) + 1);
    if (sketch != NULL)
        return object_sketch.write(out, sketch, arena);
    histogram_each(object, write_value, out);
    return true;
}

static double read_weight(struct state_reader *in)
{
    return in->version == 1 ? (double)state_get_signed(in) : state_get_double(in);
}

static void *read(struct state_reader *in, struct arena *arena)
{
    uint64_t unit = in->version == 1 ? UNIT_NONE : state_get_number(in);
    struct histogram_summary summary = { .count = read_weight(in) };
    struct sketch *sketch = NULL;

    summary.min = state_get_double(in);
    summary.max = state_get_double(in);
    summary.sum = state_get_double(in);
    summary.rest = in->version == 1 ? 0 : state_get_double(in);
    uint64_t n = state_get_number(in);

    if (unit >= METRIC_UNIT_COUNT)
        return NULL;
    if (!in->failed && n == 0 && (sketch = object_sketch.read(in, arena)) == NULL)
        return NULL;
    struct histogram *histogram = histogram_restore(arena, &summary, sketch);

    if (histogram != NULL)
        histogram_note_unit(histogram, (enum metric_unit)unit);
    while (histogram != NULL && !in->failed && n > 1) {
        double value = state_get_double(in);

        if (!histogram_restore_value(histogram, arena, value, read_weight(in)))
            return NULL;
        n--;
    }
    return histogram;
}

const struct object_ops object_histogram = {
    .make = make,
    .add = add,
    .merge = merge,
    .write = write,
    .read = read,
};
