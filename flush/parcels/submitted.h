/* flush/parcels/submitted.h: what others than workers submit, as records on their way to the
 * flusher.
 *
 *   points         of one series, each with its time
 *   distribution   the values that one series had in one second
 *   sketch         the same of values that were summed up already
 *
 * Events and checks are submitted as lines, so their records are those of lines. A record is
 * written and read in the same process. Who submits sends parcels as if it were one more
 * worker: there is a lane for each behind those of the workers.
 *
 * What a series is called is said as a line would: tags joined by commas, the last of which may
 * be "host:NAME"; "host:" is a series without a host. */
#ifndef FLUSH_PARCELS_SUBMITTED_H
#define FLUSH_PARCELS_SUBMITTED_H

#include "config/must_check.h"
#include "flush/parcels/chunk.h"
#include "flush/values/sketch.h"
#include "protocol/parse.h"

/* Who submits. What comes by a lane that is kept here goes into the rollups and to no intake.
 * X(id, whether it is kept here) */
#define SUBMITTED_LANES(X)   \
    X(SUBMITTED_HTTP, false) \
    X(SUBMITTED_TRACES, true)

#define SUBMITTED_LANE_ENUM(id, kept_here) id,
enum submitted_lane { SUBMITTED_LANES(SUBMITTED_LANE_ENUM) SUBMITTED_LANE_COUNT };
#undef SUBMITTED_LANE_ENUM

enum submitted_kind {
    SUBMITTED_POINTS = LINE_KIND_COUNT,
    SUBMITTED_DISTRIBUTION,
    SUBMITTED_SKETCH
};

/* How the intake knows a series. */
enum submitted_type { SUBMITTED_GAUGE, SUBMITTED_COUNT, SUBMITTED_RATE };

enum { SUBMITTED_POINTS_MAX = 4096 }; /* in one record */

struct submitted_point {
    int64_t time_s;
    double value;
};

/* Views. */
struct submitted {
    enum submitted_kind kind;
    enum submitted_type type; /* of points */
    uint32_t interval_s;      /* of points; 0: not said */
    struct slice name, tags, unit;
    int64_t time_s;                /* of a distribution or a sketch */
    struct sketch_summary summary; /* of a sketch */
    const void *values; /* n of struct submitted_point or, of a distribution, of double, or of
                           a sketch, of struct sketch_bin; not aligned */
    uint32_t n;
};

/* How many values that is in the books. */
uint64_t submitted_values(const struct submitted *submitted);

size_t submitted_size(const struct submitted *submitted);

/* Appends its record; false when it does not fit. */
MUST_CHECK bool submitted_append(struct chunk *chunk, const struct submitted *submitted);

/* What stands in a record of that kind; views of the body. */
struct submitted submitted_read(const struct record *record, struct slice body);

static inline struct submitted_point submitted_point(const struct submitted *of, uint32_t i)
{
    struct submitted_point point;

    memcpy(&point, (const char *)of->values + i * sizeof point, sizeof point);
    return point;
}

static inline double submitted_value(const struct submitted *of, uint32_t i)
{
    double value;

    memcpy(&value, (const char *)of->values + i * sizeof value, sizeof value);
    return value;
}

#endif
