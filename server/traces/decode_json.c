/* A body of JSON as the msgpack that says the same, so that one decoder knows the layouts and
 * what they are lenient in. Hands send JSON, not tracers, so it need not be fast.
 *
 *   "text" ──► str 32      123 ──► uint or int 64      1.5 ──► float 64
 *   [ ], { } ──► array 32, map 32, whose length is written when all that is in it is
 *
 * No value becomes more than three times as long: the worst is "-1,", which becomes nine bytes.
 * What lies deeper than any layout is in what nobody reads, and becomes nil. */
#include <endian.h>
#include <stdio.h>

#include "flush/memory/json_view.h"
#include "protocol/number.h"
#include "server/traces/trace_decode_internal.h"

/* v0.5 is the deepest, [ [ texts ], [ [ [ ... { meta } ] ] ] ]; one more, so that a list in the
 * place of a text is refused there. */
enum { DEPTH = 6, GROWTH = 3, LONGEST_SCALAR = 9 };

struct writer {
    char *out;
    size_t len;
    bool indexed;
    size_t asked;       /* a byte of it */
    const char *origin; /* where the value begins that wrote that byte */
    const char *beyond; /* a number that is beyond a double; NULL: none */
};

/* A byte that says the kind, and a number of four or eight bytes. */
static void put_u32(struct writer *writer, unsigned char kind, uint32_t number)
{
    uint32_t bytes = htobe32(number);

    writer->out[writer->len] = (char)kind;
    memcpy(writer->out + writer->len + 1, &bytes, sizeof bytes);
    writer->len += 1 + sizeof bytes;
}

static void put_u64(struct writer *writer, unsigned char kind, uint64_t number)
{
    uint64_t bytes = htobe64(number);

    writer->out[writer->len] = (char)kind;
    memcpy(writer->out + writer->len + 1, &bytes, sizeof bytes);
    writer->len += 1 + sizeof bytes;
}

static void put_byte(struct writer *writer, unsigned char byte)
{
    writer->out[writer->len++] = (char)byte;
}

static void put_string(struct writer *writer, struct slice string)
{
    size_t head = writer->len;

    put_u32(writer, 0xdb, 0);
    size_t len = json_view_text(string, writer->out + writer->len);

    writer->len = head;
    put_u32(writer, 0xdb, (uint32_t)len);
    writer->len += len;
}

/* Ids are of 64 bits without a sign. */
static bool read_u64(struct slice text, uint64_t *out)
{
    uint64_t number = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text.at[i] - '0'), &number))
            return false;
    }
    *out = number;
    return true;
}

static void put_number(struct writer *writer, struct slice text)
{
    uint64_t whole, bits;
    int64_t negative;
    double number;

    if (read_u64(text, &whole)) {
        if (whole < 0x80)
            put_byte(writer, (unsigned char)whole);
        else
            put_u64(writer, 0xcf, whole);
    } else if (number_int64(text, &negative)) {
        put_u64(writer, 0xd3, (uint64_t)negative);
    } else if (json_view_number(text, &number)) {
        memcpy(&bits, &number, sizeof bits);
        put_u64(writer, 0xcb, bits);
    } else {
        writer->beyond = writer->beyond != NULL ? writer->beyond : text.at;
        put_byte(writer, 0xc0);
    }
}

static void put_value(struct writer *writer, struct slice value, int depth);

static uint32_t put_items(struct writer *writer, struct slice list, int depth)
{
    struct slice inside = json_view_inside(list), item;
    uint32_t n = 0;

    for (; json_view_next_item(&inside, &item); n++)
        put_value(writer, item, depth + 1);
    return n;
}

/* In v0.5 a name is a text's place, which JSON has in quotes. */
static void put_name(struct writer *writer, struct slice name, int depth)
{
    struct slice digits = { name.at + 1, name.len - 2 };
    uint64_t place;

    if (writer->indexed && digits.len > 0 && read_u64(digits, &place))
        put_value(writer, digits, depth);
    else
        put_value(writer, name, depth);
}

static uint32_t put_members(struct writer *writer, struct slice object, int depth)
{
    struct slice inside = json_view_inside(object), name, value;
    uint32_t n = 0;

    for (; json_view_next_member(&inside, &name, &value); n++) {
        put_name(writer, name, depth + 1);
        put_value(writer, value, depth + 1);
    }
    return n;
}

static void put_brackets(struct writer *writer, struct slice value, int depth)
{
    bool is_list = json_view_kind(value) == JSON_KIND_ARRAY;
    unsigned char kind = is_list ? 0xdd : 0xdf;
    size_t head = writer->len;

    put_u32(writer, kind, 0);
    uint32_t n = (is_list ? put_items : put_members)(writer, value, depth);
    size_t end = writer->len;

    writer->len = head;
    put_u32(writer, kind, n);
    writer->len = end;
}

static void put_value(struct writer *writer, struct slice value, int depth)
{
    if (writer->len <= writer->asked)
        writer->origin = value.at;
    switch (json_view_kind(value)) {
    case JSON_KIND_TRUE:
        put_byte(writer, 0xc3);
        break;
    case JSON_KIND_FALSE:
        put_byte(writer, 0xc2);
        break;
    case JSON_KIND_NUMBER:
        put_number(writer, value);
        break;
    case JSON_KIND_STRING:
        put_string(writer, value);
        break;
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
        if (depth < DEPTH) {
            put_brackets(writer, value, depth);
            break;
        }
        /* fall through */
    default:
        put_byte(writer, 0xc0);
    }
}

/* Behind what was still right there is nothing, or the beginning of a word. */
static bool ends_early(struct slice rest)
{
    return slice_starts(SLICE("null"), rest) || slice_starts(SLICE("true"), rest) ||
           slice_starts(SLICE("false"), rest);
}

bool decode_json(struct slice json, bool indexed, struct arena *arena, struct decoded_json *out,
                 struct decode_json_fault *fault)
{
    struct json_fault wrong;

    if (!json_view_check(json, json.len, &out->json, &wrong)) {
        bool is_cut = ends_early(slice_skip(json, wrong.at));

        *fault = (struct decode_json_fault){ is_cut ? TRACE_CUT : TRACE_BAD, wrong.sentence,
                                             wrong.at };
        return false;
    }
    struct writer writer = { .out = arena_alloc(arena, json.len * GROWTH + LONGEST_SCALAR),
                             .indexed = indexed };

    if (writer.out == NULL) {
        *fault = (struct decode_json_fault){ TRACE_NO_MEMORY, "there is no memory for it", 0 };
        return false;
    }
    put_value(&writer, out->json, 0);
    if (writer.beyond != NULL) {
        *fault = (struct decode_json_fault){ TRACE_BAD, "the number is beyond a double",
                                             (size_t)(writer.beyond - json.at) };
        return false;
    }
    out->indexed = indexed;
    out->made = writer.out;
    out->len = writer.len;
    return true;
}

/* By writing it once more. */
const char *decode_json_origin(const struct decoded_json *decoded, size_t at)
{
    struct writer writer = { .out = decoded->made, .indexed = decoded->indexed, .asked = at };

    put_value(&writer, decoded->json, 0);
    return writer.origin;
}
