/* flush/encode.c: the buffer that items are encoded into, and what frames them. */
#include "flush/encode.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 512 };

unsigned char *bytes_room(struct bytes *bytes, size_t size)
{
    size_t need = bytes->len + size;

    if (bytes->failed)
        return NULL;
    if (need > bytes->capacity) {
        size_t capacity = bytes->capacity * 2 > need ? bytes->capacity * 2 : need;
        unsigned char *grown = NULL;

        if (capacity < FIRST_CAPACITY)
            capacity = FIRST_CAPACITY;
        if (need >= size)
            grown = realloc(bytes->at, capacity);
        bytes->failed = grown == NULL;
        if (grown == NULL)
            return NULL;
        bytes->at = grown;
        bytes->capacity = capacity;
    }
    return bytes->at + bytes->len;
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

void bytes_free(struct bytes *bytes)
{
    free(bytes->at);
    *bytes = (struct bytes){ 0 };
}

struct payload_frame encode_frame(enum payload_route route)
{
    switch (route) {
    case ROUTE_SERIES_V1:
        return (struct payload_frame){ SLICE("{\"series\":["), SLICE(","), SLICE("]}") };
    case ROUTE_CHECKS:
        return (struct payload_frame){ SLICE("["), SLICE(","), SLICE("]") };
    case ROUTE_SKETCHES: /* field 2, metadata, empty */
        return (struct payload_frame){ SLICE(""), SLICE(""), SLICE("\x12\x00") };
    default:
        return (struct payload_frame){ SLICE(""), SLICE(""), SLICE("") };
    }
}
