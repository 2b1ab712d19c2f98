#include "server/traces/trace_take.h"

static void refuse(const struct trace_taker *taker, const struct trace *trace,
                   enum trace_refusal why)
{
    counter_add(&taker->ledger->refused[why], trace->n_spans);
}

static void count(const struct trace_taker *taker, const struct trace_payload *payload,
                  const struct trace *trace, int64_t now_ns)
{
    struct traces_ledger *ledger = taker->ledger;
    struct concentrated done =
        concentrator_add(taker->concentrator, payload, trace, now_ns / 1000000000);

    counter_add(&ledger->counted, done.counted);
    counter_add(&ledger->not_eligible, done.not_eligible);
    counter_add(&ledger->partial, done.partial);
    counter_add(&ledger->late_spans, done.late);
    counter_add(&ledger->refused[TRACE_REFUSED_MEMORY], done.no_memory);
}

static void take_trace(const struct trace_taker *taker, const struct trace_payload *payload,
                       struct trace *trace, struct arena *arena, int64_t now_ns)
{
    enum trace_refusal refused = normalise_trace(trace, &payload->source, arena, now_ns);

    if (refused == TRACE_TAKEN &&
        !trace_shape(trace, payload->source.computed_top_level, arena))
        refused = TRACE_REFUSED_MEMORY;
    if (refused != TRACE_TAKEN) {
        refuse(taker, trace, refused);
        return;
    }
    trace_ring_offer(taker->ring, trace, now_ns / 1000000000);
    if (payload->source.computed_stats)
        counter_add(&taker->ledger->client_computed, trace->n_spans);
    else
        count(taker, payload, trace, now_ns);
}

/* What the body says of itself (v0.7) goes before what the headers say, and its env is written
 * as those of spans are. False without memory. */
static bool complete_source(struct trace_source *of_body, const struct trace_source *headers,
                            struct arena *arena)
{
    struct trace_source body = *of_body;

    *of_body = *headers;
#define KEEP(field)         \
    if (body.field.len > 0) \
        of_body->field = body.field;
    KEEP(language)
    KEEP(language_version)
    KEEP(tracer_version)
    KEEP(container_id)
    KEEP(runtime_id)
    KEEP(env)
    KEEP(hostname)
    KEEP(app_version)
#undef KEEP
    if (of_body->env.len == 0)
        return true;
    of_body->env = normalise_tag_value(of_body->env, arena);
    return of_body->env.at != NULL;
}

enum trace_result trace_take(const struct trace_taker *taker, enum trace_layout layout,
                             enum trace_form form, struct slice body,
                             const struct trace_source *source, int64_t now_ns,
                             char problem[TRACE_PROBLEM_MAX])
{
    struct trace_payload payload;
    struct arena arena;

    arena_init(&arena, taker->budget);
    enum trace_result result = trace_decode(layout, form, body, &arena, &payload, problem);

    if (result == TRACE_OK && !complete_source(&payload.source, source, &arena))
        result = TRACE_NO_MEMORY;
    if (result == TRACE_OK) {
        counter_add(&taker->ledger->payloads[layout], 1);
        counter_add(&taker->ledger->traces, payload.n_traces);
        counter_add(&taker->ledger->spans, payload.n_spans);
        for (uint32_t i = 0; i < payload.n_traces; i++)
            take_trace(taker, &payload, &payload.traces[i], &arena, now_ns);
    }
    arena_free(&arena);
    return result;
}
