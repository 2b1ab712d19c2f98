#include "tests/support/world.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/clock.h"
#include "flush/parcels/chunk.h"
#include "server/receive/table.h"
#include "tests/support/udp.h"
#include "tests/support/undo.h"
#include "tests/support/with_settings.h"

void world_end(struct world *world)
{
    worker_end(world->worker, WORKER_DRAINS,
               clock_monotonic_ns() +
                   world->settings.heeler_stop_timeout * INT64_C(1000000000));
}

void world_free(struct world *given)
{
    undo_forget(given);
    listeners_close(&given->listeners);
    inbox_close(&given->inbox);
    settings_free(&given->settings);
    close(given->sender);
    free(given);
}

static void parcels_free(struct parcel *parcels)
{
    for (struct parcel *next; parcels != NULL; parcels = next) {
        next = parcels->next;
        if (parcels->kind == PARCEL_BUCKET)
            bucket_free((struct bucket *)parcels);
        else
            chunk_free((struct chunk *)parcels);
    }
}

/* Behind a test that failed: a worker that waits for the flusher is let go. */
static void world_undo(void *what)
{
    struct world *world = what;

    atomic_store(&world->account.handled_buckets, 0);
    if (world->worker != NULL) {
        listener_gate(&world->listeners.at[0]);
        world_end(world);
        worker_join(world->worker);
    }
    parcels_free(inbox_take(&world->inbox));
    world_free(world);
}

struct world *world_open(uint32_t handled, char **sets, size_t n)
{
    struct world *world = aligned_alloc(64, (sizeof *world + 63) / 64 * 64);
    char problem[256];

    memset(world, 0, sizeof *world);
    assert_true(with_settings(&world->settings, sets, n));
    assert_true(
        listeners_open(&world->listeners, &world->settings, 1, NULL, problem, sizeof problem));
    assert_true(inbox_open(&world->inbox));
    assert_true(table_make_secret());
    atomic_init(&world->budget.left, 1 << 24);
    atomic_init(&world->account.handled_buckets, handled);
    world->sender = udp_sender(world->listeners.at[0].name);
    undo_later(world_undo, world);
    return world;
}

void world_start(struct world *world, int forward_fd)
{
    char problem[256];
    struct worker_config config = {
        .settings = &world->settings,
        .listeners = &world->listeners,
        .forward_fd = forward_fd,
        .inbox = &world->inbox,
        .account = &world->account,
        .budget = &world->budget,
        .ledger = &world->ledger,
        .senders = &world->senders,
        .sighting_box = &world->sighting_box,
    };

    world->worker = worker_start(&config, problem, sizeof problem);
    assert_non_null(world->worker);
}

struct world *world_new(int forward_fd, uint32_t handled, char **sets, size_t n)
{
    struct world *world = world_open(handled, sets, n);

    world_start(world, forward_fd);
    return world;
}

struct listener_socket *world_socket(struct world *world)
{
    return &world->listeners.at[0].sockets[0];
}

void world_drain(struct world *world)
{
    assert_true(listener_gate(&world->listeners.at[0]));
    world_end(world);
}

void world_join(struct world *world)
{
    struct worker *given = world->worker;

    world->worker = NULL;
    worker_join(given);
}

/* The worker has no way to call, so it is asked every millisecond. */
void world_wait_counter(const struct counter *counter, uint64_t n)
{
    int64_t until_ns = clock_monotonic_ns() + WORLD_WAIT_NS;

    while (counter_read(counter) < n && clock_monotonic_ns() < until_ns)
        poll(NULL, 0, 1);
    assert_true(counter_read(counter) >= n);
}

void world_wait(struct world *world, uint64_t datagrams)
{
    world_wait_counter(&world_socket(world)->datagrams, datagrams);
    assert_int_equal(counter_read(&world_socket(world)->datagrams), datagrams);
}

struct world_sum world_take(struct world *world)
{
    struct world_sum sum = { 0 };
    struct birth birth;
    struct record record;
    struct slice a, b;

    for (struct parcel *parcel = inbox_take(&world->inbox), *next; parcel != NULL;
         parcel = next) {
        struct chunk *chunk = (struct chunk *)parcel;
        struct bucket *bucket = (struct bucket *)parcel;
        size_t offset = 0;
        next = parcel->next;
        if (parcel->kind == PARCEL_BUCKET) {
            sum.buckets++;
            assert_true(bucket->start_s > sum.last_start_s); /* in order */
            sum.last_start_s = bucket->start_s;
            assert_int_equal(bucket->lines, bucket->lines_accounted);
            for (uint32_t id = 0; id < bucket->n_cells; id++)
                sum.value += bucket->cells[id].value;
            bucket_free(bucket);
            continue;
        }
        while (parcel->kind == PARCEL_BIRTHS &&
               chunk_next_birth(chunk, &offset, &birth, &a, &b))
            sum.births++;
        while (parcel->kind == PARCEL_RECORDS && chunk_next_record(chunk, &offset, &record, &a))
            sum.records++;
        chunk_free(chunk);
    }
    return sum;
}
