/* bench/span_load.h: sends bodies of traces over HTTP, at a rate of spans.
 *
 * Each connection is kept alive and has one request under way, as that of a tracing library. A
 * body is due when the spans before it are behind the clock; that none of the connections was
 * free for it is counted apart. Whoever has no room is asked to say so (429).
 *
 * Nothing here trusts the answers: what arrived comes from the server's own books. */
#ifndef BENCH_SPAN_LOAD_H
#define BENCH_SPAN_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "bench/spans.h"

enum { SPAN_CONNECTIONS_MAX = 256 };

struct span_order {
    const char *to;          /* http://127.0.0.1:8126 or stream:/path */
    double spans_per_second; /* 0: as many as the server takes */
    double seconds;          /* 0: until `spans` are sent */
    uint64_t spans;          /* 0: until `seconds` are over; more by less than a body */
    unsigned connections;
    const char *total_from; /* the server's page: http://127.0.0.1:8127/metrics; NULL: none */
    pid_t pid;              /* the server's; 0: nobody's */
};

struct span_result {
    uint64_t requests, traces, spans, bytes; /* answered, and bytes of bodies */
    uint64_t overloaded, refused;            /* of the requests: 429, and all but 200 */
    uint64_t spans_taken;                    /* of those answered with 200 */
    double seconds, blocked_seconds;    /* blocked: a body was due, and no connection free */
    double slowest_ms;                  /* of an answer */
    double received;                    /* spans, as the server's books say; NAN: unknown */
    double cpu_seconds, resident_bytes; /* of the server, all threads; NAN: unknown */
};

/* False after a sentence on stderr: nobody listens, or an answer is none. */
bool span_load_run(const struct span_order *order, const struct spans_profile *profile,
                   struct span_result *out);

/* One JSON object in one line. */
void span_load_print(FILE *out, const struct span_result *result,
                     const struct span_order *order);

#endif
