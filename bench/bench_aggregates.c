/* bench/bench_aggregates.c: what one value costs in a sketch, a histogram and a
 * set, hot (few contexts) and cold (50,000 contexts of three values).
 *
 *   bench_aggregates [CASE]     all cases, or one, by its number from 0 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "flush/values/distinct.h"
#include "flush/values/histogram.h"
#include "flush/values/sketch_internal.h"

enum { HOT = 8, COLD = 50000, COLD_VALUES = 3, N = 4 << 20, VALUES = 1 << 16, EXACT = 1000 };

static struct arena_budget budget = { .left = 1l << 30 };
static struct arena arena;
static double values[VALUES]; /* lognormal, as latencies are */
static uint64_t members[VALUES];

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fill_values(void)
{
    for (int i = 0; i < VALUES; i++) {
        double u = drand48() + 1e-12, v = drand48();

        values[i] = exp(3 + sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
        members[i] =
            distinct_hash((struct slice){ (const char *)&values[i], sizeof values[i] });
    }
}

static void must(bool added)
{
    if (!added)
        abort();
}

static void *new_sketch(void)
{
    return sketch_new(&arena);
}

static void add_sketch(void *sketch, int i)
{
    must(sketch_add(sketch, &arena, values[i % VALUES], 1));
}

static void add_sketch_sampled(void *sketch, int i)
{
    must(sketch_add(sketch, &arena, values[i % VALUES], 0.1));
}

static void *new_histogram(void)
{
    return histogram_new(&arena);
}

static void add_histogram(void *histogram, int i)
{
    bool switched;

    must(histogram_add(histogram, &arena, values[i % VALUES], 1, EXACT, &switched));
}

static void add_histogram_exact(void *histogram, int i)
{
    bool switched;

    must(histogram_add(histogram, &arena, values[i % VALUES], 1, N, &switched));
}

static void add_histogram_sampled(void *histogram, int i)
{
    bool switched;

    must(histogram_add(histogram, &arena, values[i % VALUES], 1 / 0.3, EXACT, &switched));
}

static void *new_distinct(void)
{
    return distinct_new(&arena);
}

static void add_distinct_few(void *distinct, int i)
{
    must(distinct_add(distinct, &arena, members[i % 1500]));
}

static void add_distinct(void *distinct, int i)
{
    must(distinct_add(distinct, &arena, members[i % VALUES]));
}

struct bench_case {
    const char *name;
    void *(*make)(void);
    void (*add)(void *, int);
    int contexts, n;
};

static const struct bench_case cases[] = {
    { "sketch", new_sketch, add_sketch, HOT, N },
    { "sketch, sampled 0.1", new_sketch, add_sketch_sampled, HOT, N },
    { "sketch, 3 values", new_sketch, add_sketch, COLD, COLD *COLD_VALUES },
    { "sketch, 3 values, sampled 0.1", new_sketch, add_sketch_sampled, COLD,
      COLD *COLD_VALUES },
    { "sketch, 20 values", new_sketch, add_sketch, COLD, COLD * 20 },
    { "histogram, all exact", new_histogram, add_histogram_exact, HOT, N },
    { "histogram, beyond 1000 values", new_histogram, add_histogram, HOT, N },
    { "histogram, 3 values", new_histogram, add_histogram, COLD, COLD *COLD_VALUES },
    { "histogram, 3 values, sampled 0.3", new_histogram, add_histogram_sampled, COLD,
      COLD *COLD_VALUES },
    { "set, 1500 members", new_distinct, add_distinct_few, HOT, N },
    { "set, 65,536 members", new_distinct, add_distinct, HOT, N },
    { "set, 3 members", new_distinct, add_distinct, COLD, COLD *COLD_VALUES },
};
enum { CASES = sizeof cases / sizeof cases[0] };

static void bench(const struct bench_case *c)
{
    void **all = malloc((size_t)c->contexts * sizeof *all);

    must(all != NULL);
    arena_init(&arena, &budget);
    double start = now_ns();

    for (int i = 0; i < c->contexts; i++)
        must((all[i] = c->make()) != NULL);
    for (int i = 0; i < c->n; i++)
        c->add(all[(uint32_t)i * 2654435761u % (uint32_t)c->contexts], i);
    double ns = now_ns() - start;

    printf("%-38s %6d contexts  %6.1f ns a value  %8.0f bytes a context\n", c->name,
           c->contexts, ns / c->n, (double)arena.bytes / c->contexts);
    arena_free(&arena);
    free(all);
}

static void bench_key(const char *name, int16_t key(double))
{
    int sum = 0;
    double start = now_ns();

    for (int i = 0; i < N; i++)
        sum += key(values[i % VALUES]);
    printf("%-38s                  %6.1f ns (%d)\n", name, (now_ns() - start) / N, sum);
}

int main(int argc, char **argv)
{
    size_t first = argc == 2 ? (size_t)atoi(argv[1]) : 0, end = argc == 2 ? first + 1 : CASES;

    fill_values();
    if (argc == 1)
        bench_key("sketch_key", sketch_key);
    for (size_t i = first; i < end && i < CASES; i++)
        bench(&cases[i]);
    return 0;
}
