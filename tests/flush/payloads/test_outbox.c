#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "flush/payloads/outbox.h"

static struct payload *make(uint32_t points)
{
    struct payload *payload = calloc(1, sizeof *payload + 1);

    assert_non_null(payload);
    payload->points = points;
    payload->size = 1;
    return payload;
}

static bool is_readable(const struct outbox *outbox)
{
    struct pollfd poller = { outbox->mail.wake_fd, POLLIN, 0 };

    return poll(&poller, 1, 0) == 1;
}

static void payloads_come_out_in_the_order_they_went_in(void **state)
{
    struct outbox outbox;
    (void)state;

    assert_true(outbox_open(&outbox));
    assert_null(outbox_take(&outbox));
    for (uint32_t i = 1; i <= 5; i++)
        outbox_push(&outbox, make(i));
    struct payload *payload = outbox_take(&outbox);

    for (uint32_t i = 1; i <= 5; i++) {
        struct payload *next = payload->next;

        assert_int_equal(payload->points, i);
        outbox_settle(&outbox, payload);
        payload = next;
    }
    assert_null(payload);
    assert_null(outbox_take(&outbox));
    outbox_close(&outbox);
}

static void only_the_first_push_wakes(void **state)
{
    struct outbox outbox;
    eventfd_t wakes;
    (void)state;

    assert_true(outbox_open(&outbox));
    assert_false(is_readable(&outbox));
    outbox_push(&outbox, make(1));
    outbox_push(&outbox, make(2));
    assert_int_equal(eventfd_read(outbox.mail.wake_fd, &wakes), 0);
    assert_int_equal(wakes, 1);
    outbox_push(&outbox, make(3));
    assert_false(is_readable(&outbox));
    outbox_close(&outbox);
}

static void bytes_are_outstanding_until_settled(void **state)
{
    struct outbox outbox;
    (void)state;

    assert_true(outbox_open(&outbox));
    outbox_push(&outbox, make(1));
    size_t weight = outbox_bytes(&outbox);

    assert_int_equal(weight, sizeof(struct payload) + 1);
    struct payload *payload = outbox_take(&outbox);

    assert_int_equal(outbox_bytes(&outbox), weight);
    outbox_settle(&outbox, payload);
    assert_int_equal(outbox_bytes(&outbox), 0);
    outbox_close(&outbox);
}

static void what_is_not_taken_is_bounded(void **state)
{
    struct outbox outbox;
    struct payload *payload = make(1);
    (void)state;

    assert_true(outbox_open(&outbox));
    outbox.limit = 2 * outbox_weight(payload);
    outbox_push(&outbox, payload);
    assert_int_equal(outbox_waiting(&outbox), outbox_weight(payload));
    payload = make(2);
    assert_false(outbox_is_full(&outbox, payload));
    outbox_push(&outbox, payload);
    payload = make(3);
    assert_true(outbox_is_full(&outbox, payload));
    struct payload *taken = outbox_take(&outbox);

    assert_int_equal(outbox_waiting(&outbox), 0);
    assert_false(outbox_is_full(&outbox, payload));
    outbox_settle(&outbox, taken->next);
    outbox_settle(&outbox, taken);
    payload_free(payload);
    outbox_close(&outbox);
}

enum { WRITERS = 4, EACH = 5000 };

struct writer {
    pthread_t thread;
    struct outbox *outbox;
    uint32_t name;
};

static void *push_all(void *argument)
{
    struct writer *writer = argument;

    for (uint32_t i = 0; i < EACH; i++)
        outbox_push(writer->outbox, make(writer->name * EACH + i));
    return NULL;
}

/* Every payload arrives once, those of one writer in order. Woken by the
 * descriptor alone, so a lost wake-up hangs the test. */
static void many_writers_lose_nothing(void **state)
{
    struct outbox outbox;
    struct writer writers[WRITERS];
    uint32_t next[WRITERS] = { 0 };
    uint32_t left = WRITERS * EACH;
    (void)state;

    assert_true(outbox_open(&outbox));
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){ .outbox = &outbox, .name = i };
        pthread_create(&writers[i].thread, NULL, push_all, &writers[i]);
    }
    while (left > 0) {
        struct pollfd poller = { outbox.mail.wake_fd, POLLIN, 0 };
        eventfd_t ignored;

        assert_int_equal(poll(&poller, 1, 10000), 1);
        eventfd_read(outbox.mail.wake_fd, &ignored);
        for (struct payload *at = outbox_take(&outbox), *after; at != NULL; at = after) {
            after = at->next;
            assert_int_equal(at->points % EACH, next[at->points / EACH]++);
            outbox_settle(&outbox, at);
            left--;
        }
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    assert_int_equal(outbox_bytes(&outbox), 0);
    outbox_close(&outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_come_out_in_the_order_they_went_in),
        cmocka_unit_test(only_the_first_push_wakes),
        cmocka_unit_test(bytes_are_outstanding_until_settled),
        cmocka_unit_test(what_is_not_taken_is_bounded),
        cmocka_unit_test(many_writers_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
