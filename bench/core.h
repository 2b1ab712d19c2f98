/* bench/core.h: whose the core is at the moment.
 *
 * A virtual CPU is a thread of a core, and what runs on the other thread, perhaps
 * another tenant's, takes half of the core's adders and nothing from a chain of
 * additions that wait for each other. So the ratio of the two rates tells a core of
 * one's own from a shared one, whatever the clock. What runs on the same thread takes
 * time from the caller instead, and that is told apart. */
#ifndef BENCH_CORE_H
#define BENCH_CORE_H

struct core_speed {
    double dependent_per_ns;   /* additions, each of which needs the one before */
    double independent_per_ns; /* additions in six chains */
    double share;              /* of the time that passed, what the caller had */
};

/* Ten milliseconds of the CPU that the caller runs on. */
struct core_speed core_measure(void);

#endif
