#include "bench/core.h"

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { SLICES = 5, SLICE_NS = 1000000, STEPS = 2048, ADDITIONS_A_STEP = 24, CHAINS = 6 };

/* The asm keeps the compiler from working the sums out; the step comes from memory, because
 * some processors join additions of small constants when they rename registers. */
#define ADD(chain)                 \
    do {                           \
        (chain) += step;           \
        __asm__("" : "+r"(chain)); \
    } while (0)
#define ADD_SIX(a, b, c, d, e, f) \
    do {                          \
        ADD(a);                   \
        ADD(b);                   \
        ADD(c);                   \
        ADD(d);                   \
        ADD(e);                   \
        ADD(f);                   \
    } while (0)

static void add_dependent(uint64_t *chains, uint64_t step)
{
    uint64_t a = chains[0];

    for (int i = 0; i < STEPS; i++) {
        ADD_SIX(a, a, a, a, a, a);
        ADD_SIX(a, a, a, a, a, a);
        ADD_SIX(a, a, a, a, a, a);
        ADD_SIX(a, a, a, a, a, a);
    }
    chains[0] = a;
}

static void add_independent(uint64_t *chains, uint64_t step)
{
    uint64_t a = chains[0], b = chains[1], c = chains[2], d = chains[3], e = chains[4],
             f = chains[5];

    for (int i = 0; i < STEPS; i++) {
        ADD_SIX(a, b, c, d, e, f);
        ADD_SIX(a, b, c, d, e, f);
        ADD_SIX(a, b, c, d, e, f);
        ADD_SIX(a, b, c, d, e, f);
    }
    chains[0] = a + b + c + d + e + f;
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static volatile uint64_t sink, step = 3;

static double additions_per_ns(void (*add)(uint64_t *chains, uint64_t step))
{
    uint64_t chains[CHAINS] = { 0 }, rounds = 0;
    int64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID), spent;

    do {
        add(chains, step);
        rounds++;
        spent = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
    } while (spent < SLICE_NS);
    sink = chains[0];
    return (double)(rounds * STEPS * ADDITIONS_A_STEP) / (double)spent;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

struct core_speed core_measure(void)
{
    double dependent[SLICES], independent[SLICES];
    int64_t start = clock_ns(CLOCK_MONOTONIC), had = -clock_ns(CLOCK_THREAD_CPUTIME_ID);

    for (int i = 0; i < SLICES; i++) {
        dependent[i] = additions_per_ns(add_dependent);
        independent[i] = additions_per_ns(add_independent);
    }
    had += clock_ns(CLOCK_THREAD_CPUTIME_ID);

    int64_t passed = clock_ns(CLOCK_MONOTONIC) - start;
    qsort(dependent, SLICES, sizeof dependent[0], compare);
    qsort(independent, SLICES, sizeof independent[0], compare);
    return (struct core_speed){ dependent[SLICES / 2], independent[SLICES / 2],
                                (double)had / (double)passed };
}
