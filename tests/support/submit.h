/* tests/support/submit.h: what comes over HTTP, handed to a pipeline's flusher, which handles
 * it at once. */
#ifndef TESTS_SUPPORT_SUBMIT_H
#define TESTS_SUPPORT_SUBMIT_H

#include "flush/parcels/submitted.h"
#include "tests/support/pipeline.h"

/* interval_s 0: it is not said. tags as in a line. */
void submit_points(struct pipeline *pipeline, enum submitted_type type, uint32_t interval_s,
                   const char *name, const char *tags, const struct submitted_point *points,
                   uint32_t n);

/* One, without tags. */
void submit_point(struct pipeline *pipeline, enum submitted_type type, const char *name,
                  int64_t time_s, double value);

/* A distribution's values of one second. */
void submit_values(struct pipeline *pipeline, const char *name, const char *tags,
                   int64_t time_s, const double *values, uint32_t n);

#endif
