#include "flush/memory/packed_ids.h"

#include <endian.h>
#include <string.h>

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

/* Nothing is divided, and four bytes are taken at once, as questions unpack the tags of each
 * series. */
size_t packed_ids_unpack(struct slice packed, uint32_t *ids)
{
    if (packed.len == 0)
        return 0;
    const uint8_t *at = (const uint8_t *)packed.at + 1, *end = at + packed.len - 1;
    unsigned width = (uint8_t)packed.at[0], bits = 0;
    size_t total = (packed.len - 1) * 8, n = 0;
    uint64_t waiting = 0, mask = (UINT64_C(1) << width) - 1;

    for (size_t used = width; used <= total; used += width) {
        if (bits < width && end - at >= 4) {
            uint32_t four;

            memcpy(&four, at, sizeof four);
            waiting |= (uint64_t)le32toh(four) << bits;
            at += sizeof four;
            bits += 32;
        }
        for (; bits < width; bits += 8)
            waiting |= (uint64_t)*at++ << bits;
        ids[n++] = (uint32_t)(waiting & mask);
        waiting >>= width;
        bits -= width;
    }
    return n;
}
