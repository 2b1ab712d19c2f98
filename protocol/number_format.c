/* Doubles as the shortest text that reads back as the same. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "protocol/number.h"

/* ---- digits, exactly --------------------------------------------------- */

/* Nearly every number has 17 digits that can be told exactly in 128 bits: it is a mantissa of
 * 53 bits and a power of two, and so many powers of five make its digits whole. */
enum { FIVES = 28, MANTISSA_BITS = 52, EXPONENT_BIAS = 1075 };

static const uint64_t fives[FIVES] = {
    1u,
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
    6103515625u,
    30517578125u,
    152587890625u,
    762939453125u,
    3814697265625u,
    19073486328125u,
    95367431640625u,
    476837158203125u,
    2384185791015625u,
    11920928955078125u,
    59604644775390625u,
    298023223876953125u,
    1490116119384765625u,
    7450580596923828125u,
};

#define DIGITS_17 UINT64_C(10000000000000000) /* the least number that has so many */

/* A positive number in units of which it has 17 digits before the point. */
struct scaled {
    unsigned __int128 units; /* times 2^shift */
    int shift;
    int places; /* a unit is 10^-places */
    uint64_t
        half; /* to the middle between the number and the next larger double, times 2^shift */
    bool is_even;  /* reads back where text lies in the very middle */
    bool is_power; /* of two: to the next smaller double it is half as far */
};

static bool scale_by(struct scaled *scaled, uint64_t mantissa, int exponent, int places)
{
    *scaled = (struct scaled){ .shift = 1 - exponent - places,
                               .places = places,
                               .is_even = mantissa % 2 == 0,
                               .is_power = mantissa == UINT64_C(1) << MANTISSA_BITS };
    if (places < 0 || places >= FIVES || scaled->shift < 1)
        return false;
    scaled->half = fives[places];
    scaled->units = (unsigned __int128)(2 * mantissa) * scaled->half;
    return true;
}

/* False: it lies too far from 1 for that, or is a whole number. */
static bool scale(struct scaled *scaled, double value)
{
    uint64_t bits, mantissa;

    memcpy(&bits, &value, sizeof bits);
    mantissa = (bits & ((UINT64_C(1) << MANTISSA_BITS) - 1)) | UINT64_C(1) << MANTISSA_BITS;
    int exponent = (int)(bits >> MANTISSA_BITS) - EXPONENT_BIAS;
    int places =
        16 - (int)floor((exponent + MANTISSA_BITS) * 0.30102999566398120); /* log10 2 */

    if (value < DBL_MIN || !scale_by(scaled, mantissa, exponent, places))
        return false;
    return scaled->units >> scaled->shift < DIGITS_17 * 10 ||
           scale_by(scaled, mantissa, exponent, places - 1);
}

/* The nearest multiple of so many units; of two the even one. */
static uint64_t round_units(const struct scaled *scaled, uint64_t multiple)
{
    uint64_t whole = (uint64_t)(scaled->units >> scaled->shift), n = whole / multiple;
    unsigned __int128 rest =
        scaled->units - ((unsigned __int128)(n * multiple) << scaled->shift);
    unsigned __int128 middle = (unsigned __int128)multiple << (scaled->shift - 1);

    return n + (rest > middle || (rest == middle && n % 2 == 1));
}

static bool is_read_as(const struct scaled *scaled, uint64_t units)
{
    unsigned __int128 text = (unsigned __int128)units << scaled->shift;
    bool below = text < scaled->units;
    unsigned __int128 apart = below ? scaled->units - text : text - scaled->units;

    apart <<= below && scaled->is_power;
    return apart < scaled->half || (apart == scaled->half && scaled->is_even);
}

/* Up to 15 digits survive the way through a double, so 15 rounded ones without their zeros are
 * the shortest if they read back. At a power of two the doubles below lie closer than those
 * above: there the nearest 16 digits may miss where the next ones read back. */
static uint64_t shortest_units(const struct scaled *scaled)
{
    for (uint64_t multiple = 100; multiple > 1; multiple /= 10) {
        uint64_t units = round_units(scaled, multiple) * multiple;

        if (is_read_as(scaled, units))
            return units;
        if (multiple == 10 && scaled->is_power && is_read_as(scaled, units + multiple))
            return units + multiple;
    }
    return round_units(scaled, 1);
}

/* Writes the digits of a number above 0, with a NUL; returns how many there are. */
static int put_digits(uint64_t number, char *digits)
{
    char backwards[24];
    int n = 0;

    for (; number > 0; number /= 10)
        backwards[n++] = (char)('0' + number % 10);
    for (int i = 0; i < n; i++)
        digits[i] = backwards[n - 1 - i];
    digits[n] = '\0';
    return n;
}

static bool shortest_exactly(double value, char digits[32], int *exponent)
{
    struct scaled scaled;

    if (!scale(&scaled, value))
        return false;
    *exponent = put_digits(shortest_units(&scaled), digits) - 1 - scaled.places;
    return true;
}

/* ---- digits by printf -------------------------------------------------- */

/* The first precision digits of a positive value, rounded, without a point;
 * *exponent is that of the first digit. */
static void round_to(double value, int precision, char digits[32], int *exponent)
{
    char text[64];
    size_t n = 0;

    snprintf(text, sizeof text, "%.*e", precision - 1, value);
    const char *e = strchr(text, 'e');
    for (const char *at = text; at < e; at++) /* skips any locale's point */
        if (*at >= '0' && *at <= '9')
            digits[n++] = *at;
    digits[n] = '\0';
    *exponent = (int)strtol(e + 1, NULL, 10);
}

static bool reads_back(double value, const char *digits, int exponent)
{
    char text[64];
    double back;
    int len = snprintf(text, sizeof text, "%se%d", digits, exponent - (int)strlen(digits) + 1);

    return number_double((struct slice){ text, (size_t)len }, &back) && back == value;
}

/* The next number of as many digits. Not for 99..9, which no power of two's
 * sixteen digits are. */
static void add_one(char *digits)
{
    char *last = digits + strlen(digits) - 1;

    for (; last > digits && *last == '9'; last--)
        *last = '0';
    *last = (char)(*last + 1);
}

/* As above, of any positive number. */
static void shortest_by_printf(double value, char digits[32], int *exponent)
{
    int unused;

    for (int precision = value < DBL_MIN ? 1 : 15; precision < 17; precision++) {
        round_to(value, precision, digits, exponent);
        if (reads_back(value, digits, *exponent))
            return;
        if (precision == 16 && frexp(value, &unused) == 0.5) {
            add_one(digits);
            if (reads_back(value, digits, *exponent))
                return;
        }
    }
    round_to(value, 17, digits, exponent);
}

/* ---- the text ---------------------------------------------------------- */

/* Fixed notation from 1e-6 up to 1e21, as in JSON written by most libraries. */
static size_t lay_out(const char *digits, size_t count, int exponent, char *out)
{
    size_t whole = (size_t)(exponent + 1), len = 0; /* digits before the point */

    if (exponent < -6 || exponent > 20)
        return (size_t)snprintf(out, NUMBER_TEXT_MAX - 1, "%c%s%se%c%02d", digits[0],
                                count > 1 ? "." : "", digits + 1, exponent < 0 ? '-' : '+',
                                abs(exponent));
    if (exponent < 0) {
        len = (size_t)(1 - exponent);
        memcpy(out, "0.00000", len);
        whole = 0;
    } else if (whole >= count) {
        memcpy(out, digits, count);
        memset(out + count, '0', whole - count);
        out[whole] = '\0';
        return whole;
    } else {
        memcpy(out, digits, whole);
        out[whole] = '.';
        len = whole + 1;
    }
    memcpy(out + len, digits + whole, count - whole + 1);
    return len + count - whole;
}

/* The fewest digits of a positive number, without zeros behind them; returns how many. */
static size_t find_digits(double value, char digits[32], int *exponent)
{
    if (!shortest_exactly(value, digits, exponent))
        shortest_by_printf(value, digits, exponent);
    size_t n = strlen(digits);
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    return n;
}

size_t number_format(double value, char out[NUMBER_TEXT_MAX])
{
    char digits[32];
    int exponent = 0;

    if (isnan(value))
        return (size_t)snprintf(out, NUMBER_TEXT_MAX, "NaN");
    if (isinf(value))
        return (size_t)snprintf(out, NUMBER_TEXT_MAX, value < 0 ? "-Inf" : "+Inf");
    size_t sign = signbit(value) ? 1 : 0;
    out[0] = '-';
    if (fabs(value) < 0x1p53 && value == (double)(int64_t)value)
        return sign + number_format_whole((int64_t)fabs(value), out + sign);
    size_t count = find_digits(fabs(value), digits, &exponent);
    return sign + lay_out(digits, count, exponent, out + sign);
}

size_t number_format_whole(int64_t value, char out[NUMBER_TEXT_MAX])
{
    size_t sign = value < 0;

    out[0] = '-';
    if (value != 0)
        return sign +
               (size_t)put_digits(sign ? 0 - (uint64_t)value : (uint64_t)value, out + sign);
    memcpy(out, "0", 2);
    return 1;
}
