#include "tests/support/submit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void submit(struct pipeline *pipeline, const struct submitted *submitted)
{
    struct chunk *chunk =
        chunk_new(PARCEL_RECORDS, pipeline->n_workers, submitted_size(submitted));

    assert_non_null(chunk);
    assert_true(submitted_append(chunk, submitted));
    (void)inbox_push(&pipeline->inbox, &chunk->parcel);
    pipeline_run(pipeline);
}

void submit_points(struct pipeline *pipeline, enum submitted_type type, uint32_t interval_s,
                   const char *name, const char *tags, const struct submitted_point *points,
                   uint32_t n)
{
    struct submitted submitted = { .kind = SUBMITTED_POINTS,
                                   .type = type,
                                   .interval_s = interval_s,
                                   .name = slice_of(name),
                                   .tags = slice_of(tags),
                                   .unit = SLICE(""),
                                   .values = points,
                                   .n = n };

    submit(pipeline, &submitted);
}

void submit_point(struct pipeline *pipeline, enum submitted_type type, const char *name,
                  int64_t time_s, double value)
{
    submit_points(pipeline, type, 0, name, "", &(struct submitted_point){ time_s, value }, 1);
}

void submit_values(struct pipeline *pipeline, const char *name, const char *tags,
                   int64_t time_s, const double *values, uint32_t n)
{
    struct submitted submitted = { .kind = SUBMITTED_DISTRIBUTION,
                                   .time_s = time_s,
                                   .name = slice_of(name),
                                   .tags = slice_of(tags),
                                   .unit = SLICE(""),
                                   .values = values,
                                   .n = n };

    submit(pipeline, &submitted);
}
