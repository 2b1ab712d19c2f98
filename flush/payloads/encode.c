/* flush/payloads/encode.c: what frames the items of a payload. */
#include "flush/payloads/encode.h"

struct payload_frame encode_frame(enum payload_route route)
{
    switch (route) {
    case ROUTE_SERIES_V1:
        return (struct payload_frame){ .head = SLICE("{\"series\":["),
                                       .separator = SLICE(","),
                                       .tail = SLICE("]}") };
    case ROUTE_CHECKS:
        return (struct payload_frame){ .head = SLICE("["),
                                       .separator = SLICE(","),
                                       .tail = SLICE("]") };
    case ROUTE_SKETCHES: /* field 2, metadata, empty */
        return (struct payload_frame){ .tail = SLICE("\x12\x00") };
    default:
        return (struct payload_frame){ .head = SLICE("") };
    }
}
