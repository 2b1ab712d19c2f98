/* protocol/number.h: exact, locale-free text to number, by Go's grammar.
 *
 * Pure; correctly rounded to the nearest double (ties to even). */
#ifndef PROTOCOL_NUMBER_H
#define PROTOCOL_NUMBER_H

#include <endian.h>
#include <stdint.h>

#include "protocol/slice.h"

/* The whole text as a Go float: decimal, exponent, hex float with p exponent,
 * underscores between digits, inf/infinity/nan in any case (nan unsigned).
 * False: not a number, or its magnitude overflows. Underflow gives 0. */
bool number_double(struct slice text, double *out);

/* The whole text as a Go base-10 signed integer: optional sign, digits, no
 * underscore. False: not one, or beyond 64 bits. */
bool number_int64(struct slice text, int64_t *out);

/* Eight characters as one word, the first the lowest byte, of which each digit is its value. */
static inline uint64_t number_word(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return le64toh(word) ^ UINT64_C(0x3030303030303030);
}

/* Whether each byte of such a word is below ten. */
static inline bool number_is_digits(uint64_t word)
{
    return ((word | (word + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080)) == 0;
}

/* The number that these eight digits are. */
static inline uint64_t number_of_digits(uint64_t word)
{
    word = (word * 10 + (word >> 8)) & 0x00FF00FF00FF00FF;
    word = (word * 100 + (word >> 16)) & 0x0000FFFF0000FFFF;
    return (word * 10000 + (word >> 32)) & 0xFFFFFFFF;
}

/* Enough for any double written by number_format, with its NUL. */
enum { NUMBER_TEXT_MAX = 32 };

/* The shortest decimal text that reads back as the same double ("0.3", "1e+22",
 * "NaN", "+Inf"); returns its length. Independent of the locale. */
size_t number_format(double value, char out[NUMBER_TEXT_MAX]);

/* The same of a whole number. */
size_t number_format_whole(int64_t value, char out[NUMBER_TEXT_MAX]);

#endif
