/* flush/memory/bytes.h: an owned run of bytes that grows as it is appended to.
 *
 * { 0 } is an empty one; bytes_free() gives its memory back and leaves it empty.
 * Running out of memory is sticky: failed is set, whatever is appended after that is
 * left out, and the caller looks once, at the end. */
#ifndef FLUSH_MEMORY_BYTES_H
#define FLUSH_MEMORY_BYTES_H

#include "protocol/slice.h"

struct bytes {
    unsigned char *at;
    size_t len, capacity;
    bool failed;
};

void bytes_add(struct bytes *bytes, const void *from, size_t size);

static inline void bytes_add_text(struct bytes *bytes, const char *text)
{
    bytes_add(bytes, text, strlen(text));
}

static inline void bytes_add_slice(struct bytes *bytes, struct slice text)
{
    bytes_add(bytes, text.at, text.len);
}

/* Room for size more bytes, which the caller writes and adds to len itself; NULL: none. */
unsigned char *bytes_room(struct bytes *bytes, size_t size);

/* All of them; a view until the next call, and never one of NULL. */
static inline struct slice bytes_view(const struct bytes *bytes)
{
    return (struct slice){ bytes->at != NULL ? (const char *)bytes->at : "", bytes->len };
}

void bytes_clear(struct bytes *bytes); /* keeps the memory for the next item */
void bytes_free(struct bytes *given);

#endif
