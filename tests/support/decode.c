#include "tests/support/decode.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/support/intake.pb-c.h"
#include "tests/support/msgpack_in.h"

enum { LARGEST = 64 << 20, WINDOW_ANY = 32 }; /* window bits: zlib or gzip by their header */

static bool inflate_all(struct slice packed, unsigned char *out, size_t *size)
{
    z_stream zlib = { .next_in = (unsigned char *)(uintptr_t)packed.at,
                      .avail_in = (uInt)packed.len,
                      .next_out = out,
                      .avail_out = LARGEST };

    if (inflateInit2(&zlib, MAX_WBITS + WINDOW_ANY) != Z_OK)
        return false;
    int result = inflate(&zlib, Z_FINISH);

    *size = zlib.total_out;
    inflateEnd(&zlib);
    return result == Z_STREAM_END && zlib.avail_in == 0;
}

static bool unzstd_all(struct slice packed, unsigned char *out, size_t *size)
{
    *size = ZSTD_decompress(out, LARGEST, packed.at, packed.len);
    return !ZSTD_isError(*size);
}

/* Into out, which has room for the largest. */
static bool unpack(struct slice packed, const char *encoding, unsigned char *out, size_t *size)
{
    if (encoding != NULL)
        return strcmp(encoding, "zstd") == 0 ? unzstd_all(packed, out, size)
                                             : inflate_all(packed, out, size);
    *size = packed.len;
    if (packed.len <= LARGEST && packed.len > 0)
        memcpy(out, packed.at, packed.len);
    return packed.len <= LARGEST;
}

/* Only the pages that are written are made, while the sanitizer marks all that malloc() gives.
 */
unsigned char *decode_content(const void *at, size_t size, const char *encoding,
                              size_t *raw_size)
{
    unsigned char *room = mmap(NULL, LARGEST, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    unsigned char *out = NULL;

    if (room == MAP_FAILED)
        return NULL;
    if (unpack((struct slice){ at, size }, encoding, room, raw_size))
        out = malloc(*raw_size + 1);
    if (out != NULL)
        memcpy(out, room, *raw_size);
    munmap(room, LARGEST);
    return out;
}

static json_t *json_text(const char *text)
{
    return json_string_nocheck(text); /* tags may hold any bytes */
}

static json_t *json_texts(char **texts, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_text(texts[i]));
    return list;
}

static json_t *json_origin(const Intake__Metadata *metadata)
{
    if (metadata == NULL || metadata->origin == NULL)
        return json_null();
    return json_pack("[i,i,i]", (int)metadata->origin->origin_product,
                     (int)metadata->origin->origin_category,
                     (int)metadata->origin->origin_service);
}

/* ---- series ------------------------------------------------------------ */

static json_t *series_to_json(const Intake__MetricSeries *series)
{
    static const char *const types[] = { "unspecified", "count", "rate", "gauge" };
    json_t *resources = json_array(), *points = json_array();
    const char *host = NULL;

    for (size_t i = 0; i < series->n_resources; i++)
        if (host == NULL && strcmp(series->resources[i]->type, "host") == 0)
            host = series->resources[i]->name;
        else
            json_array_append_new(resources,
                                  json_pack("[o,o]", json_text(series->resources[i]->type),
                                            json_text(series->resources[i]->name)));
    for (size_t i = 0; i < series->n_points; i++)
        json_array_append_new(points,
                              json_pack("[I,f]", (json_int_t)series->points[i]->timestamp,
                                        series->points[i]->value));
    json_t *json = json_pack(
        "{s:o,s:o,s:s,s:I,s:o,s:o,s:o,s:o}", "metric", json_text(series->metric), "host",
        host != NULL ? json_text(host) : json_null(), "type",
        series->type >= 0 && series->type < 4 ? types[series->type] : "unknown", "interval",
        (json_int_t)series->interval, "tags", json_texts(series->tags, series->n_tags),
        "resources", resources, "points", points, "origin", json_origin(series->metadata));

    if (series->unit[0] != '\0')
        json_object_set_new(json, "unit", json_text(series->unit));
    return json;
}

json_t *decode_series_v2(const void *at, size_t size)
{
    Intake__MetricPayload *payload = intake__metric_payload__unpack(NULL, size, at);
    json_t *list = json_array();

    if (payload == NULL) {
        json_decref(list);
        return NULL;
    }
    for (size_t i = 0; i < payload->n_series; i++)
        json_array_append_new(list, series_to_json(payload->series[i]));
    intake__metric_payload__free_unpacked(payload, NULL);
    return list;
}

/* ---- sketches ---------------------------------------------------------- */

static json_t *dogsketch_to_json(const Intake__Dogsketch *dog)
{
    json_t *keys = json_array(), *counts = json_array();

    for (size_t i = 0; i < dog->n_k; i++)
        json_array_append_new(keys, json_integer(dog->k[i]));
    for (size_t i = 0; i < dog->n_n; i++)
        json_array_append_new(counts, json_integer(dog->n[i]));
    return json_pack("{s:I,s:I,s:f,s:f,s:f,s:f,s:o,s:o}", "ts", (json_int_t)dog->ts, "cnt",
                     (json_int_t)dog->cnt, "min", dog->min, "max", dog->max, "avg", dog->avg,
                     "sum", dog->sum, "k", keys, "n", counts);
}

static json_t *sketch_to_json(const Intake__Sketch *sketch, bool *good)
{
    json_t *points = json_array();

    for (size_t i = 0; i < sketch->n_dogsketches; i++) {
        const Intake__Dogsketch *dog = sketch->dogsketches[i];

        *good = *good && dog->n_k == dog->n_n;
        json_array_append_new(points, dogsketch_to_json(dog));
    }
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "metric", json_text(sketch->metric), "host",
                     json_text(sketch->host), "tags", json_texts(sketch->tags, sketch->n_tags),
                     "points", points, "origin", json_origin(sketch->metadata));
}

json_t *decode_sketches(const void *at, size_t size)
{
    Intake__SketchPayload *payload = intake__sketch_payload__unpack(NULL, size, at);
    json_t *list = json_array();
    bool good = payload != NULL && payload->metadata != NULL;

    for (size_t i = 0; payload != NULL && i < payload->n_sketches; i++)
        json_array_append_new(list, sketch_to_json(payload->sketches[i], &good));
    if (payload != NULL)
        intake__sketch_payload__free_unpacked(payload, NULL);
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

json_t *decode_body(enum payload_route route, const void *at, size_t size)
{
    if (route == ROUTE_SERIES_V2)
        return decode_series_v2(at, size);
    if (route == ROUTE_SKETCHES)
        return decode_sketches(at, size);
    if (route == ROUTE_TRACE_STATS)
        return msgpack_in(at, size);
    size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
    json_t *body = json_loadb(at, size, flags, NULL);

    /* jansson's integers end at int64, JSON's do not. */
    return body != NULL ? body : json_loadb(at, size, flags | JSON_DECODE_INT_AS_REAL, NULL);
}

json_t *decode_payload(const struct payload *payload)
{
    size_t size = 0;
    unsigned char *raw = decode_content(payload->bytes, payload->size,
                                        payload_content_encoding(payload->compression), &size);
    json_t *list = raw != NULL && size == payload->raw_size
                       ? decode_body(payload->route, raw, size)
                       : NULL;

    free(raw);
    return list;
}
