#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/parcels/chunk.h"
#include "flush/series/rules.h"
#include "server/receive/batch.h"
#include "server/receive/gro.h"
#include "server/receive/listeners.h"
#include "server/receive/table.h"
#include "server/receive/worker.h"
#include "tests/support/udp.h"
#include "tests/support/undo.h"
#include "tests/support/with_settings.h"

#define WAIT_NS INT64_C(60000000000) /* only what never comes takes it */

/* One worker and what it writes to; the test is its flusher. */
struct world {
    struct settings settings;
    struct listeners listeners;
    struct inbox inbox;
    struct worker_account account;
    struct arena_budget budget;
    struct worker_ledger ledger;
    struct counter forwarded;
    struct worker *worker;
    int sender;
};

static void end(struct world *world)
{
    worker_end(world->worker, WORKER_DRAINS,
               clock_monotonic_ns() +
                   world->settings.heeler_stop_timeout * INT64_C(1000000000));
}

static void world_free(struct world *world)
{
    undo_forget(world);
    listeners_close(&world->listeners);
    inbox_close(&world->inbox);
    settings_free(&world->settings);
    close(world->sender);
    free(world);
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
        end(world);
        worker_join(world->worker);
    }
    parcels_free(inbox_take(&world->inbox));
    world_free(world);
}

/* Without the worker. */
static struct world *world_open(uint32_t handled, char **sets, size_t n)
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

static void start(struct world *world, int forward_fd)
{
    char problem[256];
    struct worker_config config = {
        .settings = &world->settings,
        .listeners = &world->listeners,
        .forward_fd = forward_fd,
        .forwarded = &world->forwarded,
        .inbox = &world->inbox,
        .account = &world->account,
        .budget = &world->budget,
        .ledger = &world->ledger,
    };

    world->worker = worker_start(&config, problem, sizeof problem);
    assert_non_null(world->worker);
}

static struct world *world_new(int forward_fd, uint32_t handled, char **sets, size_t n)
{
    struct world *world = world_open(handled, sets, n);

    start(world, forward_fd);
    return world;
}
#define SETS "dogstatsd_port=__random__", "bind_host=127.0.0.1", "dogstatsd_socket="
#define WORLD_NEW(forward_fd, handled, ...)                         \
    world_new(forward_fd, handled, (char *[]){ SETS, __VA_ARGS__ }, \
              sizeof((char *[]){ SETS, __VA_ARGS__ }) / sizeof(char *))

static struct listener_socket *socket_of(struct world *world)
{
    return &world->listeners.at[0].sockets[0];
}

static void stop(struct world *world)
{
    assert_true(listener_gate(&world->listeners.at[0]));
    end(world);
}

static void join(struct world *world)
{
    struct worker *given = world->worker;

    world->worker = NULL;
    worker_join(given);
}

/* The worker has no way to call, so it is asked every millisecond. */
static void wait_counter(const struct counter *counter, uint64_t n)
{
    int64_t until_ns = clock_monotonic_ns() + WAIT_NS;

    while (counter_read(counter) < n && clock_monotonic_ns() < until_ns)
        poll(NULL, 0, 1);
    assert_true(counter_read(counter) >= n);
}

/* Until so many datagrams are read. */
static void wait_for(struct world *world, uint64_t datagrams)
{
    wait_counter(&socket_of(world)->datagrams, datagrams);
    assert_int_equal(counter_read(&socket_of(world)->datagrams), datagrams);
}

/* What the parcels hold in all. */
struct sum {
    int buckets, births, records;
    double value;
    int64_t last_start_s;
};

static struct sum take_all(struct world *world)
{
    struct sum sum = { 0 };
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

static void what_was_accepted_before_the_gate_is_read_and_pushed(void **state)
{
    struct world *world = WORLD_NEW(-1, 0, "heeler_interval=60");
    (void)state;

    for (int i = 0; i < 500; i++)
        udp_send(world->sender, "a:1|c\nb:2|c\n_e{1,1}:t|x");
    stop(world);
    join(world);
    assert_int_equal(
        counter_read(&socket_of(world)->datagrams) + listener_drops(socket_of(world)), 500);
    assert_int_equal(listener_drops(socket_of(world)), 0);
    struct sum sum = take_all(world);
    assert_float_equal(sum.value, 1500, 0);
    assert_int_equal(sum.births, 2);
    assert_int_equal(sum.records, 500);
    assert_true(sum.buckets >= 1);
    world_free(world);
}

static void each_interval_is_a_bucket_of_its_own(void **state)
{
    struct world *world = WORLD_NEW(-1, 0, "heeler_interval=1");
    (void)state;

    udp_send(world->sender, "a:1|c");
    wait_for(world, 1);
    wait_counter(&world->ledger.seals, 2); /* the quiet one too */
    udp_send(world->sender, "a:1|c");
    wait_for(world, 2);
    stop(world);
    join(world);
    struct sum sum = take_all(world);
    assert_true(sum.buckets >= 3);
    assert_float_equal(sum.value, 2, 0);
    world_free(world);
}

static _Atomic(int) vain_tries;

/* Stands before the library's: the worker sleeps only behind a try in vain. */
int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    atomic_fetch_add(&vain_tries, 1);
    return clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, left) == 0 ? 0 : -1;
}

static void wait_tries(int n)
{
    int64_t until_ns = clock_monotonic_ns() + WAIT_NS;

    while (atomic_load(&vain_tries) < n && clock_monotonic_ns() < until_ns)
        poll(NULL, 0, 1);
    assert_true(atomic_load(&vain_tries) >= n);
}

static void the_last_bucket_waits_for_a_flusher_that_is_behind(void **state)
{
    struct world *world = WORLD_NEW(-1, (uint32_t)-4, "heeler_interval=60"); /* four behind */
    (void)state;

    udp_send(world->sender, "a:7|c");
    wait_for(world, 1);
    atomic_store(&vain_tries, 0);
    stop(world);
    wait_tries(3);
    assert_null(inbox_take(&world->inbox));
    atomic_store(&world->account.handled_buckets, 0);
    join(world);
    assert_float_equal(take_all(world).value, 7, 0);
    world_free(world);
}

static void but_not_for_ever(void **state)
{
    struct world *world =
        WORLD_NEW(-1, (uint32_t)-4, "heeler_interval=60", "heeler_stop_timeout=0");
    (void)state;

    udp_send(world->sender, "a:7:8|c\na:9|c\n_sc|a|0");
    wait_for(world, 1);
    stop(world);
    join(world);
    struct sum sum = take_all(world);
    assert_int_equal(sum.buckets, 0);
    assert_int_equal(sum.records, 1);
    assert_int_equal(counter_read(&world->ledger.shed[SHED_LAST_INTERVAL]), 3);
    assert_int_equal(ledger_values_parsed(&world->ledger), ledger_values_shed(&world->ledger));
    world_free(world);
}

static void what_the_kernel_cut_is_counted(void **state)
{
    struct world *world = WORLD_NEW(-1, 0, "dogstatsd_buffer_size=16");
    (void)state;

    udp_send(world->sender, "exactly.16b:1|c\n");
    udp_send(world->sender, "a:1|c\nb.longer.name:1|c");
    wait_for(world, 2);
    assert_int_equal(counter_read(&socket_of(world)->truncated), 1);
    assert_int_equal(counter_read(&socket_of(world)->bytes), 32);
    stop(world);
    join(world);
    assert_float_equal(take_all(world).value, 2, 0); /* what came whole counts */
    world_free(world);
}

/* A counter tells for how long datagrams had to wait while the worker read other sockets. */
static void a_wait_between_two_reads_is_told(void **state)
{
    struct world *world = world_open(0, (char *[]){ SETS }, 3);
    (void)state;

    for (int i = 0; i < 4 * BATCH_BUFFERS; i++)
        udp_send(world->sender, "a:1|c");
    assert_int_equal(counter_read(&world->ledger.longest_gap_us), 0);
    start(world, -1);
    wait_for(world, 4 * BATCH_BUFFERS);
    stop(world);
    join(world);
    assert_true(counter_read(&world->ledger.longest_gap_us) > 0);
    take_all(world);
    world_free(world);
}

/* More than a turn takes, bursts, single ones, and pauses in which a nap brings nothing:
 * whether the worker naps, polls or waits, the next datagram is read. */
static void a_nap_leaves_nothing_unread(void **state)
{
    static const int pause_ms[] = { 0, 1, 0, 12, 0, 0, 25 };
    struct world *world = world_open(0, (char *[]){ SETS, "heeler_nap=true" }, 4);
    int bytes = 0;
    uint64_t sent = 0;

    (void)state;
    assert_int_equal(getsockopt(socket_of(world)->fd, SOL_SOCKET, SO_RCVBUF, &bytes,
                                &(socklen_t){ sizeof bytes }),
                     0);
    uint64_t room = (uint64_t)bytes / 2304; /* the queue holds so many, surely */
    for (; sent < 4000 && sent < room; sent++)
        udp_send(world->sender, "n:1|c");
    start(world, -1);
    for (uint64_t round = 0; round < 100; round++) {
        uint64_t goal = sent + 1 + round * round % 90;
        wait_counter(&socket_of(world)->datagrams, goal > room ? goal - room : 0);
        for (; sent < goal; sent++)
            udp_send(world->sender, "n:1|c");
        poll(NULL, 0, pause_ms[round % 7]);
        if (round % 5 == 0)
            wait_for(world, sent);
    }
    wait_for(world, sent);
    stop(world);
    join(world);
    assert_float_equal(take_all(world).value, (double)sent, 0);
    world_free(world);
}

static void datagrams_are_forwarded_and_counted(void **state)
{
    int port, to = udp_receiver(&port);
    char name[32], got[64];
    (void)state;

    snprintf(name, sizeof name, "udp 127.0.0.1:%d", port);
    int forward = udp_sender(name);
    struct world *world = WORLD_NEW(forward, 0, "heeler_interval=60");
    udp_send(world->sender, "a:1|c");
    assert_int_equal(recv(to, got, sizeof got, 0), 5);
    stop(world);
    join(world);
    assert_int_equal(counter_read(&world->forwarded), 1);
    take_all(world);
    close(to);
    close(forward);
    world_free(world);
}

/* ---- coalesced --------------------------------------------------------- */

static void send_segments(const struct world *world, const char *text, int segment)
{
    udp_send_segments(world->sender, text, strlen(text), segment);
}

/* Counted, cut and sent on one by one, as if they had come so. */
static void coalesced_datagrams_are_single_ones_in_the_books(void **state)
{
    static const char *const expected[] = { "a:1|c", "b:2|c\nb:2|c\n",    "b:2|c\nb:2|c\n",
                                            "b:7|c", "a:1|c\nb.longer.n", "a:1|c\nb.longer.n",
                                            "a:1",   "a:1|c\nb.longer.n" };
    udp_need_coalescing();
    int port, to = udp_receiver(&port);
    char name[32], got[64];
    (void)state;

    snprintf(name, sizeof name, "udp 127.0.0.1:%d", port);
    int forward = udp_sender(name);
    struct world *world =
        WORLD_NEW(forward, 0, "dogstatsd_buffer_size=16", "heeler_udp_gro=true");
    udp_send(world->sender, "a:1|c");
    send_segments(world, "b:2|c\nb:2|c\nb:2|c\nb:2|c\nb:7|c", 12);
    send_segments(world, "a:1|c\nb.longer.name:1|ca:1|c\nb.longer.name:1|ca:1", 23);
    udp_send(world->sender, "a:1|c\nb.longer.name:1|c");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        ssize_t n = recv(to, got, sizeof got - 1, 0);
        assert_true(n >= 0);
        got[n] = '\0';
        assert_string_equal(got, expected[i]);
    }
    wait_for(world, 8);
    stop(world);
    join(world);
    assert_int_equal(counter_read(&world->forwarded), 8);
    assert_int_equal(counter_read(&socket_of(world)->truncated), 3);
    assert_int_equal(counter_read(&socket_of(world)->bytes),
                     5 + 12 + 12 + 5 + 16 + 16 + 3 + 16);
    assert_int_equal(listener_drops(socket_of(world)), 0);
    assert_float_equal(take_all(world).value, 1 + 8 + 7 + 3, 0);
    close(to);
    close(forward);
    world_free(world);
}

/* What was accepted before a stop is read, however many datagrams the buffers hold. */
static void a_stop_reads_all_that_was_coalesced(void **state)
{
    char text[5 * 40 + 1] = "";
    udp_need_coalescing();
    struct world *world = world_open(0, (char *[]){ SETS, "heeler_udp_gro=true" }, 4);
    (void)state;

    for (int i = 0; i < 40; i++)
        strcat(text, "n:1|c");
    for (int i = 0; i < 20; i++) {
        send_segments(world, text, 5);
        udp_send(world->sender, "n:1|c");
    }
    assert_true(listener_gate(&world->listeners.at[0]));
    start(world, -1);
    end(world);
    join(world);
    assert_int_equal(counter_read(&socket_of(world)->datagrams), 20 * 41);
    assert_int_equal(listener_drops(socket_of(world)), 0);
    assert_float_equal(take_all(world).value, 20 * 41, 0);
    world_free(world);
}

/* The same world in a successor that has these settings: it inherits the socket. */
static void succeed(struct world *world, char **sets, size_t n)
{
    struct inherited_sockets inherited = { 0 };
    struct inherited_socket socket = { .fd = dup(socket_of(world)->fd) };
    char problem[256];

    assert_true(inherited_add(&inherited, socket));
    listeners_close(&world->listeners);
    settings_free(&world->settings);
    assert_true(with_settings(&world->settings, sets, n));
    assert_true(listeners_open(&world->listeners, &world->settings, 1, &inherited, problem,
                               sizeof problem));
    assert_int_equal(inherited_close(&inherited), 0);
    inherited_free(&inherited);
}

static void an_inherited_socket_coalesces_as_the_setting_says(void **state)
{
    udp_need_coalescing();
    struct world *world = world_open(0, (char *[]){ SETS }, 3);
    (void)state;

    assert_false(gro_is_asked(socket_of(world)->fd));
    udp_send(world->sender, "n:1|c");
    send_segments(world, "n:1|cn:1|cn:1|c", 5);
    succeed(world, (char *[]){ SETS, "heeler_udp_gro=true" }, 4);
    assert_true(gro_is_asked(socket_of(world)->fd));
    send_segments(world, "n:1|cn:1|cn:1|c", 5);

    /* What waits was coalesced and is read as such, before the option is cleared. */
    succeed(world, (char *[]){ SETS, "heeler_udp_gro=false" }, 4);
    assert_true(gro_is_asked(socket_of(world)->fd));
    start(world, -1);
    wait_for(world, 7);
    int64_t until_ns = clock_monotonic_ns() + WAIT_NS;
    while (gro_is_asked(socket_of(world)->fd) && clock_monotonic_ns() < until_ns)
        poll(NULL, 0, 1);
    assert_false(gro_is_asked(socket_of(world)->fd));
    send_segments(world, "n:1|cn:1|cn:1|c", 5);
    stop(world);
    join(world);
    assert_int_equal(counter_read(&socket_of(world)->datagrams), 10);
    assert_float_equal(take_all(world).value, 10, 0);
    world_free(world);
}

/* Of a predecessor that had more workers, and the option on. */
static void what_an_extra_socket_coalesced_is_cut_too(void **state)
{
    udp_need_coalescing();
    int port, extra = udp_receiver(&port);
    char name[32];
    struct world *world = world_open(0, (char *[]){ SETS }, 3);
    struct listener *listener = &world->listeners.at[0];
    (void)state;

    snprintf(name, sizeof name, "udp 127.0.0.1:%d", port);
    int sender = udp_sender(name);
    assert_true(gro_ask(extra));
    udp_send_segments(sender, "n:1|cn:1|cn:1|c", 15, 5);
    listener->extra = malloc(sizeof *listener->extra);
    assert_non_null(listener->extra);
    listener->extra[listener->n_extra++] = extra;
    start(world, -1);
    wait_for(world, 3);
    stop(world);
    join(world);
    assert_float_equal(take_all(world).value, 3, 0);
    close(sender);
    world_free(world);
}

static struct bucket *next_bucket(struct parcel **parcels)
{
    while (*parcels != NULL) {
        struct parcel *parcel = *parcels;
        *parcels = parcel->next;
        if (parcel->kind == PARCEL_BUCKET)
            return (struct bucket *)parcel;
        chunk_free((struct chunk *)parcel);
    }
    return NULL;
}

static void an_interval_ends_early_when_asked(void **state)
{
    struct world *world = WORLD_NEW(-1, 0, "heeler_interval=60");
    struct flusher_ledger ledger = { .folded = { 0 } };
    char problem[256];
    struct rules *rules = rules_new(&world->settings, "h", &ledger, problem, sizeof problem);
    (void)state;

    udp_send(world->sender, "a:1|c");
    wait_for(world, 1);
    int64_t second = clock_wall_ns() / 1000000000 + 1;
    worker_follow(world->worker, rules_hold(rules));
    worker_seal_at(world->worker, second);
    worker_seal_at(world->worker, second); /* once */
    wait_counter(&world->ledger.seals, 1);
    worker_seal_at(world->worker, second);           /* it is over */
    worker_follow(world->worker, rules_hold(rules)); /* taken by the last seal */
    stop(world);
    join(world);

    struct parcel *parcels = inbox_take(&world->inbox);
    struct bucket *first = next_bucket(&parcels), *last = next_bucket(&parcels);
    assert_non_null(first);
    assert_non_null(last);
    assert_null(next_bucket(&parcels));
    assert_int_equal(first->until_s, second);
    assert_int_equal(last->start_s, second);
    assert_ptr_equal(first->rules, rules);
    assert_ptr_equal(last->rules, rules);
    assert_false(first->all_retired); /* the same names */
    rules_release(first->rules);
    bucket_free(first);
    rules_release(last->rules);
    bucket_free(last);
    rules_release(rules);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval_ends_early_when_asked),
        cmocka_unit_test(what_was_accepted_before_the_gate_is_read_and_pushed),
        cmocka_unit_test(each_interval_is_a_bucket_of_its_own),
        cmocka_unit_test(the_last_bucket_waits_for_a_flusher_that_is_behind),
        cmocka_unit_test(but_not_for_ever),
        cmocka_unit_test(what_the_kernel_cut_is_counted),
        cmocka_unit_test(a_wait_between_two_reads_is_told),
        cmocka_unit_test(a_nap_leaves_nothing_unread),
        cmocka_unit_test(datagrams_are_forwarded_and_counted),
        cmocka_unit_test(coalesced_datagrams_are_single_ones_in_the_books),
        cmocka_unit_test(a_stop_reads_all_that_was_coalesced),
        cmocka_unit_test(an_inherited_socket_coalesces_as_the_setting_says),
        cmocka_unit_test(what_an_extra_socket_coalesced_is_cut_too),
    };

    log_set_level(LOG_LEVEL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
