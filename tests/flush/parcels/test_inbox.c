#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/parcels/inbox.h"

enum { WRITERS = 4, PARCELS = 5000 };

static bool is_awake(const struct inbox *inbox)
{
    struct pollfd fd = { inbox->mail.wake_fd, POLLIN, 0 };

    return poll(&fd, 1, 0) == 1;
}

static void parcels_are_taken_oldest_first(void **state)
{
    struct inbox inbox;
    struct parcel parcels[3] = { { .worker = 0 }, { .worker = 1 }, { .worker = 2 } };
    (void)state;

    assert_true(inbox_open(&inbox));
    assert_null(inbox_take(&inbox));
    for (int i = 0; i < 3; i++)
        inbox_push(&inbox, &parcels[i]);
    struct parcel *taken = inbox_take(&inbox);
    for (uint32_t i = 0; i < 3; i++, taken = taken->next)
        assert_int_equal(taken->worker, i);
    assert_null(taken);
    assert_null(inbox_take(&inbox));
    inbox_close(&inbox);
}

static void the_flusher_is_awake_while_there_is_something(void **state)
{
    struct inbox inbox;
    struct parcel first = { .bytes = 1 }, second = { .bytes = 2 };
    (void)state;

    assert_true(inbox_open(&inbox));
    assert_false(is_awake(&inbox));
    inbox_push(&inbox, &first);
    assert_true(is_awake(&inbox));
    inbox_push(&inbox, &second);
    inbox_take(&inbox);
    assert_false(is_awake(&inbox));
    inbox_push(&inbox, &first);
    assert_true(is_awake(&inbox));
    inbox_close(&inbox);
}

struct writer {
    struct inbox *inbox;
    uint32_t worker;
    struct parcel *parcels;
};

static void *write_parcels(void *argument)
{
    struct writer *writer = argument;

    for (size_t i = 0; i < PARCELS; i++) {
        writer->parcels[i] = (struct parcel){ .worker = writer->worker, .bytes = i };
        inbox_push(writer->inbox, &writer->parcels[i]);
    }
    return NULL;
}

/* Sleeps on the descriptor alone: a lost wake-up would never end. */
static void read_parcels(struct inbox *inbox, size_t next[WRITERS])
{
    for (size_t n = 0; n < (size_t)WRITERS * PARCELS;) {
        struct pollfd fd = { inbox->mail.wake_fd, POLLIN, 0 };
        poll(&fd, 1, -1);
        for (struct parcel *p = inbox_take(inbox); p != NULL; p = p->next, n++) {
            if (p->bytes != next[p->worker])
                fail_msg("worker %u: %zu instead of %zu", p->worker, p->bytes, next[p->worker]);
            next[p->worker]++;
        }
    }
}

static void nothing_is_lost_or_out_of_order_between_threads(void **state)
{
    static struct parcel parcels[WRITERS][PARCELS];
    struct inbox inbox;
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    size_t next[WRITERS] = { 0 };
    (void)state;

    assert_true(inbox_open(&inbox));
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){ &inbox, i, parcels[i] };
        assert_int_equal(pthread_create(&threads[i], NULL, write_parcels, &writers[i]), 0);
    }
    read_parcels(&inbox, next);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    assert_null(inbox_take(&inbox));
    inbox_close(&inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parcels_are_taken_oldest_first),
        cmocka_unit_test(the_flusher_is_awake_while_there_is_something),
        cmocka_unit_test(nothing_is_lost_or_out_of_order_between_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
