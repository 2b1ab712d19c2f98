#include "tests/support/spans.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct span spans[SPANS_MAX];
static struct span_meta meta[SPANS_MAX][SPANS_PAIRS_MAX];
static struct span_metric metrics[SPANS_MAX][SPANS_PAIRS_MAX];
static struct trace trace;

void spans_begin(void)
{
    trace = (struct trace){ .spans = spans, .priority = INT32_MIN };
}

struct span *spans_add(uint64_t id, uint64_t parent, const char *service, const char *name,
                       const char *resource, int64_t start_ms, int64_t duration_ms)
{
    uint32_t at = trace.n_spans++;

    assert_true(at < SPANS_MAX);
    spans[at] = (struct span){ .service = slice_of(service),
                               .name = slice_of(name),
                               .resource = slice_of(resource),
                               .trace_id = 7,
                               .span_id = id,
                               .parent_id = parent,
                               .start_ns = start_ms * 1000000,
                               .duration_ns = duration_ms * 1000000,
                               .meta = meta[at],
                               .metrics = metrics[at] };
    return &spans[at];
}

void spans_meta(struct span *span, const char *key, const char *value)
{
    assert_true(span->n_meta < SPANS_PAIRS_MAX);
    meta[span - spans][span->n_meta++] = (struct span_meta){ slice_of(key), slice_of(value) };
}

void spans_metric(struct span *span, const char *key, double value)
{
    assert_true(span->n_metrics < SPANS_PAIRS_MAX);
    metrics[span - spans][span->n_metrics++] = (struct span_metric){ slice_of(key), value };
}

struct trace *spans_trace(void)
{
    return &trace;
}
