/* bench/search.h: what a server takes without loss, and what it costs.
 *
 * Lossless is the highest rate at which three windows in a row lose at most
 * 0.01 % of the lines and leave the socket's queue empty within half a second.
 * Lost is what the server's books miss or what the kernel dropped, whichever
 * is more; without books it is the kernel's drops alone, and the result says
 * so. Where the generator was the limit, the result is "at_least". */
#ifndef BENCH_SEARCH_H
#define BENCH_SEARCH_H

#include <stdbool.h>

#include "bench/load.h"
#include "bench/subject.h"

struct search_order {
    struct subject_order server;
    const char *to;
    const char *label; /* repeated in the result */
    double rate;       /* lines a second: where to begin, or the rate of the cost */
    double window_seconds;
    double probe_seconds;      /* of the windows that only narrow the search */
    double books_wait_seconds; /* how long the server may take to account for a window */
    double rest_seconds;       /* cost: from the load's end to the last look at memory */
    uint64_t lines;            /* cost: sent exactly, instead of a window; or 0 */
    enum load_segment segment;
    int pin;
};

/* Each starts the server, prints one JSON object in one line on stdout (and
 * its steps on stderr) and stops the server. False if nothing was measured. */
bool search_lossless(const struct search_order *order, const struct ring *ring);
bool search_cost(const struct search_order *order, const struct ring *ring);

#endif
