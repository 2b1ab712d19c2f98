/* server/traces/trace_decode_internal.h: the parts that trace_decode.c is made of, and what
 * stats_take.c has from it.
 *
 *   decode_maps.c      v0.3, v0.4 and v0.7: spans are maps
 *   decode_indexed.c   v0.5: spans are lists of twelve
 *   decode_json.c      a body of JSON as the msgpack that says the same */
#ifndef SERVER_TRACES_TRACE_DECODE_INTERNAL_H
#define SERVER_TRACES_TRACE_DECODE_INTERNAL_H

#include "server/traces/msgpack_layout.h"
#include "server/traces/trace_decode.h"

MUST_CHECK bool decode_maps(struct msgpack_reader *reader, struct trace_payload *out);
MUST_CHECK bool decode_chunks(struct msgpack_reader *reader, struct trace_payload *out);
MUST_CHECK bool decode_indexed(struct msgpack_reader *reader, struct trace_payload *out);

enum trace_result trace_result_of(enum msgpack_fault fault);

/* What the reader says, of a byte of the body as it came. */
void trace_tell(const struct msgpack_reader *reader, size_t at,
                char problem[TRACE_PROBLEM_MAX]);

/* ---- JSON -------------------------------------------------------------- */

/* What is wrong, and at which byte of the JSON. */
struct decode_json_fault {
    enum trace_result result;
    const char *sentence;
    size_t at;
};

struct decoded_json {
    struct slice json; /* a view, without the space around it */
    bool indexed;
    char *made; /* in the arena, of three times as many bytes at most */
    size_t len;
};

/* indexed: of v0.5, whose names of members are places of texts. */
MUST_CHECK bool decode_json(struct slice json, bool indexed, struct arena *arena,
                            struct decoded_json *out, struct decode_json_fault *fault);

/* Where in the JSON the value begins that became the byte at of what was made; what was made is
 * the same behind it. */
const char *decode_json_origin(const struct decoded_json *decoded, size_t at);

#endif
