/* bench/spans.h: bodies of traces as a tracing library sends them, built before the first is
 * sent.
 *
 *   profile and seed ──► bodies, the same on every machine ──► each stamped as often as it is
 * sent
 *
 * A trace is a request to a web service: the root, and below it middleware and calls to
 * databases, caches and other services, with the tags that Datadog's libraries give them. Spans
 * end when they are sent, and a trace has another id each time; nothing else of a body ever
 * changes.
 *
 * Lifetime: a body owns its bytes until spans_free(). */
#ifndef BENCH_SPANS_H
#define BENCH_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum spans_layout { SPANS_V04, SPANS_V05 };

enum { SPANS_OF_TRACE_MAX = 1000, SPANS_TAGS_MAX = 64, SPANS_BODY_MAX = 20000 };

struct spans_profile {
    enum spans_layout layout;
    uint32_t spans;               /* of a trace */
    uint32_t traces;              /* of a body */
    uint32_t tags;                /* of a span: texts, and four numbers among them */
    uint32_t services, resources; /* resources of each service */
    uint64_t seed;
};

/* Ten spans a trace, twenty traces a body, fifteen tags; 5 services of 20 resources. */
struct spans_profile spans_preset(void);

/* NULL, or a sentence about the first setting that does not make sense. */
const char *spans_refusal(const struct spans_profile *profile);

/* Where in the body what changes is: 8 bytes each, big endian. */
struct spans_place {
    uint32_t trace_id_at, start_at;
    int64_t duration_ns;
};

struct spans_body {
    char *at;
    size_t len;
    uint32_t n_spans, n_traces;
    struct spans_place *places; /* of each span */
};

/* number: another gives another body. False when memory ran out, and *out is then empty. */
bool spans_build(const struct spans_profile *profile, uint64_t number, struct spans_body *out);
void spans_free(struct spans_body *given);

/* Its traces have the ids from first_trace_id on, and its spans end now. */
void spans_stamp(struct spans_body *body, uint64_t first_trace_id, int64_t now_ns);

#endif
