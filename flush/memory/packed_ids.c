#include "flush/memory/packed_ids.h"

/* An id takes at least eight bits, so the bits that are left over in the last byte cannot be
 * taken for one. */
enum { WIDTH_MIN = 8 };

static unsigned width_of(const uint32_t *ids, size_t n)
{
    uint32_t all = 0;
    unsigned width = WIDTH_MIN;

    for (size_t i = 0; i < n; i++)
        all |= ids[i];
    while (width < 32 && all >> width != 0)
        width++;
    return width;
}

size_t packed_ids_pack(const uint32_t *ids, size_t n, uint8_t *out)
{
    unsigned width = width_of(ids, n), bits = 0;
    uint64_t waiting = 0;
    uint8_t *at = out;

    if (n == 0)
        return 0;
    *at++ = (uint8_t)width;
    for (size_t i = 0; i < n; i++) {
        waiting |= (uint64_t)ids[i] << bits;
        for (bits += width; bits >= 8; bits -= 8, waiting >>= 8)
            *at++ = (uint8_t)waiting;
    }
    if (bits > 0)
        *at++ = (uint8_t)waiting;
    return (size_t)(at - out);
}

size_t packed_ids_count(struct slice packed)
{
    return packed.len > 0 ? (packed.len - 1) * 8 / (uint8_t)packed.at[0] : 0;
}

void packed_ids_unpack(struct slice packed, uint32_t *ids)
{
    size_t n = packed_ids_count(packed);
    const uint8_t *at = (const uint8_t *)packed.at + 1;
    unsigned bits = 0;
    uint64_t waiting = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned width = (uint8_t)packed.at[0];
        for (; bits < width; bits += 8)
            waiting |= (uint64_t)*at++ << bits;
        ids[i] = (uint32_t)(waiting & ((UINT64_C(1) << width) - 1));
        waiting >>= width;
        bits -= width;
    }
}
