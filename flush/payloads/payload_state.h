/* flush/payloads/payload_state.h: payloads in a state, for the process that takes over.
 *
 *   1 payload, 1 payload, ... 0
 *
 * Whoever keeps payloads writes them one by one, oldest first, and the end behind the last.
 * The reader asks for the next until there is none. */
#ifndef FLUSH_PAYLOADS_PAYLOAD_STATE_H
#define FLUSH_PAYLOADS_PAYLOAD_STATE_H

#include "flush/memory/state.h"
#include "flush/payloads/payload.h"

void payload_state_write(struct state_writer *out, const struct payload *payload);
void payload_state_end(struct state_writer *out);

/* The next one, owned. NULL: the end; or it is damaged, or there is no memory for it, and
 * then in->failed says so. */
struct payload *payload_state_read(struct state_reader *in);

#endif
