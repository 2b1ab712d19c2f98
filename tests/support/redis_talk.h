/* tests/support/redis_talk.h: a client under test, its loop, and what it said. */
#ifndef TESTS_SUPPORT_REDIS_TALK_H
#define TESTS_SUPPORT_REDIS_TALK_H

#include "flush/redis/redis_client.h"

enum { TALK_KEPT = 65536 };

struct talk {
    struct event_base *base;
    struct redis_client *client;
    struct event *guard; /* ends a test that hangs */
    int ups, downs, replies, errors, failed, writables;
    int settled; /* replied or failed */
    uint64_t last_tag;
    char last[256]; /* text of the last reply */
    enum redis_failure failure;
    char sentence[1024];
    char fates[TALK_KEPT]; /* by tag: 'r' replied, 'f' failed */
    void (*on_up)(struct talk *);
};

/* Short time-outs and waits where config has none. The texts are views. */
void talk_start(struct talk *talk, struct redis_client_config config);
void talk_stop(struct talk *given);

/* Turns the loop until *count is at least n; fails after a minute. */
void talk_until(struct talk *talk, const int *count, int n);

/* Turns the loop for what there is to do now. */
void talk_turn(struct talk *talk);

/* Words up to a NULL; the second is the key. */
bool talk_send(struct talk *talk, uint64_t tag, const char *word, ...)
    __attribute__((sentinel));

#endif
