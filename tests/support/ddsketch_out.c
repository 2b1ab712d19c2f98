#include "tests/support/ddsketch_out.h"

#include <math.h>

static void put_varint(struct bytes *out, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        bytes_add(out, &(unsigned char){ (unsigned char)(number | 0x80) }, 1);
    bytes_add(out, &(unsigned char){ (unsigned char)number }, 1);
}

static void put_tag(struct bytes *out, uint64_t field, uint64_t wire)
{
    put_varint(out, field << 3 | wire);
}

static void put_double(struct bytes *out, uint64_t field, double number)
{
    put_tag(out, field, 1);
    bytes_add(out, &number, sizeof number);
}

static void put_signed(struct bytes *out, uint64_t field, int64_t number)
{
    put_tag(out, field, 0);
    put_varint(out, (uint64_t)number << 1 ^ (uint64_t)(number >> 63));
}

/* inner is emptied. */
static void put_message(struct bytes *out, uint64_t field, struct bytes *inner)
{
    put_tag(out, field, 2);
    put_varint(out, inner->len);
    bytes_add(out, inner->at, inner->len);
    bytes_free(inner);
}

void ddsketch_out_grid(struct bytes *out, double gamma, double offset)
{
    struct bytes mapping = { 0 };

    put_double(&mapping, 1, gamma);
    put_double(&mapping, 2, offset);
    put_message(out, 1, &mapping);
}

void ddsketch_out_value(struct bytes *out, double gamma, double offset, double value,
                        double count)
{
    struct bytes bin = { 0 }, store = { 0 };

    put_signed(&bin, 1, (int64_t)floor(log(value) / log(gamma) + offset));
    put_double(&bin, 2, count);
    put_message(&store, 1, &bin);
    put_message(out, 2, &store);
}

void ddsketch_out_run(struct bytes *out, int64_t first, const double *counts, size_t n)
{
    struct bytes run = { 0 }, store = { 0 };

    bytes_add(&run, counts, n * sizeof *counts);
    put_message(&store, 2, &run);
    put_signed(&store, 3, first);
    put_message(out, 2, &store);
}

void ddsketch_out_zeros(struct bytes *out, double count)
{
    put_double(out, 4, count);
}
