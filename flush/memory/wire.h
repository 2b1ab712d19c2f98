/* flush/memory/wire.h: whole numbers as bytes, the same on every machine.
 *
 * fixed_*: little-endian, of a width that both sides know. varint_*: seven bits a byte, the
 * lowest first, and the top bit of all but the last is set; as protobuf writes them. */
#ifndef FLUSH_MEMORY_WIRE_H
#define FLUSH_MEMORY_WIRE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { VARINT_MAX = 10 }; /* bytes of a varint */

static inline void fixed_put(uint8_t *at, uint64_t number, size_t bytes)
{
    number = htole64(number);
    memcpy(at, &number, bytes);
}

static inline uint64_t fixed_get(const uint8_t *at, size_t bytes)
{
    uint64_t number = 0;

    for (size_t i = 0; i < bytes; i++)
        number |= (uint64_t)at[i] << 8 * i;
    return number;
}

/* Returns the place behind what it wrote, VARINT_MAX bytes at most. */
static inline uint8_t *varint_put(uint8_t *at, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *at++ = (uint8_t)(number | 0x80);
    *at++ = (uint8_t)number;
    return at;
}

/* Moves *at behind the number. False: it does not end before end, or within VARINT_MAX
 * bytes. */
static inline bool varint_get(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;

        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

#endif
