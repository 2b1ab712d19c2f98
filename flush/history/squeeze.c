#include "flush/history/squeeze.h"

#include <math.h>
#include <stdlib.h>

enum form { FORM_LIKE, FORM_DECIMALS, FORM_SUMMED, FORM_BITS };

enum {
    FORM_SIZE = 2,    /* bits of it in the first byte */
    DIGITS_MAX = 9,   /* behind the point */
    BESIDE_MAX = 255, /* doubles between a sum and its decimal */
};

#define WHOLE_MAX 9007199254740992.0 /* 2^53: up to here a double is every whole number */
#define SIGN      (UINT64_C(1) << 63)

static const double powers[DIGITS_MAX + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9
};

/* ---- doubles in their order -------------------------------------------- */

/* One more for the next larger double; 0 is that of 0, and -1 that of -0. */
static int64_t rank_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (bits & SIGN) != 0 ? (int64_t) ~(bits ^ SIGN) : (int64_t)bits;
}

static double of_rank(int64_t rank)
{
    uint64_t bits = rank < 0 ? ~(uint64_t)rank ^ SIGN : (uint64_t)rank;
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- decimals ---------------------------------------------------------- */

struct decimals {
    unsigned digits;
    int64_t whole[SQUEEZE_VALUES], beside[SQUEEZE_VALUES];
};

static bool as_decimal(struct decimals *decimals, size_t i, double value)
{
    double power = powers[decimals->digits], scaled = value * power;

    if (!(fabs(scaled) <= WHOLE_MAX)) /* or it is not a number */
        return false;
    decimals->whole[i] = llrint(scaled);
    decimals->beside[i] = rank_of(value) - rank_of((double)decimals->whole[i] / power);
    return llabs(decimals->beside[i]) <= BESIDE_MAX;
}

/* With as few digits as do for all of them. */
static bool as_decimals(struct decimals *decimals, const double *values, size_t n)
{
    size_t i = 0;

    for (decimals->digits = 0; decimals->digits <= DIGITS_MAX; decimals->digits++) {
        for (i = 0; i < n && as_decimal(decimals, i, values[i]); i++)
            ;
        if (i == n)
            return true;
    }
    return false;
}

static bool are_zeros(const int64_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (numbers[i] != 0)
            return false;
    return true;
}

/* ---- bits -------------------------------------------------------------- */

/* How many bits of all of them end in zeros. */
static unsigned zeros_of(const double *values, size_t n)
{
    uint64_t all = 0, bits;

    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, &values[i], sizeof bits);
        all |= bits & ~SIGN;
    }
    return all != 0 ? (unsigned)__builtin_ctzll(all) : 0;
}

static int64_t drop_zeros(int64_t rank, unsigned zeros)
{
    return rank < 0 ? ~(~rank >> zeros) : rank >> zeros;
}

/* Of damaged bytes whatever it is. */
static int64_t add_zeros(int64_t number, unsigned zeros)
{
    return number < 0 ? (int64_t) ~(~(uint64_t)number << zeros)
                      : (int64_t)((uint64_t)number << zeros);
}

/* ---- writing ----------------------------------------------------------- */

static uint8_t *put_form(uint8_t *at, enum form form, unsigned number)
{
    *at++ = (uint8_t)((unsigned)form | number << FORM_SIZE);
    return at;
}

static uint8_t *put_decimals(const struct decimals *decimals, size_t n, uint8_t *at)
{
    bool exact = are_zeros(decimals->beside, n);

    at = put_form(at, exact ? FORM_DECIMALS : FORM_SUMMED, decimals->digits);
    at = narrow_put(decimals->whole, n, at);
    return exact ? at : narrow_put(decimals->beside, n, at);
}

uint8_t *squeeze_put(const double *values, const double *like, size_t n, uint8_t *at)
{
    struct decimals decimals = { 0 };
    int64_t ranks[SQUEEZE_VALUES];
    unsigned zeros = zeros_of(values, n);

    if (like != NULL && memcmp(values, like, n * sizeof *values) == 0)
        return put_form(at, FORM_LIKE, 0);
    for (size_t i = 0; i < n; i++)
        ranks[i] = drop_zeros(rank_of(values[i]), zeros);
    if (as_decimals(&decimals, values, n) &&
        narrow_width(decimals.whole, n) + narrow_width(decimals.beside, n) <=
            narrow_width(ranks, n))
        return put_decimals(&decimals, n, at);
    return narrow_put(ranks, n, put_form(at, FORM_BITS, zeros));
}

/* ---- reading ----------------------------------------------------------- */

static bool get_like(const double *like, size_t n, double *out)
{
    if (like != NULL)
        memcpy(out, like, n * sizeof *out);
    return like != NULL;
}

static bool get_decimals(struct slice *from, unsigned digits, size_t n, double *out)
{
    int64_t whole[SQUEEZE_VALUES];

    if (digits > DIGITS_MAX || !narrow_get(from, n, whole))
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = (double)whole[i];
    for (size_t i = 0; digits > 0 && i < n; i++)
        out[i] /= powers[digits];
    return true;
}

static bool get_summed(struct slice *from, unsigned digits, size_t n, double *out)
{
    int64_t beside[SQUEEZE_VALUES];

    if (!get_decimals(from, digits, n, out) || !narrow_get(from, n, beside))
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = of_rank((int64_t)((uint64_t)rank_of(out[i]) + (uint64_t)beside[i]));
    return true;
}

static bool get_bits(struct slice *from, unsigned zeros, size_t n, double *out)
{
    int64_t ranks[SQUEEZE_VALUES];

    if (!narrow_get(from, n, ranks))
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = of_rank(add_zeros(ranks[i], zeros));
    return true;
}

bool squeeze_get(struct slice *from, const double *like, size_t n, double *out)
{
    if (n > SQUEEZE_VALUES || from->len == 0)
        return false;
    unsigned first = (uint8_t)from->at[0], number = first >> FORM_SIZE;

    *from = slice_skip(*from, 1);
    switch ((enum form)(first & ((1u << FORM_SIZE) - 1))) {
    case FORM_LIKE:
        return number == 0 && get_like(like, n, out);
    case FORM_DECIMALS:
        return get_decimals(from, number, n, out);
    case FORM_SUMMED:
        return get_summed(from, number, n, out);
    case FORM_BITS:
        return get_bits(from, number, n, out);
    }
    return false;
}
