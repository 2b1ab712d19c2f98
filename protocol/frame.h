/* protocol/frame.h: the unix stream framing.
 *
 * Each frame is a 4-byte little-endian length and that many payload bytes; a
 * payload is handled like one datagram. Pure; the payload is a view into the
 * bytes given. */
#ifndef PROTOCOL_FRAME_H
#define PROTOCOL_FRAME_H

#include "protocol/slice.h"

enum frame_result {
    FRAME_OK,      /* *payload holds the frame, *bytes starts behind it */
    FRAME_PARTIAL, /* more bytes are needed, nothing was taken */
    FRAME_TOO_BIG, /* the length is above max: close the connection */
    FRAME_END,     /* a zero length: the connection ends */
};

enum frame_result frame_next(struct slice *bytes, size_t max, struct slice *payload);

#endif
