#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "server/receive/sender_sketch.h"

enum { SENDERS_MAX = 20000, STREAM = 200000 };

/* What a sketch was told, counted exactly, of senders that have numbers. */
struct truth {
    uint64_t lines[SENDERS_MAX];
    uint64_t total;
};

struct rig {
    struct truth truth;
    struct sender_sketch *sketch, *other;
    uint64_t random;
};

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);

    *state = rig;
    if (rig == NULL)
        return -1;
    rig->random = 88172645463325252U;
    rig->sketch = sender_sketch_new(1000);
    rig->other = sender_sketch_new(2000);
    return rig->sketch != NULL && rig->other != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    free(rig->sketch);
    free(rig->other);
    free(rig);
    return 0;
}

static uint64_t draw(struct rig *rig)
{
    rig->random ^= rig->random << 13;
    rig->random ^= rig->random >> 7;
    rig->random ^= rig->random << 17;
    return rig->random;
}

static struct sender_key key_of(uint32_t number)
{
    return (struct sender_key){ .from = { .family = AF_UNIX, .pid = (int32_t)number + 1 } };
}

static void send_lines(struct rig *rig, struct sender_sketch *sketch, uint32_t number,
                       uint64_t lines)
{
    struct sender_key key = key_of(number);
    struct sender_sums brought = { lines, 2 * lines, 10 * lines, 1 };

    sender_sketch_add(sketch, &key, &brought);
    rig->truth.lines[number] += lines;
    rig->truth.total += lines;
}

static const struct sender_counter *find(const struct sender_sketch *sketch,
                                         const struct sender_key *key)
{
    const struct sender_counter *found = NULL;

    for (uint32_t i = 0; i < sketch->n; i++)
        if (memcmp(&sketch->at[i].key, key, sizeof *key) == 0) {
            assert_null(found); /* a sender has one counter */
            found = &sketch->at[i];
        }
    return found;
}

static uint64_t fewest(const struct sender_sketch *sketch)
{
    uint64_t least = UINT64_MAX;

    for (uint32_t i = 0; i < sketch->n; i++)
        if (sketch->at[i].sums.lines < least)
            least = sketch->at[i].sums.lines;
    return sketch->n == SENDER_COUNTERS ? least : 0;
}

/* Both inequalities of the header, for every sender, and what else is always so. */
static void check_bounds(const struct rig *rig, const struct sender_sketch *sketch)
{
    static const struct sender_counter *counters[SENDERS_MAX];
    uint64_t least = fewest(sketch);

    assert_true(sketch->n <= SENDER_COUNTERS);
    assert_int_equal(sketch->total.lines, rig->truth.total);
    memset(counters, 0, sizeof counters);
    for (uint32_t i = 0; i < sketch->n; i++) {
        uint32_t number = (uint32_t)sketch->at[i].key.from.pid - 1;
        struct sender_key key = key_of(number);

        assert_memory_equal(&sketch->at[i].key, &key, sizeof key);
        assert_null(counters[number]); /* a sender has one counter */
        counters[number] = &sketch->at[i];
    }
    for (uint32_t number = 0; number < SENDERS_MAX; number++) {
        const struct sender_counter *counter = counters[number];
        uint64_t sent = rig->truth.lines[number];

        if (counter == NULL) {
            assert_true(sent <= least);
            continue;
        }
        assert_true(counter->sums.lines - counter->error <= sent);
        assert_true(sent <= counter->sums.lines);
        assert_true(counter->sums.values <= 2 * sent && counter->sums.bytes <= 10 * sent);
        if (counter->error == 0)
            assert_int_equal(counter->sums.bytes, 10 * sent);
    }
}

/* Each counter is found by its sender: nobody is given a second one. */
static void check_index(struct sender_sketch *sketch)
{
    uint32_t n = sketch->n;

    for (uint32_t i = 0; i < n; i++) {
        struct sender_key key = sketch->at[i].key;
        uint64_t lines = sketch->at[i].sums.lines;

        sender_sketch_add(sketch, &key, &(struct sender_sums){ 0 });
        assert_int_equal(sketch->n, n);
        assert_int_equal(sketch->at[i].sums.lines, lines);
        assert_memory_equal(&sketch->at[i].key, &key, sizeof key);
    }
}

/* ---- one sketch -------------------------------------------------------- */

static void as_many_senders_as_counters_are_counted_exactly(void **state)
{
    struct rig *rig = *state;

    for (uint32_t i = 0; i < 10 * SENDER_COUNTERS; i++)
        send_lines(rig, rig->sketch, i % SENDER_COUNTERS, i % 7);
    assert_int_equal(rig->sketch->n, SENDER_COUNTERS);
    for (uint32_t i = 0; i < rig->sketch->n; i++) {
        const struct sender_counter *counter = &rig->sketch->at[i];
        uint64_t sent = rig->truth.lines[counter->key.from.pid - 1];

        assert_int_equal(counter->error, 0);
        assert_int_equal(counter->sums.lines, sent);
        assert_int_equal(counter->sums.values, 2 * sent);
        assert_int_equal(counter->sums.bytes, 10 * sent);
        assert_int_equal(counter->sums.datagrams, 10);
    }
}

static void the_bounds_hold_whatever_comes(void **state)
{
    struct rig *rig = *state;

    for (int i = 0; i < STREAM; i++) { /* few send much, many little */
        uint64_t some = draw(rig) % SENDERS_MAX, few = 1 + draw(rig) % SENDERS_MAX;

        send_lines(rig, rig->sketch, (uint32_t)(some * some / few % SENDERS_MAX),
                   draw(rig) % 30);
    }
    check_bounds(rig, rig->sketch);
    check_index(rig->sketch);
}

/* Senders that each come once, as with a port for each datagram, push out everybody who sends
 * less than a 256th, and nobody else. */
static void who_sends_much_is_not_pushed_out(void **state)
{
    struct rig *rig = *state;
    struct sender_key loud = key_of(0);

    for (uint32_t i = 1; i < SENDERS_MAX; i++) {
        send_lines(rig, rig->sketch, i, 1);
        if (i % 200 == 0)
            send_lines(rig, rig->sketch, 0, 1);
    }
    const struct sender_counter *counter = find(rig->sketch, &loud);

    assert_non_null(counter);
    assert_true(counter->error <= rig->truth.total / SENDER_COUNTERS);
    check_bounds(rig, rig->sketch);
    check_index(rig->sketch);
}

/* The sender that was just pushed out comes again: the worst there is for the error. */
static void a_round_of_one_sender_too_many_keeps_the_bounds(void **state)
{
    struct rig *rig = *state;

    for (uint32_t i = 0; i < 5000; i++)
        send_lines(rig, rig->sketch, i % (SENDER_COUNTERS + 1), 3);
    check_bounds(rig, rig->sketch);
    check_index(rig->sketch);
}

static void containers_tell_senders_apart(void **state)
{
    struct rig *rig = *state;
    struct sender_key here = key_of(1), there = key_of(1);
    struct sender_sums one = { 1, 1, 10, 1 };

    there.container_len = 2;
    memcpy(there.container, "c1", 2);
    sender_sketch_add(rig->sketch, &here, &one);
    sender_sketch_add(rig->sketch, &there, &one);
    sender_sketch_add(rig->sketch, &there, &one);
    assert_int_equal(rig->sketch->n, 2);
    assert_int_equal(find(rig->sketch, &there)->sums.lines, 2);
}

/* ---- two --------------------------------------------------------------- */

static void merged_sketches_that_were_exact_are_exact(void **state)
{
    struct rig *rig = *state;

    for (uint32_t i = 0; i < 1000; i++)
        send_lines(rig, i % 3 == 0 ? rig->other : rig->sketch, i % 200, i % 5);
    rig->sketch->until_ns = 1500;
    rig->other->until_ns = 3000;
    assert_true(sender_sketch_merge(rig->sketch, rig->other));
    assert_int_equal(rig->sketch->from_ns, 1000);
    assert_int_equal(rig->sketch->until_ns, 3000);
    assert_int_equal(rig->sketch->n, 200);
    for (uint32_t i = 0; i < rig->sketch->n; i++)
        assert_int_equal(rig->sketch->at[i].error, 0);
    check_bounds(rig, rig->sketch);
    check_index(rig->sketch);
}

static void the_bounds_hold_for_merged_sketches_that_go_on(void **state)
{
    struct rig *rig = *state;

    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < STREAM / 8; i++) {
            uint64_t some = draw(rig) % SENDERS_MAX, few = 1 + draw(rig) % SENDERS_MAX;
            struct sender_sketch *to = draw(rig) % 3 == 0 ? rig->other : rig->sketch;

            send_lines(rig, to, (uint32_t)(some * some / few % SENDERS_MAX), draw(rig) % 30);
        }
        assert_true(sender_sketch_merge(rig->sketch, rig->other));
        sender_sketch_clear(rig->other, 5000);
        check_bounds(rig, rig->sketch);
        check_index(rig->sketch);
    }
}

static void an_empty_sketch_changes_nothing(void **state)
{
    struct rig *rig = *state;

    for (uint32_t i = 0; i < 1000; i++)
        send_lines(rig, rig->sketch, i, 1);
    assert_true(sender_sketch_merge(rig->sketch, rig->other));
    check_bounds(rig, rig->sketch);
    assert_true(sender_sketch_merge(rig->other, rig->sketch));
    check_bounds(rig, rig->other);
    assert_int_equal(rig->other->n, SENDER_COUNTERS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(as_many_senders_as_counters_are_counted_exactly),
        CASE(the_bounds_hold_whatever_comes),
        CASE(who_sends_much_is_not_pushed_out),
        CASE(a_round_of_one_sender_too_many_keeps_the_bounds),
        CASE(containers_tell_senders_apart),
        CASE(merged_sketches_that_were_exact_are_exact),
        CASE(the_bounds_hold_for_merged_sketches_that_go_on),
        CASE(an_empty_sketch_changes_nothing),
#undef CASE
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
