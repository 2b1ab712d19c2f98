#include "flush/blob.h"

enum { VARINT_MAX = 5 };

static void put_varint(struct bytes *out, uint32_t value)
{
    uint8_t text[VARINT_MAX];
    size_t n = 0;

    for (; value >= 0x80; value >>= 7)
        text[n++] = (uint8_t)(value | 0x80);
    text[n++] = (uint8_t)value;
    bytes_add(out, text, n);
}

static uint32_t get_varint(const uint8_t **at)
{
    uint32_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

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
    bytes_add(out, &summary, sizeof summary);
    bytes_add(out, &(uint32_t){ (uint32_t)n }, sizeof(uint32_t));
    for (size_t i = 0; i < n; i++) {
        put_varint(out, (uint32_t)(bins[i].key - before)); /* full bins share a key: 0 */
        put_varint(out, bins[i].count);
        before = bins[i].key;
    }
    return true;
}

struct sketch *blob_sketch(const uint8_t *at, size_t len, struct arena *arena)
{
    struct sketch_summary summary;
    struct sketch_bin bins[SKETCH_BINS];
    uint32_t n;
    int key = INT16_MIN;

    if (len < 1 + sizeof summary + sizeof n || at[0] != 'D')
        return NULL;
    memcpy(&summary, at + 1, sizeof summary);
    memcpy(&n, at + 1 + sizeof summary, sizeof n);
    at += 1 + sizeof summary + sizeof n;
    for (uint32_t i = 0; i < n; i++) {
        key += (int)get_varint(&at);
        bins[i] = (struct sketch_bin){ (int16_t)key, get_varint(&at) };
    }
    return sketch_restore(arena, &summary, bins, n);
}

void blob_put_distinct(struct bytes *out, const struct distinct *distinct)
{
    const uint8_t *registers = distinct_registers(distinct);
    const uint64_t *members;
    size_t n = distinct_members(distinct, &members);

    bytes_add(out, registers != NULL ? "R" : "M", 1);
    if (registers != NULL)
        bytes_add(out, registers, DISTINCT_REGISTERS);
    else
        bytes_add(out, members, n * sizeof *members);
}

struct distinct *blob_distinct(const uint8_t *at, size_t len, struct arena *arena)
{
    uint64_t members[DISTINCT_EXACT];
    size_t n = (len - 1) / sizeof *members;

    if (at[0] == 'R')
        return distinct_restore(arena, NULL, 0, at + 1);
    memcpy(members, at + 1, n * sizeof *members);
    return distinct_restore(arena, members, n, NULL);
}
