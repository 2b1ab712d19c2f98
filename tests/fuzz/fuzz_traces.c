/* fuzz_traces: any bytes as a body of traces. The first chooses layout and form. What is
 * decoded is read to its end: text is valid UTF-8, and the arena takes no more than a struct
 * span a byte could need. Then it is put right and kept, in a ring that has little room. */
#include <stdint.h>
#include <stdlib.h>

#include "config/utf8.h"
#include "server/traces/trace_decode.h"
#include "server/traces/trace_ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Twice while a list grows, and the arena's chunks are twice what is asked of it. */
enum { BYTES_OF_A_BYTE = 4 * sizeof(struct span), SOME_CHUNKS = 16 << 10 };

static const struct {
    enum trace_layout layout;
    enum trace_form form;
} kinds[] = {
    { TRACE_V03, TRACE_MSGPACK }, { TRACE_V04, TRACE_MSGPACK }, { TRACE_V05, TRACE_MSGPACK },
    { TRACE_V07, TRACE_MSGPACK }, { TRACE_V03, TRACE_JSON },    { TRACE_V04, TRACE_JSON },
    { TRACE_V05, TRACE_JSON },
};

static volatile double sink;

static void see_text(struct slice text)
{
    if (text.len > 0 && !utf8_is_valid(text.at, text.len))
        abort();
}

static void see_span(const struct span *span)
{
    see_text(span->service);
    see_text(span->name);
    see_text(span->resource);
    see_text(span->type);
    for (uint32_t i = 0; i < span->n_meta; i++) {
        see_text(span->meta[i].key);
        see_text(span->meta[i].value);
    }
    for (uint32_t i = 0; i < span->n_metrics; i++) {
        see_text(span->metrics[i].key);
        sink = span->metrics[i].value;
    }
    if (span->is_top_level)
        abort();
}

static void see_source(const struct trace_source *source)
{
    see_text(source->language);
    see_text(source->language_version);
    see_text(source->tracer_version);
    see_text(source->container_id);
    see_text(source->runtime_id);
    see_text(source->env);
    see_text(source->hostname);
    see_text(source->app_version);
}

static void see_payload(const struct trace_payload *payload)
{
    uint64_t n_spans = 0;

    see_source(&payload->source);
    for (uint32_t i = 0; i < payload->n_traces; i++) {
        const struct trace *trace = &payload->traces[i];

        see_text(trace->origin);
        for (uint32_t j = 0; j < trace->n_spans; j++)
            see_span(&trace->spans[j]);
        n_spans += trace->n_spans;
    }
    if (n_spans != payload->n_spans)
        abort();
}

/* ---- kept -------------------------------------------------------------- */

enum { RING_BYTES = 32 << 10, NOW_S = 1700000000 };

static void see_copy(const struct trace_copy *copy)
{
    if (copy->n_spans == 0 || copy->n_spans > copy->n_spans_sent ||
        copy->size > RING_BYTES / TRACE_RING_SHARE)
        abort();
    for (uint32_t i = 0; i < copy->n_texts; i++)
        see_text(trace_copy_text(copy, i));
    for (uint32_t i = 0; i < copy->n_spans; i++) {
        const struct copied_span *span = &copy->spans[i];

        if (span->service >= copy->n_texts || span->name >= copy->n_texts ||
            span->resource >= copy->n_texts || span->type >= copy->n_texts)
            abort();
        for (uint32_t j = 0; j < span->n_meta; j++)
            if (copy->meta[span->first_meta + j].key >= copy->n_texts ||
                copy->meta[span->first_meta + j].value >= copy->n_texts)
                abort();
        for (uint32_t j = 0; j < span->n_metrics; j++)
            if (copy->metrics[span->first_metric + j].key >= copy->n_texts)
                abort();
    }
}

static void see_ring(const struct trace_ring *ring)
{
    const struct trace_search search = { .limit = TRACE_RING_FOUND_MAX };
    struct trace_results results;

    trace_ring_search(ring, &search, &results);
    for (uint32_t i = 0; i < results.n; i++)
        see_copy(results.at[i].copy);
    if (results.kept_bytes > RING_BYTES)
        abort();
    trace_results_free(&results);
}

static void keep(const struct trace_payload *payload, struct arena *arena)
{
    static struct traces_ledger ledger;
    const struct trace_ring_config config = { arena->budget, &ledger, RING_BYTES, 42 };
    struct trace_ring *ring = trace_ring_new(&config);

    for (uint32_t i = 0; ring != NULL && i < payload->n_traces; i++) {
        struct trace *trace = &payload->traces[i];

        if (normalise_trace(trace, &payload->source, arena, NOW_S * INT64_C(1000000000)) ==
                TRACE_TAKEN &&
            trace_shape(trace, payload->source.computed_top_level, arena))
            trace_ring_offer(ring, trace, NOW_S + (int64_t)i / 4);
    }
    if (ring != NULL)
        see_ring(ring);
    trace_ring_free(ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_budget budget;
    struct arena arena;
    struct trace_payload payload;
    char problem[TRACE_PROBLEM_MAX] = "";

    if (size == 0)
        return 0;
    size_t kind = data[0] % (sizeof kinds / sizeof kinds[0]);
    struct slice body = { (const char *)data + 1, size - 1 };

    arena_budget_init(&budget, 64 << 20);
    arena_init(&arena, &budget);
    enum trace_result result =
        trace_decode(kinds[kind].layout, kinds[kind].form, body, &arena, &payload, problem);

    if (result == TRACE_OK)
        see_payload(&payload);
    if ((result == TRACE_OK) != (problem[0] == '\0') ||
        arena.bytes > size * BYTES_OF_A_BYTE + SOME_CHUNKS)
        abort();
    if (result == TRACE_OK)
        keep(&payload, &arena);
    arena_free(&arena);
    if (budget.left != budget.all)
        abort();
    return 0;
}
