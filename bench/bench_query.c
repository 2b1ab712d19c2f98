/* bench/bench_query.c: an hour of 100,000 series, fed and asked: the time of each
 * feeding, and of questions the whole and the longest slice, this one by its processor time. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "config/load.h"
#include "flush/rollups/answer_ops.h"
#include "flush/rollups/evaluation.h"
#include "flush/snapshots/snapshot.h"

enum { SERIES = 100000, INTERVAL_S = 10, INTERVALS = 360, START = 1700006400 };

static struct flusher_ledger ledger;

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* What others that run here take away is not in it. */
static double processor_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void must(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "bench_query: %s\n", what);
    exit(1);
}

/* Half counters, half gauges, of 100 hosts. */
static struct catalogue *make_catalogue(struct enricher *enricher)
{
    struct catalogue_config config = { .max_series = SERIES, .workers = 1, .expiry_s = 300 };
    struct catalogue *catalogue = catalogue_new(&config, &ledger);
    char tags[96];

    must(catalogue != NULL, "no catalogue");
    for (uint32_t id = 0; id < SERIES; id++) {
        bool count = id % 2 == 0;
        struct birth birth = { .id = id, .kind = count ? CELL_COUNT : CELL_GAUGE };
        int len = snprintf(tags, sizeof tags, "node:n%u,env:prod,shard:%u", id % 100, id);
        catalogue_admit(catalogue, enricher, 0, &birth, SLICE("requests"),
                        (struct slice){ tags, (size_t)len });
    }
    must(catalogue_end(catalogue) == SERIES, "series are missing");
    return catalogue;
}

static struct rollup *make_rollup(struct catalogue *catalogue)
{
    char *steps[] = { "60", "3600" }, problem[256];
    struct string_list list = { steps, 2 };
    struct rollup_config config = {
        .interval_s = INTERVAL_S,
        .steps = &list,
        .lookback_s = 3600,
        .max_bytes = (size_t)2 << 30,
        .max_series = SERIES,
    };
    struct rollup *rollup =
        rollup_new(&config, catalogue_identities(catalogue), &ledger, problem, sizeof problem);

    must(rollup != NULL, problem);
    return rollup;
}

static void feed_interval(struct rollup *rollup, struct catalogue *catalogue,
                          struct snapshot *snapshot, double *open_ms)
{
    struct snapshot_series shown;
    double start = now_ms(), before = start;

    while (!rollup_open(rollup, snapshot->start_s)) {
        *open_ms = now_ms() - before > *open_ms ? now_ms() - before : *open_ms;
        before = now_ms();
    }
    for (uint32_t series = 0; series < SERIES; series++)
        if (snapshot_show(snapshot, catalogue, series, &shown))
            rollup_add(rollup, &shown);
    rollup_close(rollup);
}

static void feed(struct rollup *rollup, struct catalogue *catalogue,
                 struct arena_budget *budget)
{
    double all = 0, worst = 0, open_ms = 0;

    for (int i = 0; i < INTERVALS; i++) {
        struct snapshot *snapshot = snapshot_new(START + i * INTERVAL_S, 1, SERIES, budget);
        must(snapshot != NULL, "no snapshot");
        snapshot->end = SERIES;
        for (uint32_t series = 0; series < SERIES; series++) {
            double value = series % 2 == 0 ? (double)(rand() % 1000) : rand() / 7e5;
            snapshot->cells[series] = (struct snapshot_cell){ .value = value, .stamp_ns = 1 };
        }
        double start = now_ms();
        feed_interval(rollup, catalogue, snapshot, &open_ms);
        double took = now_ms() - start;
        all += took;
        worst = took > worst ? took : worst;
        snapshot_free(snapshot);
    }
    printf("feeding: %.1f ms an interval of %d series (%.0f ns a point), longest %.1f ms; "
           "longest slice of closing windows %.1f ms\n",
           all / INTERVALS, SERIES, all / INTERVALS / SERIES * 1e6, worst, open_ms);
    printf("memory:  %.1f MiB, %.2f bytes a point\n", (double)rollup_bytes(rollup) / (1 << 20),
           (double)rollup_bytes(rollup) / INTERVALS / SERIES);
}

static void ask(struct rollup *rollup, const char *text)
{
    char problem[256];
    double start = now_ms(), longest = 0;
    int slices = 0;
    enum query_state state;
    struct evaluation *evaluation = evaluation_new(
        rollup, slice_of(text), START, START + INTERVALS * INTERVAL_S, problem, sizeof problem);

    must(evaluation != NULL, problem);
    do {
        double before = processor_ms();
        state = evaluation_step(evaluation);
        double took = processor_ms() - before;
        longest = took > longest ? took : longest;
        slices++;
    } while (state == QUERY_MORE);
    must(state == QUERY_DONE, evaluation_problem(evaluation));
    printf("%-52s %7.1f ms, %4d slices, longest %5.2f ms, answer %zu bytes\n", text,
           now_ms() - start, slices, longest, evaluation_answer(evaluation).len);
    evaluation_free(evaluation);
}

/* What a monitor is worth in a window of so many seconds, the last ones: its processor time. */
static void evaluate(struct rollup *rollup, const char *text, int64_t window_s)
{
    struct answer_source source = { .rollup = rollup };
    struct inquiry inquiry = { .kind = INQUIRY_MONITOR,
                               .text = slice_of(text),
                               .from_s = START + INTERVALS * INTERVAL_S - window_s,
                               .to_s = START + INTERVALS * INTERVAL_S };
    struct answer_problem problem = { 0, "not enough memory" };
    struct bytes answer = { 0 };
    double start = processor_ms(), longest = 0;
    int slices = 0;
    enum answer_state state;
    void *begun = answer_monitor.begin(&source, &inquiry, &problem);

    must(begun != NULL, problem.sentence);
    do {
        double before = processor_ms();
        state = answer_monitor.step(begun, &answer, &problem);
        double took = processor_ms() - before;
        longest = took > longest ? took : longest;
        slices++;
    } while (state == ANSWER_MORE);
    must(state == ANSWER_DONE, problem.sentence);
    answer_monitor.free(begun);
    printf("%-52s %7.1f ms, %4d slices, longest %5.2f ms, answer %zu bytes\n", text,
           processor_ms() - start, slices, longest, answer.len);
    bytes_free(&answer);
}

int main(void)
{
    static const char *const questions[] = {
        "sum:requests{*}",
        "sum:requests{*}.rollup(sum, 10)",
        "sum:requests{*}.rollup(max, 20)",
        "avg:requests{*} by {node}",
        "sum:requests{*}.rollup(sum, 60)",
        "sum:requests{*}.rollup(sum, 3600)",
        "max:requests{shard:1*} by {shard}.rollup(sum, 3600)",
        "max:requests{shard:1*} by {shard}.rollup(20)", /* as many points as an answer may have
                                                         */
        "max:requests{shard:1*} by {shard}.rollup(20).fill(linear)",
        "log2(exclude_null(max:requests{shard:1*} by {shard}.rollup(20)))",
        "top(max:requests{shard:1*} by {shard}.rollup(20), 100, 'l2norm', 'desc')",
        "sum:requests{shard:77777}",
        "sum:requests{node:n1*,!shard:1}",
        "100 * sum:requests{shard:1*} by {node} / sum:requests{*} by {node}",
        "sum:requests{node:*1* OR (shard:*7* AND NOT env:test)} by {node}",
        "anomalies(avg:requests{*} by {node}, 'basic', 2)",
        "top(ewma_5(moving_rollup(max:requests{shard:1*} by {shard}.rollup(60), 300, 'avg')), "
        "10, "
        "'mean', 'desc')",
        "anomalies(max:requests{shard:11*} by {shard}, 'basic', 2)",
    };
    static const struct {
        const char *text;
        int64_t window_s;
    } monitors[] = {
        { "avg(last_5m):avg:requests{*} by {node} > 1", 300 },
        { "avg(last_5m):avg:requests{shard:777*} by {shard} > 1", 300 },
        { "avg(last_1h):avg:requests{node:n7} by {shard} > 1", 3600 },
        { "sum(last_5m):sum:requests{shard:1*} by {node}.as_count() / sum:requests{*} by "
          "{node}.as_count() > 1",
          300 },
        { "avg(last_1h):anomalies(avg:requests{*} by {node}, 'basic', 2, "
          "alert_window='last_5m') >= 1",
          3600 },
    };
    struct settings settings = { 0 };
    struct settings_source source = { 0 };
    struct problems problems = { 0 };
    char problem[256];
    struct arena_budget budget;

    arena_budget_init(&budget, 1 << 30);
    must(settings_load(&settings, &source, &problems), "settings");
    struct enricher *enricher = enrich_new(&settings, "h", problem, sizeof problem);
    must(enricher != NULL, problem);
    struct catalogue *catalogue = make_catalogue(enricher);
    struct rollup *rollup = make_rollup(catalogue);
    feed(rollup, catalogue, &budget);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        ask(rollup, questions[i]);
    for (size_t i = 0; i < sizeof monitors / sizeof monitors[0]; i++)
        evaluate(rollup, monitors[i].text, monitors[i].window_s);
    rollup_free(rollup);
    catalogue_free(catalogue);
    enrich_free(enricher);
    problems_free(&problems);
    settings_free(&settings);
    return 0;
}
