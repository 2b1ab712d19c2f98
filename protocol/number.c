#include "protocol/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* read_short() is for most numbers that clients send. Any other in three steps:
 * read_number() checks the grammar and keeps the first digits in 64 bits; scale()
 * answers exactly for nearly all that are left; read_slowly() hands a bounded
 * copy of the rest to strtod.
 *
 * No double lies so close to the middle of two others that the digits behind
 * the 768th could say more than "above the middle" (one sticky digit says it). */
enum { DIGITS_IN_64_BITS = 19, HEX_DIGITS_IN_64_BITS = 16, DIGITS_KEPT = 800 };

/* No exponent beyond this matters, whatever the number of digits before it. */
enum { EXPONENT_LIMIT = 100000000 };

struct number {
    const char *digits, *end; /* the mantissa with its point and underscores */
    uint64_t mantissa;        /* of its first digits, as many as fit */
    int64_t exponent;         /* of ten (of two if hex) to multiply mantissa by */
    int64_t sent_exponent;    /* what stands behind e or p */
    bool negative;
    bool hex;
    bool exact; /* mantissa holds every digit but zeros */
};

static char lower(char c)
{
    return (char)(c | 0x20);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digit's value, or -1. */
static int digit_value(char c, bool hex)
{
    if (is_digit(c))
        return c - '0';
    if (hex && lower(c) >= 'a' && lower(c) <= 'f')
        return lower(c) - 'a' + 10;
    return -1;
}

static bool equal_in_any_case(struct slice text, struct slice word)
{
    if (text.len != word.len)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (lower(text.at[i]) != word.at[i])
            return false;
    return true;
}

static bool special(struct slice text, double *out)
{
    bool negative = text.len > 0 && text.at[0] == '-';
    bool sign = negative || (text.len > 0 && text.at[0] == '+');
    struct slice word = slice_skip(text, sign);

    if (equal_in_any_case(word, SLICE("inf")) || equal_in_any_case(word, SLICE("infinity")))
        *out = negative ? -INFINITY : INFINITY;
    else if (!sign && equal_in_any_case(word, SLICE("nan")))
        *out = NAN;
    else
        return false;
    return true;
}

/* Each underscore stands behind a digit (or the 0x) and before one. */
static bool underscores_fit(const char *at, const char *end, bool hex)
{
    bool behind_digit = hex;

    for (; at < end; at++) {
        bool digit = digit_value(*at, hex) >= 0;

        if (*at == '_' && (!behind_digit || at + 1 == end || digit_value(at[1], hex) < 0))
            return false;
        behind_digit = digit;
    }
    return true;
}

/* Digits, one point and underscores from at on; returns where they end, or
 * NULL if there is no digit or an underscore is out of place. */
static const char *read_mantissa(const char *at, const char *end, struct number *out)
{
    unsigned room = out->hex ? HEX_DIGITS_IN_64_BITS : DIGITS_IN_64_BITS;
    int64_t step = out->hex ? 4 : 1;
    uint64_t base = out->hex ? 16 : 10;
    bool any = false, point = false, underscore = false;

    out->digits = at;
    for (; at < end; at++) {
        int digit = digit_value(*at, out->hex);

        if (digit >= 0) {
            any = true;
            if (room > 0) {
                out->mantissa = out->mantissa * base + (uint64_t)digit;
                room -= out->mantissa != 0;
                out->exponent -= point ? step : 0;
            } else {
                out->exact &= digit == 0;
                out->exponent += point ? 0 : step;
            }
        } else if (*at == '.' && !point) {
            point = true;
        } else if (*at == '_') {
            underscore = true;
        } else {
            break;
        }
    }
    out->end = at;
    return any && (!underscore || underscores_fit(out->digits, at, out->hex)) ? at : NULL;
}

/* "e+10" from at on; returns where it ends, or NULL if it is none. */
static const char *read_exponent(const char *at, const char *end, struct number *out)
{
    bool negative = false, underscore = false;
    int64_t value = 0;

    at++;
    if (at < end && (*at == '+' || *at == '-'))
        negative = *at++ == '-';
    const char *digits = at;
    if (at == end || !is_digit(*at))
        return NULL;
    for (; at < end && (is_digit(*at) || *at == '_'); at++) {
        if (*at == '_')
            underscore = true;
        else if (value < EXPONENT_LIMIT)
            value = value * 10 + (*at - '0');
    }
    out->sent_exponent = negative ? -value : value;
    return !underscore || underscores_fit(digits, at, false) ? at : NULL;
}

static bool read_number(struct slice text, struct number *out)
{
    const char *at = text.at, *end = text.at + text.len;

    *out = (struct number){ .exact = true };
    if (at < end && (*at == '+' || *at == '-'))
        out->negative = *at++ == '-';
    if (end - at > 2 && at[0] == '0' && lower(at[1]) == 'x') {
        out->hex = true;
        at += 2;
    }
    at = read_mantissa(at, end, out);
    if (at != NULL && at < end && lower(*at) == (out->hex ? 'p' : 'e'))
        at = read_exponent(at, end, out);
    else if (out->hex)
        return false;
    out->exponent += out->sent_exponent;
    return at == end;
}

static const double exact_tens[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

#ifdef __SIZEOF_INT128__
/* 5^27 is the largest power of five in 63 bits. */
enum { MOST_FIVES = 27 };

static const uint64_t fives[MOST_FIVES + 1] = { 1u,
                                                5u,
                                                25u,
                                                125u,
                                                625u,
                                                3125u,
                                                15625u,
                                                78125u,
                                                390625u,
                                                1953125u,
                                                9765625u,
                                                48828125u,
                                                244140625u,
                                                1220703125u,
                                                UINT64_C(6103515625),
                                                UINT64_C(30517578125),
                                                UINT64_C(152587890625),
                                                UINT64_C(762939453125),
                                                UINT64_C(3814697265625),
                                                UINT64_C(19073486328125),
                                                UINT64_C(95367431640625),
                                                UINT64_C(476837158203125),
                                                UINT64_C(2384185791015625),
                                                UINT64_C(11920928955078125),
                                                UINT64_C(59604644775390625),
                                                UINT64_C(298023223876953125),
                                                UINT64_C(1490116119384765625),
                                                UINT64_C(7450580596923828125) };

/* mantissa * 10^exponent, where |exponent| <= MOST_FIVES: the product or the
 * quotient with a power of five is exact in 128 bits (of a quotient's rest one
 * sticky bit), so only its conversion rounds. */
static double scale_in_128_bits(uint64_t mantissa, int exponent)
{
    if (exponent >= 0)
        return ldexp((double)((unsigned __int128)mantissa * fives[exponent]), exponent);

    int shift = 64 + __builtin_clzll(mantissa);
    unsigned __int128 dividend = (unsigned __int128)mantissa << shift;
    uint64_t divisor = fives[-exponent];
    unsigned __int128 quotient = dividend / divisor;

    quotient |= quotient * divisor != dividend;
    return ldexp((double)quotient, exponent - shift);
}
#endif

/* False: this number needs the slow way. */
static bool scale(const struct number *number, double *out)
{
    enum { MOST_TENS = sizeof exact_tens / sizeof exact_tens[0] - 1 };
    int64_t exponent = number->exponent;
    double magnitude;

    if (number->mantissa == 0)
        magnitude = 0;
    else if (!number->exact || number->hex)
        return false;
    else if (number->mantissa <= UINT64_C(1) << DBL_MANT_DIG && exponent >= -MOST_TENS &&
             exponent <= MOST_TENS)
        magnitude = exponent < 0 ? (double)number->mantissa / exact_tens[-exponent]
                                 : (double)number->mantissa * exact_tens[exponent];
#ifdef __SIZEOF_INT128__
    else if (exponent >= -MOST_FIVES && exponent <= MOST_FIVES)
        magnitude = scale_in_128_bits(number->mantissa, (int)exponent);
#endif
    else
        return false;
    *out = number->negative ? -magnitude : magnitude;
    return true;
}

/* Writes the mantissa's first significant digits as a whole number, and a 1 for
 * what is cut off unless that is zero; returns the end and adds to *exponent
 * what this moved the point by. */
static char *copy_digits(const struct number *number, char *to, int64_t *exponent)
{
    int64_t step = number->hex ? 4 : 1;
    bool point = false, sticky = false;
    size_t kept = 0;

    for (const char *at = number->digits; at < number->end; at++) {
        point |= *at == '.';
        if (digit_value(*at, number->hex) < 0)
            continue;
        if (kept < DIGITS_KEPT) {
            if (*at != '0' || kept > 0)
                to[kept++] = *at;
            *exponent -= point ? step : 0;
        } else {
            sticky |= *at != '0';
            *exponent += point ? 0 : step;
        }
    }
    if (sticky) {
        to[kept++] = '1';
        *exponent -= step;
    }
    return to + kept;
}

/* glibc hands out one static object for the whole "C" locale, so this neither
 * allocates nor depends on what setlocale was told. */
static double strtod_in_c(const char *text)
{
    return strtod_l(text, NULL, newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

static double read_slowly(const struct number *number)
{
    char text[DIGITS_KEPT + 64] = "0x"; /* digits, prefix, sticky digit, exponent */
    char *at = text + (number->hex ? 2 : 0);
    int64_t exponent = number->sent_exponent;

    at = copy_digits(number, at, &exponent);
    snprintf(at, 32, "%c%lld", number->hex ? 'p' : 'e', (long long)exponent);
    double magnitude = strtod_in_c(text);
    return number->negative ? -magnitude : magnitude;
}

/* "-12345.678901": at most 16 digits and point. With a point these are 15 digits, which are
 * below 2^53, so both operands of the division are exact and it rounds correctly; without one
 * only the conversion rounds. False: anything else. */
static bool read_short(struct slice text, double *out)
{
    enum { MOST = 16 };
    bool negative = text.len > 0 && text.at[0] == '-';
    uint64_t mantissa = 0;

    text = slice_skip(text, negative);
    size_t point = text.len;
    if (text.len > MOST)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (is_digit(text.at[i]))
            mantissa = mantissa * 10 + (uint64_t)(text.at[i] - '0');
        else if (text.at[i] == '.' && point == text.len)
            point = i;
        else
            return false;
    }
    size_t behind = point < text.len ? text.len - point - 1 : 0;
    if (text.len == (point < text.len))
        return false; /* no digit */
    double magnitude = (double)(int64_t)mantissa / exact_tens[behind];
    *out = negative ? -magnitude : magnitude;
    return true;
}

bool number_double(struct slice text, double *out)
{
    struct number number;

    if (read_short(text, out))
        return true;
    if (!read_number(text, &number))
        return special(text, out);
    if (scale(&number, out))
        return true;
    *out = read_slowly(&number);
    return isfinite(*out);
}

/* So many digits are below any limit of 64 bits, so that only those behind them are compared.
 */
enum { SMALL_DIGITS = 18 };

/* 9 to 16 digits, as times are, without a branch for each: the first eight, of which those are
 * shifted out that are among the last eight, too. False: anything else. */
static bool read_long(struct slice text, int64_t *out)
{
    enum { WORD = sizeof(uint64_t) };

    if (text.len <= WORD || text.len > 2 * WORD)
        return false;
    uint64_t first = number_word(text.at), last = number_word(text.at + text.len - WORD);

    if (!number_is_digits(first) || !number_is_digits(last))
        return false;
    first <<= 8 * (2 * WORD - text.len);
    *out = (int64_t)(number_of_digits(first) * 100000000 + number_of_digits(last));
    return true;
}

bool number_int64(struct slice text, int64_t *out)
{
    if (read_long(text, out))
        return true;
    bool negative = text.len > 0 && text.at[0] == '-';
    bool sign = negative || (text.len > 0 && text.at[0] == '+');
    uint64_t limit = negative ? UINT64_C(1) << 63 : INT64_MAX;
    uint64_t value = 0;

    text = slice_skip(text, sign);
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.at[i] - '0');

        if (!is_digit(text.at[i]) || (i >= SMALL_DIGITS && value > (limit - digit) / 10))
            return false;
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return text.len > 0;
}
