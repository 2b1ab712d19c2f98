/* server/pictures/picture.h: what is to be drawn, as the definition that heeler-chart takes
 * (chart/definition.h).
 *
 * Pure. All are views. */
#ifndef SERVER_PICTURES_PICTURE_H
#define SERVER_PICTURES_PICTURE_H

#include <stdint.h>

#include "config/must_check.h"
#include "flush/memory/bytes.h"
#include "protocol/slice.h"

enum { PICTURE_REQUESTS_MAX = 16 };

struct picture_request {
    struct slice answer; /* of GET /api/v1/query, JSON */
    const char *type;    /* "line", "area" or "bars"; NULL: the first */
    const char *name;    /* NULL: the series are named by their scopes */
};

struct picture {
    const char *title; /* NULL: none */
    const char *theme; /* "light" or "dark"; NULL: the first */
    int64_t from_s, to_s;
    double width, height; /* pixels; 0: as is usual */
    const double *min, *max;
    struct picture_request requests[PICTURE_REQUESTS_MAX];
    size_t n_requests;
    struct slice markers; /* JSON, a list; empty: none */
};

enum picture_written { PICTURE_WRITTEN, PICTURE_TOO_LARGE, PICTURE_NO_MEMORY };

/* Appends it. What is wrong is found out by heeler-chart, but for a definition that is longer
 * than that takes. */
MUST_CHECK enum picture_written picture_write(const struct picture *picture, struct bytes *out);

/* Why it is not written; static. */
const char *picture_sentence(enum picture_written result);

#endif
