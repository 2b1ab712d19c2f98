/* tests/support/ddsketch_out.h: protobuf DDSketches, part by part, as tracing libraries write
 * them (sketches-go, ddsketch.proto). */
#ifndef TESTS_SUPPORT_DDSKETCH_OUT_H
#define TESTS_SUPPORT_DDSKETCH_OUT_H

#include <stdint.h>

#include "flush/memory/bytes.h"

void ddsketch_out_grid(struct bytes *out, double gamma, double offset);

/* A store with the bin that a value falls in. */
void ddsketch_out_value(struct bytes *out, double gamma, double offset, double value,
                        double count);

/* A store with counts of the indexes from first on. */
void ddsketch_out_run(struct bytes *out, int64_t first, const double *counts, size_t n);

void ddsketch_out_zeros(struct bytes *out, double count);

#endif
