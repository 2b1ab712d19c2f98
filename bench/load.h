/* bench/load.h: sends a ring of payloads to one address, at a rate.
 *
 * The rate is kept by the clock and not by the reader: a datagram is due when
 * the lines before it are behind the clock. Up to some 200,000 datagrams a
 * second they leave when they are due, as those of a real client would; above
 * that, runs of equal datagrams leave in one call with UDP_SEGMENT. The
 * receiver gets single datagrams all the same.
 *
 * UDP takes everything. The unix sockets push back, and the time spent waiting
 * for the receiver is told apart from a generator that is too slow.
 *
 * Lifetime: a load borrows its ring, and owns its socket until load_close(). */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/profile.h"

enum load_way { WAY_UDP, WAY_UNIX, WAY_STREAM };

enum load_segment { SEGMENT_AUTO, SEGMENT_ON, SEGMENT_OFF };

struct load {
    const struct ring *ring;
    int fd;
    enum load_way way;
    uint16_t port;     /* WAY_UDP */
    uint64_t position; /* payloads sent so far, over all runs */
};

struct load_order {
    double lines_per_second; /* 0: as many as the receiver takes */
    double seconds;          /* 0: until `lines` are sent */
    uint64_t lines;          /* 0: until `seconds` are over */
    enum load_segment segment;
};

struct load_result {
    struct totals totals;
    double seconds;
    double blocked_seconds; /* of them, waiting for the receiver */
    bool segmented;
    bool generator_limited; /* less than 99.5 % of the rate, and not by waiting */
};

double clock_seconds(void);
bool pin_to_cpu(int cpu);

/* The way of "udp:127.0.0.1:8125", "unix:/path" or "stream:/path". */
bool load_way(const char *to, enum load_way *out);

/* A socket for that address, connected to it or, to listen, bound to it. -1
 * after a sentence on stderr. A stale socket file is removed before binding. */
int load_socket(const char *to, bool listen, uint16_t *port);

bool load_open(struct load *load, const char *to, const struct ring *ring);
void load_close(struct load *given);

/* Continues where the last run ended. False after a sentence on stderr: nobody
 * listens, or the receiver has read nothing for ten seconds. */
bool load_run(struct load *load, const struct load_order *order, struct load_result *out);

/* One JSON object in one line. */
void load_print(FILE *out, const struct load_result *result, const struct load_order *order,
                bool integral);

#endif
