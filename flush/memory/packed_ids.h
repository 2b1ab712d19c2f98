/* flush/memory/packed_ids.h: a list of ids in as few bits each as its largest needs.
 *
 *   width in bits, a byte | id | id | id ...   (lowest bits first)
 *
 * The same ids are always the same bytes, so that a list can be interned like a
 * string. Pure. */
#ifndef FLUSH_MEMORY_PACKED_IDS_H
#define FLUSH_MEMORY_PACKED_IDS_H

#include <stdint.h>

#include "protocol/slice.h"

/* Bytes that any n ids fit into. */
static inline size_t packed_ids_room(size_t n)
{
    return 1 + n * sizeof(uint32_t);
}

/* Returns the bytes used; none for no ids. */
size_t packed_ids_pack(const uint32_t *ids, size_t n, uint8_t *out);

/* All of them; returns how many. */
size_t packed_ids_unpack(struct slice packed, uint32_t *ids);

#endif
