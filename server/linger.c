#include "server/linger.h"

#define SECOND_NS INT64_C(1000000000)

void linger_begin(struct lingering *linger, int64_t silence_s, int64_t max_s,
                  uint64_t datagrams, int64_t now_ns)
{
    *linger = (struct lingering){
        .datagrams = datagrams,
        .since_ns = now_ns,
        .silence_ns = silence_s * SECOND_NS,
        .deadline_ns = now_ns + max_s * SECOND_NS,
    };
}

bool linger_is_over(struct lingering *linger, uint64_t datagrams, int64_t now_ns)
{
    if (datagrams != linger->datagrams) {
        linger->datagrams = datagrams;
        linger->since_ns = now_ns;
    }
    return now_ns >= linger->deadline_ns || now_ns - linger->since_ns >= linger->silence_ns;
}
