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

#include "flush/notify/notify_ledger.h"
#include "flush/notify/receivers.h"
#include "server/monitors/evaluator.h"

enum {
    START_S = 1796061600,
    MINUTE_S = 60,
    MINUTES = 400,
    SEEDS = 100,
    DISK_MAX = 64,
    QUEUE_MAX = 256,
    HEARD_MAX = 1024
};

static const char body[] =
    "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} > 10\",\"name\":\"load\","
    "\"message\":\"@webhook-pager\"}";

struct entry {
    char kind[16], name[128], text[8192];
    void (*kept)(void *argument);
    void *argument;
};

static struct world {
    int64_t now_s;
    double value;
    struct entry disk[DISK_MAX]; /* what is on it */
    size_t n_disk;
    struct entry queue[QUEUE_MAX]; /* what is on the way there */
    size_t n_queue;
    struct notification *sending[QUEUE_MAX];
    size_t n_sending;
    char heard[HEARD_MAX][NOTIFICATION_ID_SIZE]; /* each id once, as it was heard first */
    enum monitor_state states[HEARD_MAX];
    size_t n_heard, repeats, crashes;
} world;

static char webhook_room[] = "pager";
static struct webhook webhooks[] = { { .name = webhook_room } };
static struct receivers receivers = { .webhooks = webhooks, .n_webhooks = 1 };
static struct notify_ledger ledger;
static uint64_t seed;

static unsigned dice(unsigned sides)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(seed >> 33) % sides;
}

/* ---- what the evaluator is given ------------------------------------------------ */

static void ask(void *self, const struct inquiry *inquiry,
                void (*tell)(void *argument, int status, struct slice json), void *argument)
{
    char json[256];

    (void)self;
    snprintf(json, sizeof json,
             "{\"groups\":[{\"group\":\"*\",\"value\":%g,\"last_s\":%lld,\"buckets\":5,"
             "\"first\":true}]}",
             world.value, (long long)inquiry->to_s);
    tell(argument, 200, slice_of(json));
}

static void paint(void *self, struct slice definition,
                  void (*tell)(void *argument, struct bytes *picture), void *argument)
{
    struct bytes none = { 0 };

    (void)self, (void)definition;
    tell(argument, &none);
}

static void recur(void *self, struct slice lines,
                  void (*tell)(void *argument, struct slice answer, const char *sentence),
                  void *argument)
{
    (void)self, (void)lines;
    tell(argument, SLICE(""), "there is no calendar");
}

static void keep(void *self, const char *kind, struct slice name, struct slice text,
                 void (*kept)(void *argument), void *argument)
{
    struct entry *one = &world.queue[world.n_queue++];

    (void)self;
    assert_in_range(world.n_queue, 1, QUEUE_MAX - 1);
    *one = (struct entry){ .kept = kept, .argument = argument };
    snprintf(one->kind, sizeof one->kind, "%s", kind);
    snprintf(one->name, sizeof one->name, "%.*s", (int)name.len, name.at);
    snprintf(one->text, sizeof one->text, "%.*s", (int)text.len, text.at);
}

static void send_one(void *self, struct notification *given)
{
    (void)self;
    assert_in_range(world.n_sending, 0, QUEUE_MAX - 1);
    world.sending[world.n_sending++] = given;
}

static void beat(void *self)
{
    (void)self;
}

static int64_t flushed_s(void *self)
{
    (void)self;
    return world.now_s;
}

static int64_t lost_s(void *self)
{
    (void)self;
    return 0;
}

static struct slice address(void *self, struct slice host)
{
    (void)self, (void)host;
    return SLICE("");
}

static struct evaluator *begin(void)
{
    struct evaluator_needs needs = { .ask = ask,
                                     .paint = paint,
                                     .recur = recur,
                                     .keep = keep,
                                     .send = send_one,
                                     .beat = beat,
                                     .flushed_s = flushed_s,
                                     .lost_s = lost_s,
                                     .address = address,
                                     .start_s = START_S,
                                     .receivers = &receivers,
                                     .ledger = &ledger,
                                     .link = "" };
    struct evaluator *evaluator = evaluator_new(&needs);
    char problem[256];

    assert_non_null(evaluator);
    assert_true(evaluator_define(evaluator, 7, slice_of(body), problem, sizeof problem));
    for (size_t i = 0; i < world.n_disk; i++)
        evaluator_restore(evaluator, slice_of(world.disk[i].kind), slice_of(world.disk[i].name),
                          slice_of(world.disk[i].text));
    return evaluator;
}

/* ---- the disk and the receiver ------------------------------------------------------ */

static void put_on_disk(const struct entry *one)
{
    size_t i = 0;

    while (i < world.n_disk && (strcmp(world.disk[i].kind, one->kind) != 0 ||
                                strcmp(world.disk[i].name, one->name) != 0))
        i++;
    if (one->text[0] == '\0') {
        if (i < world.n_disk)
            world.disk[i] = world.disk[--world.n_disk];
        return;
    }
    assert_in_range(i, 0, DISK_MAX - 1);
    world.disk[i] = *one;
    world.n_disk += i == world.n_disk;
}

/* The first of what is on the way. */
static void disk_takes_one(void)
{
    struct entry one = world.queue[0];

    memmove(world.queue, world.queue + 1, --world.n_queue * sizeof *world.queue);
    put_on_disk(&one);
    if (one.kept != NULL)
        one.kept(one.argument);
}

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
    struct notification *one = world.sending[0];
    char id[NOTIFICATION_ID_SIZE];

    memmove(world.sending, world.sending + 1, --world.n_sending * sizeof *world.sending);
    hear(one);
    memcpy(id, one->id, sizeof id);
    evaluator_hear(evaluator, one, slice_of(id), SLICE("webhook-pager"), NOTIFICATION_SENT, 1,
                   "", world.now_s);
}

/* Of what is on its way to the receiver some arrives. */
static struct evaluator *crash(struct evaluator *given)
{
    evaluator_free(given);
    for (size_t i = 0; i < world.n_sending; i++) {
        if (dice(2) == 0)
            hear(world.sending[i]);
        notification_free(world.sending[i]);
    }
    world.n_sending = world.n_queue = 0;
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
        if (what < 6 && world.n_queue > 0)
            disk_takes_one();
        else if (world.n_sending > 0)
            receiver_takes_one(evaluator);
        else if (world.n_queue > 0)
            disk_takes_one();
        else
            return evaluator;
    }
}

static struct evaluator *minute(struct evaluator *evaluator, int at, bool is_whole)
{
    world.now_s = START_S + at * MINUTE_S + EVALUATOR_WAIT_S;
    evaluator_tick(evaluator, world.now_s);
    while (evaluator_step(evaluator, world.now_s))
        if (!is_whole && dice(20) == 0)
            return crash(evaluator);
    return live(evaluator, is_whole);
}

/* ---- the test ------------------------------------------------------------------------ */

static void each_change_is_heard_under_one_id(void **state)
{
    size_t crashes = 0, changes = 0, repeats = 0;

    (void)state;
    for (uint64_t at = 1; at <= SEEDS; at++) {
        seed = at;
        world = (struct world){ .value = 9 };
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
