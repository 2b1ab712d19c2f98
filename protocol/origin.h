/* protocol/origin.h: who sent a line, as the line itself claims.
 *
 * The fields c: (container), e: (external data) and card: (cardinality) never
 * refuse a line and never take part in a series' identity: without a container
 * runtime to ask they change no tag, and the server reads none of them. Whoever wants
 * to know scans the line once more, so the path of a sample pays nothing for them. */
#ifndef PROTOCOL_ORIGIN_H
#define PROTOCOL_ORIGIN_H

#include <stdint.h>

#include "protocol/slice.h"

/* Views into the line; empty where not sent. */
struct origin {
    struct slice container_id;
    struct slice external_data; /* raw */
    struct slice cardinality;
    uint64_t inode; /* 0: not sent */
    struct {
        struct slice container_name;
        struct slice pod_uid;
        bool init;
    } external; /* decoded external_data */
};

/* fields: what stands behind the fixed part of a metric (behind the type), an
 * event (behind the text) or a check (behind the status), '|' separated. */
void origin_parse(struct slice fields, struct origin *out);

#endif
