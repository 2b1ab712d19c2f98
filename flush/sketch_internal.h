/* flush/sketch_internal.h: what tests and other aggregates need of a sketch
 * beyond sketch.h. */
#ifndef FLUSH_SKETCH_INTERNAL_H
#define FLUSH_SKETCH_INTERNAL_H

#include "flush/sketch.h"

/* sketch_new with another limit, 1 to SKETCH_BINS. */
struct sketch *sketch_new_limited(struct arena *arena, uint16_t limit);

/* The key by the definition, without the shortcut of sketch_key. */
int16_t sketch_key_exact(double value);

#endif
