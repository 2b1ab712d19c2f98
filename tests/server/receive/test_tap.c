#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/receive/tap.h"

enum { SECOND = 64 * 1024, DATAGRAM = 1000 };
#define SECOND_NS INT64_C(1000000000)

/* What was shown: how many, and whether each is whole. */
struct shown {
    uint64_t n, bytes;
    bool all_whole;
};

static void show(const struct tap_head *head, struct slice datagram, void *argument)
{
    struct shown *shown = argument;

    shown->n++;
    shown->bytes += datagram.len;
    for (size_t i = 0; i < datagram.len; i++)
        shown->all_whole =
            shown->all_whole && datagram.at[i] == (char)('a' + head->time_ns % 26);
}

static uint64_t look(struct taps *taps, struct shown *shown)
{
    uint64_t lines;

    *shown = (struct shown){ .all_whole = true };
    assert_true(taps_read(taps, UINT64_MAX, show, shown, &lines));
    return lines;
}

/* A batch of n datagrams of that length, each of one line. */
static void put_batch(struct taps *taps, struct tap *tap, struct worker_ledger *ledger, int n,
                      size_t len)
{
    static _Thread_local int64_t number;
    char text[DATAGRAM];

    tap_follow(tap);
    bool open = tap_is_open(tap);
    if (open)
        tap_begin(tap, ledger);
    for (int i = 0; i < n && open; i++) {
        struct tap_head head = { .time_ns = number++ };
        memset(text, 'a' + (int)(head.time_ns % 26), len);
        tap_put(tap, taps, (struct slice){ text, len }, &head);
    }
    if (open)
        tap_publish(tap);
    counter_add(&ledger->lines[LINE_METRIC], (uint64_t)n);
    if (open)
        tap_count(tap, ledger);
}

static void nothing_is_kept_while_nobody_looks(void **state)
{
    struct worker_ledger ledger = { .accepted = { 0 } };
    struct shown shown;
    struct taps taps;
    (void)state;

    assert_true(taps_init(&taps, 1, SECOND));
    put_batch(&taps, taps.at, &ledger, 3, 10);
    assert_null(taps.at->ring);
    assert_int_equal(look(&taps, &shown), 0);
    assert_int_equal(shown.n, 0);
    assert_false(taps_tidy(&taps));
    taps_free(&taps);
}

/* Many times around the ring, of lengths that do not divide it. */
static void below_the_rate_all_is_shown_and_whole(void **state)
{
    struct worker_ledger ledger = { .accepted = { 0 } };
    struct shown shown;
    struct taps taps;
    (void)state;

    assert_true(taps_init(&taps, 1, SECOND));
    assert_true(taps_open(&taps));
    for (uint64_t i = 1; i <= 2000; i++) {
        size_t len = i * 7 % DATAGRAM;
        put_batch(&taps, taps.at, &ledger, 30, len);
        assert_int_equal(look(&taps, &shown), 30 * i);
        assert_int_equal(shown.n, 30);
        assert_int_equal(shown.bytes, 30 * len);
        assert_true(shown.all_whole);
        taps_allow(&taps, SECOND_NS);
    }
    taps_free(&taps);
}

static void beyond_the_rate_lines_are_only_counted(void **state)
{
    struct worker_ledger ledger = { .accepted = { 0 } };
    struct shown shown;
    struct taps taps;
    (void)state;

    assert_true(taps_init(&taps, 1, SECOND));
    assert_true(taps_open(&taps));
    put_batch(&taps, taps.at, &ledger, 100, DATAGRAM);
    assert_int_equal(look(&taps, &shown), 100);
    assert_int_equal(shown.n, SECOND / DATAGRAM);
    taps_allow(&taps, SECOND_NS / 2);
    put_batch(&taps, taps.at, &ledger, 100, DATAGRAM);
    assert_int_equal(look(&taps, &shown), 200);
    assert_in_range(shown.n, SECOND / DATAGRAM / 2, SECOND / DATAGRAM / 2 + 1);
    for (int i = 0; i < 10; i++) /* never more than a second's */
        taps_allow(&taps, SECOND_NS);
    put_batch(&taps, taps.at, &ledger, 100, DATAGRAM);
    assert_int_equal(look(&taps, &shown), 300);
    assert_int_equal(shown.n, SECOND / DATAGRAM);
    taps_free(&taps);
}

/* Workers ask the kernel for addresses only where there is room: little that is left for long
 * is none, but for a setting below the length of a datagram. */
static void room_is_for_as_much_as_was_asked_or_for_a_second(void **state)
{
    struct taps taps;

    (void)state;
    assert_true(taps_init(&taps, 1, SECOND));
    assert_true(taps_open(&taps));
    assert_true(taps_have_left(&taps, SECOND));
    assert_true(taps_have_left(&taps, 2 * SECOND));
    atomic_store(&taps.left, SECOND - 1);
    assert_true(taps_have_left(&taps, SECOND - 1));
    assert_false(taps_have_left(&taps, SECOND));
    assert_false(taps_have_left(&taps, 2 * SECOND));
    taps_shut(&taps);
    tap_follow(taps.at);
    assert_false(taps_tidy(&taps));
    taps_free(&taps);
}

static void what_is_left_is_shown_the_next_time(void **state)
{
    struct worker_ledger ledger = { .accepted = { 0 } };
    struct shown shown = { .all_whole = true };
    struct taps taps;
    uint64_t lines;
    (void)state;

    assert_true(taps_init(&taps, 1, SECOND));
    assert_true(taps_open(&taps));
    put_batch(&taps, taps.at, &ledger, 7, 100);
    assert_false(taps_read(&taps, 250, show, &shown, &lines));
    assert_int_equal(shown.n, 3); /* the last of them is shown whole */
    assert_false(taps_read(&taps, 300, show, &shown, &lines));
    assert_int_equal(shown.n, 6);
    assert_true(taps_read(&taps, 100, show, &shown, &lines));
    assert_int_equal(shown.n, 7);
    assert_int_equal(lines, 7);
    assert_true(shown.all_whole);
    taps_free(&taps);
}

/* All workers share the rate, and one that gets nothing leaves it to the others. */
static void the_rate_is_that_of_all_workers(void **state)
{
    struct worker_ledger ledger[2] = { { .accepted = { 0 } } };
    struct shown shown;
    struct taps taps;
    (void)state;

    assert_true(taps_init(&taps, 2, SECOND));
    assert_true(taps_open(&taps));
    put_batch(&taps, &taps.at[0], &ledger[0], 40, DATAGRAM);
    put_batch(&taps, &taps.at[1], &ledger[1], 40, DATAGRAM);
    assert_int_equal(look(&taps, &shown), 80);
    assert_int_equal(shown.n, SECOND / DATAGRAM);
    taps_free(&taps);
}

/* A reader that hangs fills the ring, and the worker goes on. */
static void a_full_ring_takes_nothing_and_is_whole_afterwards(void **state)
{
    struct worker_ledger ledger = { .accepted = { 0 } };
    struct shown shown;
    struct taps taps;
    (void)state;

    assert_true(taps_init(&taps, 1, SECOND));
    assert_true(taps_open(&taps));
    for (int i = 0; i < 50; i++) {
        put_batch(&taps, taps.at, &ledger, 50, DATAGRAM);
        taps_allow(&taps, SECOND_NS);
    }
    assert_int_equal(look(&taps, &shown), 50 * 50);
    assert_in_range(shown.n, SECOND / DATAGRAM, 2 * SECOND / DATAGRAM + 66);
    assert_true(shown.all_whole);
    put_batch(&taps, taps.at, &ledger, 3, DATAGRAM);
    assert_int_equal(look(&taps, &shown), 50 * 50 + 3);
    assert_int_equal(shown.n, 3);
    assert_true(shown.all_whole);
    taps_free(&taps);
}

static void a_ring_is_freed_when_the_worker_has_left_it(void **state)
{
    struct worker_ledger ledger = { .accepted = { 0 } };
    struct shown shown;
    struct taps taps;
    (void)state;

    assert_true(taps_init(&taps, 1, SECOND));
    assert_true(taps_open(&taps));
    put_batch(&taps, taps.at, &ledger, 1, 10);
    char *ring = taps.at->ring;
    taps_shut(&taps);
    assert_true(taps_tidy(&taps)); /* the worker may still write */
    assert_ptr_equal(taps.at->ring, ring);

    assert_true(taps_open(&taps)); /* the next reader, before the worker has noticed */
    assert_ptr_equal(taps.at->ring, ring);
    assert_int_equal(look(&taps, &shown), 1);
    assert_int_equal(shown.n, 0); /* what the former did not read is not for this one */
    put_batch(&taps, taps.at, &ledger, 1, 10);
    assert_int_equal(look(&taps, &shown), 2);
    assert_int_equal(shown.n, 1);

    taps_shut(&taps);
    tap_follow(taps.at);
    assert_false(taps_tidy(&taps));
    assert_null(taps.at->ring);
    taps_free(&taps);
}

static void a_worker_that_ended_holds_no_ring(void **state)
{
    struct taps taps;
    (void)state;

    assert_true(taps_init(&taps, 1, SECOND));
    assert_true(taps_open(&taps));
    tap_follow(taps.at);
    tap_end(taps.at);
    taps_shut(&taps);
    assert_false(taps_tidy(&taps));
    assert_null(taps.at->ring);
    assert_true(taps_open(&taps));
    taps_shut(&taps);
    assert_false(taps_tidy(&taps));
    taps_free(&taps);
}

/* ---- threads ----------------------------------------------------------- */

enum { WORKERS = 3, ROUNDS = 40 };

struct bench {
    struct taps taps;
    struct worker_ledger ledger[WORKERS];
    _Atomic(bool) is_over;
};

struct bench_worker {
    struct bench *bench;
    uint32_t index;
};

static void *work(void *argument)
{
    const struct bench_worker *own = argument;
    struct bench *bench = own->bench;
    struct tap *tap = &bench->taps.at[own->index];

    while (!atomic_load(&bench->is_over)) {
        put_batch(&bench->taps, tap, &bench->ledger[own->index], 5, 100);
        usleep(50); /* the reader waits for all of us, on fewer processors, which others use */
    }
    tap_end(tap);
    return NULL;
}

/* How many are shown now; the rate stays free. */
static uint64_t see(struct taps *taps)
{
    struct shown shown;

    look(taps, &shown);
    assert_true(shown.all_whole);
    taps_allow(taps, SECOND_NS);
    return shown.n;
}

/* Readers come and go while workers write, some when they have seen something, and stay when
 * these end. */
static void readers_come_and_go_while_workers_write(void **state)
{
    struct bench *bench = own_lines(sizeof *bench);
    struct bench_worker workers[WORKERS];
    pthread_t threads[WORKERS];
    (void)state;

    assert_non_null(bench);
    assert_true(taps_init(&bench->taps, WORKERS, SECOND));
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct bench_worker){ bench, i };
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        assert_true(taps_open(&bench->taps));
        for (int turn = 0; turn < round % 7 + 1; turn++)
            (void)see(&bench->taps);
        while (round % 5 == 4 && see(&bench->taps) == 0)
            usleep(50);
        taps_shut(&bench->taps);
        for (int turn = 0; turn < round % 3; turn++)
            while (taps_tidy(&bench->taps)) /* until all rings are gone */
                usleep(50);
    }
    assert_true(taps_open(&bench->taps));
    atomic_store(&bench->is_over, true);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    (void)see(&bench->taps);
    taps_shut(&bench->taps);
    assert_false(taps_tidy(&bench->taps));
    taps_free(&bench->taps);
    free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_kept_while_nobody_looks),
        cmocka_unit_test(below_the_rate_all_is_shown_and_whole),
        cmocka_unit_test(beyond_the_rate_lines_are_only_counted),
        cmocka_unit_test(room_is_for_as_much_as_was_asked_or_for_a_second),
        cmocka_unit_test(what_is_left_is_shown_the_next_time),
        cmocka_unit_test(the_rate_is_that_of_all_workers),
        cmocka_unit_test(a_full_ring_takes_nothing_and_is_whole_afterwards),
        cmocka_unit_test(a_ring_is_freed_when_the_worker_has_left_it),
        cmocka_unit_test(a_worker_that_ended_holds_no_ring),
        cmocka_unit_test(readers_come_and_go_while_workers_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
