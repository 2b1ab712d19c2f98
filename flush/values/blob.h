/* flush/values/blob.h: a set or a distribution's sketch as bytes of its own, for as long
 * as a rollup window is kept, here or in Redis; read back, they merge as the
 * originals would.
 *
 *   set            'M' hashes of members, 8 bytes each | 'R' registers
 *   distribution   'D' count min max sum avg, then bins: key and count as varints
 *
 * Numbers are little-endian. What is read back may come from anywhere, so it is checked. */
#ifndef FLUSH_VALUES_BLOB_H
#define FLUSH_VALUES_BLOB_H

#include "config/must_check.h"
#include "flush/memory/bytes.h"
#include "flush/values/distinct.h"
#include "flush/values/sketch.h"

/* Appends; out->failed says that memory ran out. The sketch may be compacted in
 * its arena; false when that is exhausted. */
MUST_CHECK bool blob_put_sketch(struct bytes *out, struct sketch *sketch, struct arena *arena);
void blob_put_distinct(struct bytes *out, const struct distinct *distinct);

/* What such bytes hold, in the arena; NULL when they are damaged or it is exhausted. */
struct sketch *blob_sketch(const uint8_t *at, size_t len, struct arena *arena);
struct distinct *blob_distinct(const uint8_t *at, size_t len, struct arena *arena);

#endif
