/* tests/support/world.h: one worker and what it writes to; the test is its flusher.
 *
 * On the heap, and ended behind a test that failed. All fail the test rather than return an
 * error. */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/receive/listeners.h"
#include "server/receive/sighting.h"
#include "server/receive/worker.h"
#include "tests/support/undo.h"

#define WORLD_WAIT_NS INT64_C(60000000000) /* only what never comes takes it */

struct world {
    struct settings settings;
    struct listeners listeners;
    struct inbox inbox;
    struct worker_account account;
    struct arena_budget budget;
    struct worker_ledger ledger;
    struct senders senders; /* who wants to know them */
    struct sighting_box sighting_box;
    struct worker *worker;
    int sender; /* a socket that sends to the first listener */
};

#define SETS "dogstatsd_port=__random__", "bind_host=127.0.0.1", "dogstatsd_socket="
#define WORLD_NEW(forward_fd, handled, ...)                         \
    world_new(forward_fd, handled, (char *[]){ SETS, __VA_ARGS__ }, \
              sizeof((char *[]){ SETS, __VA_ARGS__ }) / sizeof(char *))

/* With these n settings, without the worker; `handled`: so many buckets the flusher has handled
 * already. */
struct world *world_open(uint32_t handled, char **sets, size_t n);

/* The worker begins, and sends on to that socket; -1: nowhere. */
void world_start(struct world *world, int forward_fd);

/* Both. */
struct world *world_new(int forward_fd, uint32_t handled, char **sets, size_t n);
void world_free(struct world *given);

/* The worker's, of the first listener. */
struct listener_socket *world_socket(struct world *world);

/* The worker shall end; world_drain() also gates the listener before. */
void world_end(struct world *world);
void world_drain(struct world *world);
void world_join(struct world *world);

/* Until so many datagrams are read, and no more; until the counter is at least n. */
void world_wait(struct world *world, uint64_t datagrams);
void world_wait_counter(const struct counter *counter, uint64_t n);

/* What the parcels hold in all that were pushed since the last time. */
struct world_sum {
    int buckets, births, records;
    double value;
    int64_t last_start_s;
};
struct world_sum world_take(struct world *world);

#endif
