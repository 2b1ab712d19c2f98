#include "flush/values/blob.h"

#include <endian.h>
#include <math.h>

enum {
    VARINT_MAX = 5,
    RANK_MAX = 51,
    SUMMARY_BYTES = 5 * 8,
    HEAD_BYTES = 1 + SUMMARY_BYTES + 4
};

static const int64_t COUNT_MAX = INT64_C(1) << 53;

/* ---- numbers ----------------------------------------------------------- */

static void put_64(struct bytes *out, uint64_t value)
{
    value = htole64(value);
    bytes_add(out, &value, sizeof value);
}

static uint64_t get_64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

static void put_double(struct bytes *out, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    put_64(out, bits);
}

static double get_double(const uint8_t *at)
{
    uint64_t bits = get_64(at);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static void put_varint(struct bytes *out, uint32_t value)
{
    uint8_t text[VARINT_MAX];
    size_t n = 0;

    for (; value >= 0x80; value >>= 7)
        text[n++] = (uint8_t)(value | 0x80);
    text[n++] = (uint8_t)value;
    bytes_add(out, text, n);
}

/* Moves *at; false: it does not end before `end`, or within 32 bits. */
static bool get_varint(const uint8_t **at, const uint8_t *end, uint32_t *out)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 7 * VARINT_MAX && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = (uint32_t)value;
            return value <= UINT32_MAX;
        }
    }
    return false;
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
    put_64(out, (uint64_t)summary.count);
    put_double(out, summary.min);
    put_double(out, summary.max);
    put_double(out, summary.sum);
    put_double(out, summary.avg);
    bytes_add(out, &(uint32_t){ htole32((uint32_t)n) }, sizeof(uint32_t));
    for (size_t i = 0; i < n; i++) {
        put_varint(out, (uint32_t)(bins[i].key - before)); /* full bins share a key: 0 */
        put_varint(out, bins[i].count);
        before = bins[i].key;
    }
    return true;
}

static bool get_summary(const uint8_t *at, struct sketch_summary *out)
{
    *out =
        (struct sketch_summary){ (int64_t)get_64(at), get_double(at + 8), get_double(at + 16),
                                 get_double(at + 24), get_double(at + 32) };
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
    uint32_t n;

    if (len < HEAD_BYTES || at[0] != 'D' || !get_summary(at + 1, &summary))
        return NULL;
    memcpy(&n, at + 1 + SUMMARY_BYTES, sizeof n);
    n = le32toh(n);
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
        put_64(out, members[i]);
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
        members[i] = get_64(at + 1 + i * sizeof *members);
    return distinct_restore(arena, members, n, NULL);
}
