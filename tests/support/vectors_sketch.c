#include "tests/support/vectors_sketch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/values/sketch_internal.h"

struct check {
    json_t *vector;
    struct arena *arena;
    char *why;
    size_t why_size;
    double scale; /* of the values, for the absolute tolerance */
};

static double number(json_t *vector, const char *name)
{
    return json_number_value(json_object_get(vector, name));
}

static bool near(const struct check *check, const char *what, double got, double wanted)
{
    double tolerance = 1e-9 * fmax(fabs(wanted), check->scale);

    if (got == wanted || fabs(got - wanted) <= tolerance)
        return true;
    snprintf(check->why, check->why_size, "%s is %.17g, not %.17g", what, got, wanted);
    return false;
}

static bool add_all(struct sketch *sketch, struct arena *arena, json_t *values, json_t *rates)
{
    bool added = true;
    size_t i;
    json_t *value;

    json_array_foreach(values, i, value)
    {
        json_t *rate = json_array_get(rates, i);

        added &= sketch_add(sketch, arena, json_number_value(value),
                            rate != NULL ? json_number_value(rate) : 1);
    }
    return added;
}

enum { LAST_FINITE_KEY = 32766 };

static int finite_key(double value)
{
    int key = sketch_key(value);

    return key > LAST_FINITE_KEY    ? LAST_FINITE_KEY
           : key < -LAST_FINITE_KEY ? -LAST_FINITE_KEY
                                    : key;
}

/* n values spread evenly over low..high, as from a bucket of a histogram. Upstream's walk: what
 * lies between two keys counts for the lower one, and the fractions of a count are carried on
 * until they make a whole. */
static bool add_interpolated(struct sketch *sketch, struct arena *arena, double low,
                             double high, uint64_t n)
{
    int last = finite_key(high);
    double edge = sketch_key_value((int16_t)finite_key(low));
    double left = (double)n, fraction = 0;

    for (int key = finite_key(low) + 1; key <= last && left >= 1; key++) {
        double next = sketch_key_value((int16_t)key);
        double share = (next - edge) / (high - low) * (double)n;
        double whole = trunc(share);

        fraction += share > 1 ? share - whole : 0;
        if (fraction > 1) {
            fraction -= 1;
            whole += 1;
        }
        if (whole < 1)
            continue;
        if (!sketch_add_weighted(sketch, arena, edge, fmin(whole, left)))
            return false;
        left -= fmin(whole, left);
        edge = next;
    }
    return left < 1 || sketch_add_weighted(sketch, arena, edge, left);
}

static struct sketch *build(struct check *check)
{
    json_t *vector = check->vector;
    json_t *limit = json_object_get(vector, "bin_limit");
    json_t *range = json_object_get(vector, "interpolate");
    json_t *more = json_object_get(vector, "merge_values");
    struct sketch *sketch = sketch_new_limited(
        check->arena, limit != NULL ? (uint16_t)json_integer_value(limit) : SKETCH_BINS);
    struct sketch *other = sketch_new(check->arena);
    bool built = sketch != NULL && other != NULL;

    built = built && add_all(sketch, check->arena, json_object_get(vector, "values"),
                             json_object_get(vector, "rates"));
    if (built && range != NULL)
        built =
            add_interpolated(sketch, check->arena, json_number_value(json_array_get(range, 0)),
                             json_number_value(json_array_get(range, 1)),
                             (uint64_t)json_integer_value(json_array_get(range, 2)));
    if (built && more != NULL)
        built = add_all(other, check->arena, more, json_object_get(vector, "merge_rates")) &&
                sketch_merge(sketch, check->arena, other);
    return built ? sketch : NULL;
}

static bool narrow(json_t *vector)
{
    return json_integer_value(json_object_get(vector, "bin_width")) == UINT16_MAX;
}

/* 16-bit bins of one key in a row: quantiles then fall between other edges. */
static bool split_keys(json_t *vector)
{
    json_t *keys = json_object_get(vector, "k");
    bool split = false;

    for (size_t i = 1; i < json_array_size(keys); i++)
        split |= json_equal(json_array_get(keys, i), json_array_get(keys, i - 1));
    return split && narrow(vector);
}

/* The bins of a vector, 16-bit ones of one key summed: n is less afterwards. */
static struct sketch_bin *wanted_bins(json_t *vector, size_t *n)
{
    json_t *keys = json_object_get(vector, "k"), *counts = json_object_get(vector, "n");
    struct sketch_bin *bins = calloc(json_array_size(keys) + 1, sizeof *bins);

    *n = 0;
    for (size_t i = 0; bins != NULL && i < json_array_size(keys); i++) {
        int16_t key = (int16_t)json_integer_value(json_array_get(keys, i));
        uint32_t count = (uint32_t)json_integer_value(json_array_get(counts, i));

        if (narrow(vector) && *n > 0 && bins[*n - 1].key == key)
            bins[*n - 1].count += count;
        else
            bins[(*n)++] = (struct sketch_bin){ key, count };
    }
    return bins;
}

static bool same_bins(struct check *check, struct sketch *sketch)
{
    const struct sketch_bin *got = NULL;
    size_t n_got = 0, n = 0, same = 0;
    struct sketch_bin *wanted = wanted_bins(check->vector, &n);
    bool compacted = sketch_bins(sketch, check->arena, &got, &n_got);

    while (wanted != NULL && same < n && same < n_got && got[same].key == wanted[same].key &&
           got[same].count == wanted[same].count)
        same++;
    free(wanted);
    if (compacted && n == n_got && same == n)
        return true;
    snprintf(check->why, check->why_size, "%zu bins, not %zu; they differ from bin %zu on",
             n_got, n, same);
    return false;
}

static bool same_summary(struct check *check, struct sketch *sketch)
{
    struct sketch_summary got;

    sketch_summary(sketch, &got);
    if (got.count != json_integer_value(json_object_get(check->vector, "cnt"))) {
        snprintf(check->why, check->why_size, "count is %lld", (long long)got.count);
        return false;
    }
    return near(check, "min", got.min, number(check->vector, "min")) &&
           near(check, "max", got.max, number(check->vector, "max")) &&
           near(check, "sum", got.sum, number(check->vector, "sum")) &&
           near(check, "avg", got.avg, number(check->vector, "avg"));
}

/* The Agent's function of the bins (pkg/util/quantile): from the lower edge, as it has it, of
 * the bin with the rank upward to the next, by how much of the bin lies below. */
static double agent_quantile(struct sketch *sketch, struct arena *arena, double q)
{
    const struct sketch_bin *bins;
    struct sketch_summary summary;
    double total = 0, below = 0;
    size_t n;

    sketch_summary(sketch, &summary);
    if (summary.count == 0 || !(q > 0) || q >= 1 || !sketch_bins(sketch, arena, &bins, &n))
        return summary.count == 0 ? 0 : !(q > 0) ? summary.min : summary.max;
    for (size_t i = 0; i < n; i++)
        total += bins[i].count;
    double rank = rint(q * (total - 1));

    for (size_t i = 0; i < n; i++) {
        double low = sketch_key_value(bins[i].key), weight;

        below += bins[i].count;
        weight = (below - rank) / bins[i].count;
        if (below > rank)
            return (i == 0 ? summary.min : low) * weight + low * 1.015625 * (1 - weight);
    }
    return summary.max;
}

/* null stands for a quantile that is not finite. */
static bool same_quantiles(struct check *check, struct sketch *sketch)
{
    const char *q;
    json_t *wanted;

    json_object_foreach(json_object_get(check->vector, "quantiles"), q, wanted)
    {
        double got = agent_quantile(sketch, check->arena, strtod(q, NULL));

        if (!json_is_null(wanted)) {
            if (!near(check, q, got, json_number_value(wanted)))
                return false;
        } else if (isfinite(got)) {
            snprintf(check->why, check->why_size, "quantile %s is %g, not undefined", q, got);
            return false;
        }
    }
    return true;
}

static bool check_sketch(struct check *check)
{
    json_t *vector = check->vector;
    json_t *limit = json_object_get(vector, "bin_limit");
    bool beyond_limit = limit != NULL && json_array_size(json_object_get(vector, "k")) >
                                             (size_t)json_integer_value(limit);
    struct sketch *sketch = build(check);

    if (sketch == NULL) {
        snprintf(check->why, check->why_size, "the arena was exhausted");
        return false;
    }
    if (!same_summary(check, sketch))
        return false;
    if (beyond_limit)
        return true;
    return same_bins(check, sketch) && (split_keys(vector) || same_quantiles(check, sketch));
}

bool vector_sketch(json_t *vector, char *why, size_t why_size)
{
    struct arena_budget budget = { .left = 64 << 20 };
    struct arena arena;
    struct check check = {
        .vector = vector, .arena = &arena, .why = why, .why_size = why_size
    };

    check.scale = fmax(fabs(number(vector, "min")), fabs(number(vector, "max")));
    arena_init(&arena, &budget);
    bool same = check_sketch(&check);

    arena_free(&arena);
    return same;
}
