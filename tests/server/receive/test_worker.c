#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/parcels/chunk.h"
#include "flush/series/rules.h"
#include "tests/support/udp.h"
#include "tests/support/world.h"

static void what_was_accepted_before_the_gate_is_read_and_pushed(void **state)
{
    struct world *world = WORLD_NEW(-1, 0, "heeler_interval=60");
    (void)state;

    for (int i = 0; i < 100; i++)
        udp_send(world->sender, "a:1|c\nb:2|c\n_e{1,1}:t|x");
    world_drain(world);
    world_join(world);
    assert_int_equal(counter_read(&world_socket(world)->datagrams) +
                         listener_drops(world_socket(world)),
                     100);
    assert_int_equal(listener_drops(world_socket(world)), 0);
    struct world_sum sum = world_take(world);
    assert_float_equal(sum.value, 300, 0);
    assert_int_equal(sum.births, 2);
    assert_int_equal(sum.records, 100);
    assert_true(sum.buckets >= 1);
    world_free(world);
}

static void each_interval_is_a_bucket_of_its_own(void **state)
{
    struct world *world = WORLD_NEW(-1, 0, "heeler_interval=1");
    (void)state;

    udp_send(world->sender, "a:1|c");
    world_wait(world, 1);
    world_wait_counter(&world->ledger.seals, 2); /* the quiet one too */
    udp_send(world->sender, "a:1|c");
    world_wait(world, 2);
    world_drain(world);
    world_join(world);
    struct world_sum sum = world_take(world);
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
    int64_t until_ns = clock_monotonic_ns() + WORLD_WAIT_NS;

    while (atomic_load(&vain_tries) < n && clock_monotonic_ns() < until_ns)
        poll(NULL, 0, 1);
    assert_true(atomic_load(&vain_tries) >= n);
}

static void the_last_bucket_waits_for_a_flusher_that_is_behind(void **state)
{
    struct world *world = WORLD_NEW(-1, (uint32_t)-4, "heeler_interval=60"); /* four behind */
    (void)state;

    udp_send(world->sender, "a:7|c");
    world_wait(world, 1);
    atomic_store(&vain_tries, 0);
    world_drain(world);
    wait_tries(3);
    assert_null(inbox_take(&world->inbox));
    atomic_store(&world->account.handled_buckets, 0);
    world_join(world);
    assert_float_equal(world_take(world).value, 7, 0);
    world_free(world);
}

static void but_not_for_ever(void **state)
{
    struct world *world =
        WORLD_NEW(-1, (uint32_t)-4, "heeler_interval=60", "heeler_stop_timeout=0");
    (void)state;

    udp_send(world->sender, "a:7:8|c\na:9|c\n_sc|a|0");
    world_wait(world, 1);
    world_drain(world);
    world_join(world);
    struct world_sum sum = world_take(world);
    assert_int_equal(sum.buckets, 0);
    assert_int_equal(sum.records, 1);
    assert_int_equal(counter_read(&world->ledger.shed[SHED_LAST_INTERVAL]), 3);
    assert_int_equal(ledger_values_parsed(&world->ledger), ledger_values_shed(&world->ledger));
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
    world_wait(world, 1);
    int64_t second = clock_wall_ns() / 1000000000 + 1;
    worker_follow(world->worker, rules_hold(rules));
    worker_seal_at(world->worker, second);
    worker_seal_at(world->worker, second); /* once */
    world_wait_counter(&world->ledger.seals, 1);
    worker_seal_at(world->worker, second);           /* it is over */
    worker_follow(world->worker, rules_hold(rules)); /* taken by the last seal */
    world_drain(world);
    world_join(world);

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

/* ---- one that does not start ------------------------------------------- */

static bool has_no_memory;

/* Stands before the library's: a worker begins with what it asks for here. */
void *aligned_alloc(size_t alignment, size_t size)
{
    void *at;

    return has_no_memory || posix_memalign(&at, alignment, size) != 0 ? NULL : at;
}

/* Puts one end of a connection before *list, and returns the other. */
static int connect_to(struct stream_inherited **list)
{
    struct stream_inherited *given = calloc(1, sizeof *given);
    int pair[2];

    assert_non_null(given);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    given->fd = pair[0];
    given->next = *list;
    *list = given;
    return pair[1];
}

static void start_in_vain(struct world *world, struct stream_inherited *given)
{
    struct worker_config config = {
        .settings = &world->settings,
        .listeners = &world->listeners,
        .forward_fd = -1,
        .inbox = &world->inbox,
        .account = &world->account,
        .budget = &world->budget,
        .ledger = &world->ledger,
        .connections = given,
    };
    char problem[256];

    assert_null(worker_start(&config, problem, sizeof problem));
    assert_string_equal(problem, "worker 0: not enough memory or descriptors");
}

/* They are given to it whatever becomes of it, so it closes them. */
static void a_worker_that_does_not_start_keeps_no_connection(void **state)
{
    struct world *world = world_open(0, (char *[]){ SETS }, 3);
    struct rlimit usual, none;
    char byte;
    (void)state;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    none = (struct rlimit){ 0, usual.rlim_max };
    for (int i = 0; i < 2; i++) {
        struct stream_inherited *list = NULL;
        int peers[2] = { connect_to(&list), connect_to(&list) };

        has_no_memory = i == 0;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, i == 0 ? &usual : &none), 0);
        start_in_vain(world, list);
        has_no_memory = false;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
        for (int j = 0; j < 2; j++) {
            assert_int_equal(recv(peers[j], &byte, 1, 0), 0);
            close(peers[j]);
        }
    }
    world_free(world);
}

/* From where which host sends; the listener's own address is nobody's. */
static void addresses_of_hosts_are_handed_over(void **state)
{
    struct world *world = world_open(0, (char *[]){ SETS }, 3);
    int other = udp_sender_from("127.0.0.2", world->listeners.at[0].name);
    int64_t until_ns = clock_monotonic_ns() + WORLD_WAIT_NS;
    struct sighting_page *page = NULL;
    uint64_t sent = 0;
    char address[64];
    (void)state;

    atomic_store(&world->sighting_box.wanted, true);
    senders_want_addresses(&world->senders);
    world_start(world, -1);
    while (page == NULL && clock_monotonic_ns() < until_ns) {
        udp_send(other, "a:1|c|#host:web-7");
        udp_send(world->sender, "a:1|c");
        world_wait(world, sent += 2);
        page = sighting_box_take(&world->sighting_box);
        poll(NULL, 0, 20);
    }
    close(other);
    assert_non_null(page);
    assert_int_equal(page->n, 1);
    assert_true(slice_equal(sighting_host(page, &page->at[0]), SLICE("web-7")));
    sender_write_address(&page->at[0].sender, address, sizeof address);
    assert_string_equal(address, "127.0.0.2");
    free(page);
    world_drain(world);
    world_join(world);
    assert_float_equal(world_take(world).value, (double)sent, 0);
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
        cmocka_unit_test(a_worker_that_does_not_start_keeps_no_connection),
        cmocka_unit_test(addresses_of_hosts_are_handed_over),
    };

    log_set_level(LOG_LEVEL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
