/* Spans as maps: v0.3 and v0.4 are lists of lists of them, v0.7 has chunks of them. */
#include "server/traces/trace_decode_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- spans ------------------------------------------------------------- */

static bool read_meta_pair(struct msgpack_reader *reader, void *item)
{
    struct span_meta *pair = item;

    return msgpack_read_text(reader, &pair->key) && msgpack_read_text(reader, &pair->value);
}

static bool read_metric_pair(struct msgpack_reader *reader, void *item)
{
    struct span_metric *pair = item;

    return msgpack_read_text(reader, &pair->key) && msgpack_read_double(reader, &pair->value);
}

static bool read_meta(struct msgpack_reader *reader, void *whole)
{
    static const struct msgpack_items pairs = { "meta", sizeof(struct span_meta), true,
                                                read_meta_pair };
    struct span *span = whole;

    return msgpack_read_items(reader, &pairs, &span->meta, &span->n_meta);
}

static bool read_metrics(struct msgpack_reader *reader, void *whole)
{
    static const struct msgpack_items pairs = { "metric", sizeof(struct span_metric), true,
                                                read_metric_pair };
    struct span *span = whole;

    return msgpack_read_items(reader, &pairs, &span->metrics, &span->n_metrics);
}

/* Nobody here asks for meta_struct, span_links and span_events, so they are skipped as what
 * nobody knows. */
static bool read_span(struct msgpack_reader *reader, void *item)
{
    static const struct msgpack_field fields[] = {
        MSGPACK_FIELD("service", struct span, service, msgpack_text_member),
        MSGPACK_FIELD("name", struct span, name, msgpack_text_member),
        MSGPACK_FIELD("resource", struct span, resource, msgpack_text_member),
        MSGPACK_FIELD("trace_id", struct span, trace_id, msgpack_u64_member),
        MSGPACK_FIELD("span_id", struct span, span_id, msgpack_u64_member),
        MSGPACK_FIELD("parent_id", struct span, parent_id, msgpack_u64_member),
        MSGPACK_FIELD("start", struct span, start_ns, msgpack_i64_member),
        MSGPACK_FIELD("duration", struct span, duration_ns, msgpack_i64_member),
        MSGPACK_FIELD("error", struct span, error, msgpack_i32_member),
        MSGPACK_FIELD_OF_ALL("meta", read_meta),
        MSGPACK_FIELD_OF_ALL("metrics", read_metrics),
        MSGPACK_FIELD("type", struct span, type, msgpack_text_member),
    };

    memset(item, 0, sizeof(struct span));
    return msgpack_read_fields(reader, fields, COUNT(fields), item);
}

static bool read_spans(struct msgpack_reader *reader, void *whole)
{
    static const struct msgpack_items spans = { "span", sizeof(struct span), false, read_span };
    struct trace *trace = whole;

    return msgpack_read_items(reader, &spans, &trace->spans, &trace->n_spans);
}

/* ---- v0.3, v0.4 -------------------------------------------------------- */

static bool read_trace(struct msgpack_reader *reader, void *item)
{
    struct trace *trace = item;

    *trace = (struct trace){ .priority = INT32_MIN };
    return read_spans(reader, trace);
}

bool decode_maps(struct msgpack_reader *reader, struct trace_payload *out)
{
    static const struct msgpack_items traces = { "trace", sizeof(struct trace), false,
                                                 read_trace };

    return msgpack_read_items(reader, &traces, &out->traces, &out->n_traces);
}

/* ---- v0.7 -------------------------------------------------------------- */

static bool read_chunk(struct msgpack_reader *reader, void *item)
{
    static const struct msgpack_field fields[] = {
        MSGPACK_FIELD("priority", struct trace, priority, msgpack_i32_member),
        MSGPACK_FIELD("origin", struct trace, origin, msgpack_text_member),
        MSGPACK_FIELD_OF_ALL("spans", read_spans),
    };
    struct trace *trace = item;

    *trace = (struct trace){ .priority = INT32_MIN };
    return msgpack_read_fields(reader, fields, COUNT(fields), trace);
}

static bool read_chunks(struct msgpack_reader *reader, void *whole)
{
    static const struct msgpack_items chunks = { "chunk", sizeof(struct trace), false,
                                                 read_chunk };
    struct trace_payload *payload = whole;

    return msgpack_read_items(reader, &chunks, &payload->traces, &payload->n_traces);
}

#define OF_SOURCE(name, member) \
    MSGPACK_FIELD(name, struct trace_payload, source.member, msgpack_text_member)

bool decode_chunks(struct msgpack_reader *reader, struct trace_payload *out)
{
    static const struct msgpack_field fields[] = {
        OF_SOURCE("container_id", container_id),
        OF_SOURCE("language_name", language),
        OF_SOURCE("language_version", language_version),
        OF_SOURCE("tracer_version", tracer_version),
        OF_SOURCE("runtime_id", runtime_id),
        MSGPACK_FIELD_OF_ALL("chunks", read_chunks),
        OF_SOURCE("env", env),
        OF_SOURCE("hostname", hostname),
        OF_SOURCE("app_version", app_version),
    };

    return msgpack_read_fields(reader, fields, COUNT(fields), out);
}
