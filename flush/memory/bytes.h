/* flush/memory/bytes.h: an owned run of bytes that grows as it is appended to.
 *
 * { 0 } is an empty one; bytes_free() gives its memory back and leaves it empty.
 * Running out of memory is sticky: failed is set, whatever is appended after that is
 * left out, and the caller looks once, at the end. */
#ifndef FLUSH_MEMORY_BYTES_H
#define FLUSH_MEMORY_BYTES_H

#include <stdbool.h>
#include <stddef.h>

struct bytes {
    unsigned char *at;
    size_t len, capacity;
    bool failed;
};

void bytes_add(struct bytes *bytes, const void *from, size_t size);

/* Room for size more bytes, which the caller writes and adds to len itself; NULL: none. */
unsigned char *bytes_room(struct bytes *bytes, size_t size);

void bytes_clear(struct bytes *bytes); /* keeps the memory for the next item */
void bytes_free(struct bytes *given);

#endif
