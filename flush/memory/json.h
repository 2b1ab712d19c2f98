/* flush/memory/json.h: text as JSON, for payloads, answers and what the mirror writes.
 *
 * Pure: a view in, bytes appended. Invalid UTF-8 becomes U+FFFD, as Go's encoder does. */
#ifndef FLUSH_MEMORY_JSON_H
#define FLUSH_MEMORY_JSON_H

#include "flush/memory/bytes.h"
#include "protocol/slice.h"

void json_add_string(struct bytes *out, struct slice text);  /* with its quotes */
void json_add_escaped(struct bytes *out, struct slice text); /* what stands between them */

#endif
