#include "tests/support/vectors_payloads.h"

#include <stdio.h>
#include <stdlib.h>

#include "flush/payloads/encode.h"

enum { MOST = 16 };

static struct slice text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return slice_of(text != NULL ? text : "");
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static json_int_t whole_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* What the views of one identity point to. */
struct storage {
    struct slice tags[MOST];
    struct resource device;
};

static struct series_identity identity_of(const json_t *input, struct storage *storage)
{
    const json_t *tags = json_object_get(input, "tags");
    struct series_identity id = { .metric = text_of(input, "metric"),
                                  .host = text_of(input, "host"),
                                  .tags = storage->tags,
                                  .n_tags = json_array_size(tags) };

    for (size_t i = 0; i < id.n_tags && i < MOST; i++)
        storage->tags[i] = slice_of(json_string_value(json_array_get(tags, i)));
    if (json_object_get(input, "device") != NULL) {
        storage->device = (struct resource){ SLICE("device"), text_of(input, "device") };
        id.resources = &storage->device;
        id.n_resources = 1;
    }
    return id;
}

static void encode_series_input(struct bytes *out, const json_t *input)
{
    struct storage storage;
    struct point points[MOST];
    const json_t *list = json_object_get(input, "points");
    struct slice type = text_of(input, "type");
    struct series series = { .id = identity_of(input, &storage),
                             .type = slice_equal(type, SLICE("rate"))    ? SERIES_RATE
                                     : slice_equal(type, SLICE("count")) ? SERIES_COUNT
                                                                         : SERIES_GAUGE,
                             .interval_s = whole_of(input, "interval"),
                             .points = points,
                             .n_points = json_array_size(list) };

    for (size_t i = 0; i < series.n_points && i < MOST; i++) {
        const json_t *pair = json_array_get(list, i);

        points[i] = (struct point){ json_integer_value(json_array_get(pair, 0)),
                                    json_number_value(json_array_get(pair, 1)) };
    }
    encode_series_v2(out, &series);
}

static void encode_sketch_input(struct bytes *out, const json_t *input)
{
    struct storage storage;
    struct sketch_bin bins[MOST][MOST];
    struct sketch_point points[MOST];
    const json_t *list = json_object_get(input, "points");
    struct sketch_series series = { .id = identity_of(input, &storage),
                                    .points = points,
                                    .n_points = json_array_size(list) };

    for (size_t i = 0; i < series.n_points && i < MOST; i++) {
        const json_t *from = json_array_get(list, i);
        const json_t *keys = json_object_get(from, "k"), *counts = json_object_get(from, "n");

        points[i] = (struct sketch_point){
            .time_s = whole_of(from, "ts"),
            .summary = { .count = whole_of(from, "cnt"),
                         .min = number_of(from, "min"),
                         .max = number_of(from, "max"),
                         .sum = number_of(from, "sum"),
                         .avg = number_of(from, "avg") },
            .bins = bins[i],
            .n_bins = json_array_size(keys),
        };
        for (size_t k = 0; k < points[i].n_bins && k < MOST; k++)
            bins[i][k] =
                (struct sketch_bin){ (int16_t)json_integer_value(json_array_get(keys, k)),
                                     (uint32_t)json_integer_value(json_array_get(counts, k)) };
    }
    encode_sketch(out, &series);
}

static enum vector_result compare(const struct bytes *got, struct slice want, char *why,
                                  size_t why_size)
{
    char *hex = calloc(2, got->len + 1);
    bool same = false;

    for (size_t i = 0; hex != NULL && i < got->len; i++)
        snprintf(hex + 2 * i, 3, "%02x", got->at[i]);
    if (hex != NULL) {
        same = slice_equal(slice_of(hex), want);
        snprintf(why, why_size, "%s", same ? "" : hex);
    }
    free(hex);
    return same ? VECTOR_PASS : VECTOR_FAIL;
}

enum vector_result vector_payload(const json_t *vector, char *why, size_t why_size)
{
    struct slice name = text_of(vector, "name");
    bool is_sketch = slice_starts(name, SLICE("sketch payload"));
    const json_t *list = json_object_get(vector, "input");
    struct bytes out = { 0 };

    if (!is_sketch && !slice_starts(name, SLICE("v2 series")))
        return VECTOR_UNSUPPORTED;
    struct payload_frame frame = encode_frame(is_sketch ? ROUTE_SKETCHES : ROUTE_SERIES_V2);

    bytes_add(&out, frame.head.at, frame.head.len);
    for (size_t i = 0; i < json_array_size(list); i++)
        (is_sketch ? encode_sketch_input : encode_series_input)(&out, json_array_get(list, i));
    bytes_add(&out, frame.tail.at, frame.tail.len);
    enum vector_result result = compare(&out, text_of(vector, "hex"), why, why_size);

    bytes_free(&out);
    return result;
}
