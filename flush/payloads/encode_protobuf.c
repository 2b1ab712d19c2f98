/* flush/payloads/encode_protobuf.c: v2 series and sketches.
 *
 * By hand and not with protobuf-c, because the views that we have would first
 * have to become a tree of its objects with NUL-terminated strings, and it
 * writes fields by number while the Agent's order differs. It also takes 190 ns
 * for a series of four tags and one point, against 50. A message is measured
 * first, for its length stands in front of it, then written into room of
 * exactly that size without further checks. */
#include "flush/memory/wire.h"
#include "flush/payloads/encode.h"

enum wire { WIRE_VARINT = 0, WIRE_DOUBLE = 1, WIRE_BYTES = 2 };

/* One byte, as every field number here is below 16. */
#define TAG(field, wire) ((unsigned char)((field) << 3 | (wire)))

/* MetricSeries, Resource and MetricPoint */
enum { SERIES_RESOURCE = 1, SERIES_METRIC, SERIES_TAG, SERIES_POINT, SERIES_TYPE };
enum { SERIES_UNIT = 6, SERIES_INTERVAL = 8 };
enum { RESOURCE_TYPE = 1, RESOURCE_NAME };
enum { POINT_VALUE = 1, POINT_TIME };

/* Sketch and Dogsketch */
enum { SKETCH_METRIC = 1, SKETCH_HOST, SKETCH_TAG = 4, SKETCH_POINT = 7 };
enum { DOG_TIME = 1, DOG_COUNT, DOG_MIN, DOG_MAX, DOG_AVG, DOG_SUM, DOG_KEYS, DOG_COUNTS };

/* The one list of both payloads is their field 1. */
enum { PAYLOAD_ITEM = 1 };

/* metadata (9 in a series, 8 in a sketch) { origin { product 4, category 5 } } */
#define ORIGIN_METADATA(field)                                                             \
    TAG(field, WIRE_BYTES), 6, TAG(1, WIRE_BYTES), 4, TAG(4, WIRE_VARINT), ORIGIN_PRODUCT, \
        TAG(5, WIRE_VARINT), ORIGIN_CATEGORY

static const unsigned char series_metadata[] = { ORIGIN_METADATA(9) };
static const unsigned char sketch_metadata[] = { ORIGIN_METADATA(8) };

/* ---- sizes of fields --------------------------------------------------- */

static size_t varint_size(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);

    return (bits + 6) / 7;
}

/* Zero scalars are left out, as everywhere in proto3. */
static size_t int_size(int64_t value)
{
    return value == 0 ? 0 : 1 + varint_size((uint64_t)value);
}

static size_t double_size(double value)
{
    return value == 0 ? 0 : 1 + sizeof value;
}

/* A field of len bytes, written even when empty. */
static size_t message_size(size_t len)
{
    return 1 + varint_size(len) + len;
}

static size_t string_size(struct slice text)
{
    return text.len == 0 ? 0 : message_size(text.len);
}

static size_t tags_size(const struct series_identity *id)
{
    size_t size = 0;

    for (size_t i = 0; i < id->n_tags; i++)
        size += message_size(id->tags[i].len);
    return size;
}

/* ---- writing fields ---------------------------------------------------- */

/* Each of these returns the place behind what it wrote. */

static unsigned char *put_int(unsigned char *at, int field, int64_t value)
{
    if (value == 0)
        return at;
    *at++ = TAG(field, WIRE_VARINT);
    return varint_put(at, (uint64_t)value);
}

static unsigned char *put_double(unsigned char *at, int field, double value)
{
    uint64_t bits;

    if (value == 0)
        return at;
    *at++ = TAG(field, WIRE_DOUBLE);
    memcpy(&bits, &value, sizeof bits);
    fixed_put(at, bits, sizeof bits);
    return at + sizeof bits;
}

static unsigned char *put_head(unsigned char *at, int field, size_t len)
{
    *at++ = TAG(field, WIRE_BYTES);
    return varint_put(at, len);
}

static unsigned char *put_raw(unsigned char *at, const void *from, size_t size)
{
    if (size > 0)
        memcpy(at, from, size);
    return at + size;
}

static unsigned char *put_text(unsigned char *at, int field, struct slice text)
{
    return put_raw(put_head(at, field, text.len), text.at, text.len);
}

static unsigned char *put_string(unsigned char *at, int field, struct slice text)
{
    return text.len == 0 ? at : put_text(at, field, text);
}

static unsigned char *put_tags(unsigned char *at, int field, const struct series_identity *id)
{
    for (size_t i = 0; i < id->n_tags; i++)
        at = put_text(at, field, id->tags[i]);
    return at;
}

/* ---- series ------------------------------------------------------------ */

static size_t resource_size(const struct resource *resource)
{
    return string_size(resource->type) + string_size(resource->name);
}

static unsigned char *put_resource(unsigned char *at, const struct resource *resource)
{
    at = put_head(at, SERIES_RESOURCE, resource_size(resource));
    at = put_string(at, RESOURCE_TYPE, resource->type);
    return put_string(at, RESOURCE_NAME, resource->name);
}

static struct resource host_resource(const struct series_identity *id)
{
    return (struct resource){ SLICE("host"), id->host };
}

/* A point takes far less than 128 bytes, so its length is one byte. */
enum { POINT_HEAD = 2 };

static size_t point_size(const struct point *point)
{
    return int_size(point->time_s) + double_size(point->value);
}

/* The length is known last. */
static unsigned char *put_point(unsigned char *at, const struct point *point)
{
    unsigned char *body = put_head(at, SERIES_POINT, 0), *end;

    end = put_int(body, POINT_TIME, point->time_s);
    end = put_double(end, POINT_VALUE, point->value);
    body[-1] = (unsigned char)(end - body);
    return end;
}

static size_t series_size(const struct series *series)
{
    const struct series_identity *id = &series->id;
    struct resource host = host_resource(id);
    size_t size = message_size(resource_size(&host)) + string_size(id->metric) + tags_size(id) +
                  int_size((int64_t)series->type) + int_size(series->interval_s) +
                  string_size(series->unit) + sizeof series_metadata;

    for (size_t i = 0; i < id->n_resources; i++)
        size += message_size(resource_size(&id->resources[i]));
    for (size_t i = 0; i < series->n_points; i++)
        size += POINT_HEAD + point_size(&series->points[i]);
    return size;
}

void encode_series_v2(struct bytes *out, const struct series *series)
{
    const struct series_identity *id = &series->id;
    struct resource host = host_resource(id);
    size_t size = series_size(series);
    unsigned char *at = bytes_room(out, message_size(size));

    if (at == NULL)
        return;
    out->len += message_size(size);
    at = put_head(at, PAYLOAD_ITEM, size);
    at = put_resource(at, &host);
    for (size_t i = 0; i < id->n_resources; i++)
        at = put_resource(at, &id->resources[i]);
    at = put_string(at, SERIES_METRIC, id->metric);
    at = put_tags(at, SERIES_TAG, id);
    at = put_int(at, SERIES_TYPE, (int64_t)series->type);
    at = put_int(at, SERIES_INTERVAL, series->interval_s);
    at = put_string(at, SERIES_UNIT, series->unit);
    for (size_t i = 0; i < series->n_points; i++)
        at = put_point(at, &series->points[i]);
    put_raw(at, series_metadata, sizeof series_metadata);
}

/* ---- sketches ---------------------------------------------------------- */

/* 0, -1, 1, -2, ... as 0, 1, 2, 3, ...: small keys of either sign stay short. */
static uint64_t zigzag(int16_t key)
{
    return key < 0 ? (uint64_t)(-(int64_t)key) * 2 - 1 : (uint64_t)key * 2;
}

static size_t keys_size(const struct sketch_point *point)
{
    size_t size = 0;

    for (size_t i = 0; i < point->n_bins; i++)
        size += varint_size(zigzag(point->bins[i].key));
    return size;
}

static size_t counts_size(const struct sketch_point *point)
{
    size_t size = 0;

    for (size_t i = 0; i < point->n_bins; i++)
        size += varint_size(point->bins[i].count);
    return size;
}

static size_t dogsketch_size(const struct sketch_point *point)
{
    const struct sketch_summary *summary = &point->summary;
    size_t size = int_size(point->time_s) + int_size(summary->count) +
                  double_size(summary->min) + double_size(summary->max) +
                  double_size(summary->avg) + double_size(summary->sum);

    if (point->n_bins > 0)
        size += message_size(keys_size(point)) + message_size(counts_size(point));
    return size;
}

static unsigned char *put_bins(unsigned char *at, const struct sketch_point *point)
{
    at = put_head(at, DOG_KEYS, keys_size(point));
    for (size_t i = 0; i < point->n_bins; i++)
        at = varint_put(at, zigzag(point->bins[i].key));
    at = put_head(at, DOG_COUNTS, counts_size(point));
    for (size_t i = 0; i < point->n_bins; i++)
        at = varint_put(at, point->bins[i].count);
    return at;
}

static unsigned char *put_dogsketch(unsigned char *at, const struct sketch_point *point)
{
    const struct sketch_summary *summary = &point->summary;

    at = put_head(at, SKETCH_POINT, dogsketch_size(point));
    at = put_int(at, DOG_TIME, point->time_s);
    at = put_int(at, DOG_COUNT, summary->count);
    at = put_double(at, DOG_MIN, summary->min);
    at = put_double(at, DOG_MAX, summary->max);
    at = put_double(at, DOG_AVG, summary->avg);
    at = put_double(at, DOG_SUM, summary->sum);
    return point->n_bins > 0 ? put_bins(at, point) : at;
}

static size_t sketch_size(const struct sketch_series *series)
{
    const struct series_identity *id = &series->id;
    size_t size = string_size(id->metric) + string_size(id->host) + tags_size(id) +
                  sizeof sketch_metadata;

    for (size_t i = 0; i < series->n_points; i++)
        size += message_size(dogsketch_size(&series->points[i]));
    return size;
}

void encode_sketch(struct bytes *out, const struct sketch_series *series)
{
    const struct series_identity *id = &series->id;
    size_t size = sketch_size(series);
    unsigned char *at = bytes_room(out, message_size(size));

    if (at == NULL)
        return;
    out->len += message_size(size);
    at = put_head(at, PAYLOAD_ITEM, size);
    at = put_string(at, SKETCH_METRIC, id->metric);
    at = put_string(at, SKETCH_HOST, id->host);
    at = put_tags(at, SKETCH_TAG, id);
    for (size_t i = 0; i < series->n_points; i++)
        at = put_dogsketch(at, &series->points[i]);
    put_raw(at, sketch_metadata, sizeof sketch_metadata);
}
