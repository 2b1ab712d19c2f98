#include <string.h>

#include "flush/memory/wire.h"
#include "server/traces/ddsketch.h"

/* Our keys count seconds and the indexes that we write count nanoseconds, on the same grid.
 * What lies between the two is ln(1e9) / ln(1.015625) = 1336.62 bins; the nearest whole number
 * is taken, and half a bin that stands in the offset. */
enum { KEY_TO_INDEX = 1337, ENTRY_MAX = 2 + 2 + VARINT_MAX + 9 };

#define GRID_GAMMA  1.015625
#define GRID_OFFSET 1338.5

enum { VARINT = 0, FIXED64 = 1, BYTES = 2 };

static void put_head(struct bytes *out, unsigned field, unsigned wire)
{
    bytes_add(out, &(unsigned char){ (unsigned char)(field << 3 | wire) }, 1);
}

static void put_double(struct bytes *out, unsigned field, double value)
{
    uint64_t bits;
    uint8_t bytes[sizeof bits];

    memcpy(&bits, &value, sizeof bits);
    fixed_put(bytes, bits, sizeof bytes);
    put_head(out, field, FIXED64);
    bytes_add(out, bytes, sizeof bytes);
}

static void put_size(struct bytes *out, unsigned field, size_t size)
{
    uint8_t bytes[VARINT_MAX];

    put_head(out, field, BYTES);
    bytes_add(out, bytes, (size_t)(varint_put(bytes, size) - bytes));
}

static size_t entry_put(uint8_t entry[ENTRY_MAX], int32_t index, double count)
{
    uint32_t zigzag = (uint32_t)index << 1 ^ (uint32_t)(index < 0 ? -1 : 0);
    uint8_t *at = entry;
    uint64_t bits;

    memcpy(&bits, &count, sizeof bits);
    *at++ = 1 << 3 | VARINT;
    at = varint_put(at, zigzag);
    *at++ = 2 << 3 | FIXED64;
    fixed_put(at, bits, sizeof bits);
    return (size_t)(at - entry) + sizeof bits;
}

/* Of the bins from *i on that have one key, of which there are several when one cannot count
 * them all: a map has each key once. Moves *i to the last of them. */
static double count_of_key(const struct sketch_bin *bins, size_t n, size_t *i)
{
    double count = bins[*i].count;

    while (*i + 1 < n && bins[*i + 1].key == bins[*i].key)
        count += bins[++*i].count;
    return count;
}

/* The bins of values with that sign; sign: 1 or -1. */
static void put_store(struct bytes *out, unsigned field, int sign,
                      const struct sketch_bin *bins, size_t n)
{
    uint8_t entry[ENTRY_MAX];
    struct bytes store = { 0 };

    for (size_t i = 0; i < n; i++) {
        if (bins[i].key * sign <= 0)
            continue;
        double count = count_of_key(bins, n, &i);
        size_t size = entry_put(entry, bins[i].key * sign + KEY_TO_INDEX, count);

        put_size(&store, 1, size);
        bytes_add(&store, entry, size);
    }
    if (store.len > 0) {
        put_size(out, field, store.len);
        bytes_add(out, store.at, store.len);
    }
    out->failed = out->failed || store.failed;
    bytes_free(&store);
}

void ddsketch_write(struct bytes *out, const struct sketch_bin *bins, size_t n)
{
    double zeros = 0;

    for (size_t i = 0; i < n; i++)
        zeros += bins[i].key == 0 ? bins[i].count : 0;
    put_size(out, 1, 2 * (1 + sizeof(double)));
    put_double(out, 1, GRID_GAMMA);
    put_double(out, 2, GRID_OFFSET);
    put_store(out, 2, 1, bins, n);
    put_store(out, 3, -1, bins, n);
    if (zeros > 0)
        put_double(out, 4, zeros);
}
