#include "tests/support/msgpack_in.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/intake.pb-c.h"

enum { DEPTH_MAX = 16 };

/* ---- sketches ---------------------------------------------------------- */

static json_t *bins(const Intake__DDStore *store)
{
    json_t *made = json_object();
    char index[16];

    for (size_t i = 0; store != NULL && i < store->n_bin_counts; i++) {
        snprintf(index, sizeof index, "%d", store->bin_counts[i]->key);
        json_object_set_new(made, index, json_real(store->bin_counts[i]->value));
    }
    for (size_t i = 0; store != NULL && i < store->n_contiguous_bin_counts; i++) {
        snprintf(index, sizeof index, "%d", store->contiguous_bin_index_offset + (int)i);
        json_object_set_new(made, index, json_real(store->contiguous_bin_counts[i]));
    }
    return made;
}

static json_t *sketch(const uint8_t *at, size_t size)
{
    Intake__DDSketch *read = intake__ddsketch__unpack(NULL, size, at);
    json_t *made = NULL;

    if (read != NULL && read->mapping != NULL)
        made = json_pack("{s:f,s:f,s:f,s:o,s:o}", "gamma", read->mapping->gamma, "offset",
                         read->mapping->index_offset, "zeros", read->zero_count, "bins",
                         bins(read->positive_values), "negative", bins(read->negative_values));
    if (read != NULL)
        intake__ddsketch__free_unpacked(read, NULL);
    return made;
}

/* ---- values ------------------------------------------------------------ */

struct body {
    const uint8_t *at, *end;
};

static uint64_t number(struct body *body, unsigned size)
{
    uint64_t value = 0;

    if ((size_t)(body->end - body->at) < size) {
        body->at = body->end = NULL;
        return 0;
    }
    while (size-- > 0)
        value = value * 256 + *body->at++;
    return value;
}

static const uint8_t *take(struct body *body, uint64_t size)
{
    const uint8_t *at = body->at;

    if (at == NULL || (uint64_t)(body->end - at) < size)
        return NULL;
    body->at += size;
    return at;
}

static json_t *value(struct body *body, int depth);

static json_t *text(struct body *body, uint64_t size)
{
    const uint8_t *at = take(body, size);

    return at != NULL ? json_stringn((const char *)at, size) : NULL;
}

static json_t *bytes(struct body *body, uint64_t size)
{
    const uint8_t *at = take(body, size);

    return at != NULL ? sketch(at, size) : NULL;
}

static json_t *list(struct body *body, uint64_t n, int depth)
{
    json_t *made = json_array();

    for (; n > 0; n--)
        if (json_array_append_new(made, value(body, depth)) != 0) {
            json_decref(made);
            return NULL;
        }
    return made;
}

static json_t *map(struct body *body, uint64_t n, int depth)
{
    json_t *made = json_object();

    for (; n > 0; n--) {
        json_t *key = value(body, depth);
        bool good = json_is_string(key) &&
                    json_object_get(made, json_string_value(key)) == NULL &&
                    json_object_set_new(made, json_string_value(key), value(body, depth)) == 0;

        json_decref(key);
        if (!good) {
            json_decref(made);
            return NULL;
        }
    }
    return made;
}

static json_t *real(uint64_t bits)
{
    double read;

    memcpy(&read, &bits, sizeof read);
    return json_real(read);
}

static json_t *value(struct body *body, int depth)
{
    uint64_t first = number(body, 1);

    if (body->at == NULL || depth == DEPTH_MAX)
        return NULL;
    if (first < 0x80)
        return json_integer((json_int_t)first);
    if (first < 0x90)
        return map(body, first & 15, depth + 1);
    if (first < 0xa0)
        return list(body, first & 15, depth + 1);
    if (first < 0xc0)
        return text(body, first & 31);
    switch (first) {
    case 0xc2:
    case 0xc3:
        return json_boolean(first == 0xc3);
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return bytes(body, number(body, 1u << (first - 0xc4)));
    case 0xcb:
        return real(number(body, 8));
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return json_integer((json_int_t)number(body, 1u << (first - 0xcc)));
    case 0xd9:
    case 0xda:
    case 0xdb:
        return text(body, number(body, 1u << (first - 0xd9)));
    case 0xdc:
    case 0xdd:
        return list(body, number(body, 2u << (first - 0xdc)), depth + 1);
    case 0xde:
    case 0xdf:
        return map(body, number(body, 2u << (first - 0xde)), depth + 1);
    }
    return NULL;
}

json_t *msgpack_in(const void *at, size_t size)
{
    struct body body = { at, (const uint8_t *)at + size };
    json_t *read = value(&body, 0);

    if (read != NULL && body.at == body.end && body.at != NULL)
        return read;
    json_decref(read);
    return NULL;
}
