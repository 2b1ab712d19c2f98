#include "flush/memory/bytes.h"

#include <stdlib.h>
#include <string.h>

/* No item comes near the upper end; it keeps the sums below from wrapping. */
enum { FIRST_CAPACITY = 512, LARGEST = 1 << 30 };

static bool bytes_grow(struct bytes *bytes, size_t need)
{
    size_t capacity = bytes->capacity * 2 > need ? bytes->capacity * 2 : need;

    if (capacity < FIRST_CAPACITY)
        capacity = FIRST_CAPACITY;
    unsigned char *grown = realloc(bytes->at, capacity);

    if (grown == NULL)
        return false;
    bytes->at = grown;
    bytes->capacity = capacity;
    return true;
}

unsigned char *bytes_room(struct bytes *bytes, size_t size)
{
    if (!bytes->failed && size > bytes->capacity - bytes->len)
        bytes->failed = size > LARGEST - bytes->len || !bytes_grow(bytes, bytes->len + size);
    return bytes->failed ? NULL : bytes->at + bytes->len;
}

void bytes_add(struct bytes *bytes, const void *from, size_t size)
{
    unsigned char *to = size > 0 ? bytes_room(bytes, size) : NULL;

    if (to == NULL)
        return;
    memcpy(to, from, size);
    bytes->len += size;
}

void bytes_clear(struct bytes *bytes)
{
    bytes->len = 0;
    bytes->failed = false;
}

void bytes_free(struct bytes *given)
{
    free(given->at);
    *given = (struct bytes){ 0 };
}
