#include "tests/support/msgpack_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void out_byte(struct bytes *out, uint64_t byte)
{
    unsigned char one = (unsigned char)byte;

    bytes_add(out, &one, 1);
}

/* Of the number behind a first byte; 0: none. */
static int width(unsigned char first)
{
    static const char widths[] = {
        [0xc4 - 0xc0] = 1, [0xc5 - 0xc0] = 2, [0xc6 - 0xc0] = 4, [0xc7 - 0xc0] = 1,
        [0xc8 - 0xc0] = 2, [0xc9 - 0xc0] = 4, [0xca - 0xc0] = 4, [0xcb - 0xc0] = 8,
        [0xcc - 0xc0] = 1, [0xcd - 0xc0] = 2, [0xce - 0xc0] = 4, [0xcf - 0xc0] = 8,
        [0xd0 - 0xc0] = 1, [0xd1 - 0xc0] = 2, [0xd2 - 0xc0] = 4, [0xd3 - 0xc0] = 8,
        [0xd9 - 0xc0] = 1, [0xda - 0xc0] = 2, [0xdb - 0xc0] = 4, [0xdc - 0xc0] = 2,
        [0xdd - 0xc0] = 4, [0xde - 0xc0] = 2, [0xdf - 0xc0] = 4,
    };

    return first >= 0xc0 && first < 0xe0 ? widths[first - 0xc0] : 0;
}

void msgpack_out_head(struct bytes *out, unsigned char first, uint64_t number)
{
    out_byte(out, first);
    for (int i = width(first) - 1; i >= 0; i--)
        out_byte(out, number >> 8 * i & 0xff);
}

/* Of one that is in the first byte itself, or in two or four behind another. */
static void out_length(struct bytes *out, unsigned short_first, uint32_t below,
                       unsigned char first_of_two, uint32_t n)
{
    if (n < below)
        out_byte(out, short_first | n);
    else
        msgpack_out_head(out, n > UINT16_MAX ? (unsigned char)(first_of_two + 1) : first_of_two,
                         n);
}

void msgpack_out_list(struct bytes *out, uint32_t n)
{
    out_length(out, 0x90, 16, 0xdc, n);
}

void msgpack_out_map(struct bytes *out, uint32_t n)
{
    out_length(out, 0x80, 16, 0xde, n);
}

static void out_text(struct bytes *out, const char *text, size_t len)
{
    if (len >= 32 && len <= UINT8_MAX)
        msgpack_out_head(out, 0xd9, len);
    else
        out_length(out, 0xa0, 32, 0xda, (uint32_t)len);
    bytes_add(out, text, len);
}

void msgpack_out_text(struct bytes *out, const char *text)
{
    out_text(out, text, strlen(text));
}

void msgpack_out_uint(struct bytes *out, uint64_t number)
{
    if (number < 0x80)
        out_byte(out, number);
    else
        msgpack_out_head(out,
                         number <= UINT8_MAX    ? 0xcc
                         : number <= UINT16_MAX ? 0xcd
                         : number <= UINT32_MAX ? 0xce
                                                : 0xcf,
                         number);
}

void msgpack_out_int(struct bytes *out, int64_t number)
{
    msgpack_out_head(out, 0xd3, (uint64_t)number);
}

void msgpack_out_double(struct bytes *out, double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof bits);
    msgpack_out_head(out, 0xcb, bits);
}

/* ---- the notation ------------------------------------------------------ */

static const char *out_quoted(struct bytes *out, const char *notation)
{
    const char *end = strchr(notation + 1, *notation);

    if (end == NULL)
        fail_msg("a text does not end: %s", notation);
    if (*notation == '\'')
        out_text(out, notation + 1, (size_t)(end - notation - 1));
    else
        bytes_add(out, notation + 1, (size_t)(end - notation - 1));
    return end + 1;
}

static const char *out_digits(struct bytes *out, const char *notation)
{
    char digits[3] = { notation[0], notation[1], '\0' }, *end;
    unsigned long byte = strtoul(digits, &end, 16);

    if (end != digits + 2)
        fail_msg("two hexadecimal digits are no such: %s", notation);
    out_byte(out, byte);
    return notation + 2;
}

void msgpack_out(struct bytes *out, const char *notation)
{
    while (*notation != '\0')
        notation = *notation == ' '                        ? notation + 1
                   : *notation == '\'' || *notation == '=' ? out_quoted(out, notation)
                                                           : out_digits(out, notation);
}
