/* flush/values/sketch_internal.h: what tests need of a sketch beyond sketch.h. */
#ifndef FLUSH_VALUES_SKETCH_INTERNAL_H
#define FLUSH_VALUES_SKETCH_INTERNAL_H

#include "flush/values/sketch.h"

/* sketch_new with another limit, 1 to SKETCH_BINS. */
struct sketch *sketch_new_limited(struct arena *arena, uint16_t limit);

#endif
