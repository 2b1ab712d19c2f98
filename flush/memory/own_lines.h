/* flush/memory/own_lines.h: memory for what one thread writes all the time.
 *
 * Threads that write different bytes of one cache line wait for each other as if they wrote
 * the same byte, and malloc puts small blocks of different threads side by side. A block of
 * own lines begins and ends with a cache line, so nothing else lies on any line of it. Owned;
 * free() gives it back. */
#ifndef FLUSH_MEMORY_OWN_LINES_H
#define FLUSH_MEMORY_OWN_LINES_H

#include <stdlib.h>
#include <string.h>

#define OWN_LINE 64

/* Zeroed. NULL without memory. */
static inline void *own_lines(size_t bytes)
{
    size_t whole = (bytes + OWN_LINE - 1) / OWN_LINE * OWN_LINE;
    void *lines = aligned_alloc(OWN_LINE, whole);

    return lines == NULL ? NULL : memset(lines, 0, whole);
}

#endif
