#include "flush/values/blob.h"

#include <math.h>

#include "flush/memory/wire.h"

enum {
    BYTES_OF_32 = 5, /* of a varint */
    RANK_MAX = 51,
    SUMMARY_BYTES = 5 * 8,
    HEAD_BYTES = 1 + SUMMARY_BYTES + 4
};

static const int64_t COUNT_MAX = INT64_C(1) << 53;

/* ---- numbers ----------------------------------------------------------- */

static void put_fixed(struct bytes *out, uint64_t value, size_t bytes)
{
    uint8_t text[8];

    fixed_put(text, value, bytes);
    bytes_add(out, text, bytes);
}

static void put_double(struct bytes *out, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    put_fixed(out, bits, 8);
}

static double get_double(const uint8_t *at)
{
    uint64_t bits = fixed_get(at, 8);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static void put_varint(struct bytes *out, uint32_t value)
{
    uint8_t text[VARINT_MAX];

    bytes_add(out, text, (size_t)(varint_put(text, value) - text));
}

/* Moves *at behind the number. False: it does not end before `end`, or is larger than 32
 * bits. */
static bool get_varint(const uint8_t **at, const uint8_t *end, uint32_t *out)
{
    uint64_t value;

    if (!varint_get(at, end - *at > BYTES_OF_32 ? *at + BYTES_OF_32 : end, &value))
        return false;
    *out = (uint32_t)value;
    return value <= UINT32_MAX;
}

/* ---- sketches ---------------------------------------------------------- */

bool blob_put_sketch(struct bytes *out, struct sketch *sketch, struct arena *arena)
{
    struct sketch_summary summary;
    const struct sketch_bin *bins;
    size_t n;
    int before = INT16_MIN;

    if (!sketch_bins(sketch, arena, &bins, &n))
        return false;
    sketch_summary(sketch, &summary);
    bytes_add(out, "D", 1);
    put_fixed(out, (uint64_t)summary.count, 8);
    put_double(out, summary.min);
    put_double(out, summary.max);
    put_double(out, summary.sum);
    put_double(out, summary.avg);
    put_fixed(out, n, 4);
    for (size_t i = 0; i < n; i++) {
        put_varint(out, (uint32_t)(bins[i].key - before)); /* full bins share a key: 0 */
        put_varint(out, bins[i].count);
        before = bins[i].key;
    }
    return true;
}

static bool get_summary(const uint8_t *at, struct sketch_summary *out)
{
    *out = (struct sketch_summary){ (int64_t)fixed_get(at, 8), get_double(at + 8),
                                    get_double(at + 16), get_double(at + 24),
                                    get_double(at + 32) };
    return out->count >= 0 && out->count <= COUNT_MAX && isfinite(out->min) &&
           isfinite(out->max) && !isnan(out->sum) && !isnan(out->avg); /* sums may overflow */
}

static bool get_bins(const uint8_t *at, const uint8_t *end, size_t n, struct sketch_bin *bins)
{
    uint32_t step;
    int64_t key = INT16_MIN;

    for (size_t i = 0; i < n; i++) {
        if (!get_varint(&at, end, &step) || !get_varint(&at, end, &bins[i].count))
            return false;
        key += step;
        if (key > INT16_MAX || bins[i].count == 0)
            return false;
        bins[i].key = (int16_t)key;
    }
    return at == end;
}

struct sketch *blob_sketch(const uint8_t *at, size_t len, struct arena *arena)
{
    struct sketch_summary summary;
    struct sketch_bin bins[SKETCH_BINS];

    if (len < HEAD_BYTES || at[0] != 'D' || !get_summary(at + 1, &summary))
        return NULL;
    uint64_t n = fixed_get(at + 1 + SUMMARY_BYTES, 4);

    if (n > SKETCH_BINS || (n == 0) != (summary.count == 0) ||
        !get_bins(at + HEAD_BYTES, at + len, n, bins))
        return NULL;
    return sketch_restore(arena, &summary, bins, n);
}

/* ---- sets -------------------------------------------------------------- */

void blob_put_distinct(struct bytes *out, const struct distinct *distinct)
{
    const uint8_t *registers = distinct_registers(distinct);
    const uint64_t *members;
    size_t n = distinct_members(distinct, &members);

    bytes_add(out, registers != NULL ? "R" : "M", 1);
    if (registers != NULL)
        bytes_add(out, registers, DISTINCT_REGISTERS);
    for (size_t i = 0; registers == NULL && i < n; i++)
        put_fixed(out, members[i], 8);
}

static struct distinct *get_registers(const uint8_t *at, size_t len, struct arena *arena)
{
    if (len != DISTINCT_REGISTERS)
        return NULL;
    for (size_t i = 0; i < len; i++)
        if (at[i] > RANK_MAX)
            return NULL;
    return distinct_restore(arena, NULL, 0, at);
}

struct distinct *blob_distinct(const uint8_t *at, size_t len, struct arena *arena)
{
    uint64_t members[DISTINCT_EXACT];
    size_t n = len / sizeof *members;

    if (len >= 1 && at[0] == 'R')
        return get_registers(at + 1, len - 1, arena);
    if (len % sizeof *members != 1 || at[0] != 'M' || n > DISTINCT_EXACT)
        return NULL;
    for (size_t i = 0; i < n; i++)
        members[i] = fixed_get(at + 1 + i * sizeof *members, 8);
    return distinct_restore(arena, members, n, NULL);
}
