#include "server/traces/trace_decode.h"

#include <stdio.h>

#include "server/traces/trace_decode_internal.h"

enum trace_result trace_result_of(enum msgpack_fault fault)
{
    static const enum trace_result results[] = {
        [MSGPACK_FINE] = TRACE_OK,
        [MSGPACK_BAD] = TRACE_BAD,
        [MSGPACK_CUT] = TRACE_CUT,
        [MSGPACK_NO_MEMORY] = TRACE_NO_MEMORY,
    };

    return results[fault];
}

void trace_tell(const struct msgpack_reader *reader, size_t at, char problem[TRACE_PROBLEM_MAX])
{
    snprintf(problem, TRACE_PROBLEM_MAX, "byte %zu%s%s: %s", at,
             reader->place[0] != '\0' ? ", " : "", reader->place, reader->sentence);
}

static bool decode(enum trace_layout layout, struct msgpack_reader *reader,
                   struct trace_payload *out)
{
    switch (layout) {
    case TRACE_V05:
        return decode_indexed(reader, out);
    case TRACE_V07:
        return decode_chunks(reader, out);
    default:
        return decode_maps(reader, out);
    }
}

static enum trace_result decode_msgpack(enum trace_layout layout, struct slice body,
                                        struct msgpack_reader *reader, struct arena *arena,
                                        struct trace_payload *out)
{
    msgpack_reader_start(reader, body, arena);
    if (!decode(layout, reader, out))
        return trace_result_of(reader->fault);
    for (uint32_t i = 0; i < out->n_traces; i++)
        out->n_spans += out->traces[i].n_spans;
    return TRACE_OK;
}

static enum trace_result decode_as_json(enum trace_layout layout, struct slice body,
                                        struct arena *arena, struct trace_payload *out,
                                        char problem[TRACE_PROBLEM_MAX])
{
    struct msgpack_reader reader;
    struct decoded_json decoded;
    struct decode_json_fault fault;

    if (!decode_json(body, layout == TRACE_V05, arena, &decoded, &fault)) {
        snprintf(problem, TRACE_PROBLEM_MAX, "byte %zu: %s", fault.at, fault.sentence);
        return fault.result;
    }
    struct slice made = { decoded.made, decoded.len };
    enum trace_result result = decode_msgpack(layout, made, &reader, arena, out);

    if (result != TRACE_OK) {
        size_t at = (size_t)(reader.value - made.at);

        trace_tell(&reader, (size_t)(decode_json_origin(&decoded, at) - body.at), problem);
    }
    return result;
}

enum trace_result trace_decode(enum trace_layout layout, enum trace_form form,
                               struct slice body, struct arena *arena,
                               struct trace_payload *out, char problem[TRACE_PROBLEM_MAX])
{
    struct msgpack_reader reader;

    *out = (struct trace_payload){ .n_traces = 0 };
    if (form == TRACE_JSON)
        return decode_as_json(layout, body, arena, out, problem);
    enum trace_result result = decode_msgpack(layout, body, &reader, arena, out);

    if (result != TRACE_OK)
        trace_tell(&reader, (size_t)(reader.value - reader.start), problem);
    return result;
}
