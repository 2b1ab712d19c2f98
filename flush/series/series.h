/* flush/series/series.h: a series with its points, as the intake knows it.
 *
 * Points are shown in this form and payloads are encoded from it. All of it is views:
 * good for as long as the strings and values that they were made of. */
#ifndef FLUSH_SERIES_SERIES_H
#define FLUSH_SERIES_SERIES_H

#include <stdint.h>

#include "flush/values/sketch.h"
#include "protocol/slice.h"

/* Numbers of the intake's enum. */
enum series_type { SERIES_COUNT = 1, SERIES_RATE = 2, SERIES_GAUGE = 3 };

struct point {
    int64_t time_s;
    double value;
};

/* "dd.internal.resource:type:name" and "device:name" tags become resources. */
struct resource {
    struct slice type, name;
};

/* What a series and a sketch have in common. Views. Only v2 series have
 * resources; v1 series know the device alone, sketches none of them. */
struct series_identity {
    struct slice metric;
    struct slice host; /* its resource is written even when empty, as the Agent does */
    const struct slice *tags;
    size_t n_tags;
    const struct resource *resources; /* devices too, type "device" */
    size_t n_resources;
};

struct series {
    struct series_identity id;
    enum series_type type;
    int64_t interval_s; /* 0 is left out */
    struct slice unit;  /* empty: none */
    const struct point *points;
    size_t n_points;
};

struct sketch_point {
    int64_t time_s;
    struct sketch_summary summary;
    const struct sketch_bin *bins;
    size_t n_bins;
};

struct sketch_series {
    struct series_identity id;
    const struct sketch_point *points;
    size_t n_points;
};

#endif
