/* protocol/number.h: exact, locale-free text to number, by Go's grammar.
 *
 * Pure; correctly rounded to the nearest double (ties to even). */
#ifndef PROTOCOL_NUMBER_H
#define PROTOCOL_NUMBER_H

#include <stdint.h>

#include "protocol/slice.h"

/* The whole text as a Go float: decimal, exponent, hex float with p exponent,
 * underscores between digits, inf/infinity/nan in any case (nan unsigned).
 * False: not a number, or its magnitude overflows. Underflow gives 0. */
bool number_double(struct slice text, double *out);

/* The whole text as a Go base-10 signed integer: optional sign, digits, no
 * underscore. False: not one, or beyond 64 bits. */
bool number_int64(struct slice text, int64_t *out);

/* Enough for any double written by number_format, with its NUL. */
enum { NUMBER_TEXT_MAX = 32 };

/* The shortest decimal text that reads back as the same double ("0.3", "1e+22",
 * "NaN", "+Inf"); returns its length. Independent of the locale. */
size_t number_format(double value, char out[NUMBER_TEXT_MAX]);

#endif
