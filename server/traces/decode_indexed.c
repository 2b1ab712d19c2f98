/* v0.5: all texts of the body once, then traces whose spans are lists of twelve, which say of
 * a text its place among these. */
#include "server/traces/trace_decode_internal.h"

enum { SPAN_MEMBERS = 12 };

/* The reader's argument. */
struct texts {
    const struct slice *all;
    uint32_t n;
};

static bool read_text(struct msgpack_reader *reader, void *item)
{
    return msgpack_text_member(reader, item);
}

static bool read_texts(struct msgpack_reader *reader, struct texts *texts)
{
    static const struct msgpack_items kind = { "text", sizeof(struct slice), false, read_text };

    return msgpack_read_items(reader, &kind, &texts->all, &texts->n);
}

static bool read_indexed(struct msgpack_reader *reader, struct slice *out)
{
    const struct texts *texts = reader->argument;
    uint32_t place;

    if (!msgpack_read_u32(reader, &place))
        return false;
    if (place >= texts->n)
        return msgpack_refuse(reader, "there are not that many texts");
    *out = texts->all[place];
    return true;
}

static bool read_meta_pair(struct msgpack_reader *reader, void *item)
{
    struct span_meta *pair = item;

    return read_indexed(reader, &pair->key) && read_indexed(reader, &pair->value);
}

static bool read_metric_pair(struct msgpack_reader *reader, void *item)
{
    struct span_metric *pair = item;

    return read_indexed(reader, &pair->key) && msgpack_read_double(reader, &pair->value);
}

static bool read_numbers(struct msgpack_reader *reader, struct span *span)
{
    return msgpack_read_u64(reader, &span->trace_id) &&
           msgpack_read_u64(reader, &span->span_id) &&
           msgpack_read_u64(reader, &span->parent_id) &&
           msgpack_read_i64(reader, &span->start_ns) &&
           msgpack_read_i64(reader, &span->duration_ns) &&
           msgpack_read_i32(reader, &span->error);
}

static bool read_tags(struct msgpack_reader *reader, struct span *span)
{
    static const struct msgpack_items meta = { "meta", sizeof(struct span_meta), true,
                                               read_meta_pair };
    static const struct msgpack_items metrics = { "metric", sizeof(struct span_metric), true,
                                                  read_metric_pair };

    return msgpack_read_items(reader, &meta, &span->meta, &span->n_meta) &&
           msgpack_read_items(reader, &metrics, &span->metrics, &span->n_metrics);
}

static bool read_span(struct msgpack_reader *reader, void *item)
{
    struct span *span = item;
    uint32_t n;

    *span = (struct span){ .error = 0 };
    if (!msgpack_read_list(reader, &n))
        return false;
    if (n != SPAN_MEMBERS)
        return msgpack_refuse(reader, "a span of v0.5 is a list of twelve");
    return read_indexed(reader, &span->service) && read_indexed(reader, &span->name) &&
           read_indexed(reader, &span->resource) && read_numbers(reader, span) &&
           read_tags(reader, span) && read_indexed(reader, &span->type);
}

static bool read_trace(struct msgpack_reader *reader, void *item)
{
    static const struct msgpack_items spans = { "span", sizeof(struct span), false, read_span };
    struct trace *trace = item;

    *trace = (struct trace){ .priority = INT32_MIN };
    return msgpack_read_items(reader, &spans, &trace->spans, &trace->n_spans);
}

bool decode_indexed(struct msgpack_reader *reader, struct trace_payload *out)
{
    static const struct msgpack_items traces = { "trace", sizeof(struct trace), false,
                                                 read_trace };
    struct texts *texts = msgpack_room(reader, sizeof *texts);
    uint32_t n;

    if (texts == NULL || !msgpack_read_list(reader, &n))
        return false;
    if (n < 2)
        return msgpack_refuse(reader, "v0.5 is a list of texts and traces");
    if (!read_texts(reader, texts))
        return false;
    reader->argument = texts;
    return msgpack_read_items(reader, &traces, &out->traces, &out->n_traces);
}
