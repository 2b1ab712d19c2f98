/* A sketch holds its values in two places: pending, keys of weight 1 in the order
 * they came, and bins, ascending counts per key. Adding appends to pending; a
 * full pending settles into the bins.
 *
 *     first[4] (inside the sketch)  -> up to 4 bins at once, one by one
 *     512 keys (once bins are many) -> sorted and merged in one pass
 *
 * When the keys settle does not matter. A key's bins are a function of its total
 * count alone (a remainder, then full bins), and sums commute. Collapsing keeps
 * the highest bins of those seen so far; as the highest of all are always among
 * them, none of these was ever touched but the lowest, which ends with the rest
 * whatever the order. Order shows only where that lowest bin overflows 32 bits
 * and counts are lost, as they are in the Agent. */
#include "flush/values/sketch_internal.h"

#include <math.h>
#include <string.h>

enum {
    BIAS = 1338,
    KEY_LAST = 32766,
    KEY_INFINITE = 32767,
    PENDING_FIRST = 4,
    PENDING_FULL = 512,
    BINS_FIRST = 4,
    BINS_MANY = 32, /* from here on sorting pays, and 1 KiB of pending does not show */
};

static const double GAMMA = 1.015625;
static const double LOG_GAMMA = 0.015504186535965254;
static const double SMALLEST =
    9.94185408912145e-10; /* GAMMA^(1 - BIAS): below it the key is 0 */
static const double WEIGHT_MAX = 9007199254740992.0; /* 2^53 */
static const int64_t COUNT_MAX = INT64_MAX / 4;      /* two of them still add up */

struct sketch {
    int64_t count;
    double min, max;
    double sum;       /* with untruncated weights */
    double whole_sum; /* with whole weights, for the average */
    struct sketch_bin *bins;
    int16_t *pending; /* first, or PENDING_FULL keys */
    uint16_t n_bins, bins_capacity, n_pending, limit;
    int16_t first[PENDING_FIRST];
};

/* Bins collected from the highest downward, for as long as the limit allows; what
 * is lower collapses into the lowest, so far as it can count it. */
struct collected {
    size_t n, limit;
    uint64_t rest;
    struct sketch_bin bins[SKETCH_BINS]; /* the last n of them */
};

/* ---- keys -------------------------------------------------------------- */

static int16_t key_of_index(double index, bool negative)
{
    int key = index > KEY_LAST ? KEY_INFINITE : index < 1 ? 1 : (int)index;

    return (int16_t)(negative ? -key : key);
}

int16_t sketch_key(double value)
{
    double magnitude = fabs(value);

    if (!(magnitude >= SMALLEST))
        return 0;
    return key_of_index(rint(log(magnitude) / LOG_GAMMA) + BIAS, value < 0);
}

double sketch_key_value(int16_t key)
{
    int magnitude = key < 0 ? -key : key;

    if (key == 0)
        return 0;
    return copysign(magnitude >= KEY_INFINITE ? INFINITY : pow(GAMMA, magnitude - BIAS), key);
}

/* ---- bins -------------------------------------------------------------- */

static uint32_t count_sum(uint32_t count, uint64_t more)
{
    return more > UINT32_MAX - count ? UINT32_MAX : count + (uint32_t)more;
}

static void collected_init(struct collected *to, size_t limit)
{
    to->n = 0;
    to->limit = limit;
    to->rest = 0;
}

static const struct sketch_bin *collected_bins(const struct collected *from)
{
    return from->bins + SKETCH_BINS - from->n;
}

/* total is what all bins of this key count; keys come in descending order. */
static void collect_key(struct collected *to, int16_t key, uint64_t total)
{
    while (total > 0 && to->n < to->limit) {
        uint32_t count = total > UINT32_MAX ? UINT32_MAX : (uint32_t)total;

        to->bins[SKETCH_BINS - ++to->n] = (struct sketch_bin){ key, count };
        total -= count;
    }
    to->rest += total;
}

/* Two ascending runs of bins, as if all their values had gone into one sketch. */
static void collect(struct collected *to, const struct sketch_bin *a, size_t n_a,
                    const struct sketch_bin *b, size_t n_b)
{
    while (n_a > 0 || n_b > 0) {
        int16_t key = n_b == 0 || (n_a > 0 && a[n_a - 1].key > b[n_b - 1].key) ? a[n_a - 1].key
                                                                               : b[n_b - 1].key;
        uint64_t total = 0;

        for (; n_a > 0 && a[n_a - 1].key == key; n_a--)
            total += a[n_a - 1].count;
        for (; n_b > 0 && b[n_b - 1].key == key; n_b--)
            total += b[n_b - 1].count;
        collect_key(to, key, total);
    }
    if (to->rest > 0) {
        struct sketch_bin *lowest = &to->bins[SKETCH_BINS - to->n];

        lowest->count = count_sum(lowest->count, to->rest);
    }
}

static bool bins_reserve(struct sketch *sketch, struct arena *arena, size_t n)
{
    size_t capacity = sketch->bins_capacity > 0 ? sketch->bins_capacity : BINS_FIRST;

    if (n <= sketch->bins_capacity)
        return true;
    while (capacity < n)
        capacity *= 2;

    struct sketch_bin *bins = arena_alloc(arena, capacity * sizeof *bins);

    if (bins == NULL)
        return false;
    if (sketch->n_bins > 0)
        memcpy(bins, sketch->bins, sketch->n_bins * sizeof *bins);
    sketch->bins = bins;
    sketch->bins_capacity = (uint16_t)capacity;
    return true;
}

static bool bins_merge(struct sketch *sketch, struct arena *arena,
                       const struct sketch_bin *runs, size_t n)
{
    struct collected all;

    collected_init(&all, sketch->limit);
    collect(&all, sketch->bins, sketch->n_bins, runs, n);
    if (!bins_reserve(sketch, arena, all.n))
        return false;
    if (all.n > 0)
        memcpy(sketch->bins, collected_bins(&all), all.n * sizeof *runs);
    sketch->n_bins = (uint16_t)all.n;
    return true;
}

/* For a weight with which the bin of this key would overflow. */
static bool bins_add_heavy(struct sketch *sketch, struct arena *arena, int16_t key,
                           uint64_t weight)
{
    struct collected runs;

    collected_init(&runs, sketch->limit);
    collect_key(&runs, key, weight);
    return bins_merge(sketch, arena, collected_bins(&runs), runs.n);
}

/* The place of the first bin whose key is not below. Without branches: no
 * predictor guesses the way to a random key. */
static size_t bins_find(const struct sketch *sketch, int16_t key)
{
    const struct sketch_bin *bins = sketch->bins;
    size_t place = 0, n = sketch->n_bins;

    while (n > 1) {
        size_t half = n / 2;

        place += half & -(size_t)(bins[place + half - 1].key < key);
        n -= half;
    }
    return place + (n == 1 && bins[place].key < key);
}

/* All bins are in use: the lowest is given up for a new one at place > 0. */
static void bins_collapse_lowest(struct sketch *sketch, size_t place, struct sketch_bin bin)
{
    struct sketch_bin *bins = sketch->bins;
    uint32_t carry = bins[0].count;

    memmove(bins, bins + 1, (place - 1) * sizeof *bins);
    bins[place - 1] = bin;
    bins[0].count = count_sum(bins[0].count, carry);
}

/* For a key that has no bin yet. */
static bool bins_insert(struct sketch *sketch, struct arena *arena, size_t place,
                        struct sketch_bin bin)
{
    if (sketch->n_bins == sketch->limit) {
        bins_collapse_lowest(sketch, place, bin);
        return true;
    }
    if (!bins_reserve(sketch, arena, sketch->n_bins + 1u))
        return false;
    memmove(sketch->bins + place + 1, sketch->bins + place,
            (sketch->n_bins - place) * sizeof bin);
    sketch->bins[place] = bin;
    sketch->n_bins++;
    return true;
}

static bool bins_add(struct sketch *sketch, struct arena *arena, int16_t key, uint64_t weight)
{
    size_t place = bins_find(sketch, key);
    struct sketch_bin *bin = place < sketch->n_bins ? &sketch->bins[place] : NULL;
    bool present = bin != NULL && bin->key == key;

    if (place == 0 && sketch->n_bins == sketch->limit) {
        bin->count = count_sum(bin->count, weight);
        return true;
    }
    if (weight > UINT32_MAX - (present ? bin->count : 0))
        return bins_add_heavy(sketch, arena, key, weight);
    if (!present)
        return bins_insert(sketch, arena, place, (struct sketch_bin){ key, (uint32_t)weight });
    bin->count += (uint32_t)weight;
    return true;
}

/* ---- pending keys ------------------------------------------------------ */

static uint16_t pending_capacity(const struct sketch *sketch)
{
    return sketch->pending == sketch->first ? PENDING_FIRST : PENDING_FULL;
}

/* One pass of a radix sort, by the byte at shift of the key made unsigned. */
static void sort_pass(const int16_t *from, int16_t *to, size_t n, unsigned shift)
{
    uint16_t place[256] = { 0 };
    uint16_t before = 0;

    for (size_t i = 0; i < n; i++)
        place[(((uint16_t)from[i] ^ 0x8000u) >> shift) & 0xff]++;
    for (size_t i = 0; i < 256; i++) {
        uint16_t count = place[i];

        place[i] = before;
        before = (uint16_t)(before + count);
    }
    for (size_t i = 0; i < n; i++)
        to[place[(((uint16_t)from[i] ^ 0x8000u) >> shift) & 0xff]++] = from[i];
}

static void sort_few(int16_t *keys, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        int16_t key = keys[i];
        size_t place = i;

        for (; place > 0 && keys[place - 1] > key; place--)
            keys[place] = keys[place - 1];
        keys[place] = key;
    }
}

static void sort_keys(int16_t *keys, size_t n)
{
    int16_t halfway[PENDING_FULL];

    if (n <= 16) {
        sort_few(keys, n);
        return;
    }
    sort_pass(keys, halfway, n, 0);
    sort_pass(halfway, keys, n, 8);
}

/* Sorts the pending keys and counts equal ones together. */
static size_t pending_runs(struct sketch *sketch, struct sketch_bin runs[static PENDING_FULL])
{
    size_t n = 0;

    sort_keys(sketch->pending, sketch->n_pending);
    for (size_t i = 0; i < sketch->n_pending; i++) {
        if (n > 0 && runs[n - 1].key == sketch->pending[i])
            runs[n - 1].count++;
        else
            runs[n++] = (struct sketch_bin){ sketch->pending[i], 1 };
    }
    return n;
}

/* Pending keys into the bins. False: some are still pending. */
static bool settle(struct sketch *sketch, struct arena *arena)
{
    struct sketch_bin runs[PENDING_FULL];

    if (sketch->n_pending > PENDING_FIRST) {
        size_t n = pending_runs(sketch, runs);

        if (!bins_merge(sketch, arena, runs, n))
            return false;
        sketch->n_pending = 0;
    }
    for (; sketch->n_pending > 0; sketch->n_pending--)
        if (!bins_add(sketch, arena, sketch->pending[sketch->n_pending - 1], 1))
            return false;
    return true;
}

/* A long pending list is worth its memory once there are many bins; without it
 * the short one goes on. */
static bool pending_make_room(struct sketch *sketch, struct arena *arena)
{
    if (!settle(sketch, arena))
        return false;
    if (sketch->pending == sketch->first && sketch->n_bins > BINS_MANY) {
        int16_t *longer = arena_alloc(arena, PENDING_FULL * sizeof *longer);

        if (longer != NULL)
            sketch->pending = longer;
    }
    return true;
}

/* ---- the sketch -------------------------------------------------------- */

struct sketch *sketch_new_limited(struct arena *arena, uint16_t limit)
{
    struct sketch *sketch = arena_alloc(arena, sizeof *sketch);

    if (sketch == NULL)
        return NULL;
    *sketch = (struct sketch){ .min = INFINITY, .max = -INFINITY, .limit = limit };
    sketch->pending = sketch->first;
    return sketch;
}

struct sketch *sketch_new(struct arena *arena)
{
    return sketch_new_limited(arena, SKETCH_BINS);
}

static void note_count(struct sketch *sketch, int64_t more)
{
    sketch->count = more > COUNT_MAX - sketch->count ? COUNT_MAX : sketch->count + more;
}

static void note_range(struct sketch *sketch, double min, double max)
{
    sketch->min = min < sketch->min ? min : sketch->min;
    sketch->max = max > sketch->max ? max : sketch->max;
}

static bool pending_add(struct sketch *sketch, struct arena *arena, int16_t key)
{
    if (sketch->n_pending == pending_capacity(sketch) && !pending_make_room(sketch, arena))
        return false;
    sketch->pending[sketch->n_pending++] = key;
    return true;
}

bool sketch_add_weighted(struct sketch *sketch, struct arena *arena, double value,
                         double weight)
{
    double bounded = !(weight >= 1) ? 1 : weight > WEIGHT_MAX ? WEIGHT_MAX : weight;
    int64_t whole = (int64_t)bounded;
    int16_t key = sketch_key(value);

    if (!(whole == 1 ? pending_add(sketch, arena, key)
                     : bins_add(sketch, arena, key, (uint64_t)whole)))
        return false;
    note_count(sketch, whole);
    note_range(sketch, value, value);
    sketch->sum += value * bounded;
    sketch->whole_sum += value * (double)whole;
    return true;
}

bool sketch_add(struct sketch *sketch, struct arena *arena, double value, double rate)
{
    return sketch_add_weighted(sketch, arena, value, rate > 0 && rate < 1 ? 1 / rate : 1);
}

bool sketch_merge(struct sketch *into, struct arena *arena, struct sketch *other)
{
    struct sketch_bin runs[PENDING_FULL];
    struct collected all;

    if (other->n_bins == 0 && into->n_pending + other->n_pending <= pending_capacity(into)) {
        memcpy(into->pending + into->n_pending, other->pending,
               other->n_pending * sizeof *other->pending);
        into->n_pending = (uint16_t)(into->n_pending + other->n_pending);
    } else {
        size_t n = pending_runs(other, runs);

        collected_init(&all, into->limit);
        collect(&all, other->bins, other->n_bins, runs, n);
        if (!bins_merge(into, arena, collected_bins(&all), all.n))
            return false;
    }
    note_count(into, other->count);
    note_range(into, other->min, other->max);
    into->sum += other->sum;
    into->whole_sum += other->whole_sum;
    return true;
}

void sketch_summary(const struct sketch *sketch, struct sketch_summary *out)
{
    *out = (struct sketch_summary){ 0 };
    if (sketch->count == 0)
        return;
    out->count = sketch->count;
    out->min = sketch->min;
    out->max = sketch->max;
    out->sum = sketch->sum;
    /* Bounded: the sum of huge values may overflow where their average does not. */
    out->avg = fmin(fmax(sketch->whole_sum / (double)sketch->count, out->min), out->max);
}

struct sketch *sketch_restore(struct arena *arena, const struct sketch_summary *summary,
                              const struct sketch_bin *bins, size_t n)
{
    struct sketch *sketch = sketch_new(arena);

    if (sketch == NULL || n > SKETCH_BINS || !bins_reserve(sketch, arena, n))
        return NULL;
    if (n > 0)
        memcpy(sketch->bins, bins, n * sizeof *bins);
    sketch->n_bins = (uint16_t)n;
    if (summary->count == 0)
        return sketch;
    sketch->count = summary->count;
    sketch->min = summary->min;
    sketch->max = summary->max;
    sketch->sum = summary->sum;
    sketch->whole_sum = summary->avg * (double)summary->count;
    return sketch;
}

bool sketch_bins(struct sketch *sketch, struct arena *arena, const struct sketch_bin **bins,
                 size_t *n)
{
    if (!settle(sketch, arena))
        return false;
    *bins = sketch->bins;
    *n = sketch->n_bins;
    return true;
}

static double in_range(const struct sketch *sketch, double value)
{
    return fmin(fmax(value, sketch->min), sketch->max);
}

double sketch_quantile(struct sketch *sketch, struct arena *arena, double q)
{
    uint64_t total = 0, below = 0;

    if (sketch->count == 0)
        return 0;
    if (!(q > 0))
        return sketch->min;
    if (q >= 1)
        return sketch->max;
    if (!settle(sketch, arena))
        return NAN;
    for (size_t i = 0; i < sketch->n_bins; i++)
        total += sketch->bins[i].count;

    double rank = rint(q * (double)(total - 1));

    for (size_t i = 0; i < sketch->n_bins; i++) {
        below += sketch->bins[i].count;
        if ((double)below > rank)
            return in_range(sketch, sketch_key_value(sketch->bins[i].key));
    }
    return sketch->max;
}
