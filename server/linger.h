/* server/linger.h: when a stop that was asked for may begin.
 *
 * A sidecar is told to end together with those that it serves: their last words
 * come later than its signal. So it goes on receiving until nothing came on any
 * listener for a while, or a deadline passes. Pure: time and counts are arguments. */
#ifndef SERVER_LINGER_H
#define SERVER_LINGER_H

#include <stdbool.h>
#include <stdint.h>

struct lingering {
    uint64_t datagrams; /* at the last look */
    int64_t since_ns;   /* none since */
    int64_t silence_ns;
    int64_t deadline_ns;
};

void linger_begin(struct lingering *linger, int64_t silence_s, int64_t max_s,
                  uint64_t datagrams, int64_t now_ns);

/* datagrams: received so far. */
bool linger_is_over(struct lingering *linger, uint64_t datagrams, int64_t now_ns);

#endif
