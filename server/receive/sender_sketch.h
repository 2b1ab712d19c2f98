/* server/receive/sender_sketch.h: who sends most, in fixed memory, however many send.
 *
 * Space-Saving (Metwally, Agrawal, El Abbadi 2005): so many counters, each with a sender.
 * Whoever has none takes the counter with the fewest lines, and those lines are his error:
 *
 *   lines - error  <=  what he sent  <=  lines          for each that has a counter
 *   what he sent  <=  the fewest lines of all counters  for each that has none
 *
 * So while there are fewer senders than counters all is exact, and whoever sends more than
 * 1/SENDER_COUNTERS of all lines always has a counter. Both stay true of two sketches that are
 * merged. Values, bytes and datagrams are counted from when a sender got his counter: where he
 * has an error, they are at least that many.
 *
 * Private to whoever has it; it is handed from thread to thread whole. Time is an argument. */
#ifndef SERVER_RECEIVE_SENDER_SKETCH_H
#define SERVER_RECEIVE_SENDER_SKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/receive/sender.h"

enum { SENDER_COUNTERS = 256, SENDER_CONTAINER_MAX = 71 };

/* A sender, and the container that its lines name. Equal ones are equal bytes. */
struct sender_key {
    struct sender from;
    uint8_t container_len; /* 0: none */
    char container[SENDER_CONTAINER_MAX];
};

struct sender_sums {
    uint64_t lines, values, bytes, datagrams;
};

struct sender_counter {
    struct sender_key key;
    struct sender_sums sums;
    uint64_t error; /* of the lines */
    uint64_t hash;
};

struct sender_sketch {
    int64_t from_ns, until_ns; /* monotonic: what was received between is counted */
    struct sender_sums total;  /* of all senders, exact unless estimated */
    bool estimated;            /* not all datagrams were looked at (sender_tally.h) */
    uint32_t n;                /* of at, in no order */
    uint32_t last;             /* the counter of the last sender: the next is often the same */
    struct sender_counter at[SENDER_COUNTERS];
    uint64_t lines[SENDER_COUNTERS]; /* the same as at[].sums.lines, to look for the fewest */
    uint16_t slots[2 * SENDER_COUNTERS]; /* by hash: a counter's number + 1; 0: none */
};

/* Owned; free() ends it. NULL without memory. */
struct sender_sketch *sender_sketch_new(int64_t now_ns);

/* Nothing is counted yet, since now_ns. */
void sender_sketch_clear(struct sender_sketch *sketch, int64_t now_ns);

/* Counts what one datagram brought. */
void sender_sketch_add(struct sender_sketch *sketch, const struct sender_key *key,
                       const struct sender_sums *brought);

/* Counts what the other has counted, and covers the time of both. False without memory: then
 * nothing has changed. */
bool sender_sketch_merge(struct sender_sketch *sketch, const struct sender_sketch *other);

#endif
