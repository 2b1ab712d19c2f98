#include "tests/support/evaluator_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flush/notify/receivers.h"

/* ---- answers ----------------------------------------------------------- */

static void ask(void *self, const struct inquiry *inquiry,
                void (*tell)(void *argument, int status, struct slice json), void *argument)
{
    struct evaluator_world *world = self;
    bool is_busy = strcmp(world->groups, "!") == 0;
    char json[2048];

    if (inquiry->kind == INQUIRY_ALL_HOST_TAGS) {
        world->asked_host_tags++;
        tell(argument, world->host_tags != NULL ? 200 : 503,
             slice_of(world->host_tags != NULL ? world->host_tags : "{}"));
        return;
    }
    world->asked += inquiry->kind == INQUIRY_MONITOR || inquiry->kind == INQUIRY_CHECKS;
    if (inquiry->kind == INQUIRY_CHECKS)
        snprintf(json, sizeof json, "{\"checks\":[%s]}", world->checks);
    else if (is_busy)
        snprintf(json, sizeof json, "{\"error\":\"the flusher is busy\"}");
    else
        snprintf(json, sizeof json, "{\"groups\":[%s]}", world->groups);
    tell(argument, is_busy ? 503 : 200, slice_of(json));
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
    const struct evaluator_world *world = self;

    (void)lines;
    if (world->occurrences != NULL)
        tell(argument, slice_of(world->occurrences), "");
    else
        tell(argument, SLICE(""), "there is no calendar");
}

static int64_t flushed_s(void *self)
{
    const struct evaluator_world *world = self;

    return world->now_s;
}

static int64_t lost_s(void *self)
{
    const struct evaluator_world *world = self;

    return world->lost_s;
}

static struct slice address(void *self, struct slice host)
{
    const struct evaluator_world *world = self;

    (void)host;
    return slice_of(world->address != NULL ? world->address : "");
}

/* ---- the disk ---------------------------------------------------------- */

static void put_on_disk(struct evaluator_world *world, const struct world_entry *one)
{
    size_t i = 0;

    while (i < world->n_disk && (strcmp(world->disk[i].kind, one->kind) != 0 ||
                                 strcmp(world->disk[i].name, one->name) != 0))
        i++;
    if (one->text[0] == '\0') {
        if (i < world->n_disk)
            world->disk[i] = world->disk[--world->n_disk];
        return;
    }
    assert_in_range(i, 0, WORLD_DISK_MAX - 1);
    world->disk[i] = *one;
    world->n_disk += i == world->n_disk;
}

void evaluator_world_disk_takes_one(struct evaluator_world *world)
{
    struct world_entry one = world->queue[0];

    memmove(world->queue, world->queue + 1, --world->n_queue * sizeof *world->queue);
    put_on_disk(world, &one);
    if (one.kept != NULL)
        one.kept(one.argument);
}

void evaluator_world_disk_answers(struct evaluator_world *world)
{
    world->is_disk_slow = false;
    while (world->n_queue > 0)
        evaluator_world_disk_takes_one(world);
}

static void keep(void *self, const char *kind, struct slice name, struct slice text,
                 void (*kept)(void *argument), void *argument)
{
    struct evaluator_world *world = self;
    struct world_entry *one = &world->queue[world->n_queue];

    if (strcmp(kind, "told") == 0 && !world->keeps_told) {
        assert_null(kept);
        return;
    }
    assert_in_range(world->n_queue, 0, WORLD_QUEUE_MAX - 1);
    *one = (struct world_entry){ .kept = kept, .argument = argument };
    snprintf(one->kind, sizeof one->kind, "%s", kind);
    snprintf(one->name, sizeof one->name, "%.*s", (int)name.len, name.at);
    snprintf(one->text, sizeof one->text, "%.*s", (int)text.len, text.at);
    world->n_queue++;
    if (!world->is_disk_slow)
        evaluator_world_disk_answers(world);
}

void evaluator_world_restore(const struct evaluator_world *world, struct evaluator *evaluator)
{
    for (size_t i = 0; i < world->n_disk; i++)
        evaluator_restore(evaluator, slice_of(world->disk[i].kind),
                          slice_of(world->disk[i].name), slice_of(world->disk[i].text));
}

/* ---- receivers --------------------------------------------------------- */

static void recall(void *self, struct slice receiver, const struct hourly *sent,
                   int64_t digest_s)
{
    struct evaluator_world *world = self;

    (void)receiver;
    world->n_recalled += sent->n;
    world->digest_s = digest_s;
}

static void send_one(void *self, struct notification *given)
{
    struct evaluator_world *world = self;

    assert_in_range(world->n_sent, 0, WORLD_SENT_MAX - 1);
    world->sent[world->n_sent++] = given;
}

static void beat(void *self)
{
    struct evaluator_world *world = self;

    world->beats++;
}

/* ---- all of it --------------------------------------------------------- */

struct evaluator_needs evaluator_world_needs(struct evaluator_world *world)
{
    static char someone[] = "someone@example.com", pager[] = "pager",
                *addresses[] = { someone };
    static struct webhook webhooks[] = { { .name = pager } };
    static const struct receivers receivers = { .has_mail = true,
                                                .mail_to = addresses,
                                                .n_mail_to = 1,
                                                .webhooks = webhooks,
                                                .n_webhooks = 1 };

    return (struct evaluator_needs){
        .ask = ask,
        .paint = paint,
        .recur = recur,
        .keep = keep,
        .recall = recall,
        .send = send_one,
        .beat = beat,
        .flushed_s = flushed_s,
        .lost_s = lost_s,
        .address = address,
        .self = world,
        .receivers = &receivers,
        .ledger = &world->ledger,
        .link = "",
    };
}

void evaluator_world_end(struct evaluator_world *world)
{
    for (size_t i = 0; i < world->n_sent; i++)
        notification_free(world->sent[i]);
    world->n_sent = 0;
}

void evaluator_world_go_to(struct evaluator_world *world, struct evaluator *evaluator,
                           int64_t now_s)
{
    world->now_s = now_s;
    evaluator_tick(evaluator, now_s);
    while (evaluator_step(evaluator, now_s))
        ;
}
