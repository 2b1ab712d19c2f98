/* tests/support/pipeline.h: everything between a datagram and a payload, without
 * sockets, threads or a clock.
 *
 *   lines -> ingest -> table (one a worker) -> inbox -> flusher -> outbox
 *
 * Time moves only when a test says so: one monotonic clock, and a wall clock
 * beside it that a test may step. On the way to a later time each worker seals
 * at every boundary that it passes, as its thread would. Two ways to look at
 * what comes out: points, as the flusher shows them to an observer, and the
 * payloads, decoded as an intake would. */
#ifndef TESTS_SUPPORT_PIPELINE_H
#define TESTS_SUPPORT_PIPELINE_H

#include <jansson.h>

#include "flush/flusher.h"
#include "server/receive/ingest.h"

enum { PIPELINE_WORKERS_MAX = 4 };
#define PIPELINE_ID "0123456789ab" /* of the incarnation */

struct pipeline_worker {
    struct table *table;
    struct ingest *ingest;
    struct worker_ledger ledger;
    int64_t seal_at_ns;
    bool stalled; /* seals nothing until set back */
};

/* One aggregated point; owned by the pipeline. */
struct pipeline_point {
    char *name, *host;
    char *tags; /* "a,b" as sent */
    int type;   /* enum series_type; 0: a sketch */
    char unit[16];
    int64_t time_s, interval_s;
    double value;
    struct sketch_summary summary; /* of a sketch */
};

struct pipeline {
    struct settings settings;
    uint32_t n_workers;
    struct pipeline_worker workers[PIPELINE_WORKERS_MAX];
    struct worker_account accounts[PIPELINE_WORKERS_MAX];
    struct inbox inbox;
    struct outbox outbox;
    struct arena_budget budget;
    struct flusher_ledger ledger;
    struct flusher *flusher;
    int64_t now_ns;  /* monotonic */
    int64_t step_ns; /* wall clock - monotonic clock */
    int64_t started_s;
    bool flusher_stalled; /* only pipeline_run() and pipeline_flush() make it work */
    struct pipeline_point *points;
    size_t n_points, points_capacity;
    char problem[512];
};

/* Both clocks stand at start_s. sets: "KEY=VALUE" as on the command line. Fails
 * the test when it cannot be made. */
struct pipeline *pipeline_new(uint32_t workers, double start_s, char **sets, size_t n_sets);

/* The same; what the settings hold is given. */
struct pipeline *pipeline_with(uint32_t workers, double start_s, struct settings *given);
void pipeline_free(struct pipeline *given);

/* With small limits, host name "h" and payloads as they are, as a compressor takes more work
 * than all that is tried; later sets go before. */
#define PIPELINE_SETS \
    "hostname=h", "heeler_max_contexts=1000", "serializer_compressor_kind=none"
#define PIPELINE(workers, start_s, ...)                                      \
    pipeline_new(workers, start_s, (char *[]){ PIPELINE_SETS, __VA_ARGS__ }, \
                 sizeof((char *[]){ PIPELINE_SETS, __VA_ARGS__ }) / sizeof(char *))

/* A datagram that the worker receives at wall time t_s, which is not in the past. */
void pipeline_line(struct pipeline *pipeline, uint32_t worker, double t_s, const char *lines);

/* Time goes on to t_s (wall clock): intervals are sealed and flushed, records sent. */
void pipeline_flush(struct pipeline *pipeline, double t_s);

/* The same in intervals of 10 s, behind from_s. */
void pipeline_go_on(struct pipeline *pipeline, int64_t from_s, int64_t to_s);

/* The wall clock is set; the monotonic one goes on as before. */
void pipeline_step_clock(struct pipeline *pipeline, double seconds);

/* As if the process had started in that second; before the first flush. */
void pipeline_started_at(struct pipeline *pipeline, int64_t start_s);

/* The wall clock, in seconds. */
double pipeline_now(const struct pipeline *pipeline);

/* This worker alone seals now. False: refused, the interval stays open. */
bool pipeline_seal(struct pipeline *pipeline, uint32_t worker);

/* The flusher does all it can do now. */
void pipeline_run(struct pipeline *pipeline);

/* The last flush: the open interval too. */
void pipeline_finish(struct pipeline *pipeline);

/* Another process takes over: all but the settings, the clocks, the points seen so far
 * and the outbox is made anew. The state, as its file in memory, is the caller's. */
int pipeline_replace(struct pipeline *pipeline);

/* The new one goes on where that state ends. */
bool pipeline_restore(struct pipeline *pipeline, const struct state *state);

/* Both. */
void pipeline_upgrade(struct pipeline *pipeline);

/* The payloads that came since the last call, decoded: lists of items (of whole
 * payloads for events) by kind, {"series": [...], "sketches": [...]}; owned. */
json_t *pipeline_take(struct pipeline *pipeline);

/* The point of that name, tags ("" or "a,b") and timestamp, or NULL. */
const struct pipeline_point *pipeline_find(const struct pipeline *pipeline, const char *name,
                                           const char *tags, int64_t time_s);

/* Its value; fails the test when there is none. */
double pipeline_value(const struct pipeline *pipeline, const char *name, const char *tags,
                      int64_t time_s);

/* Sums over the workers; the balances' sides. */
uint64_t pipeline_values_parsed(const struct pipeline *pipeline);
uint64_t pipeline_values_shed(const struct pipeline *pipeline, enum shed_reason reason);

#endif
