/* tests/support/msgpack_out.h: bodies of msgpack, byte by byte.
 *
 * By a notation, for what a test spells out:  "81 'error' d2 00 00 00 01"
 *
 *   two hexadecimal digits   a byte
 *   'text'                   a str in its shortest form
 *   =text=                   its bytes alone, behind a head that is spelled out
 *
 * or value by value, for what a test makes. */
#ifndef TESTS_SUPPORT_MSGPACK_OUT_H
#define TESTS_SUPPORT_MSGPACK_OUT_H

#include <stdint.h>

#include "flush/memory/bytes.h"
#include "protocol/slice.h"

/* Fails the test at what is no notation. */
void msgpack_out(struct bytes *out, const char *notation);

/* A first byte and the number behind it, as wide as that byte says (0xcd: two bytes). */
void msgpack_out_head(struct bytes *out, unsigned char first, uint64_t number);

/* In the shortest form. */
void msgpack_out_list(struct bytes *out, uint32_t n);
void msgpack_out_map(struct bytes *out, uint32_t n);
void msgpack_out_text(struct bytes *out, const char *text);
void msgpack_out_uint(struct bytes *out, uint64_t number);

void msgpack_out_int(struct bytes *out, int64_t number); /* as int 64 */
void msgpack_out_double(struct bytes *out, double number);

static inline struct slice msgpack_out_body(const struct bytes *out)
{
    return bytes_view(out);
}

#endif
