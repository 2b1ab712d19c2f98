#include "server/traces/span.h"

struct slice span_meta(const struct span *span, struct slice key)
{
    for (uint32_t i = span->n_meta; i > 0; i--)
        if (slice_equal(span->meta[i - 1].key, key))
            return span->meta[i - 1].value;
    return (struct slice){ NULL, 0 };
}

bool span_metric(const struct span *span, struct slice key, double *out)
{
    for (uint32_t i = span->n_metrics; i > 0; i--)
        if (slice_equal(span->metrics[i - 1].key, key)) {
            *out = span->metrics[i - 1].value;
            return true;
        }
    return false;
}
