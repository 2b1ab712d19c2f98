#include "tests/support/redis_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { GUARD_S = 60, MAX_WORDS = 16 };

static void up(void *argument)
{
    struct talk *talk = argument;

    assert_int_equal(redis_client_pending(talk->client), 0);
    talk->ups++;
    if (talk->on_up != NULL)
        talk->on_up(talk);
}

static void set_fate(struct talk *talk, uint64_t tag, char fate)
{
    assert_true(tag < TALK_KEPT);
    talk->fates[tag] = fate;
    talk->settled++;
}

static void reply(void *argument, uint64_t tag, const redisReply *view)
{
    struct talk *talk = argument;

    talk->replies++;
    talk->errors += view->type == REDIS_REPLY_ERROR;
    talk->last_tag = tag;
    set_fate(talk, tag, 'r');
    if (view->type == REDIS_REPLY_INTEGER)
        snprintf(talk->last, sizeof talk->last, "%lld", view->integer);
    else
        snprintf(talk->last, sizeof talk->last, "%s", view->str != NULL ? view->str : "");
}

static void failed(void *argument, uint64_t tag)
{
    struct talk *talk = argument;

    talk->failed++;
    set_fate(talk, tag, 'f');
}

static void writable(void *argument)
{
    ((struct talk *)argument)->writables++;
}

static void down(void *argument, enum redis_failure failure, const char *sentence)
{
    struct talk *talk = argument;

    assert_int_equal(redis_client_pending(talk->client), 0);
    talk->downs++;
    talk->failure = failure;
    snprintf(talk->sentence, sizeof talk->sentence, "%s", sentence);
}

static void give_up(evutil_socket_t fd, short what, void *argument)
{
    struct talk *talk = argument;
    (void)fd, (void)what;

    fail_msg("hangs: %d ups, %d downs, %d replies, %d failed; %s", talk->ups, talk->downs,
             talk->replies, talk->failed, talk->sentence);
}

static const struct redis_client_events events = { up, reply, failed, writable, down };

void talk_start(struct talk *talk, struct redis_client_config config)
{
    char problem[256];

    if (talk->base == NULL)
        talk->base = event_base_new();
    config.retry_min_ms = config.retry_min_ms > 0 ? config.retry_min_ms : 2;
    config.retry_max_ms = config.retry_max_ms > 0 ? config.retry_max_ms : 50;
    talk->client =
        redis_client_new(talk->base, &config, &events, talk, problem, sizeof problem);
    if (talk->client == NULL)
        fail_msg("%s: %s", config.url, problem);
    talk->guard = evtimer_new(talk->base, give_up, talk);
}

void talk_stop(struct talk *given)
{
    redis_client_free(given->client);
    event_free(given->guard);
    event_base_free(given->base);
}

void talk_until(struct talk *talk, const int *count, int n)
{
    evtimer_add(talk->guard, &(struct timeval){ .tv_sec = GUARD_S });
    while (*count < n)
        event_base_loop(talk->base, EVLOOP_ONCE);
    evtimer_del(talk->guard);
}

void talk_turn(struct talk *talk)
{
    event_base_loop(talk->base, EVLOOP_NONBLOCK);
}

bool talk_send(struct talk *talk, uint64_t tag, const char *word, ...)
{
    const char *words[MAX_WORDS] = { word };
    char *command;
    int n = 1;
    va_list list;

    va_start(list, word);
    while (n < MAX_WORDS && (words[n] = va_arg(list, const char *)) != NULL)
        n++;
    va_end(list);
    int len = redisFormatCommandArgv(&command, n, words, NULL);
    bool sent = redis_client_send(talk->client, command, (size_t)len,
                                  slice_of(n > 1 ? words[1] : ""), tag);

    redisFreeCommand(command);
    return sent;
}
