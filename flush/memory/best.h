/* flush/memory/best.h: the best few of many, in order.
 *
 * Items are small numbers, offered one by one; the worst of those that are kept gives way to a
 * better one. Then they are sorted, some at a time, so that neither part holds a loop for long.
 *
 *   kept, as a heap with the worst at its top   ->   kept, the best first
 *
 * The order must tell any two items apart, and stay the same meanwhile. One thread. */
#ifndef FLUSH_MEMORY_BEST_H
#define FLUSH_MEMORY_BEST_H

#include <stdbool.h>
#include <stdint.h>

#include "config/must_check.h"

struct best {
    uint32_t *at; /* n of most; owned */
    uint32_t n, most;
    uint32_t left; /* of the heap, while it is sorted */
    bool sorting;
    bool (*is_before)(const void *argument, uint32_t a, uint32_t b);
    const void *argument;
};

/* False without memory; best_free() is fine in any case. */
MUST_CHECK bool best_init(struct best *best, uint32_t most,
                          bool (*is_before)(const void *argument, uint32_t a, uint32_t b),
                          const void *argument);
void best_free(struct best *given);

void best_offer(struct best *best, uint32_t item);

/* Puts as many in their place; true: all stand in order, and nothing may be offered any more.
 */
MUST_CHECK bool best_sort(struct best *best, uint32_t items);

#endif
