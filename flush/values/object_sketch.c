/* In a state: count min max sum avg, bins: key and count. */
#include <math.h>

#include "flush/values/blob.h"
#include "flush/values/cell_kind.h"

static void *make(struct arena *arena)
{
    return sketch_new(arena);
}

static struct object_added add(void **object, struct arena *arena, const struct sample *sample,
                               struct exactness *exactness)
{
    struct object_added added = { 0 };

    (void)exactness;
    for (uint32_t i = 0; i < sample->n_values; i++) {
        double value = sample->values[i];

        if (!isfinite(value)) {
            added.not_finite++;
            continue;
        }
        if (*object == NULL)
            *object = sketch_new(arena);
        if (*object != NULL && sketch_add(*object, arena, value, sample->rate))
            added.values++;
        else
            added.no_memory++;
    }
    return added;
}

static bool merge(void *into, struct arena *arena, void *other, struct exactness *exactness)
{
    (void)exactness;
    return sketch_merge(into, arena, other);
}

static bool write(struct state_writer *out, void *object, struct arena *arena)
{
    struct sketch_summary summary;
    const struct sketch_bin *bins;
    size_t n;

    if (!sketch_bins(object, arena, &bins, &n))
        return false;
    sketch_summary(object, &summary);
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
static bool read_bins(struct state_reader *in, struct sketch_bin *bins, size_t n)
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

static void *read(struct state_reader *in, struct arena *arena)
{
    struct sketch_bin bins[SKETCH_BINS];
    struct sketch_summary summary = { .count = state_get_signed(in) };

    summary.min = state_get_double(in);
    summary.max = state_get_double(in);
    summary.sum = state_get_double(in);
    summary.avg = state_get_double(in);
    size_t n = state_get_count(in, 2);

    if (in->failed || n > SKETCH_BINS || !read_bins(in, bins, n))
        return NULL;
    return sketch_restore(arena, &summary, bins, n);
}

static bool pack(struct bytes *out, void *object, struct arena *arena)
{
    return blob_put_sketch(out, object, arena);
}

static void *unpack(const uint8_t *at, size_t len, struct arena *arena)
{
    return blob_sketch(at, len, arena);
}

static struct object_summary summary(const void *object)
{
    struct sketch_summary of;

    sketch_summary(object, &of);
    return (struct object_summary){ of.sum, (double)of.count, of.min, of.max, of.avg };
}

const struct object_ops object_sketch = {
    .make = make,
    .add = add,
    .merge = merge,
    .write = write,
    .read = read,
    .pack = pack,
    .unpack = unpack,
    .summary = summary,
};
