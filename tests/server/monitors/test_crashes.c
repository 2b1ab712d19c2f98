/* A process that is killed at any moment, again and again, while a value goes up and down. What
 * the disk had taken by then is there afterwards, and nothing else; what was on its way to the
 * receiver may have arrived or not. The receiver must hear of each change, under one id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/evaluator_world.h"

enum { START_S = 1796061600, MINUTE_S = 60, MINUTES = 400, SEEDS = 25, HEARD_MAX = 1024 };

static const char body[] =
    "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} > 10\",\"name\":\"load\","
    "\"message\":\"@webhook-pager\"}";

static struct world {
    struct evaluator_world outside;
    double value;
    char heard[HEARD_MAX][NOTIFICATION_ID_SIZE]; /* each id once, as it was heard first */
    enum monitor_state states[HEARD_MAX];
    size_t n_heard, repeats, crashes;
} world;

static uint64_t seed;

static unsigned dice(unsigned sides)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(seed >> 33) % sides;
}

static struct evaluator *begin(void)
{
    struct evaluator_needs needs = evaluator_world_needs(&world.outside);
    struct evaluator *evaluator;
    char problem[256];

    needs.start_s = START_S;
    evaluator = evaluator_new(&needs);
    assert_non_null(evaluator);
    assert_true(evaluator_define(evaluator, 7, slice_of(body), problem, sizeof problem));
    evaluator_world_restore(&world.outside, evaluator);
    return evaluator;
}

/* ---- the receiver ------------------------------------------------------ */

static void hear(const struct notification *one)
{
    for (size_t i = 0; i < world.n_heard; i++)
        if (strcmp(world.heard[i], one->id) == 0) {
            world.repeats++;
            return;
        }
    assert_in_range(world.n_heard, 0, HEARD_MAX - 1);
    memcpy(world.heard[world.n_heard], one->id, NOTIFICATION_ID_SIZE);
    world.states[world.n_heard++] = one->transition.to;
}

/* The first of what is sent arrives, and the evaluator is told. */
static void receiver_takes_one(struct evaluator *evaluator)
{
    struct evaluator_world *outside = &world.outside;
    struct notification *one = outside->sent[0];
    char id[NOTIFICATION_ID_SIZE];

    memmove(outside->sent, outside->sent + 1, --outside->n_sent * sizeof *outside->sent);
    hear(one);
    memcpy(id, one->id, sizeof id);
    evaluator_hear(evaluator, one, slice_of(id), SLICE("webhook-pager"), NOTIFICATION_SENT, 1,
                   "", outside->now_s);
}

/* Of what is on its way to the receiver some arrives. */
static struct evaluator *crash(struct evaluator *given)
{
    evaluator_free(given);
    for (size_t i = 0; i < world.outside.n_sent; i++)
        if (dice(2) == 0)
            hear(world.outside.sent[i]);
    evaluator_world_end(&world.outside);
    world.outside.n_queue = 0;
    world.crashes++;
    return begin();
}

/* Everything that is under way gets somewhere, or some of it. */
static struct evaluator *live(struct evaluator *evaluator, bool is_whole)
{
    for (;;) {
        unsigned what = dice(12);

        if (what == 0 && !is_whole)
            return crash(evaluator);
        if (what < 6 && world.outside.n_queue > 0)
            evaluator_world_disk_takes_one(&world.outside);
        else if (world.outside.n_sent > 0)
            receiver_takes_one(evaluator);
        else if (world.outside.n_queue > 0)
            evaluator_world_disk_takes_one(&world.outside);
        else
            return evaluator;
    }
}

static struct evaluator *minute(struct evaluator *evaluator, int at, bool is_whole)
{
    struct evaluator_world *outside = &world.outside;
    int minute_s = START_S + at * MINUTE_S;

    outside->now_s = minute_s + EVALUATOR_WAIT_S;
    snprintf(outside->groups, sizeof outside->groups,
             "{\"group\":\"*\",\"value\":%g,\"last_s\":%d,\"buckets\":5,\"first\":true}",
             world.value, minute_s);
    evaluator_tick(evaluator, outside->now_s);
    while (evaluator_step(evaluator, outside->now_s))
        if (!is_whole && dice(20) == 0)
            return crash(evaluator);
    return live(evaluator, is_whole);
}

/* ---- the test ---------------------------------------------------------- */

static void each_change_is_heard_under_one_id(void **state)
{
    size_t crashes = 0, changes = 0, repeats = 0;

    (void)state;
    for (uint64_t at = 1; at <= SEEDS; at++) {
        seed = at;
        world = (struct world){ .outside.is_disk_slow = true, .value = 9 };
        struct evaluator *evaluator = begin();

        for (int i = 1; i < MINUTES; i++) {
            if (dice(8) == 0)
                world.value = world.value > 10 ? 9 : 11;
            evaluator = minute(evaluator, i, false);
        }
        for (int i = 0; i < 3; i++) /* and then it lives on */
            evaluator = minute(evaluator, MINUTES + i, true);
        evaluator_free(evaluator);

        for (size_t i = 0; i < world.n_heard; i++) /* up and down: none is missing, or twice */
            assert_int_equal(world.states[i], i % 2 == 0 ? MONITOR_ALERT : MONITOR_OK);
        assert_int_equal(world.n_heard % 2, world.value > 10);
        assert_in_range(world.repeats, 0, world.crashes);
        crashes += world.crashes;
        changes += world.n_heard;
        repeats += world.repeats;
    }
    print_message("%zu crashes, %zu changes heard, %zu of them again\n", crashes, changes,
                  repeats);
    assert_true(crashes > 1000 && changes > 1000 && repeats > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_change_is_heard_under_one_id) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
