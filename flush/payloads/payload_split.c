/* flush/payloads/payload_split.c: one payload that was too large into two.
 *
 *   bytes -> [decompress] -> head | item item item item | tail
 *                            `-> head | item item | tail -> [compress] -> halves[0]
 *                            `-> head | item item | tail -> [compress] -> halves[1]
 *
 * Items are top-level fields 1 of protobuf, or elements of the lists of JSON,
 * which may be several: {"events":{"a":[item,item],"b":[item]}}. JSON is read for
 * its brackets and strings alone, so that every number and every escape that a
 * client can bring our encoders to write is passed on as it stands.
 *
 * The bytes are our own, or from a file that kept its checksum; they are
 * nevertheless read as if they were not. Halves that together count for another
 * number of points than the whole are thrown away: the whole is then refused as it is,
 * and the balance of points holds. */
#include "flush/payloads/payload.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "flush/memory/wire.h"

enum {
    ITEM_FIELD = 1,
    SERIES_POINTS_FIELD = 4,
    SKETCH_POINTS_FIELD = 7,
    GZIP_OR_ZLIB = 32, /* added to zlib's window bits: find out */
};

/* ---- decompress -------------------------------------------------------- */

static bool inflate_whole(const struct payload *payload, unsigned char *raw)
{
    z_stream zlib = { .next_in = (unsigned char *)(uintptr_t)payload->bytes,
                      .avail_in = (uInt)payload->size,
                      .next_out = raw,
                      .avail_out = (uInt)payload->raw_size };

    if (inflateInit2(&zlib, MAX_WBITS + GZIP_OR_ZLIB) != Z_OK)
        return false;
    bool whole = inflate(&zlib, Z_FINISH) == Z_STREAM_END && zlib.avail_out == 0;

    inflateEnd(&zlib);
    return whole;
}

static bool decompress_into(const struct payload *payload, unsigned char *raw)
{
    switch (payload->compression) {
    case COMPRESSION_ZSTD:
        return ZSTD_decompress(raw, payload->raw_size, payload->bytes, payload->size) ==
               payload->raw_size;
    case COMPRESSION_ZLIB:
    case COMPRESSION_GZIP:
        return inflate_whole(payload, raw);
    default:
        memcpy(raw, payload->bytes, payload->size);
        return true;
    }
}

unsigned char *payload_decompress(const struct payload *payload)
{
    bool same = payload->compression != COMPRESSION_NONE || payload->size == payload->raw_size;

    if (payload->raw_size == 0 || payload->raw_size > PAYLOAD_BYTES_MAX || !same)
        return NULL;
    unsigned char *raw = malloc(payload->raw_size);

    if (raw != NULL && !decompress_into(payload, raw)) {
        free(raw);
        raw = NULL;
    }
    return raw;
}

/* ---- items ------------------------------------------------------------- */

/* Walks from item to item. The tail is known only at the end. */
struct walk {
    enum payload_route route;
    struct slice rest; /* not looked at yet */
    struct slice head, tail;
    struct slice list; /* JSON: the opening of the list that the last item stands in */
    bool started, damaged;
};

/* A protobuf number off the front. */
static bool cut_number(struct slice *rest, uint64_t *out)
{
    const uint8_t *at = (const uint8_t *)rest->at, *end = at + rest->len;
    bool whole = varint_get(&at, end, out);

    *rest = (struct slice){ (const char *)at, (size_t)(end - at) };
    return whole;
}

/* A field off the front; body is empty for numbers. */
static bool cut_field(struct slice *rest, uint64_t *number, struct slice *body)
{
    uint64_t tag, size = 0;

    if (!cut_number(rest, &tag))
        return false;
    *number = tag >> 3;
    *body = (struct slice){ rest->at, 0 };
    switch (tag & 7) {
    case 0:
        return cut_number(rest, &size);
    case 1:
        size = 8;
        break;
    case 2:
        if (!cut_number(rest, &size))
            return false;
        break;
    case 5:
        size = 4;
        break;
    default:
        return false;
    }
    if (size > rest->len)
        return false;
    *body = (struct slice){ rest->at, (size_t)size };
    *rest = slice_skip(*rest, (size_t)size);
    return true;
}

/* The length of the string at the front, with its quotes; of all, when it does not end. */
static size_t json_string_length(struct slice text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.at[i] == '"')
            return i + 1;
        i += text.at[i] == '\\';
    }
    return text.len;
}

/* The bytes up to the end of the JSON value at the front: up to a comma or a
 * closing bracket that is not its own. */
static size_t json_value_length(struct slice text)
{
    size_t depth = 0, i = 0;

    while (i < text.len) {
        char c = text.at[i];

        if (depth == 0 && (c == ',' || c == ']' || c == '}'))
            return i;
        if (c == '"') {
            i += json_string_length(slice_skip(text, i));
            continue;
        }
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        i++;
    }
    return text.len;
}

/* Cuts off what comes before the next list's items. *opening gets the end of it: the
 * '[' and, where there is one, the key before it. False: there is no list. */
static bool cut_to_list(struct slice *rest, struct slice *before, struct slice *opening)
{
    size_t key = 0, i = 0;
    bool is_keyed = false;

    while (i < rest->len && rest->at[i] != '[') {
        if (rest->at[i] == '"') {
            key = i;
            is_keyed = true;
            i += json_string_length(slice_skip(*rest, i));
        } else {
            is_keyed = is_keyed && rest->at[i] == ':';
            i++;
        }
    }
    if (i == rest->len)
        return false;
    size_t from = is_keyed ? key : i;

    *before = (struct slice){ rest->at, from };
    *opening = (struct slice){ rest->at + from, i + 1 - from };
    *rest = slice_skip(*rest, i + 1);
    return true;
}

static struct walk walk_begin(enum payload_route route, struct slice raw)
{
    struct walk walk = { .route = route, .rest = raw };

    if (!payload_route_is_protobuf(route))
        walk.damaged = !cut_to_list(&walk.rest, &walk.head, &walk.list);
    return walk;
}

static bool next_protobuf(struct walk *walk, struct slice *item)
{
    struct slice before = walk->rest, body;
    uint64_t number;

    if (walk->rest.len == 0)
        return false;
    if (!cut_field(&walk->rest, &number, &body)) {
        walk->damaged = true;
        return false;
    }
    *item = (struct slice){ before.at, before.len - walk->rest.len };
    if (number == ITEM_FIELD)
        return true;
    walk->tail = before; /* the footer */
    walk->rest.len = 0;
    return false;
}

/* Goes on behind an item: to the next item or into the next list. False: there is no further
 * item, and what is left is the tail. */
static bool next_place(struct walk *walk)
{
    struct slice nothing;
    char c = walk->rest.len > 0 ? walk->rest.at[0] : '\0';
    bool is_turn = c == ']' && walk->rest.len > 1 && walk->rest.at[1] == ',';

    if (c == ']' && !is_turn) {
        walk->tail = walk->rest;
        return false;
    }
    walk->damaged = c != ',' && c != ']';
    if (!walk->damaged)
        walk->rest = slice_skip(walk->rest, is_turn ? 2 : 1);
    if (is_turn)
        walk->damaged = !cut_to_list(&walk->rest, &nothing, &walk->list) || nothing.len > 0;
    return !walk->damaged;
}

static bool next_json(struct walk *walk, struct slice *item)
{
    if (walk->damaged || (walk->started && !next_place(walk)))
        return false;
    walk->started = true;
    *item = (struct slice){ walk->rest.at, json_value_length(walk->rest) };
    walk->rest = slice_skip(walk->rest, item->len);
    walk->damaged = item->len == 0;
    return !walk->damaged;
}

/* A view of the next item; false at the end, when tail is known too. */
static bool walk_next(struct walk *walk, struct slice *item)
{
    return payload_route_is_protobuf(walk->route) ? next_protobuf(walk, item)
                                                  : next_json(walk, item);
}

/* ---- points ------------------------------------------------------------ */

static uint32_t count_fields(struct slice item, uint64_t wanted)
{
    struct slice body, inner;
    uint64_t number;
    uint32_t n = 0;

    if (!cut_field(&item, &number, &body))
        return 0;
    while (body.len > 0 && cut_field(&body, &number, &inner))
        n += number == wanted;
    return n;
}

/* Cuts off the front up to the end of the JSON value there, and the comma behind it. */
static struct slice cut_json_value(struct slice *rest)
{
    struct slice value = { rest->at, json_value_length(*rest) };

    *rest = slice_skip(*rest, value.len);
    if (rest->len > 0 && rest->at[0] == ',')
        *rest = slice_skip(*rest, 1);
    return value;
}

static uint32_t count_json_elements(struct slice array)
{
    struct slice rest = slice_skip(array, array.len > 0);
    uint32_t n = 0;

    while (cut_json_value(&rest).len > 0)
        n++;
    return n;
}

/* Of {"metric":"m","points":[[1,2],[3,4]],...} as encode_series_v1 writes it. */
static uint32_t count_json_points(struct slice item)
{
    static const struct slice key = { "\"points\":", 9 };
    struct slice rest = slice_skip(item, 1), member;

    while ((member = cut_json_value(&rest)).len > 0)
        if (slice_starts(member, key))
            return count_json_elements(slice_skip(member, key.len));
    return 0;
}

/* What the encoder counted for it. */
static uint32_t item_points(enum payload_route route, struct slice item)
{
    switch (route) {
    case ROUTE_SERIES_V2:
        return count_fields(item, SERIES_POINTS_FIELD);
    case ROUTE_SKETCHES:
        return count_fields(item, SKETCH_POINTS_FIELD);
    case ROUTE_SERIES_V1:
        return count_json_points(item);
    default:
        return 1;
    }
}

/* ---- split ------------------------------------------------------------- */

static void keep_half(void *argument, struct payload *given)
{
    *(struct payload **)argument = given;
}

static struct payload_writer *open_half(const struct payload *payload, const struct walk *frame,
                                        struct payload **half)
{
    struct payload_limits limits = { 0, INT32_MAX, INT32_MAX };
    struct slice separator = payload_route_is_protobuf(payload->route) ? SLICE("") : SLICE(",");

    return payload_writer_new(payload->route, payload->compression, 1, limits,
                              (struct payload_frame){ .head = frame->head,
                                                      .separator = separator,
                                                      .tail = frame->tail,
                                                      .turn = SLICE("],") },
                              payload->created_s, keep_half, half);
}

static bool fill_half(struct payload_writer *writer, struct walk *walk, size_t items)
{
    struct slice item, list = SLICE("");

    for (; items > 0 && walk_next(walk, &item); items--) {
        if (walk->list.at != list.at)
            payload_writer_list(writer, walk->list);
        list = walk->list;
        if (payload_writer_add(writer, item.at, item.len, item_points(walk->route, item)) !=
            PAYLOAD_ADDED)
            return false;
    }
    return true;
}

/* Finds the frame, the number of items and how many of them make the first half. */
static enum payload_split look(struct slice raw, enum payload_route route, struct walk *frame,
                               size_t *n, size_t *first)
{
    struct slice item;
    size_t behind = 0;

    *frame = walk_begin(route, raw);
    for (*n = *first = 0; walk_next(frame, &item); (*n)++) {
        behind += item.len;
        if (behind <= raw.len / 2 || *n == 0)
            *first = *n + 1;
    }
    if (frame->damaged || *n == 0)
        return SPLIT_DAMAGED;
    if (*first == *n)
        *first = *n - 1;
    return *n == 1 ? SPLIT_SINGLE : SPLIT_DONE;
}

static bool counts_for(const struct payload *payload, struct payload *const halves[2])
{
    return halves[0] != NULL && halves[1] != NULL &&
           (uint64_t)halves[0]->points + halves[1]->points == payload->points;
}

static enum payload_split split_raw(const struct payload *payload, struct slice raw,
                                    struct payload *halves[2])
{
    struct walk frame, walk = walk_begin(payload->route, raw);
    size_t n, first;
    enum payload_split result = look(raw, payload->route, &frame, &n, &first);

    for (int i = 0; i < 2 && result == SPLIT_DONE; i++) {
        struct payload_writer *writer = open_half(payload, &frame, &halves[i]);

        if (writer == NULL || !fill_half(writer, &walk, i == 0 ? first : n - first))
            result = SPLIT_NO_MEMORY;
        if (writer != NULL)
            payload_writer_end(writer);
    }
    if (result == SPLIT_DONE && !counts_for(payload, halves))
        result = SPLIT_DAMAGED;
    return result;
}

enum payload_split payload_split(const struct payload *payload, struct payload *halves[2])
{
    halves[0] = halves[1] = NULL;
    if (!payload_route_has_items(payload->route))
        return SPLIT_SINGLE;
    unsigned char *raw = payload_decompress(payload);

    if (raw == NULL)
        return SPLIT_DAMAGED;
    enum payload_split result =
        split_raw(payload, (struct slice){ (const char *)raw, payload->raw_size }, halves);

    free(raw);
    if (result != SPLIT_DONE) {
        payload_free(halves[0]);
        payload_free(halves[1]);
        halves[0] = halves[1] = NULL;
    }
    return result;
}
