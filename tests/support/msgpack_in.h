/* tests/support/msgpack_in.h: a body of msgpack as JSON, read by another hand than the
 * server's.
 *
 * Bytes are DDSketches, as trace statistics have them: {"gamma","offset","zeros","bins":{index:
 * count},"negative":{...}}. */
#ifndef TESTS_SUPPORT_MSGPACK_IN_H
#define TESTS_SUPPORT_MSGPACK_IN_H

#include <jansson.h>
#include <stddef.h>

/* Owned. NULL: it is no such body, or something stands behind it. */
json_t *msgpack_in(const void *at, size_t size);

#endif
