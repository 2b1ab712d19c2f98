/* Values stand on shelves in the arena, each twice as large as the one before, so
 * nothing is copied as they grow in number. The first query gathers them into a
 * single sorted shelf. A shelf whose values all weigh 1 holds plain doubles; the
 * first other weight opens one of pairs. */
#include "flush/values/histogram.h"

#include <math.h>
#include <stdlib.h>

#include "flush/values/sketch.h"

enum { SHELF_FIRST = 4, SHELF_LAST = 1024 };

/* Up to this bound a double tells whole weights apart; and however many of them are added up,
 * the count stays finite. */
static const double WEIGHT_MAX = 9007199254740992.0; /* 2^53 */

struct pair {
    double value; /* first: pairs sort as values do */
    double weight;
};

struct shelf {
    struct shelf *older;
    uint32_t n;
    uint32_t capacity : 31;
    uint32_t weighted : 1; /* pairs follow, else doubles */
};

struct histogram {
    double count;
    double sum, rest; /* rest: of the sum, what rounding took from it */
    double min, max;
    struct shelf *newest;  /* the values, until there is a sketch */
    struct sketch *sketch; /* or NULL */
    uint32_t n;            /* values on shelves */
    uint16_t owed;         /* to the sketch: a part of a weight, in OWED_ONE */
    uint8_t unit;          /* enum metric_unit */
    bool sorted;           /* the values are one shelf in order */
};

enum { OWED_ONE = 1 << 16 };

/* ---- shelves ----------------------------------------------------------- */

static size_t cell_size(bool weighted)
{
    return weighted ? sizeof(struct pair) : sizeof(double);
}

static struct pair shelf_get(const struct shelf *shelf, size_t i)
{
    if (shelf->weighted)
        return ((const struct pair *)(shelf + 1))[i];
    return (struct pair){ ((const double *)(shelf + 1))[i], 1 };
}

static void shelf_append(struct shelf *shelf, struct pair pair)
{
    if (shelf->weighted)
        ((struct pair *)(shelf + 1))[shelf->n++] = pair;
    else
        ((double *)(shelf + 1))[shelf->n++] = pair.value;
}

static struct shelf *shelf_new(struct arena *arena, size_t capacity, bool weighted)
{
    struct shelf *shelf = arena_alloc(arena, sizeof *shelf + capacity * cell_size(weighted));

    if (shelf != NULL)
        *shelf = (struct shelf){ .capacity = capacity & INT32_MAX, .weighted = weighted };
    return shelf;
}

/* The newest shelf, with room for n more. NULL when the arena is exhausted. */
static struct shelf *room_for(struct histogram *histogram, struct arena *arena, size_t n,
                              bool weighted)
{
    struct shelf *newest = histogram->newest;
    size_t capacity = SHELF_FIRST;

    if (newest != NULL && newest->capacity - newest->n >= n && newest->weighted >= weighted)
        return newest;
    if (newest != NULL)
        capacity = newest->capacity < SHELF_LAST ? newest->capacity * 2u : SHELF_LAST;

    struct shelf *shelf = shelf_new(arena, capacity > n ? capacity : n, weighted);

    if (shelf == NULL)
        return NULL;
    shelf->older = newest;
    histogram->newest = shelf;
    return shelf;
}

static bool any_weighted(const struct histogram *histogram)
{
    bool weighted = false;

    for (const struct shelf *shelf = histogram->newest; shelf != NULL; shelf = shelf->older)
        weighted |= shelf->weighted;
    return weighted;
}

static void copy_values(struct shelf *to, const struct histogram *from)
{
    for (const struct shelf *shelf = from->newest; shelf != NULL; shelf = shelf->older)
        for (size_t i = 0; i < shelf->n; i++)
            shelf_append(to, shelf_get(shelf, i));
}

/* ---- order ------------------------------------------------------------- */

static int compare_values(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* All values on one shelf, ascending. */
static bool sort_values(struct histogram *histogram, struct arena *arena)
{
    if (histogram->sorted || histogram->n == 0)
        return true;
    if (histogram->newest->older != NULL) {
        struct shelf *all = shelf_new(arena, histogram->n, any_weighted(histogram));

        if (all == NULL)
            return false;
        copy_values(all, histogram);
        histogram->newest = all;
    }
    qsort(histogram->newest + 1, histogram->n, cell_size(histogram->newest->weighted),
          compare_values);
    histogram->sorted = true;
    return true;
}

static bool value_above(const struct histogram *histogram, double target, double *out)
{
    double below = 0;

    for (size_t i = 0; i < histogram->n; i++) {
        struct pair pair = shelf_get(histogram->newest, i);

        below += pair.weight;
        if (below > target) {
            *out = pair.value;
            return true;
        }
    }
    return false;
}

/* ---- beyond the bound -------------------------------------------------- */

/* A sketch counts in whole numbers. What a weight has beyond those is carried to the next
 * value, so that ranks are wrong by one at most. A negative weight has no part in them. */
struct ranks {
    struct sketch *sketch; /* NULL: the arena is exhausted */
    double owed;
};

static bool ranks_add(struct ranks *ranks, struct arena *arena, struct pair pair)
{
    if (!(pair.weight > 0))
        return true;
    double weight = pair.weight + ranks->owed;
    double whole = (double)(int64_t)weight;

    if (whole >= 1 && !sketch_add_weighted(ranks->sketch, arena, pair.value, whole))
        return false;
    ranks->owed = weight - whole;
    return true;
}

/* The ranks of a histogram: from the sketch that it has, or from one made of its values. */
static struct ranks ranks_of(const struct histogram *histogram, struct arena *arena)
{
    if (histogram->sketch != NULL)
        return (struct ranks){ histogram->sketch, (double)histogram->owed / OWED_ONE };
    struct ranks ranks = { sketch_new(arena), 0 };

    for (const struct shelf *shelf = histogram->newest; shelf != NULL; shelf = shelf->older)
        for (size_t i = 0; ranks.sketch != NULL && i < shelf->n; i++)
            if (!ranks_add(&ranks, arena, shelf_get(shelf, i)))
                ranks.sketch = NULL;
    return ranks;
}

static void adopt_ranks(struct histogram *histogram, struct ranks ranks)
{
    histogram->sketch = ranks.sketch;
    histogram->owed = (uint16_t)fmin(ranks.owed * OWED_ONE, OWED_ONE - 1);
    histogram->newest = NULL;
    histogram->n = 0;
}

/* A bin is known by the value in its middle, which is at most 0.8 % away from any value in it.
 * The part of a weight that is owed is in no bin yet; it counts as standing at the end. */
static bool bin_above(struct histogram *histogram, struct arena *arena, double target,
                      double *out)
{
    const struct sketch_bin *bins;
    size_t n;
    double below = 0;

    if (!sketch_bins(histogram->sketch, arena, &bins, &n))
        return false;
    for (size_t i = 0; i < n; i++) {
        below += bins[i].count;
        if (below > target) {
            *out = fmin(fmax(sketch_key_value(bins[i].key), histogram->min), histogram->max);
            return true;
        }
    }
    *out = histogram->max;
    return histogram->count > target;
}

/* ---- the histogram ----------------------------------------------------- */

struct histogram *histogram_new(struct arena *arena)
{
    struct histogram *histogram = arena_alloc(arena, sizeof *histogram);

    if (histogram != NULL)
        *histogram = (struct histogram){ .min = INFINITY, .max = -INFINITY };
    return histogram;
}

static double bounded(double weight)
{
    return weight > WEIGHT_MAX ? WEIGHT_MAX : weight < -WEIGHT_MAX ? -WEIGHT_MAX : weight;
}

/* Neumaier's sum: rounding takes something from the smaller of the two numbers, and `rest` adds
 * that up. */
static void sum_add(struct histogram *histogram, double more)
{
    double sum = histogram->sum, total = sum + more;

    histogram->rest += fabs(sum) >= fabs(more) ? (sum - total) + more : (more - total) + sum;
    histogram->sum = total;
}

static void note(struct histogram *histogram, double weight, double min, double max, double sum)
{
    histogram->count += weight;
    histogram->min = min < histogram->min ? min : histogram->min;
    histogram->max = max > histogram->max ? max : histogram->max;
    sum_add(histogram, sum);
}

static bool add_exact(struct histogram *histogram, struct arena *arena, struct pair pair)
{
    struct shelf *shelf = room_for(histogram, arena, 1, pair.weight != 1);

    if (shelf == NULL)
        return false;
    shelf_append(shelf, pair);
    histogram->n++;
    histogram->sorted = false;
    return true;
}

static bool add_to_sketch(struct histogram *histogram, struct arena *arena, struct pair pair)
{
    struct ranks ranks = ranks_of(histogram, arena);

    if (ranks.sketch == NULL || !ranks_add(&ranks, arena, pair))
        return false;
    adopt_ranks(histogram, ranks);
    return true;
}

/* Whether so many values may stay exact, as the memory of all arenas is used now. */
static bool stays_exact(const struct arena *arena, size_t values, size_t exact_values)
{
    return values <= exact_values &&
           (values <= HISTOGRAM_EXACT_LEAST || !arena_under_pressure(arena->budget));
}

bool histogram_add(struct histogram *histogram, struct arena *arena, double value,
                   double weight, size_t exact_values, bool *switched)
{
    struct pair pair = { value, bounded(weight) };
    bool was_exact = histogram->sketch == NULL;
    bool stays = was_exact && stays_exact(arena, (size_t)histogram->n + 1, exact_values);

    if (!(stays ? add_exact(histogram, arena, pair) : add_to_sketch(histogram, arena, pair)))
        return false;
    if (was_exact && !stays)
        *switched = true;
    note(histogram, pair.weight, value, value, value * pair.weight);
    return true;
}

static bool merge_exact(struct histogram *into, struct arena *arena,
                        const struct histogram *other)
{
    if (other->n == 0)
        return true;
    struct shelf *shelf = room_for(into, arena, other->n, any_weighted(other));

    if (shelf == NULL)
        return false;
    copy_values(shelf, other);
    into->n += other->n;
    into->sorted = false;
    return true;
}

static bool merge_sketches(struct histogram *into, struct arena *arena,
                           const struct histogram *other)
{
    struct ranks all = ranks_of(into, arena), more = ranks_of(other, arena);

    if (all.sketch == NULL || more.sketch == NULL ||
        !sketch_merge(all.sketch, arena, more.sketch))
        return false;
    all.owed += more.owed;
    adopt_ranks(into, all);
    return true;
}

bool histogram_merge(struct histogram *into, struct arena *arena, struct histogram *other,
                     size_t exact_values, bool *switched)
{
    bool was_exact = into->sketch == NULL;
    bool stays = was_exact && other->sketch == NULL &&
                 stays_exact(arena, (size_t)into->n + other->n, exact_values);

    if (!(stays ? merge_exact : merge_sketches)(into, arena, other))
        return false;
    if (was_exact && !stays)
        *switched = true;
    note(into, other->count, other->min, other->max, other->sum);
    into->rest += other->rest;
    histogram_note_unit(into, histogram_unit(other));
    return true;
}

void histogram_note_unit(struct histogram *histogram, enum metric_unit unit)
{
    if (unit != UNIT_NONE)
        histogram->unit = (uint8_t)unit;
}

enum metric_unit histogram_unit(const struct histogram *histogram)
{
    return (enum metric_unit)histogram->unit;
}

void histogram_summary(const struct histogram *histogram, struct histogram_summary *out)
{
    bool empty = histogram->min > histogram->max;
    double sum = histogram->sum + histogram->rest;

    *out = (struct histogram_summary){
        .count = histogram->count,
        .min = empty ? 0 : histogram->min,
        .max = empty ? 0 : histogram->max,
        .sum = sum,
        .rest = (histogram->sum - sum) + histogram->rest,
        .avg = sum / histogram->count,
    };
}

static bool first_above(struct histogram *histogram, struct arena *arena, double target,
                        double *out)
{
    if (histogram->sketch != NULL)
        return bin_above(histogram, arena, target, out);
    return sort_values(histogram, arena) && value_above(histogram, target, out);
}

bool histogram_median(struct histogram *histogram, struct arena *arena, double *out)
{
    return first_above(histogram, arena, (histogram->count - 1) / 2, out);
}

bool histogram_percentile(struct histogram *histogram, struct arena *arena, int percent,
                          double *out)
{
    return first_above(histogram, arena, (percent * histogram->count - 1) / 100, out);
}

/* ---- writing one down -------------------------------------------------- */

size_t histogram_values(const struct histogram *histogram)
{
    return histogram->n;
}

void histogram_each(const struct histogram *histogram, histogram_visit *visit, void *argument)
{
    for (const struct shelf *shelf = histogram->newest; shelf != NULL; shelf = shelf->older)
        for (size_t i = 0; i < shelf->n; i++) {
            struct pair pair = shelf_get(shelf, i);

            visit(argument, pair.value, pair.weight);
        }
}

struct sketch *histogram_sketch(const struct histogram *histogram)
{
    return histogram->sketch;
}

struct histogram *histogram_restore(struct arena *arena,
                                    const struct histogram_summary *summary,
                                    struct sketch *sketch)
{
    struct histogram *histogram = histogram_new(arena);

    if (histogram == NULL)
        return NULL;
    histogram->sketch = sketch;
    note(histogram, summary->count, summary->min, summary->max, summary->sum);
    histogram->rest = summary->rest;
    return histogram;
}

bool histogram_restore_value(struct histogram *histogram, struct arena *arena, double value,
                             double weight)
{
    return histogram->sketch == NULL && isfinite(value) && fabs(weight) <= WEIGHT_MAX &&
           add_exact(histogram, arena, (struct pair){ value, weight });
}
