/* server/linger.h: when a stop that was asked for may begin.
 *
 * A sidecar is told to end at the same time as those that it serves, so their last
 * datagrams come later than its signal. It therefore goes on receiving until nothing came
 * on any listener for a while, or a deadline passes. Pure: time and counts are arguments. */
#ifndef SERVER_LINGER_H
#define SERVER_LINGER_H

#include <stdbool.h>
#include <stdint.h>

struct lingering {
    uint64_t datagrams; /* at the last look */
    int64_t since_ns;   /* since then none has come */
    int64_t silence_ns;
    int64_t deadline_ns;
};

void linger_begin(struct lingering *linger, int64_t silence_s, int64_t max_s,
                  uint64_t datagrams, int64_t now_ns);

/* datagrams: how many were received so far. */
bool linger_is_over(struct lingering *linger, uint64_t datagrams, int64_t now_ns);

#endif
