/* tests/support/decode.h: what an intake makes of our bytes, as JSON.
 *
 * By protobuf-c from intake.proto and by the libraries' own decompressors: no
 * code in common with the encoders. All results are owned. */
#ifndef TESTS_SUPPORT_DECODE_H
#define TESTS_SUPPORT_DECODE_H

#include <jansson.h>

#include "flush/payloads/payload.h"

/* The raw bytes by the name of the Content-Encoding (NULL: none); NULL: they are
 * damaged, or end early. */
unsigned char *decode_content(const void *at, size_t size, const char *encoding,
                              size_t *raw_size);

/* [{"metric","host","type":"rate","interval","tags":[],"resources":[[type,name]],
 *   "points":[[ts,value]],"origin":[10,10,0]}]; resources without the host; "unit" if
 *   there is one. */
json_t *decode_series_v2(const void *at, size_t size);

/* [{"metric","host","tags":[],"points":[{"ts","cnt","min","max","avg","sum","k":[],
 *   "n":[]}],"origin":[10,10,0]}]; NULL also when k and n differ in length. */
json_t *decode_sketches(const void *at, size_t size);

/* Raw bytes by route; JSON routes as they are. */
json_t *decode_body(enum payload_route route, const void *at, size_t size);

/* The whole way back from a payload. */
json_t *decode_payload(const struct payload *payload);

#endif
