#include "protocol/frame.h"

#include <stdint.h>

enum { FRAME_HEADER = 4 };

static uint32_t little_endian_32(const char *at)
{
    const unsigned char *byte = (const unsigned char *)at;

    return (uint32_t)byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16 |
           (uint32_t)byte[3] << 24;
}

enum frame_result frame_next(struct slice *bytes, size_t max, struct slice *payload)
{
    if (bytes->len < FRAME_HEADER)
        return FRAME_PARTIAL;

    size_t length = little_endian_32(bytes->at);
    if (length == 0)
        return FRAME_END;
    if (length > max)
        return FRAME_TOO_BIG;
    if (bytes->len - FRAME_HEADER < length)
        return FRAME_PARTIAL;
    *payload = (struct slice){ bytes->at + FRAME_HEADER, length };
    *bytes = slice_skip(*bytes, FRAME_HEADER + length);
    return FRAME_OK;
}
