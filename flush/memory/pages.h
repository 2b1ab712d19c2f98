/* flush/memory/pages.h: large arrays as reserved address space.
 *
 * An array that may grow to a known bound is mapped at that bound once; only
 * the pages that are touched cost memory, all bytes start as zero, nothing is
 * ever copied to grow, and unmapping gives everything back to the system at
 * once. Owned by whoever mapped it. */
#ifndef FLUSH_MEMORY_PAGES_H
#define FLUSH_MEMORY_PAGES_H

#include <stddef.h>

/* NULL when the address space or the memory limit does not allow it. */
void *pages_map(size_t bytes);

void pages_unmap(void *at, size_t bytes);

/* The first bytes will be used densely and at random. Asks for huge pages where they fill such,
 * which spares the processor most of its page walks. */
void pages_dense(void *at, size_t bytes);

/* The first bytes read as zero afterwards; whole pages of them are given back. */
void pages_clear(void *at, size_t bytes);

/* Gives back the whole pages between the two offsets, which read as zero afterwards; what
 * lies in a part of a page at either end stays as it is. */
void pages_forget(void *at, size_t from, size_t to);

#endif
