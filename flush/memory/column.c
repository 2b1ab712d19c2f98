#include "flush/memory/column.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum form {
    FORM_ZEROS,
    FORM_ONES,
    FORM_LIKE,
    FORM_EQUAL,
    FORM_I8,
    FORM_I16,
    FORM_I32,
    FORM_FLOAT,
    FORM_DOUBLE
};

static bool all_equal(const double *values, double value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] != value)
            return false;
    return true;
}

static bool all_like(const double *values, const double *like, size_t n)
{
    for (size_t i = 0; like != NULL && i < n; i++)
        if (values[i] != like[i])
            return false;
    return like != NULL;
}

static enum form form_of_numbers(const double *values, size_t n)
{
    double most = 0;
    bool whole = true, floats = true;

    for (size_t i = 0; i < n; i++) {
        double size = fabs(values[i]);
        most = size > most ? size : most;
        whole = whole && size <= INT32_MAX && values[i] == (double)(int32_t)values[i];
        floats = floats && size <= FLT_MAX && values[i] == (double)(float)values[i];
    }
    if (whole)
        return most <= INT8_MAX ? FORM_I8 : most <= INT16_MAX ? FORM_I16 : FORM_I32;
    return floats ? FORM_FLOAT : FORM_DOUBLE;
}

static enum form choose_form(const double *values, const double *like, size_t n)
{
    if (n == 0 || all_equal(values, 0, n))
        return FORM_ZEROS;
    if (all_equal(values, 1, n))
        return FORM_ONES;
    if (all_like(values, like, n))
        return FORM_LIKE;
    return all_equal(values, values[0], n) ? FORM_EQUAL : form_of_numbers(values, n);
}

/* How many bytes follow the form. */
static size_t body_size(enum form form, size_t n)
{
    switch (form) {
    case FORM_ZEROS:
    case FORM_ONES:
    case FORM_LIKE:
        return 0;
    case FORM_EQUAL:
        return sizeof(double);
    case FORM_I8:
        return n;
    case FORM_I16:
        return n * sizeof(int16_t);
    case FORM_I32:
        return n * sizeof(int32_t);
    case FORM_FLOAT:
        return n * sizeof(float);
    case FORM_DOUBLE:
        break;
    }
    return n * sizeof(double);
}

#define PACK(type)                                                   \
    for (size_t i = 0; i < n; i++) {                                 \
        type packed_ = (type)values[i];                              \
        memcpy(body + i * sizeof packed_, &packed_, sizeof packed_); \
    }

#define UNPACK(type)                                                 \
    for (size_t i = 0; i < n; i++) {                                 \
        type packed_;                                                \
        memcpy(&packed_, body + i * sizeof packed_, sizeof packed_); \
        values[i] = (double)packed_;                                 \
    }

size_t column_pack(const double *values, const double *like, size_t n,
                   uint8_t out[static COLUMN_BYTES_MAX])
{
    enum form form = choose_form(values, like, n);
    uint8_t *body = out + 1;

    out[0] = (uint8_t)form;
    switch (form) {
    case FORM_ZEROS:
    case FORM_ONES:
    case FORM_LIKE:
        break;
    case FORM_EQUAL:
        memcpy(body, values, sizeof *values);
        break;
    case FORM_I8:
        PACK(int8_t)
        break;
    case FORM_I16:
        PACK(int16_t)
        break;
    case FORM_I32:
        PACK(int32_t)
        break;
    case FORM_FLOAT:
        PACK(float)
        break;
    case FORM_DOUBLE:
        PACK(double)
        break;
    }
    return 1 + body_size(form, n);
}

size_t column_size(const uint8_t *packed, size_t n)
{
    return 1 + body_size((enum form)packed[0], n);
}

size_t column_size_within(const uint8_t *packed, size_t available, size_t n)
{
    if (available == 0 || packed[0] > FORM_DOUBLE)
        return 0;
    size_t size = column_size(packed, n);

    return size <= available ? size : 0;
}

static void fill(double *values, double value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = value;
}

bool column_is_like(const uint8_t *packed)
{
    return packed[0] == FORM_LIKE;
}

void column_unpack(const uint8_t *packed, size_t n, double *values)
{
    const uint8_t *body = packed + 1;
    double value;

    switch ((enum form)packed[0]) {
    case FORM_ZEROS:
        fill(values, 0, n);
        break;
    case FORM_ONES:
        fill(values, 1, n);
        break;
    case FORM_LIKE:
        break;
    case FORM_EQUAL:
        memcpy(&value, body, sizeof value);
        fill(values, value, n);
        break;
    case FORM_I8:
        UNPACK(int8_t)
        break;
    case FORM_I16:
        UNPACK(int16_t)
        break;
    case FORM_I32:
        UNPACK(int32_t)
        break;
    case FORM_FLOAT:
        UNPACK(float)
        break;
    case FORM_DOUBLE:
        UNPACK(double)
        break;
    }
}
