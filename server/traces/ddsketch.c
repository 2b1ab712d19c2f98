/* Reading order: protobuf's fields; a grid; its bins; a message. */
#include "server/traces/ddsketch.h"

#include <math.h>
#include <stdint.h>

#define NANOSECONDS 1e9

/* ---- protobuf ---------------------------------------------------------- */

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct field {
    uint64_t number;
    enum wire wire;
    uint64_t bits;      /* of a varint or a number of 64 bits */
    struct slice bytes; /* of WIRE_BYTES; a view */
};

static bool read_varint(struct slice *message, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64 && message->len > 0; shift += 7) {
        uint8_t byte = (uint8_t)message->at[0];

        *message = slice_skip(*message, 1);
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool read_fixed(struct slice *message, size_t size, uint64_t *out)
{
    *out = 0;
    if (message->len < size)
        return false;
    for (size_t i = 0; i < size; i++) /* little endian */
        *out |= (uint64_t)(uint8_t)message->at[i] << (8 * i);
    *message = slice_skip(*message, size);
    return true;
}

static bool read_bytes(struct slice *message, struct slice *out)
{
    uint64_t len;

    if (!read_varint(message, &len) || len > message->len)
        return false;
    *out = (struct slice){ message->at, (size_t)len };
    *message = slice_skip(*message, (size_t)len);
    return true;
}

static bool read_field(struct slice *message, struct field *out)
{
    uint64_t tag;

    if (!read_varint(message, &tag))
        return false;
    out->number = tag >> 3;
    out->wire = (enum wire)(tag & 7);
    switch (out->wire) {
    case WIRE_VARINT:
        return read_varint(message, &out->bits);
    case WIRE_64:
        return read_fixed(message, 8, &out->bits);
    case WIRE_32:
        return read_fixed(message, 4, &out->bits);
    case WIRE_BYTES:
        return read_bytes(message, &out->bytes);
    }
    return false;
}

static double to_double(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A sint32. */
static int64_t to_signed(uint64_t zigzag)
{
    return (int32_t)(uint32_t)((zigzag >> 1) ^ (~(zigzag & 1) + 1));
}

/* ---- what is read ------------------------------------------------------ */

struct reading {
    struct sketch *into;
    struct arena *arena;
    double gamma, offset, sign;
    double total; /* of what was counted so far */
    enum ddsketch_result result;
    const char *sentence;
};

static bool fail(struct reading *reading, enum ddsketch_result result, const char *sentence)
{
    reading->result = result;
    reading->sentence = sentence;
    return false;
}

static bool is_torn(struct reading *reading)
{
    return fail(reading, DDSKETCH_BAD, "a sketch is no protobuf");
}

/* More than a library sees in ten seconds. What is beyond 32 bits splits a bin of ours, each
 * time at the cost of all bins. */
static const double TOTAL_MAX = 0x1p36;

static bool add(struct reading *reading, double value_ns, double count)
{
    if (!(count >= 0 && count <= TOTAL_MAX - reading->total))
        return fail(reading, DDSKETCH_BAD, "a sketch counts what is no number of values");
    if (!isfinite(value_ns))
        return fail(reading, DDSKETCH_BAD, "a sketch has a bin of no finite value");
    count = round(count);
    if (count < 1)
        return true;
    reading->total += count;
    if (!sketch_add_weighted(reading->into, reading->arena, value_ns / NANOSECONDS, count))
        return fail(reading, DDSKETCH_NO_MEMORY, "there is no memory for a sketch");
    return true;
}

/* The middle of a bin, from which its ends are equally far away in proportion. */
static bool add_bin(struct reading *reading, int64_t index, double count)
{
    double accuracy = 1 - 2 / (1 + reading->gamma);
    double low = exp(((double)index - reading->offset) * log(reading->gamma));

    return add(reading, reading->sign * low * (1 + accuracy), count);
}

/* ---- messages ---------------------------------------------------------- */

static bool read_mapping(struct reading *reading, struct slice message)
{
    struct field field;

    while (message.len > 0) {
        if (!read_field(&message, &field))
            return is_torn(reading);
        if (field.number == 1 && field.wire == WIRE_64)
            reading->gamma = to_double(field.bits);
        else if (field.number == 2 && field.wire == WIRE_64)
            reading->offset = to_double(field.bits);
        else if (field.number == 3 && field.wire == WIRE_VARINT && field.bits != 0)
            return fail(reading, DDSKETCH_BAD, "a sketch interpolates between its bins");
    }
    if (!(reading->gamma > 1 && reading->gamma < 100) || !isfinite(reading->offset))
        return fail(reading, DDSKETCH_BAD, "a sketch has no grid");
    return true;
}

/* An entry of a map: index and count. */
static bool read_bin(struct reading *reading, struct slice message)
{
    struct field field;
    int64_t index = 0;
    double count = 0;

    while (message.len > 0) {
        if (!read_field(&message, &field))
            return is_torn(reading);
        if (field.number == 1 && field.wire == WIRE_VARINT)
            index = to_signed(field.bits);
        else if (field.number == 2 && field.wire == WIRE_64)
            count = to_double(field.bits);
    }
    return add_bin(reading, index, count);
}

/* Counts one behind the other, the first of them that of index first. */
static bool read_run(struct reading *reading, struct slice counts, int64_t first)
{
    uint64_t bits;

    for (int64_t i = 0; counts.len > 0; i++)
        if (!read_fixed(&counts, sizeof bits, &bits))
            return is_torn(reading);
        else if (!add_bin(reading, first + i, to_double(bits)))
            return false;
    return true;
}

/* Where a run of counts begins is said behind it. */
static bool read_store(struct reading *reading, struct slice message)
{
    struct slice run = { NULL, 0 };
    struct field field;
    int64_t first = 0;

    while (message.len > 0) {
        if (!read_field(&message, &field))
            return is_torn(reading);
        if (field.number == 1 && field.wire == WIRE_BYTES && !read_bin(reading, field.bytes))
            return false;
        if (field.number == 2 && field.wire == WIRE_BYTES)
            run = field.bytes;
        if (field.number == 3 && field.wire == WIRE_VARINT)
            first = to_signed(field.bits);
    }
    return read_run(reading, run, first);
}

enum { MAPPING = 1, POSITIVE = 2, NEGATIVE = 3, ZEROS = 4 };

/* Those fields of the message that have this number; the grid is needed before the bins. */
static bool read_fields(struct reading *reading, struct slice message, uint64_t number)
{
    struct field field;
    bool good = true;

    while (good && message.len > 0) {
        if (!read_field(&message, &field))
            return is_torn(reading);
        if (field.number != number)
            continue;
        if (number == ZEROS && field.wire == WIRE_64)
            good = add(reading, 0, to_double(field.bits));
        else if (number == MAPPING && field.wire == WIRE_BYTES)
            good = read_mapping(reading, field.bytes);
        else if (field.wire == WIRE_BYTES)
            good = read_store(reading, field.bytes);
    }
    return good;
}

enum ddsketch_result ddsketch_read(struct slice message, struct sketch *into,
                                   struct arena *arena, const char **sentence)
{
    struct reading reading = { .into = into, .arena = arena, .sign = 1 };

    *sentence = NULL;
    if (message.len == 0)
        return DDSKETCH_OK;
    if (!read_fields(&reading, message, MAPPING) || !read_fields(&reading, message, ZEROS)) {
        *sentence = reading.sentence;
        return reading.result;
    }
    if (reading.gamma == 0) {
        *sentence = "a sketch has no grid";
        return DDSKETCH_BAD;
    }
    if (read_fields(&reading, message, POSITIVE)) {
        reading.sign = -1;
        (void)read_fields(&reading, message, NEGATIVE);
    }
    *sentence = reading.sentence;
    return reading.result;
}
