/* server/http/http_inflate.h: a body that came compressed, in full.
 *
 * Bounded: whoever sends a few bytes that become many gets no more than was allowed. */
#ifndef SERVER_HTTP_HTTP_INFLATE_H
#define SERVER_HTTP_HTTP_INFLATE_H

#include "flush/memory/bytes.h"
#include "server/http/http_request.h"

/* Whether the value of Content-Encoding is one that can be inflated: gzip, x-gzip, deflate,
 * zstd, or zstd1 as clients of Datadog call it. */
bool http_inflate_knows(struct slice encoding);

/* Appends the plain body. 0, or the status to refuse it with: 400 (damaged or cut off), 413
 * (more than max bytes), 415 (another encoding) or 503 (no memory). */
int http_inflate(struct bytes *out, struct slice encoding, struct slice body, size_t max);

#endif
