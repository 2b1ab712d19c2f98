#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/receive/sender_tally.h"

#define SECOND INT64_C(1000000000)

struct rig {
    struct sender_box box;
    struct sender_tally tally;
    _Atomic(uint64_t) taken;
};

static int set_up(void **state)
{
    struct rig *rig = own_lines(sizeof *rig);

    *state = rig;
    if (rig == NULL)
        return -1;
    rig->tally.box = &rig->box;
    atomic_store(&rig->box.wanted, true);
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    sender_tally_free(&rig->tally);
    free(rig);
    return 0;
}

static const struct sender local = { .family = AF_INET,
                                     .port = 1234,
                                     .address = { 127, 0, 0, 1 } };
static const struct sender remote = { .family = AF_INET,
                                      .port = 1234,
                                      .address = { 10, 0, 0, 1 } };

/* One batch with one datagram. */
static void take(struct rig *rig, const struct sender *from, const char *text, int64_t now_ns)
{
    assert_true(sender_tally_looks(&rig->tally));
    assert_true(sender_tally_begin(&rig->tally, now_ns));
    sender_tally_add(&rig->tally, from, slice_of(text), 1, 2);
    sender_tally_end(&rig->tally, now_ns);
}

static void while_nobody_looks_there_is_no_memory(void **state)
{
    struct rig *rig = *state;

    atomic_store(&rig->box.wanted, false);
    assert_false(sender_tally_begin(&rig->tally, 0));
    assert_null(rig->tally.open);
    atomic_store(&rig->box.wanted, true);
    take(rig, &local, "a:1|c", 0);
    take(rig, &local, "a:1|c", SECOND);
    assert_non_null(atomic_load(&rig->box.full));
    atomic_store(&rig->box.wanted, false);
    assert_false(sender_tally_begin(&rig->tally, SECOND));
    assert_null(rig->tally.open);
    assert_null(atomic_load(&rig->box.full));
}

static void a_second_is_handed_over_and_what_is_not_taken_waits(void **state)
{
    struct rig *rig = *state;

    take(rig, &local, "a:1|c", 5 * SECOND);
    assert_null(sender_box_take(&rig->box));
    take(rig, &local, "a:1|c", 6 * SECOND);
    take(rig, &local, "a:1|c", 7 * SECOND); /* the box is full */
    take(rig, &local, "a:1|c", 8 * SECOND);
    struct sender_sketch *first = sender_box_take(&rig->box);

    assert_non_null(first);
    assert_int_equal(first->from_ns, 5 * SECOND);
    assert_int_equal(first->until_ns, 6 * SECOND);
    assert_int_equal(first->total.lines, 2);
    assert_int_equal(first->total.values, 4);
    assert_int_equal(first->total.bytes, 10);
    free(first);
    sender_tally_end(&rig->tally, 9 * SECOND); /* nothing came */
    first = sender_box_take(&rig->box);
    assert_non_null(first);
    assert_int_equal(first->from_ns, 6 * SECOND);
    assert_int_equal(first->total.datagrams, 2);
    free(first);
}

static void each_datagram_of_a_batch_has_its_lines(void **state)
{
    struct rig *rig = *state;

    assert_true(sender_tally_looks(&rig->tally));
    assert_true(sender_tally_begin(&rig->tally, 0));
    sender_tally_add(&rig->tally, &local, SLICE("a:1|c\nb:1|c"), 2, 3);
    sender_tally_add(&rig->tally, &remote, SLICE("c:1|c"), 3, 4);
    const struct sender_sketch *open = rig->tally.open;

    assert_int_equal(open->n, 2);
    assert_int_equal(open->at[0].sums.lines, 2);
    assert_int_equal(open->at[0].sums.values, 3);
    assert_int_equal(open->at[1].sums.lines, 1);
    assert_int_equal(open->at[1].sums.values, 1);
}

/* How many of so many batches, with a datagram each, are looked at. */
static int look_at(struct rig *rig, int batches, int64_t now_ns)
{
    int looked = 0;

    for (int i = 0; i < batches; i++) {
        bool looks = sender_tally_looks(&rig->tally);

        assert_int_equal(sender_tally_begin(&rig->tally, now_ns), looks);
        if (looks)
            sender_tally_add(&rig->tally, &local, SLICE("a:1|c"), 1, 2);
        sender_tally_end(&rig->tally, now_ns);
        looked += looks;
    }
    return looked;
}

static void many_in_a_second_are_estimated_from_one_batch_of_eight(void **state)
{
    struct rig *rig = *state;
    const uint64_t all = SENDER_EXACT + 100 * SENDER_SHARE;

    assert_int_equal(look_at(rig, SENDER_EXACT, 0), SENDER_EXACT);
    assert_false(rig->tally.open->estimated);
    assert_int_equal(look_at(rig, 100 * SENDER_SHARE, 0), 100);
    assert_true(rig->tally.open->estimated);
    assert_int_equal(rig->tally.open->total.lines, all);
    assert_int_equal(rig->tally.open->total.values, 2 * all);
    assert_int_equal(rig->tally.open->total.bytes, 5 * all);
    assert_int_equal(rig->tally.open->total.datagrams, all);
    (void)sender_tally_begin(&rig->tally, SECOND); /* as the worker's timer does */
    sender_tally_end(&rig->tally, SECOND);
    assert_int_equal(look_at(rig, 100, SECOND), 100);
    assert_false(rig->tally.open->estimated);
    assert_int_equal(rig->tally.open->total.lines, 100);
}

static void ports_tell_senders_apart_on_this_machine_alone(void **state)
{
    struct rig *rig = *state;
    static const struct sender v6 = { .family = AF_INET6, .port = 9, .address = { [15] = 1 } };
    static const struct sender far6 = { .family = AF_INET6, .port = 9, .address = { 0x20 } };
    const struct {
        const struct sender *from;
        uint16_t port;
    } cases[] = { { &local, 1234 }, { &remote, 0 }, { &v6, 9 }, { &far6, 0 } };

    for (uint32_t i = 0; i < 4; i++) {
        take(rig, cases[i].from, "a:1|c", 0);
        assert_int_equal(rig->tally.open->n, i + 1);
        assert_int_equal(rig->tally.open->at[i].key.from.port, cases[i].port);
    }
}

static void the_container_is_that_of_the_last_line(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *datagram, *container;
    } cases[] = {
        { "a:1|c|#t:1|c:ci-1", "ci-1" },
        { "a:1|c|#t:1|c:ci-1\n", "ci-1" },
        { "a:1|c|#t:1|c:ci-2|T1700000000", "ci-2" }, /* fields behind it */
        { "a:1|c|#t:1|c:x\nb:1|c|#t|c:ci-3|e:it", "ci-3" },
        { "a:1|c|#c:1|@0.5", "" },    /* a tag */
        { "a:1|c", "" },              /* the type */
        { "a:1|c|c:old\nb:1|c", "" }, /* of another line */
        { "a:1|c|c:", "" },
        { "", "" },
        { "\n\n", "" },
        { "|||||||||||", "" },
        { "a:1|c|c:0123456789012345678901234567890123456789012345678901234567890123456789TOO "
          "LONG",
          "0123456789012345678901234567890123456789012345678901234567890123456789T" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sender from = { .family = AF_UNIX, .pid = (int32_t)i + 1 };

        take(rig, &from, cases[i].datagram, 0);
        const struct sender_key *key = &rig->tally.open->at[i].key;
        assert_int_equal(key->container_len, strlen(cases[i].container));
        assert_memory_equal(key->container, cases[i].container, key->container_len);
    }
}

/* ---- two threads ------------------------------------------------------- */

enum { BATCHES = 20000 };

static void *read_boxes(void *argument)
{
    struct rig *rig = argument;
    struct sender_sketch *sketch;

    while (rig->taken < BATCHES)
        if ((sketch = sender_box_take(&rig->box)) != NULL) {
            rig->taken += sketch->total.datagrams;
            free(sketch);
        }
    return NULL;
}

static void nothing_is_lost_between_two_threads(void **state)
{
    struct rig *rig = *state;
    pthread_t reader;

    assert_int_equal(pthread_create(&reader, NULL, read_boxes, rig), 0);
    for (int64_t i = 0; i < BATCHES; i++) {
        bool counts =
            sender_tally_looks(&rig->tally) && sender_tally_begin(&rig->tally, i * SECOND);

        if (counts)
            sender_tally_add(&rig->tally, &local, SLICE("a:1|c"), 1, 1);
        sender_tally_end(&rig->tally, i * SECOND);
    }
    for (int64_t i = BATCHES; atomic_load(&rig->taken) < BATCHES; i++) {
        sender_tally_end(&rig->tally, i * SECOND);
        sched_yield();
    }
    pthread_join(reader, NULL);
    assert_int_equal(rig->taken, BATCHES);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(while_nobody_looks_there_is_no_memory),
        CASE(a_second_is_handed_over_and_what_is_not_taken_waits),
        CASE(each_datagram_of_a_batch_has_its_lines),
        CASE(many_in_a_second_are_estimated_from_one_batch_of_eight),
        CASE(ports_tell_senders_apart_on_this_machine_alone),
        CASE(the_container_is_that_of_the_last_line),
        CASE(nothing_is_lost_between_two_threads),
#undef CASE
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
