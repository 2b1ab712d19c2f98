/* tests/support/evaluator_world.h: whom an evaluator asks, where nothing else runs.
 *
 * The flusher answers what the test wrote down, at once. There is a disk in memory, which takes
 * what is kept at once, or one by one when the test says so. What is sent stays here. A test
 * puts functions of its own in the place of those of evaluator_world_needs() that it is about.
 * The test's own, zeroed; evaluator_world_end() frees what was sent. */
#ifndef TESTS_SUPPORT_EVALUATOR_WORLD_H
#define TESTS_SUPPORT_EVALUATOR_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flush/notify/notify_ledger.h"
#include "server/monitors/evaluator.h"

enum { WORLD_SENT_MAX = 256, WORLD_DISK_MAX = 64, WORLD_QUEUE_MAX = 256 };

struct world_entry {
    char kind[16], name[128], text[8192];
    void (*kept)(void *argument); /* NULL: nobody waits for it */
    void *argument;
};

struct evaluator_world {
    int64_t now_s, lost_s;
    char groups[1024]; /* of the next answers; "!": none comes */
    char checks[1024];
    const char *occurrences; /* NULL: there is no calendar */
    const char *address;     /* of each host; NULL: it is not known */
    const char *host_tags;   /* the answer about all of them; NULL: it fails */
    int asked, asked_host_tags, beats;
    uint32_t n_recalled; /* what receivers got before, by what the evaluator said */
    int64_t digest_s;    /* ... and when one of them a digest */
    struct notification *sent[WORLD_SENT_MAX]; /* owned */
    size_t n_sent;
    bool is_disk_slow;
    bool keeps_told; /* the disk has room for the history of notifications, too */
    struct world_entry disk[WORLD_DISK_MAX]; /* what is on it */
    size_t n_disk;
    struct world_entry queue[WORLD_QUEUE_MAX]; /* what is on the way there */
    size_t n_queue;
    struct notify_ledger ledger;
};

/* Mail goes to someone@example.com, and there is webhook-pager. start_s is 0, link empty. */
struct evaluator_needs evaluator_world_needs(struct evaluator_world *world);
void evaluator_world_end(struct evaluator_world *world);

/* It is that time, and all that is due is done. */
void evaluator_world_go_to(struct evaluator_world *world, struct evaluator *evaluator,
                           int64_t now_s);

/* The first of what is on the way gets to the disk, or all of it, and what follows at once. */
void evaluator_world_disk_takes_one(struct evaluator_world *world);
void evaluator_world_disk_answers(struct evaluator_world *world);

/* An evaluator that begins is told what is on the disk. */
void evaluator_world_restore(const struct evaluator_world *world, struct evaluator *evaluator);

#endif
