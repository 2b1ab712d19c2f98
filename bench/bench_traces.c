/* bench_traces: what a span costs from the body of a request to its group, in one core's
 * nanoseconds: decoding, what is put right, counting, and the few traces that are kept; no
 * HTTP.
 *
 * Prints the median of RUNS runs, for bodies of v0.4 and of v0.5 (bench/spans.h).
 *
 *   bench_traces [LAYOUT [BODIES]]     both, or one: 0 is v0.4, 1 v0.5; BODIES: one run of so
 *                                      many, whose instructions can be counted */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/spans.h"
#include "server/traces/trace_take.h"

enum {
    RUNS = 51,
    BODIES_A_RUN = 100,
    BODIES = 8,
    BUDGET = 64 << 20,
    RING = 8 << 20,
    GROUPS_MAX = 20000
};

#define NOW_NS INT64_C(1800000000000000000)

static double nanoseconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double run_once(const struct trace_taker *taker, enum trace_layout layout,
                       const struct spans_body bodies[BODIES], int n)
{
    static const struct trace_source source = { .language = { "nodejs", 6 } };
    char problem[TRACE_PROBLEM_MAX];
    double start = nanoseconds_now(), spans = 0;

    for (int i = 0; i < n; i++) {
        const struct spans_body *body = &bodies[i % BODIES];

        if (trace_take(taker, layout, TRACE_MSGPACK, (struct slice){ body->at, body->len },
                       &source, NOW_NS, problem) != TRACE_OK) {
            fprintf(stderr, "%s\n", problem);
            exit(1);
        }
        spans += body->n_spans;
    }
    return (nanoseconds_now() - start) / spans;
}

static void measure(const char *name, enum spans_layout built, enum trace_layout layout, int n)
{
    static struct traces_ledger ledger;
    struct arena_budget budget;
    struct concentrator_config config = {
        .budget = &budget,
        .default_env = SLICE("none"),
        .secret = 1,
        .by_span_kind = true,
        .peer_tags = true,
        .groups_max = GROUPS_MAX,
    };
    struct trace_ring_config kept = {
        .budget = &budget, .ledger = &ledger, .bytes = RING, .secret = 1
    };
    struct spans_profile profile = spans_preset();
    struct spans_body bodies[BODIES];
    double runs[RUNS];
    int n_runs = n > 0 ? 1 : RUNS;

    arena_budget_init(&budget, BUDGET);
    struct trace_taker taker = { .budget = &budget,
                                 .concentrator = concentrator_new(&config, NOW_NS / 1000000000),
                                 .ring = trace_ring_new(&kept),
                                 .ledger = &ledger };

    profile.layout = built;
    for (int i = 0; i < BODIES; i++) {
        if (taker.concentrator == NULL || taker.ring == NULL ||
            !spans_build(&profile, (uint64_t)i, &bodies[i]))
            exit(1);
        spans_stamp(&bodies[i], 1 + (uint64_t)i * profile.traces, NOW_NS);
    }
    for (int run = 0; run < n_runs; run++)
        runs[run] = run_once(&taker, layout, bodies, n > 0 ? n : BODIES_A_RUN);
    qsort(runs, (size_t)n_runs, sizeof runs[0], by_value);
    printf("%s, %zu bytes a span: %.0f ns a span (best %.0f)\n", name,
           bodies[0].len / bodies[0].n_spans, runs[n_runs / 2], runs[0]);
    trace_ring_free(taker.ring);
    concentrator_free(taker.concentrator);
    for (int i = 0; i < BODIES; i++)
        spans_free(&bodies[i]);
}

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "";
    int n = argc > 2 ? atoi(argv[2]) : 0;

    if (which[0] != '1')
        measure("v0.4", SPANS_V04, TRACE_V04, n);
    if (which[0] != '0')
        measure("v0.5", SPANS_V05, TRACE_V05, n);
    return 0;
}
